"""Pure geometry: boxes, texts and lines, each with its meaning.

The unit is the point; y grows downwards. A colour is a role of the palette or ``#rrggbb``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]

_LAYERS = {"lane": 0, "inset": 0, "stage": 1, "tray": 2, "edge": 3}
_TOP = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle with rounded corners.

    Arguments:
        fill, stroke: Colours; an empty stroke draws no outline.
        role: What it is: ``stage``, ``chip``, ``pill``, ``tray``, ``lane``, ``bar``, ``port``, …
        id: A name for links and scripts, unique in the scene.
        tip: What a pointer that rests on it is told.
        nodes: Paths of the plan's nodes that it stands for.
        stage: The stage it lies in.
    """

    x: float
    y: float
    w: float
    h: float
    fill: str
    stroke: str = ""
    line: float = 0.8
    radius: float = 4.0
    dashed: bool = False
    role: str = ""
    id: str = ""
    tip: str = ""
    nodes: tuple[str, ...] = ()
    stage: str = ""

    def moved(self, dx: float, dy: float) -> Box:
        return replace(self, x=self.x + dx, y=self.y + dy)

    @property
    def rounding(self) -> float:
        """The radius that its size leaves room for."""
        return min(self.radius, self.w / 2, self.h / 2)

    @property
    def right(self) -> float:
        return self.x + self.w

    @property
    def bottom(self) -> float:
        return self.y + self.h

    @property
    def centre(self) -> Point:
        return self.x + self.w / 2, self.y + self.h / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One line of text; `y` is the middle of its height.

    Arguments:
        sub: What is set below the line after it.
    """

    x: float
    y: float
    words: str
    size: float
    ink: str = "text"
    bold: bool = False
    anchor: Anchor = "start"
    sub: str = ""
    role: str = ""
    stage: str = ""

    @classmethod
    def within(
        cls, box: Box, words: str, size: float, *, ink: str = "text", bold: bool = False
    ) -> Text:
        """In the middle of a box; it is a ``caption``."""
        x, y = box.centre
        return cls(
            x=x,
            y=y,
            words=words,
            size=size,
            ink=ink,
            bold=bold,
            anchor="middle",
            role="caption",
            stage=box.stage,
        )

    def moved(self, dx: float, dy: float) -> Text:
        return replace(self, x=self.x + dx, y=self.y + dy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A path of straight pieces, along the axes, with rounded corners.

    Arguments:
        head: Whether it ends in an arrow head.
        role: ``flow``, ``skip``, ``condition`` or ``sample``, the last in a legend.
        source, target: Ids of the boxes that it leads from and to.
        links: For a skip: paths of the nodes each tensor comes from and goes to.
    """

    points: tuple[Point, ...]
    ink: str
    width: float = 1.2
    head: bool = True
    radius: float = 7.0
    dashed: bool = False
    role: str = ""
    id: str = ""
    tip: str = ""
    source: str = ""
    target: str = ""
    links: tuple[tuple[str, str], ...] = ()
    stage: str = ""

    def moved(self, dx: float, dy: float) -> Line:
        return replace(self, points=tuple((x + dx, y + dy) for x, y in self.points))


Item = Box | Text | Line


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture before it is written: its size, its items, and what it says in words."""

    width: float
    height: float
    items: tuple[Item, ...]
    title: str
    description: str

    def __iter__(self) -> Iterator[Item]:
        """The items, what lies below first."""
        return iter(sorted(self.items, key=_layer))

    @property
    def smallest_type(self) -> float:
        """The size of the smallest text, in points."""
        return min(item.size for item in self.items if isinstance(item, Text))


def _layer(item: Item) -> int:
    return _LAYERS["edge"] if isinstance(item, Line) else _LAYERS.get(item.role, _TOP)


HEAD = 5.6, 4.6
"""Length and width of an arrow head."""


def head(line: Line) -> tuple[Point, Point, Point]:
    """The corners of a line's arrow head, its tip first."""
    (x0, y0), (x, y) = line.points[-2:]
    dx, dy = _sign(x - x0), _sign(y - y0)
    length, half = HEAD[0], HEAD[1] / 2
    bx, by = x - dx * length, y - dy * length
    return (x, y), (bx - dy * half, by + dx * half), (bx + dy * half, by - dx * half)


def shaft(line: Line) -> tuple[Point, ...]:
    """The points of a line, cut short where its arrow head begins."""
    if not line.head:
        return line.points
    (x0, y0), (x, y) = line.points[-2:]
    short = HEAD[0] - 0.5
    return *line.points[:-1], (x - _sign(x - x0) * short, y - _sign(y - y0) * short)


def corners(points: tuple[Point, ...], radius: float) -> list[tuple[Point, Point, Point]]:
    """For each corner: where its rounding begins, the corner, and where the rounding ends."""
    rounded = []
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        r = min(radius, _span(before, corner) / 2, _span(corner, after) / 2)
        rounded.append((_toward(corner, before, r), corner, _toward(corner, after, r)))
    return rounded


def _span(a: Point, b: Point) -> float:
    return max(abs(b[0] - a[0]), abs(b[1] - a[1]))


def _toward(a: Point, b: Point, distance: float) -> Point:
    return a[0] + _sign(b[0] - a[0]) * distance, a[1] + _sign(b[1] - a[1]) * distance


def _sign(value: float) -> int:
    return (value > 1e-6) - (value < -1e-6)
