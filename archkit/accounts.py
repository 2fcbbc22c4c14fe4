"""The verbs of numbers: report and diff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import api
from .errors import ArchkitError
from .plans import Plan
from .reports.differences import compare
from .reports.figures import DTYPES
from .reports.tally import tally

if TYPE_CHECKING:
    from .api import Source
    from .registry import Registry
    from .reports.differences import Comparison
    from .reports.figures import Report


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
    measured, rate = {}, None
    if measure and drawn.uncounted:
        from .measures.alone import alone

        measured = {path: alone(drawn[path]) for path in drawn.uncounted}
    if device is not None:
        from .measures.rates import measured_rate

        rate = measured_rate(device, dtype)
    return tally(drawn, batch=batch, dtype=dtype, measured=measured, rate=rate)


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
