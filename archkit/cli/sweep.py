"""sweep: every combination of a grid as a spec, counted on paper before any of them is trained."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ..errors import counted
from ..files import whole
from ..reports.figures import Report
from ..reports.table import aligned, field
from ..sweeps import Combination, Outcome, axis, combinations, idle, tried
from ..units import count, memory
from . import common

_HEADINGS = ("parameters", "MACs", "receptive field", "inference", "training")


@click.command()
@click.argument("base", metavar="BASE")
@click.option(
    "--grid",
    "axes",
    multiple=True,
    required=True,
    metavar="KEY=V,V…",
    help="Values of one key, such as width=32,64 or skip=concat,add; may be repeated.",
)
@click.option(
    "-o",
    "--output",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where the specs go.",
)
@click.option("--json", "as_json", is_flag=True, help="Print plain data.")
@click.pass_context
def sweep(
    context: click.Context, base: str, axes: Sequence[str], folder: Path, as_json: bool
) -> int:
    """Write a spec for every combination of the grids, each extending BASE, and count them.

    A combination that does not fit is listed with its reason and not written. Receptive field is
    that of the bottleneck, * where it covers the sample; memory is for a batch of one in float32.
    """
    registry = common.registry(context)
    grid = dict(axis(argument, number) for number, argument in enumerate(axes, 1))
    if len(grid) < len(axes):
        raise click.UsageError("a key stands in one --grid only")
    found = Path(common.source(base))
    shipped = not Path(base).exists()
    extended = base if shipped else os.path.relpath(found, folder)
    points = combinations(extended, found.stem, grid)
    _agree(points, folder)
    folder.mkdir(parents=True, exist_ok=True)
    outcomes = [tried(point, folder, registry) for point in points]
    for outcome in outcomes:
        if outcome.report:
            with whole(_path(outcome.combination, folder)) as temporary:
                temporary.write_text(outcome.combination.text, encoding="utf-8")
    if as_json:
        told = [_data(outcome, folder) for outcome in outcomes]
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        _say(outcomes, folder)
    return 0 if any(outcome.report for outcome in outcomes) else 1


def _path(combination: Combination, folder: Path) -> Path:
    return folder / f"{combination.name}.yaml"


def _agree(points: Sequence[Combination], folder: Path) -> None:
    """Refuses to overwrite anything but what the same sweep wrote."""
    for point in points:
        path = _path(point, folder)
        if path.exists() and path.read_text(encoding="utf-8") != point.text:
            raise click.UsageError(f"`{path}` is there already, and says something else")


def _say(outcomes: Sequence[Outcome], folder: Path) -> None:
    kept = [(o.combination, o.report) for o in outcomes if o.report]
    keys = list(outcomes[0].combination.settings)
    rows = [(*keys, *_HEADINGS, "file")]
    rows += [(*_values(point), *_cells(report), f"{point.name}.yaml") for point, report in kept]
    if kept:
        click.echo(aligned(rows, left=len(keys)))
    click.echo(f"\n{counted(len(kept), 'spec')} of {len(outcomes)} in {folder}")
    for key in idle(outcomes):
        example = _path(kept[-1][0], folder)
        click.echo(
            f"\n`{key}` changes nothing: whatever it is, the network is the same, for what is said "
            f"nearer wins; `archkit resolve {example} --origin` tells where"
        )
    refused: dict[str, list[Combination]] = {}
    for outcome in outcomes:
        if not outcome.report:
            refused.setdefault(_reason(outcome), []).append(outcome.combination)
    for reason, points in refused.items():
        click.echo(f"\n{reason}")
        for point in points:
            pairs = zip(keys, _values(point), strict=True)
            click.echo(f"  {', '.join(f'{key}={value}' for key, value in pairs)}")


def _reason(outcome: Outcome) -> str:
    """Why a combination does not fit: each complaint in a line."""
    told = dict.fromkeys((p.code, p.message, p.mend) for p in outcome.problems)
    lines = [f"{code}: {what}{f'; {mend}' if mend else ''}" for code, what, mend in told]
    return "\n".join(lines)


def _values(point: Combination) -> list[str]:
    return [
        v if isinstance(v, str) else json.dumps(v, ensure_ascii=False)
        for v in point.settings.values()
    ]


def _cells(report: Report) -> tuple[str, ...]:
    return (
        f"{report.parameters:,}",
        count(report.macs, "MACs"),
        field(report.bottleneck),
        memory(report.weights + report.inference),
        memory(report.states + report.training),
    )


def _data(outcome: Outcome, folder: Path) -> dict[str, Any]:
    """An outcome as plain data; nodes and stages are for `archkit show`."""
    point, report = outcome.combination, outcome.report
    data = report.as_dict() if report else {}
    return {
        "settings": dict(point.settings),
        "file": str(_path(point, folder)) if report else None,
        "report": {k: v for k, v in data.items() if k not in ("nodes", "stages")} or None,
        "problems": [problem.as_dict() for problem in outcome.problems],
    }
