"""Medians of interleaved runs: what drifts on a busy machine hits every candidate alike."""

from __future__ import annotations

import gc
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

Candidates = Mapping[str, Callable[[], object]]


def interleaved(candidates: Candidates, rounds: int = 9) -> dict[str, float]:
    """Median CPU seconds of each candidate; run in turn, the order turned round every time."""
    names = list(candidates)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for name in names:
        candidates[name]()
    gc.collect()
    for turn in range(rounds):
        for name in names if turn % 2 else reversed(names):
            start = time.process_time()
            candidates[name]()
            seconds[name].append(time.process_time() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def process(command: Sequence[str]) -> tuple[float, float]:
    """CPU seconds and peak memory (MiB) of a fresh process; raises if it fails."""
    child = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=quiet_environment()
    )
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        assert child.stderr
        raise RuntimeError(child.stderr.read().decode()[-2000:])
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def quiet_environment() -> dict[str, str]:
    """This environment with one thread, no network, no warnings, and compiled modules kept."""
    quiet = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **quiet}


def peak_mib() -> float:
    """The most memory this process has had (MiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def python(code: str) -> list[str]:
    """The command that runs code in a fresh interpreter."""
    return [sys.executable, "-c", code]


def table(rows: Sequence[Sequence[object]]) -> str:
    """Rows as aligned columns, the first row being their names."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )
