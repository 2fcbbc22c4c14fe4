"""Networks of others as ours: a foreign config and state dict become a spec and its weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from .api import assemble, load_spec, plan
from .errors import SpecError, WeightError
from .importer import Config, Importer, Shapes
from .registry import Registry, default_registry
from .spec import Spec

if TYPE_CHECKING:
    from torch import Tensor

    from .weights.rules import Changed, Ledger


@dataclass(frozen=True)
class Import:
    """A network that was read.

    Arguments:
        says: Its spec as one would write it.
        spec: The same with every default.
        state: Its weights by our names, each made when it is asked for; None where only a config
            was given.
        ledger: What became of every foreign tensor; None without weights.
        family: The importer that read it.
        beside: Other families whose network stands beside it, and was not read.
    """

    says: Mapping[str, Any]
    spec: Spec
    state: Changed | None = None
    ledger: Ledger | None = None
    family: str = ""
    beside: tuple[str, ...] = ()


def convert(
    *,
    config: Mapping[str, Any] | None = None,
    state_dict: Mapping[str, Tensor] | None = None,
    family: str | None = None,
    registry: Registry | None = None,
) -> tuple[Spec, Mapping[str, Tensor]]:
    """A network of another codebase as a spec, and its weights by our names.

    Raises SpecError for an option without counterpart, and WeightError for weights that are not
    those of the spec; every tensor of theirs is accounted for.

    Arguments:
        config: The options it was made with, such as diffusers' config.json; what is left out
            has the original's defaults. Where it is None, the weights have to tell.
        state_dict: Its weights; where it is None, none come back.
        family: The importer, where neither of the two says whose the network is; see
            ``archkit components importer``.
        registry: The importers; those installed by default.

    Examples:
        >>> config = {"_class_name": "UNet2DModel", "block_out_channels": [32, 32, 64, 64]}
        >>> spec, weights = convert(config=config)
        >>> [stage.channels for stage in spec.encoder], weights
        ([32, 32, 64, 64], {})
    """
    found = read_foreign(config, state_dict, family, registry)
    return found.spec, dict(found.state or {})


def read_foreign(
    config: Config | None = None,
    state: Mapping[str, Tensor] | None = None,
    family: str | None = None,
    registry: Registry | None = None,
    name: str | None = None,
) -> Import:
    """The same as `convert`, with the spec as one would write it and the ledger.

    Without weights it imports no torch. Of weights only names and shapes are looked at, until a
    tensor is asked for.

    Arguments:
        config, state, family, registry: As in `convert`.
        name: What the spec is called; the importer's choice by default.
    """
    registry = registry or default_registry()
    shapes = {name: tuple(tensor.shape) for name, tensor in (state or {}).items()}
    importer, beside = _importer(config, shapes, family, registry)
    told = importer.told(config, shapes)
    if told is None:
        raise WeightError(
            f"the names and shapes of these weights do not tell the config of a {importer.type} "
            "network; give it with `config`"
        )
    says = {**importer.spec(told), **({"name": name} if name else {})}
    drawn = plan(load_spec(_ordered(says), registry=registry))
    if not drawn.uncounted:
        says["parameters"] = drawn.cost.parameters
    spec = drawn.spec.model_copy(update={"parameters": says.get("parameters")})
    says = _ordered(says)
    if state is None:
        return Import(says, spec, family=importer.type, beside=beside)
    from .weights.mapping import adopted

    model = assemble(replace(drawn, spec=spec), initialise=False)
    try:
        weights = adopted(model, state, importer.codebase(told))
        return Import(says, spec, *weights, family=importer.type, beside=beside)
    except WeightError as error:
        found = importer.finds(shapes) or {}
        differ = _differing(spec, importer, {**told, **found}, registry) if found else []
        raise WeightError("\n  ".join([str(error), *differ])) from None


def _differing(spec: Spec, importer: Importer, told: Config, registry: Registry) -> list[str]:
    """In which words of the spec the weights are of another network, as far as they tell."""
    from .reports.differences import compare

    try:
        other = load_spec(_ordered(importer.spec(told)), registry=registry)
        found = compare(plan(spec), plan(other)).spec
    except SpecError:
        return []
    return ["the spec → that of the weights:", *(f"  {each}" for each in found)] if found else []


def _importer(
    config: Config | None, shapes: Shapes, family: str | None, registry: Registry
) -> tuple[Importer, tuple[str, ...]]:
    """Who reads a network, and the families of those beside it that are left out."""
    known = cast("dict[str, Callable[[], Importer]]", registry.components("importer"))
    if family is not None:
        if family not in known:
            listed = ", ".join(known)
            raise WeightError(f"no importer is called `{family}`; there are {listed}")
        return known[family](), ()
    made = [make() for make in known.values()]
    found = [] if config is None else [each for each in made if each.reads(config)]
    if not found and shapes:
        found = [importer for importer in made if importer.finds(shapes) is not None]
    behind = {family for importer in found for family in importer.before}
    first = [importer for importer in found if importer.type not in behind]
    if len(first) == 1:
        return first[0], tuple(i.type for i in found if i.type in behind)
    what = "nothing tells" if not found else "more than one importer claims"
    listed = ", ".join(f.type for f in found) or ", ".join(known)
    raise WeightError(f"{what} the family of this network; say it with `family`: {listed}")


def _ordered(says: Mapping[str, object]) -> dict[str, object]:
    """The keys in the order in which the vocabulary has them."""
    order = {key: place for place, key in enumerate(Spec.model_fields)}
    return dict(sorted(says.items(), key=lambda item: order.get(item[0], len(order))))
