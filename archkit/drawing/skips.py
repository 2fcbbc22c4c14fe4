"""Skips: straight across where their rows meet, with the way they are merged on a pill."""

from __future__ import annotations

from dataclasses import replace

from . import font, labels, words
from .chips import Desk, badge
from .ends import End
from .grid import Grid, skip_label
from .outline import Strand
from .scene import Box, Item, Line, Point, Text


def skips(desk: Desk, grid: Grid, ends: tuple[End, End], doors: dict[str, float]) -> list[Item]:
    """Every skip, as one line a level or as one line a tensor."""
    items: list[Item] = []
    lanes: dict[str, int] = {}
    for strand in desk.outline.strands:
        if strand.offered:
            items += _offered(desk, grid, strand, doors["answer"])
        elif strand.target not in grid.placed:
            items += _over(desk, grid, ends, strand)
        elif not strand.across:
            items += _beside(desk, grid, ends, strand, lanes)
        elif desk.detail == "overview" or not strand.source:
            items += _one(desk, grid, ends, strand, doors)
        else:
            items += _each(desk, grid, strand, doors)
    return items


def _one(
    desk: Desk, grid: Grid, ends: tuple[End, End], strand: Strand, doors: dict[str, float]
) -> list[Item]:
    """One line for all tensors of a level."""
    target = grid.placed[strand.target]
    y = target.centre[1]
    source: Point = (grid.entry[0] + ends[0].w, grid.entry[1])
    if strand.source in grid.placed:
        placed = grid.placed[strand.source]
        source = (placed.right, placed.centre[1])
    else:
        y = grid.entry[1]
    points = _way(source, (target.x, y), 0, doors.get(strand.target))
    told = skip_label(desk, strand)
    return _drawn(desk, strand, points, told, (source[0], target.x))


def _each(desk: Desk, grid: Grid, strand: Strand, doors: dict[str, float]) -> list[Item]:
    """A line for each tensor, from the row that makes it to the row that merges it."""
    items: list[Item] = []
    source, target = grid.placed[strand.source], grid.placed[strand.target]
    merged = words.merge(strand, desk.outline)
    for i, (end, shape) in enumerate(zip(strand.ends, strand.shapes, strict=True)):
        start, stop = source.slot(end[0]), target.slot(end[1])
        into: Point = (stop.left, stop.y) if stop else (target.x, target.centre[1])
        if start:
            out: Point = (start.right, start.y)
        else:
            x = doors.get(strand.source, source.centre[0])
            out = (x, source.y + (source.card.entry or source.card.h / 2))
            dot = Box(x=x - 2.2, y=out[1] - 2.2, w=4.4, h=4.4, fill="skip", radius=2.2, role="dot")
            items.append(dot)
        told, gap = f"{merged} {shape.channels}", (source.right, target.x)
        one = replace(strand, ends=(end,), shapes=(shape,), marks=(strand.marks[i],))
        way = _way(out, into, i, doors.get(strand.target) if out[1] < target.y else None)
        drawn = _drawn(desk, one, way, told, gap)
        again = any(end[0] == other[0] for other in strand.ends[:i])
        items += drawn[:1] if again else drawn  # of a tensor that is merged twice, one pill
    return items


def _offered(desk: Desk, grid: Grid, strand: Strand, x: float) -> list[Item]:
    """A line for what a card offers, or for each tensor, to the arrow that leads to the answer."""
    source = grid.placed[strand.source]
    gap = (source.right, x)
    if desk.detail == "overview":
        y = source.centre[1]
        points = ((source.right, y), (x, y))
        return [*_drawn(desk, strand, points, skip_label(desk, strand), gap), _dot(x, y)]
    items: list[Item] = []
    for i, (end, shape) in enumerate(zip(strand.ends, strand.shapes, strict=True)):
        slot = source.slot(end[0])
        assert slot, "every node of a stage has a row"
        one = replace(strand, ends=(end,), shapes=(shape,), marks=(strand.marks[i],))
        told = f"{strand.words} {shape.channels}"
        items += _drawn(desk, one, ((slot.right, slot.y), (x, slot.y)), told, gap)
        items.append(_dot(x, slot.y))
    return items


def _dot(x: float, y: float) -> Box:
    """Where a line comes into another."""
    return Box(x=x - 2.2, y=y - 2.2, w=4.4, h=4.4, fill="flow", radius=2.2, role="dot")


