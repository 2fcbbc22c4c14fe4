"""The trunk: arrows from card to card, down the encoder, along the bottom, up the decoder."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from ..shapes import Shape
from . import font, labels, words
from .chips import Desk
from .ends import End
from .grid import Grid, Placed
from .scene import Anchor, Item, Line, Point, Text


@dataclass(frozen=True)
class Stop:
    """A place that the trunk passes: a card, or the chip of an end."""

    id: str
    side: str
    x: float
    y: float
    right: float
    bottom: float
    card: Placed | None = None

    @property
    def gone(self) -> bool:
        """Whether nothing is left of it."""
        return self.card is not None and self.card.card.stage.mark == "removed"

    @property
    def middle(self) -> float:
        return (self.y + self.bottom) / 2


def stops(grid: Grid, ends: tuple[End, End], desk: Desk) -> list[Stop]:
    """Everything that the trunk passes, in order."""
    first, last = (_end(end, at) for end, at in zip(ends, (grid.entry, grid.exit), strict=True))
    found = [first]
    for stage in desk.outline.stages:
        if stage.id not in grid.placed:
            continue
        at = grid.placed[stage.id]
        side = "middle" if stage.side == "bottleneck" else "right"
        side = "left" if stage.side in ("input", "encoder") else side
        found.append(Stop(stage.id, side, at.x, at.y, at.right, at.bottom, at))
    return [*found, last]


def _end(end: End, at: Point) -> Stop:
    x, half = end.spots[end.trunk]
    out = "out" in end.spots
    names = {"x": "sample", "out": "answer"}
    id, side = names.get(end.trunk, end.trunk), "right" if out else "left"
    h = end.h if end.trunk in names else end.chip
    return Stop(id, side, at[0] + x - half, at[1] - h / 2, at[0] + x + half, at[1] + h / 2)


def flows(desk: Desk, grid: Grid, ends: tuple[End, End]) -> tuple[list[Item], dict[str, float]]:
    """The arrows of the trunk with their shapes, and where each comes into its card.

    Of an arrow up the right side, where its label begins; of the last one, where it comes in.
    """
    items: list[Item] = []
    doors: dict[str, float] = {}
    passed = stops(grid, ends, desk)
    tensor = words.sample(desk.outline.plan)
    for before, after in pairwise(passed):
        tensor = _leaves(desk, before) or tensor
        if after is passed[-1]:
            exit = desk.outline.exit
            tensor = exit[0].node.x if exit else desk.outline.plan.output
        shape = labels.shape(tensor)
        points, at, anchor = _path(before, after, font.width(shape, desk.sizes.flow))
        if before.side == after.side == "left" or after is passed[-1]:
            doors[after.id] = points[-1][0]
        if before.side == after.side == "right":
            doors[before.id] = at[0] - font.width(shape, desk.sizes.flow)
        line = Line(
            points=points,
            ink="flow",
            width=1.5,
            radius=10,
            role="flow",
            dashed=before.gone or after.gone,
            source=before.id,
            target=after.id,
            tip=shape,
        )
        text = Text(
            x=at[0],
            y=at[1],
            words=shape,
            size=desk.sizes.flow,
            ink="muted",
            anchor=anchor,
            role="shape",
        )
        items += [line] if {before.id, after.id} & {"sample", "answer"} else [line, text]
    return items, doors


def _leaves(desk: Desk, stop: Stop) -> Shape | None:
    """The tensor that leaves a stop; None where it passes through what is gone."""
    if stop.card is None:
        return desk.outline.entry[-1].node.shape if desk.outline.entry else None
    return None if stop.gone else stop.card.card.stage.out


def _path(before: Stop, after: Stop, label: float) -> tuple[tuple[Point, ...], Point, Anchor]:
    """The way from stop to stop, and where its label stands."""
    sides = before.side, after.side
    if sides == ("left", "left"):
        return _down(before, after)
    if sides == ("right", "right"):
        return _up(before, after)
    if after.side == "middle":
        y = after.middle
        x = max(before.x + 18, min((before.x + before.right) / 2, after.x - label - 26))
        return ((x, before.bottom), (x, y), (after.x, y)), (x + 7, y - 6.5), "start"
    if before.side == "middle":
        y = before.middle
        x = min(after.right - 18, max((after.x + after.right) / 2, before.right + label + 26))
        return ((before.right, y), (x, y), (x, after.bottom)), (x - 7, y - 6.5), "end"
    y = max(before.bottom, after.bottom) + 20
    left, right = (before.x + before.right) / 2, (after.x + after.right) / 2
    points = ((left, before.bottom), (left, y), (right, y), (right, after.bottom))
    return points, ((left + right) / 2, y - 6.5), "middle"


def _down(before: Stop, after: Stop) -> tuple[tuple[Point, ...], Point, Anchor]:
    low, high, y = after.x + 12, after.right - 12, after.y
    card = after.card.card if after.card else None
    if after.card and card and card.entry is not None:
        low, high = after.x + card.door[0], after.x + card.door[1]
        first = after.card.slot(card.stage.trunk[0].path)
        y = first.y - first.h / 2 if first else y
    start = (max(before.x, after.x) + min(before.right, after.right)) / 2
    if before.card is None:
        start = (before.x + before.right) / 2
    x, middle = min(max(start, low), high), (before.bottom + after.y) / 2
    if before.x + 6 <= x <= before.right - 6:
        points: tuple[Point, ...] = ((x, before.bottom), (x, y))
    else:
        start = (before.x + before.right) / 2
        points = ((start, before.bottom), (start, middle), (x, middle), (x, y))
    return points, (max(x, start) + 5, middle - 1), "start"


def _up(before: Stop, after: Stop) -> tuple[tuple[Point, ...], Point, Anchor]:
    start = (max(before.x, after.x) + min(before.right, after.right)) / 2
    if after.card is None:
        start = (after.x + after.right) / 2
    x = min(max(start, before.x + 12), before.right - 12)
    middle = (before.y + after.bottom) / 2
    if after.x + 6 <= x <= after.right - 6:
        return ((x, before.y), (x, after.bottom)), (x - 5, middle + 1), "end"
    end = (after.x + after.right) / 2
    points = ((x, before.y), (x, middle), (end, middle), (end, after.bottom))
    return points, (min(x, end) - 5, middle + 1), "end"
