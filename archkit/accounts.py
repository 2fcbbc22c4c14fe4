"""The verbs that tell of a network: draw, report and diff."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Unpack

from . import api
from .document import Text
from .errors import ArchkitError
from .plans import Plan
from .registry import default_registry
from .reports.differences import compare
from .reports.figures import DTYPES
from .reports.tally import tally
from .spec import Spec

if TYPE_CHECKING:
    from .api import Source
    from .drawing import Drawing, StyleOptions
    from .module import UNet
    from .registry import Registry
    from .reports.differences import Comparison
    from .reports.figures import Report


def draw(
    source: Source | Plan | UNet,
    size: int | tuple[int, ...] | None = None,
    *,
    before: Source | Plan | UNet | None = None,
    measure: bool = False,
    registry: Registry | None = None,
    **style: Unpack[StyleOptions],
) -> Drawing:
    """A picture of a network, drawn from its plan; imports no torch, unless it is to measure.

    Arguments:
        source: A Spec, a Plan, a model, or whatever `load_spec` takes.
        size: Spatial size instead of the spec's own.
        before: Another network; what differs from it is marked.
        measure: Count plugin components that state no cost on torch's meta device.
        style: As `archkit.drawing.Style` has it: ``detail="stage"``, ``theme="dark"``, …

    Raises:
        SpecError: Where a spec does not fit.
        DrawingError: Where the style is none.
        PluginError: Where a component can't be measured.

    Examples:
        >>> tiny = {"archkit": 1, "name": "tiny", "encoder": [{"channels": 32}]}
        >>> draw(tiny).scene.title
        'tiny'
    """
    from .drawing import Drawing, Style

    def planned(given: Source | Plan | UNet) -> Plan:
        if isinstance(given, Spec | str | os.PathLike | Mapping | Text):
            given = api.plan(given, size, registry=registry)
        return counted(given if isinstance(given, Plan) else given.plan, measure)

    writers = (registry or default_registry()).writers()
    first = None if before is None else planned(before)
    return Drawing(planned(source), Style(**style), first, writers)


def report(
    source: Source | Plan,
    size: int | tuple[int, ...] | None = None,
    *,
    batch: int = 1,
    dtype: str = "float32",
    measure: bool = False,
    device: str | None = None,
    registry: Registry | None = None,
) -> Report:
    """Parameters, MACs, memory and receptive fields of a network, as plain data.

    Imports no torch, unless it is to measure.

    Arguments:
        source: A Plan, a Spec, or whatever `load_spec` takes.
        size: Spatial size instead of the spec's own.
        batch: Samples at once.
        dtype: Of weights and activations: float64, float32, bfloat16 or float16.
        measure: Count plugin components that state no cost on torch's meta device.
        device: Estimate times for this device, by its rate measured now: ``cpu``, ``cuda``, …

    Examples:
        >>> counted = report({"archkit": 1, "name": "tiny", "encoder": [{"channels": 32}]})
        >>> counted.parameters, counted.macs, str(counted.bottleneck)
        (215907, 168542208, '19×19')
    """
    if dtype not in DTYPES:
        raise ArchkitError(f"`{dtype}` is no type of numbers here; use {', '.join(DTYPES)}")
    if batch < 1:
        raise ArchkitError(f"a batch of {batch} is none; use 1 or more")
    drawn = source if isinstance(source, Plan) else api.plan(source, size, registry=registry)
    rate = None
    if device is not None:
        from .measures.rates import measured_rate

        rate = measured_rate(device, dtype)
    return tally(counted(drawn, measure), batch=batch, dtype=dtype, rate=rate)


def counted(plan: Plan, measure: bool) -> Plan:
    """The plan; if it is to be measured, with the cost of all nodes."""
    if not (measure and plan.uncounted):
        return plan
    from .measures.alone import measured

    return measured(plan)


def diff(
    before: Source | Plan, after: Source | Plan, *, registry: Registry | None = None
) -> Comparison:
    """What differs between two networks: in their resolved specs, and in numbers.

    Examples:
        >>> tiny = {"archkit": 1, "name": "tiny", "encoder": [{"channels": 32}]}
        >>> wider = {**tiny, "encoder": [{"channels": 64}]}
        >>> print(*diff(tiny, wider).spec)
        encoder.0.channels: 32 → 64
        >>> diff(tiny, {**tiny, "name": "other"}).same
        True
    """
    pair = [
        side if isinstance(side, Plan) else api.plan(side, registry=registry)
        for side in (before, after)
    ]
    return compare(*pair)