def _way(source: Point, target: Point, lane: int, label: float | None) -> tuple[Point, ...]:
    """Straight where it can be, else with a bend before the target and any label on the way."""
    if abs(source[1] - target[1]) < 0.6:
        return source, (target[0], source[1])
    x = target[0] - 26 - 6 * lane
    x = x if label is None else min(x, label - 8)
    return source, (x, source[1]), (x, target[1]), target


def _drawn(
    desk: Desk,
    strand: Strand,
    points: tuple[Point, ...],
    told: str,
    gap: tuple[float, float],
) -> list[Item]:
    """The line, and on its first stretch, in the middle of the gap, the pill."""
    bundled = desk.detail == "overview" or len(strand.ends) > 1
    size = desk.sizes.skip if bundled else desk.sizes.strand
    w = font.width(told, size) + 1.75 * size
    x = (gap[0] + gap[1]) / 2
    if len(points) > 2:
        x = min(x, points[1][0] - w / 2 - 8)
    pill = _pill(desk, strand, (x, points[0][1]), (w, 1.75 * size))
    signs = badge(pill.x, pill.y, strand.mark) if strand.mark else []
    text = Text.within(pill, told, size, ink=pill.stroke)
    return [_line(desk, strand, points, 1.3 if bundled else 1.1), pill, text, *signs]


def _line(desk: Desk, strand: Strand, points: tuple[Point, ...], width: float) -> Line:
    return Line(
        points=points,
        ink=strand.mark or "skip",
        width=width,
        role="skip",
        dashed=strand.mark == "removed" or not strand.across,
        head=not strand.offered,
        source=strand.source or "sample",
        target=strand.target or "answer",
        tip=words.of_strand(strand, desk.outline),
        links=strand.ends,
    )


def _pill(desk: Desk, strand: Strand, middle: Point, size: tuple[float, float]) -> Box:
    (x, y), (w, h) = middle, size
    return Box(
        x=x - w / 2,
        y=y - h / 2,
        w=w,
        h=h,
        fill="ground",
        stroke=strand.mark or "skip",
        line=0.7,
        radius=h / 2,
        role="pill",
        tip=words.of_strand(strand, desk.outline),
        stage=f"{strand.source or 'input'} {strand.target or 'answer'}",
    )


def _over(desk: Desk, grid: Grid, ends: tuple[End, End], strand: Strand) -> list[Item]:
    """What leads from the row of the input to that of the output, over both."""
    source, target = strand.ends[0]
    start = grid.entry[0] + ends[0].spots.get(source, ends[0].spots["x"])[0]
    spot = ends[1].spots.get(target, ends[1].spots["out"])
    stop = grid.exit[0] + spot[0]
    y = min(grid.entry[1], grid.exit[1]) - ends[0].h / 2
    top = y - max(end.above for end in ends) - 12
    points = ((start, y), (start, top), (stop, top), (stop, grid.exit[1] - ends[1].chip / 2))
    told = f"{strand.words} · {labels.channels(strand.channels)}"
    level = ((start, top), (stop, top))
    items = _drawn(desk, strand, level, told, (start, stop))
    first = "sample" if source == "x" else source
    line = replace(_line(desk, strand, points, 1.3), source=first, target=target)
    return [line, *items[1:]]


def _beside(
    desk: Desk, grid: Grid, ends: tuple[End, End], strand: Strand, lanes: dict[str, int]
) -> list[Item]:
    """What a register carries from card to card, beside the trunk."""
    target = grid.placed[strand.target]
    if strand.within:
        return []
    lane = lanes[strand.target] = lanes.get(strand.target, 0) + 1
    if strand.source not in grid.placed:
        x, y0 = grid.entry[0] + ends[0].spots["x"][0], grid.entry[1] + ends[0].h / 2
        y1 = target.y
    else:
        source = grid.placed[strand.source]
        right = source.card.stage.side in ("decoder", "output")
        x = min(source.right, target.right) if right else max(source.x, target.x)
        x += 12 * lane * (-1 if right else 1)
        down = target.y > source.y
        y0, y1 = (source.bottom, target.y) if down else (source.y, target.bottom)
    return [_line(desk, strand, ((x, y0), (x, y1)), 1.1)]
