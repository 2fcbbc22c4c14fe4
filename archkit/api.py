"""The verbs of the front door: load_spec, check, plan, assemble, save, load."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from . import inherit, zoo
from .complaints import problems as complaints
from .errors import Problem, SpecError, SpecPath
from .plans import Plan
from .registry import Registry, default_registry
from .source import Document
from .spec import Spec
from .unet import plan_of

if TYPE_CHECKING:
    from .module import UNet

Source = str | os.PathLike[str] | Mapping[str, Any] | Spec
Origins = Mapping[SpecPath, SpecPath | None]


def load_spec(
    source: Source, *, overrides: Sequence[str] = (), registry: Registry | None = None
) -> Spec:
    """A validated spec; raises SpecError with every complaint, each at its line.

    Arguments:
        source: A path, a mapping, or YAML text (which has more than one line).
        overrides: As on the command line: ``encoder.0.channels=64``.
        registry: The components it may name; those installed by default.

    Examples:
        >>> spec = load_spec({"archkit": 1, "name": "tiny", "encoder": [{"channels": 32}]})
        >>> spec.encoder[0].block.norm.groups
        32
    """
    if isinstance(source, Spec) and not overrides:
        return source
    document = read(source, overrides)
    return _validated(document, registry or default_registry())[0]


def read(source: Source, overrides: Sequence[str] = ()) -> Document:
    """The document behind a source, with `extends`, `set` and overrides applied."""
    plain = source.data() if isinstance(source, Spec) else source
    return inherit.load(plain, overrides=overrides, library=zoo.find, known=zoo.names())


def plan(
    spec: Source, size: int | tuple[int, ...] | None = None, *, registry: Registry | None = None
) -> Plan:
    """The network on paper; raises SpecError where it does not fit. Imports no torch.

    Arguments:
        spec: A Spec, or whatever `load_spec` takes.
        size: Spatial size instead of the spec's own; one number stands for every axis.

    Examples:
        >>> plan({"archkit": 1, "name": "tiny", "encoder": [{"channels": 32}]}).output
        3×32×32
    """
    registry = registry or default_registry()
    if isinstance(spec, Spec):
        return plan_of(spec, _space(spec, size))
    return plan_document(read(spec), size, registry)


def plan_document(
    document: Document, size: int | tuple[int, ...] | None, registry: Registry
) -> Plan:
    """The plan of a document; complaints are located in it."""
    spec, origins = _validated(document, registry)
    try:
        return plan_of(spec, _space(spec, size))
    except SpecError as error:
        raise SpecError(_located(error.problems, document, origins)) from None


def check(
    source: Source,
    size: int | tuple[int, ...] | None = None,
    *,
    overrides: Sequence[str] = (),
    registry: Registry | None = None,
) -> list[Problem]:
    """Everything that is wrong with a spec, structure and shapes; empty if nothing is.

    Warnings are among them, with ``severity="warning"``. Imports no torch.
    """
    try:
        document = read(source, overrides)
    except SpecError as error:
        return list(error.problems)
    try:
        drawn = plan_document(document, size, registry or default_registry())
    except SpecError as error:
        return [*document.warnings, *error.problems]
    return [*document.warnings, *map(document.locate, _miscounted(drawn))]


def assemble(
    source: Source | Plan, *, registry: Registry | None = None, initialise: bool = True
) -> UNet:
    """The network in torch.

    Arguments:
        source: A Spec, a Plan, or whatever `load_spec` takes.
        initialise: False leaves every tensor on the meta device, without memory or values; give
            it weights with ``model.load_state_dict(weights, assign=True)``.

    Examples:
        >>> import torch
        >>> tiny = assemble({"archkit": 1, "name": "tiny", "encoder": [{"channels": 32}]})
        >>> tiny(torch.zeros(2, 3, 32, 32), torch.tensor([0.1, 0.9])).shape
        torch.Size([2, 3, 32, 32])
    """
    from .module import UNet
    from .weights.blank import blank

    drawn = source if isinstance(source, Plan) else plan(source, registry=registry)
    if initialise:
        return UNet(drawn)
    with blank():
        return UNet(drawn)


def save(model: UNet, path: str | os.PathLike[str]) -> None:
    """Writes the weights as safetensors, with the resolved spec inside; whole or not at all."""
    from .weights import files

    files.save(model, Path(path))


def load(path: str | os.PathLike[str], *, registry: Registry | None = None) -> UNet:
    """The model that `save` wrote; its tensors are mapped from the file, not copied.

    Raises WeightError for a file that is broken, or was not written by archkit.
    """
    from .weights import files

    data, tensors = files.read(Path(path))
    model = assemble(data, registry=registry, initialise=False)
    files.fill(model, tensors, str(path))
    return model


def _validated(document: Document, registry: Registry) -> tuple[Spec, Origins]:
    """The spec of a document, and where each of its places came from."""
    context: dict[str, Any] = {"registry": registry, "origins": {}}
    try:
        return Spec.model_validate(document.data, context=context), context["origins"]
    except ValidationError as error:
        found = complaints(error, context.get("filled", document.data), registry)
        raise SpecError(_located(found, document, context["origins"])) from None


def _located(found: Iterable[Problem], document: Document, origins: Origins) -> list[Problem]:
    """Each complaint at the place in the text that caused it; one about a value is told once."""
    told: dict[Any, Problem] = {}
    for problem in found:
        place = _traced(problem, origins)
        key = (place.code, place.path)
        first = told.setdefault(key, document.locate(place))
        if first.node and place.node != first.node:
            told[key] = replace(first, more=first.more + 1)
    return list(told.values())


def _traced(problem: Problem, origins: Origins) -> Problem:
    """The problem at the place its value came from; a default is told where it applies."""
    for end in range(len(problem.path), 0, -1):
        origin = origins.get(problem.path[:end])
        if origin is not None:
            return replace(problem, path=(*origin, *problem.path[end:]))
    return problem


def _space(spec: Spec, size: int | tuple[int, ...] | None) -> tuple[int, ...] | None:
    dims = len(spec.input.space)
    if size is None:
        return None
    space = (size,) * dims if isinstance(size, int) else tuple(size)
    if len(space) == 1:
        space *= dims
    if len(space) != dims or min(space) < 1:
        shown = ",".join(map(str, space))
        raise SpecError(
            [Problem("size", f"the size {shown} is not one for {dims} axes", "", ("input", "size"))]
        )
    return space


def _miscounted(drawn: Plan) -> list[Problem]:
    """The expected parameter count, compared with the plan's, when all of it is counted."""
    expected, counted = drawn.spec.parameters, drawn.cost.parameters
    if expected in (None, counted) or drawn.uncounted:
        return []
    what = f"this network has {counted:,} parameters, and {expected:,} are expected"
    return [Problem("parameter-count", what, "correct the spec or the number", ("parameters",))]
