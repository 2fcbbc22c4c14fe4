"""Report → text, as people read it in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from ..shapes import Shape
from ..units import UNCOUNTED, count, duration, memory, share
from .figures import Report, Row
from .receptive import Field

HEADINGS = ("shape", "parameters", "", "MACs", "", "inference", "", "training", "")
"""Of the columns that stages and nodes share; those without one are shares of the total."""


def text(report: Report, *, nodes: bool = False) -> str:
    """The whole report: totals, stages, every node if asked, attentions, what is missing."""
    blocks = [_title(report), *_totals(report)]
    tables = [_rows(report, report.stages, "stage", fields=True)]
    if nodes:
        tables.append(_rows(report, report.nodes, "node"))
    if report.scores:
        tables.append(aligned(matrices(report)))
    return "\n\n".join(["\n".join(blocks), *tables, *notes(report)])


def cells(report: Report, row: Row) -> tuple[str, ...]:
    """The cells of a row under `HEADINGS`."""
    known = row.parameters is not None
    about = "≈ " if row.assumed else ""
    return (
        str(row.shape),
        f"{row.parameters:,}" if row.parameters is not None else UNCOUNTED,
        share(row.parameters or 0, report.parameters) if known else "",
        count(row.macs, "MACs") if row.macs is not None else UNCOUNTED,
        share(row.macs or 0, report.macs) if known else "",
        about + memory(row.inference),
        share(row.inference, report.inference),
        about + memory(row.training),
        share(row.training, report.training),
    )


def totals(report: Report) -> list[tuple[str, str]]:
    """The numbers of the whole network, by name."""
    lines = [
        ("parameters", f"{report.parameters:,} ({memory(report.weights)} in {report.dtype})"),
        (
            "arithmetic",
            f"{count(report.macs, 'MACs')} for a batch of {report.batch} "
            f"({count(report.flops, 'FLOPs')}: two for each MAC)",
        ),
        (
            "inference",
            f"{memory(report.inference)} of activations alive at most, at `{report.busiest}`",
        ),
        (
            "training",
            f"{memory(report.training)} of activations kept for the backward pass, and "
            f"{memory(report.states)} of weights, gradients and Adam's moments",
        ),
        ("bottleneck", _seen(report.bottleneck, report.sample)),
    ]
    if report.time:
        rate = report.time.rate
        lines.append(
            (
                "time",
                f"{duration(report.time.sample)} a sampling step, {duration(report.time.train)} a "
                f"training step, for the arithmetic alone on {rate.device} "
                f"({count(rate.matrix, 'MAC/s')} in matrix products, "
                f"{count(rate.convolution, 'MAC/s')} in convolutions)",
            )
        )
    return lines


def brief(report: Report) -> list[tuple[str, str]]:
    """The totals in few words."""
    return [
        ("parameters", f"{report.parameters:,}"),
        ("arithmetic", count(report.macs, "MACs")),
        ("weights", memory(report.weights)),
        ("activations, inference", memory(report.inference)),
        ("activations, training", memory(report.training)),
        ("bottleneck looks at", field(report.bottleneck).rstrip(" *")),
    ]


def field(seen: Field | None) -> str:
    """A receptive field in pixels of the sample; a star where it covers the whole of it."""
    if seen is None:
        return "–"
    return str(seen) if seen.size is None or not seen.whole else f"{seen} *"


def matrices(report: Report) -> list[tuple[str, ...]]:
    """The score matrices of each attention, under a heading."""
    rows: list[tuple[str, ...]] = [
        ("attention", "layers", "heads", "queries × keys", "scores of a layer")
    ]
    for m in report.scores:
        size = f"{m.queries:,} × {m.keys:,}"
        rows.append((m.node, str(m.layers), str(m.heads), size, memory(m.bytes)))
    return rows


def aligned(rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Columns side by side, the first `left` of them flush left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _title(report: Report) -> str:
    return f"{report.name}: {report.sample}, a batch of {report.batch}, {report.dtype}"


def _totals(report: Report) -> list[str]:
    return [f"  {name:<11} {value}" for name, value in totals(report)]


def _seen(seen: Field | None, sample: Shape) -> str:
    size = "×".join(map(str, sample.space))
    if seen is None:
        return "its receptive field is unknown: a component does not say"
    if seen.size is None:
        return "sees everything: attention reaches every position"
    if seen.whole:
        return f"sees everything: its centre looks at {seen} pixels of {size}"
    return f"does not see everything: its centre looks at {seen} pixels of {size}"


def _rows(report: Report, rows: Sequence[Row], heading: str, *, fields: bool = False) -> str:
    last = ("receptive field",) if fields else ()
    lines = [(heading, *HEADINGS, *last)]
    for row in rows:
        seen = (field(row.field),) if fields else ()
        lines.append((row.path, *cells(report, row), *seen))
    return aligned(lines)


def notes(report: Report) -> list[str]:
    """What is missing from the numbers, or assumed."""
    found = []
    if report.uncounted:
        listed = ", ".join(report.uncounted)
        found.append(f"not counted, because the component states no cost: {listed}; see --measure")
    unsaid = [path for path in report.assumed if path not in report.uncounted]
    if unsaid:
        listed = ", ".join(unsaid)
        found.append(f"memory assumed, because the component does not state it: {listed}")
    return found
