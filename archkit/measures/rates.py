"""How fast a device computes, measured in a second: for estimates of time."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor
from torch.nn import functional

from ..diffusion.devices import usable
from ..reports.figures import Rate

_SECONDS = 0.25


def measured_rate(device: str, dtype: str = "float32", *, width: int = 512) -> Rate:
    """MACs a second of a matrix product and of a 3×3 convolution, `width` channels each.

    Every run is waited for; the median of the runs counts. Raises DiffusionError for a device
    that is not there.

    Arguments:
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``, as torch calls it, or ``auto``.
    """
    device = usable(device)
    numbers: torch.dtype = getattr(torch, dtype)
    side = 32
    x = torch.randn(1, width, side, side, device=device).to(numbers)
    kernel = torch.randn(width, width, 3, 3, device=device).to(numbers)
    rows, square = torch.randn(2, 4 * width, width, device=device).to(numbers)
    with torch.inference_mode():
        convolved = _seconds(lambda: functional.conv2d(x, kernel, padding=1), device)
        multiplied = _seconds(lambda: rows @ square[:width].T, device)
    return Rate(
        device=_name(device),
        dtype=dtype,
        matrix=4 * width**3 / multiplied,
        convolution=9 * width**2 * side**2 / convolved,
    )


def _seconds(run: Callable[[], Tensor], device: str) -> float:
    """The median time of a run, after one to warm up."""
    spent: list[float] = []
    run()
    _wait(device)
    until = time.perf_counter() + _SECONDS
    while len(spent) < 3 or time.perf_counter() < until:
        start = time.perf_counter()
        run()
        _wait(device)
        spent.append(time.perf_counter() - start)
    return median(spent)


def _wait(device: str) -> None:
    getattr(torch, device.partition(":")[0]).synchronize()


def _name(device: str) -> str:
    if device.startswith("cuda"):
        return str(torch.cuda.get_device_name(device))
    threads = torch.get_num_threads() if device == "cpu" else 0
    return device + f", {threads} thread{'s' * (threads > 1)}" * bool(threads)
