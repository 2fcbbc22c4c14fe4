"""Networks of others as ours: a foreign config and state dict become a spec and its weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from torch import Tensor

from ..api import assemble, load_spec
from ..errors import WeightError
from ..importer import Codebase, Config, Importer, Shapes
from ..registry import Registry, default_registry
from ..spec import Spec
from . import mapping
from .rules import Ledger, account, changed


@dataclass(frozen=True)
class Import:
    """A network that was read.

    Arguments:
        spec: What it is.
        state: Its weights by our names; empty where only a config was given.
        ledger: What became of every foreign tensor.
    """

    spec: Spec
    state: Mapping[str, Tensor]
    ledger: Ledger


def read(
    config: Config | None = None,
    state: Mapping[str, Tensor] | None = None,
    family: str | None = None,
    registry: Registry | None = None,
) -> Import:
    """A foreign network; raises SpecError for its config and WeightError for its weights.

    Arguments:
        config: The options it was made with; found from the weights where that is possible.
        state: Its state dict; may be left out.
        family: Which importer reads it; found from the other two where that is possible.
        registry: The importers; those installed by default.
    """
    registry = registry or default_registry()
    shapes = {name: tuple(tensor.shape) for name, tensor in (state or {}).items()}
    importer = _importer(config, shapes, family, registry)
    if config is None:
        config = importer.finds(shapes)
    if config is None:
        raise WeightError(
            f"the names and shapes of these weights do not tell the config of a {importer.type} "
            "network; give it with `config`"
        )
    spec = load_spec(_ordered(importer.spec(config)), registry=registry)
    if state is None:
        return Import(spec, {}, Ledger((), ()))
    return Import(spec, *_converted(spec, state, importer.codebase(config), registry))


def _importer(
    config: Config | None, shapes: Shapes, family: str | None, registry: Registry
) -> Importer:
    known = cast("dict[str, Callable[[], Importer]]", registry.components("importer"))
    if family is not None:
        if family not in known:
            listed = ", ".join(known)
            raise WeightError(f"no importer is called `{family}`; there are {listed}")
        return known[family]()
    made = [make() for make in known.values()]
    if config is not None:
        found = [importer for importer in made if importer.reads(config)]
    else:
        found = [importer for importer in made if importer.finds(shapes) is not None]
    if len(found) == 1:
        return found[0]
    what = "nothing tells" if not found else "more than one importer claims"
    listed = ", ".join(f.type for f in found) or ", ".join(known)
    raise WeightError(f"{what} the family of this network; say it with `family`: {listed}")


def _ordered(says: Mapping[str, object]) -> dict[str, object]:
    """The keys in the order in which the vocabulary has them."""
    order = {key: place for place, key in enumerate(Spec.model_fields)}
    return dict(sorted(says.items(), key=lambda item: order.get(item[0], len(order))))


def _converted(
    spec: Spec, state: Mapping[str, Tensor], codebase: Codebase, registry: Registry
) -> tuple[dict[str, Tensor], Ledger]:
    model = assemble(spec, registry=registry, initialise=False)
    ours = model.state_dict()
    inside, outside = _unwrapped(state, codebase)
    ledger = account(inside, ours, mapping.rules(model, codebase), mapping.dropped(codebase))
    whole = Ledger(ledger.filled, (*ledger.dropped, *outside))
    return dict(changed(inside, ours, ledger)), whole


def _unwrapped(
    state: Mapping[str, Tensor], codebase: Codebase
) -> tuple[Mapping[str, Tensor], list[tuple[str, str]]]:
    """The tensors of the network inside a larger checkpoint, and what else is in it."""
    for prefix in codebase.inside:
        if any(name.startswith(prefix) for name in state):
            size = len(prefix)
            inside = {name[size:]: t for name, t in state.items() if name.startswith(prefix)}
            outside = [name for name in state if not name.startswith(prefix)]
            return inside, [(name, f"it does not belong to `{prefix}`") for name in outside]
    return state, []
