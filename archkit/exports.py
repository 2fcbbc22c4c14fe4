"""Networks of ours as other codebases have them: a config and a file of weights."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from .api import assemble, load_spec
from .errors import Problem, SpecError, WeightError
from .files import whole
from .importer import Importer
from .plans import Plan
from .registry import Registry, default_registry

if TYPE_CHECKING:
    from torch import nn

    from .module import UNet
    from .weights.inversion import Undone

_PLAIN = (bool, int, float, str, tuple, type(None))


def export(
    model: UNet,
    folder: str | os.PathLike[str],
    family: str = "diffusers",
    *,
    registry: Registry | None = None,
) -> None:
    """Writes a model as another codebase has it; importing that gives the same tensors.

    Raises SpecError where theirs can't say the same network, and WeightError for a family that
    nothing is written for.

    Arguments:
        model: Ours.
        folder: Where the config and the weights go.
        family: The importer whose tables are used.
        registry: The importers; those installed by default.
    """
    registry = registry or default_registry()
    importer, config, state = exported(model, family, registry)
    from .weights.stream import write

    with ExitStack() as files:
        into = [Path(folder, name) for name in (importer.config_file, importer.weights_file)]
        says, weights = (files.enter_context(whole(path)) for path in into)
        says.write_text(json.dumps(config, indent=2) + "\n")
        write(weights, state, state.outlines(), {"format": "pt"})


def exported(
    model: UNet, family: str, registry: Registry
) -> tuple[Importer, Mapping[str, Any], Undone]:
    """The importer of a family, and the model as its config and tensors."""
    from .weights.inversion import Undone
    from .weights.mapping import rules

    importer = _importer(family, registry)
    config = importer.config(model.plan)
    if config is None:
        raise WeightError(f"nothing is written in the form of {family}; it is only read")
    config, back = _judged(importer, config, family, registry)
    names = _renamed(model.plan, back.plan)
    _compared(model, back, names, family)
    state = {_with(names, name): tensor for name, tensor in model.state_dict().items()}
    codebase = importer.codebase(config)
    undone = Undone(state, rules(back, codebase), importer.outlines(config), codebase.constants)
    return importer, config, undone


def _importer(family: str, registry: Registry) -> Importer:
    known = cast("dict[str, Callable[[], Importer]]", registry.components("importer"))
    if family not in known:
        raise WeightError(f"no importer is called `{family}`; there are {', '.join(known)}")
    return known[family]()


def _judged(
    importer: Importer, config: Mapping[str, Any], family: str, registry: Registry
) -> tuple[Mapping[str, Any], UNet]:
    """A config, and the network that the importer makes of it.

    Options that it refuses are left out, so that the comparison tells of our network, in our
    words, what they are not.
    """

    def read(config: Mapping[str, Any]) -> UNet:
        return assemble(load_spec(importer.spec(config), registry=registry), initialise=False)

    try:
        return config, read(config)
    except SpecError as error:
        refused = {problem.path[0] for problem in error.problems if problem.path}
    rest = {key: value for key, value in config.items() if key not in refused}
    try:
        return rest, read(rest)
    except SpecError as error:
        what = f"{family} has no network that comes near: {error.problems[0].message}"
        raise SpecError([Problem("no-counterpart", what)]) from None


def _renamed(ours: Plan, theirs: Plan) -> dict[str, str]:
    """What conditions are called in theirs, matched by what they are, in the order of the spec."""
    left = dict(theirs.spec.conditioning.conditions)
    names = {}
    for name, condition in ours.spec.conditioning.conditions.items():
        same = [n for n, other in left.items() if other == condition]
        same = same or [n for n, other in left.items() if other.type == condition.type]
        if same:
            names[name] = same[0]
            del left[same[0]]
    return names


def _with(names: Mapping[str, str], path: str) -> str:
    """A path, or the name of an input, with the conditions renamed."""
    head, dot, rest = path.removeprefix("conditioning.").partition(".")
    beside = "conditioning." if path.startswith("conditioning.") else ""
    alone = not beside and not dot
    return f"{beside}{names.get(head, head)}{dot}{rest}" if beside or alone else path


def _compared(ours: UNet, theirs: UNet, names: Mapping[str, str], family: str) -> None:
    """Raises SpecError unless both have the same modules, wired and set alike."""
    back = {theirs: ours for ours, theirs in names.items()}
    mine, other = _outline(ours, {}), _outline(theirs, back)
    apart = [path for path in {**mine, **other} if mine.get(path) != other.get(path)]
    grouped: dict[str, list[str]] = {}
    for place in dict.fromkeys(_node(path, ours.plan) for path in apart):
        node = next((node for node in ours.plan if node.path == place), None)
        grouped.setdefault(node.name if node else "", []).append(place)
    problems = [
        Problem(
            "no-counterpart",
            f"{family} has no `{name}` as this one" if name else f"{family} needs more nodes",
            node=places[0],
            more=len(places) - 1,
        )
        for name, places in grouped.items()
    ]
    if problems:
        raise SpecError(problems)


def _node(path: str, plan: Plan) -> str:
    """The node of ours that a module belongs to; that of theirs where ours has none."""
    known = {node.path for node in plan}
    parts = path.split(".")
    return next((p for n in range(len(parts), 0, -1) if (p := ".".join(parts[:n])) in known), path)


def _outline(model: UNet, names: Mapping[str, str]) -> dict[str, Any]:
    """Every module by its place: its class, its plain settings, and what its node reads."""
    found: dict[str, Any] = {}
    for node in model.plan:
        wide, reads = node.shape.channels, tuple(_with(names, name) for name in node.inputs)
        for name, module in model.get_submodule(node.path).named_modules(prefix=node.path):
            found[_with(names, name)] = (type(module), _settings(module), reads, wide)
    return found


def _settings(module: nn.Module) -> dict[str, Any]:
    return {
        key: value
        for key, value in vars(module).items()
        if isinstance(value, _PLAIN) and key != "training"
    }
