"""`archkit draw` and `archkit show` against torchview, torchinfo and fvcore, all from a cold start.

Every tool gets the same networks, in processes of their own that do all a user waits for: import,
read or build (on the meta device, without initialisers), analyse, write a file. The median of
`--rounds` runs in turn; CPU seconds include those of Graphviz, which torchview needs (at depth 3,
its default, it lays out for minutes). fvcore traces real tensors, and is not run on SDXL, whose
weights alone are 10 GB.

Target: an overview of Stable Diffusion 1.5 in 0.35 s, the numbers of SDXL in 0.35 s and 60 MB, and
in 5 ms within a process; parameters and MACs those of torch's dispatcher.

Needs the peers (`pip install '.[benchmarks]'`) and Graphviz' `dot`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from peers import CLASSES, SPECS
from timing import process, python, table

import archkit

TRACED = str(Path(__file__).parent / "traced.py")
DRAW, SHOW = ("torchview", "torchview-2"), ("torchinfo", "fvcore", "torch")
DRAWN = (
    "from archkit.cli import main; main(['draw', {spec!r}, '-o', {out!r}, '--detail', {detail!r}])"
)
SHOWN = """
import sys; from archkit.cli import main
sys.stdout = open({out!r}, "w"); main(["show", {spec!r}])
"""


@dataclass
class Found:
    """The runs of one tool on one network."""

    seconds: list[float] = field(default_factory=list)
    mib: float = 0.0
    size: int = 0
    told: str = ""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--networks", nargs="+", default=list(CLASSES), choices=list(CLASSES))
    chosen = asked.parse_args()
    for name in chosen.networks:
        with tempfile.TemporaryDirectory() as folder:
            print(table(list(_rows(name, _runs(name, chosen.rounds, Path(folder))))), end="\n\n")


def _runs(name: str, rounds: int, folder: Path) -> dict[str, Found]:
    """Every tool on a network, in turn, the order turned round every time."""
    out = folder / "out.svg"
    names = {"spec": str(SPECS / f"{name}.yaml"), "out": str(out)}
    commands = {
        "archkit draw": python(DRAWN.format(**names, detail="overview")),
        "archkit draw stages": python(DRAWN.format(**names, detail="stage")),
        "archkit show": python(SHOWN.format(**names)),
    }
    commands |= {tool: [sys.executable, TRACED, tool, name, str(out)] for tool in (*DRAW, *SHOW)}
    if name == "sdxl-base":
        del commands["fvcore"]
    found = {tool: Found() for tool in commands}
    for turn in range(rounds):
        for tool in commands if turn % 2 else reversed(commands):
            for file in folder.iterdir():
                file.unlink()
            seconds, mib = process(commands[tool])
            runs, told = found[tool], out.with_suffix(".found")
            runs.seconds.append(seconds)
            runs.mib = max(runs.mib, mib)
            runs.size = out.stat().st_size if out.exists() else 0
            runs.told = told.read_text() if told.exists() else ""
    return found


def _rows(name: str, found: dict[str, Found]) -> Iterator[list[str]]:
    milliseconds, counted = _counted(name)
    found["archkit show"].told = f"{counted}; {milliseconds:.1f} ms in process"
    yield [name, "CPU s", "times", "peak MiB", "KB written", "MACs, parameters"]
    for tool, runs in found.items():
        own = "archkit draw" if tool.startswith("archkit draw") or tool in DRAW else "archkit show"
        seconds, least = (statistics.median(found[t].seconds) for t in (tool, own))
        times, size = f"{seconds / least:.0f}", f"{runs.size / 1000:.0f}" if runs.size else "–"
        yield [tool, f"{seconds:.2f}", times, f"{runs.mib:.0f}", size, runs.told]


def _counted(name: str) -> tuple[float, str]:
    """Milliseconds of counting a fresh plan, and what is counted."""
    seconds = []
    for _ in range(15):
        plan = archkit.plan(SPECS / f"{name}.yaml")
        start = time.process_time()
        report = archkit.report(plan)
        seconds.append(time.process_time() - start)
    return 1000 * statistics.median(seconds), f"{report.macs:,}, {report.parameters:,}"


if __name__ == "__main__":
    main()
