"""The verbs of the front door: load_spec, check, plan, assemble, save, load."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from . import inherit
from .complaints import problems as complaints
from .document import Text
from .errors import Problem, SpecError
from .origins import Origin, origins
from .places import Origins, amended, in_reading_order, located
from .plans import Plan
from .registry import Registry, default_registry
from .source import Document
from .spec import Spec
from .unet import plan_of

if TYPE_CHECKING:
    from .module import UNet

Source = str | os.PathLike[str] | Mapping[str, Any] | Text | Spec


def load_spec(
    source: Source, *, overrides: Sequence[str] = (), registry: Registry | None = None
) -> Spec:
    """A validated spec; raises SpecError with every complaint, each at its line.

    Arguments:
        source: A path, a mapping, YAML text (which has more than one line), or the Text of a file.
        overrides: As on the command line: ``encoder.0.channels=64``. In a Spec everything is
            written out, row by row, so that what its rows share has to be overridden in each.
        registry: The components it may name; those installed by default.

    Examples:
        >>> spec = load_spec({"archkit": 1, "name": "tiny", "encoder": [{"channels": 32}]})
        >>> spec.encoder[0].block.norm.groups
        32
    """
    if isinstance(source, Spec) and not overrides:
        return source
    registry = registry or default_registry()
    return spec_document(read(source, overrides, registry), registry)


def spec_document(document: Document, registry: Registry) -> Spec:
    """The spec of a document; complaints are located in it."""
    return _validated(document, registry)[0]


def origins_document(document: Document, registry: Registry) -> list[Origin]:
    """Each value of the spec of a document, and the line or the flag that it came from."""
    spec, filled = _validated(document, registry)
    return origins(spec, document, filled)


def read(
    source: Source, overrides: Sequence[str] = (), registry: Registry | None = None
) -> Document:
    """The document behind a source, with `extends`, `set` and overrides applied."""
    plain = source.data() if isinstance(source, Spec) else source
    offered = registry or default_registry()
    known = offered.extras("spec")
    return inherit.load(plain, overrides=overrides, library=offered.spec, known=known)


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
    return plan_document(read(spec, (), registry), size, registry)


def plan_document(
    document: Document, size: int | tuple[int, ...] | None, registry: Registry
) -> Plan:
    """The plan of a document; complaints are located in it.

    Where one word mends each complaint of what the document says, those of what it would then say
    are told in the same breath.
    """
    try:
        spec, origins = _validated(document, registry)
    except SpecError as error:
        mended = amended(document, error.problems)
        if mended is None:
            raise
        raise SpecError([*error.problems, *_problems(mended, size, registry)]) from None
    space = _space(spec, size)
    try:
        return plan_of(spec, space)
    except SpecError as error:
        raise SpecError(located(error.problems, document, origins)) from None


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
    registry = registry or default_registry()
    try:
        document = read(source, overrides, registry)
    except SpecError as error:
        return list(error.problems)
    found = _problems(document, size, registry)
    return in_reading_order([*document.warnings, *found])


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

    Raises WeightError for a file that is broken, or was not written by archkit, and SpecError
    where a plugin is missing that its spec names.
    """
    from .weights import files

    document, tensors = files.read(Path(path))
    drawn = plan_document(document, None, registry or default_registry())
    model = assemble(drawn, initialise=False)
    files.fill(model, tensors, str(path))
    return model


def _validated(document: Document, registry: Registry) -> tuple[Spec, Origins]:
    """The spec of a document, and where each of its places came from."""
    context: dict[str, Any] = {"registry": registry, "origins": {}}
    try:
        return Spec.model_validate(document.data, context=context), context["origins"]
    except ValidationError as error:
        found = complaints(error, context.get("filled", document.data), registry)
        raise SpecError(located(found, document, context["origins"])) from None


def _problems(
    document: Document, size: int | tuple[int, ...] | None, registry: Registry
) -> Sequence[Problem]:
    """Everything that is wrong with a document."""
    try:
        drawn = plan_document(document, size, registry)
    except SpecError as error:
        return error.problems
    return [document.locate(problem) for problem in _miscounted(drawn)]


def _space(spec: Spec, size: int | tuple[int, ...] | None) -> tuple[int, ...] | None:
    dims = len(spec.input.space)
    if size is None:
        return None
    frames = () if spec.input.frames is None else (spec.input.frames,)
    space = (size,) if isinstance(size, int) else tuple(size)
    if len(space) == 1:
        space *= dims - len(frames)
    if len(space) == dims - len(frames):
        space = (*frames, *space)
    if len(space) != dims or min(space) < 1:
        what = f"a size of {len(space)} axes was asked for, and this network has {dims}"
        mend = "give one number for every axis, or one for each"
        raise SpecError([Problem("size", what, mend)])
    return space


def _miscounted(drawn: Plan) -> list[Problem]:
    """The expected parameter count, compared with the plan's, when all of it is counted."""
    expected, counted = drawn.spec.parameters, drawn.cost.parameters
    if expected in (None, counted) or drawn.uncounted:
        return []
    mend = f"correct the spec, or say `parameters: {counted}`"
    what = f"this network has {counted:,} parameters, and {expected:,} are expected"
    return [Problem("parameter-count", what, mend, ("parameters",))]
