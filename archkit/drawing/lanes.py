"""Conditions: a lane below the U, and buses around it that lead into every stage that reads them.

Buses run outside the U, skips inside it: nothing crosses but buses with buses, at right angles.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..units import UNCOUNTED
from . import font, springs
from .chips import Desk, badge
from .grid import Grid
from .palette import CHIP_TEXT
from .scene import Box, Item, Line, Point, Text
from .springs import Bus, Spring

GAP, APART, HEADING = 14.0, 30.0, "CONDITIONING"
RISE, OUT = 14.0, 13.0
DOT = 3.6


@dataclass(frozen=True)
class Lane:
    """Everything that conditions are made of, measured from the left of its top."""

    w: float
    h: float
    items: tuple[Item, ...]
    roots: dict[str, Point]


def lane(desk: Desk) -> Lane | None:
    """The lane of all buses; None where the network is told nothing."""
    buses = desk.outline.buses
    if not buses and not desk.outline.changes.untold:
        return None
    rows = max((bus.spring.rows for bus in buses), default=1)
    pitch = desk.sizes.chip + 14
    h = rows * pitch + 8
    heading = font.width(HEADING, desk.sizes.lane, bold=True)
    items: list[Item] = [
        Text(
            x=10,
            y=h / 2,
            words=HEADING,
            size=desk.sizes.lane,
            bold=True,
            ink="faint",
            role="heading",
        )
    ]
    roots: dict[str, Point] = {}
    x = 10 + heading + 16
    for bus in buses:
        wide = _wide(desk, bus.spring)
        top = (h - bus.spring.rows * pitch) / 2
        drawn, root = _tree(desk, bus.spring, x + wide, top, bus)
        items += drawn
        roots[bus.id] = root
        x += wide + APART
    for name in desk.outline.changes.untold:
        drawn, wide = _gone(desk, name, x, h / 2)
        items += drawn
        x += wide + APART
    w = x - APART + 14
    ground = Box(
        x=0, y=0, w=w, h=h, fill="lane", stroke="lane-line", radius=6, role="lane", id="conditions"
    )
    return Lane(w, h, (ground, *items), roots)


def _gone(desk: Desk, name: str, x: float, y: float) -> tuple[list[Item], float]:
    """The pill of a condition that is told no more, and its width."""
    w, h = font.width(name, desk.sizes.chip, bold=True) + 16, desk.sizes.chip + 8
    pill = Box(
        x=x,
        y=y - h / 2,
        w=w,
        h=h,
        fill="ground",
        stroke="removed",
        line=1.6,
        dashed=True,
        radius=h / 2,
        role="pill",
    )
    text = Text.within(pill, name, desk.sizes.chip, ink="removed", bold=True)
    return [pill, text, *badge(x, y - h / 2, "removed", "")], w


def _own(desk: Desk, spring: Spring) -> float:
    """The width of a spring's own box."""
    if spring.words == "+":
        return 14.0
    if spring.node is None:
        return font.width(spring.words, desk.sizes.chip, bold=True) + 16
    return font.width(spring.words, desk.sizes.skip) + 12


def _wide(desk: Desk, spring: Spring) -> float:
    feeds = [_wide(desk, feed) + GAP for feed in spring.feeds]
    return max(feeds, default=0.0) + _own(desk, spring)


def _tree(
    desk: Desk, spring: Spring, right: float, top: float, bus: Bus
) -> tuple[list[Item], Point]:
    """A spring with all that flows into it, from the left; and the middle of its upper edge."""
    pitch, w = desk.sizes.chip + 14, _own(desk, spring)
    x, y = right - w, top + spring.rows * pitch / 2
    items: list[Item] = []
    row = top
    for feed in spring.feeds:
        drawn, _ = _tree(desk, feed, x - GAP, row, bus)
        items += drawn
        middle = row + feed.rows * pitch / 2
        points = ((x - GAP, middle), (x, middle))
        ends = (_id(desk, feed, bus), _id(desk, spring, bus))
        items.append(
            Line(
                points=points,
                ink=feed.ink,
                width=1.1,
                role="condition",
                source=ends[0],
                target=ends[1],
            )
        )
        row += feed.rows * pitch
    h = desk.sizes.chip + 8 if spring.rows == 1 else spring.rows * pitch - 6
    items += _box(desk, spring, (x, y - h / 2, w, h), bus)
    return items, (x + w / 2, y - h / 2)


def _id(desk: Desk, spring: Spring, bus: Bus) -> str:
    """Its name; numbered where it was drawn before."""
    name = f"condition-{spring.name}" if spring.node is None else spring.name
    before = _before(desk, spring, bus)
    return f"{name}-{before + 1}" if before else name


def _before(desk: Desk, spring: Spring, bus: Bus) -> int:
    """How often something of its name is drawn before it."""
    buses = desk.outline.buses[: desk.outline.buses.index(bus) + 1]
    names: list[str] = []
    for other in (s for each in buses for s in each.spring):
        if other is spring:
            break
        names.append(other.name)
    return names.count(spring.name)


def _box(
    desk: Desk, spring: Spring, box: tuple[float, float, float, float], bus: Bus
) -> list[Item]:
    x, y, w, h = box
    pill, plus = spring.node is None, spring.words == "+"
    round_ = pill or plus
    root = spring is bus.spring
    earlier = desk.outline.buses[: desk.outline.buses.index(bus)]
    spoken = {s.name for s in bus.spring}.union(*(other.nodes for other in earlier))
    silent = tuple(path for path in bus.nodes if path not in spoken) if root else ()
    mark = desk.outline.changes.told(spring.name)
    own = () if spring.node is None or _before(desk, spring, bus) else (spring.name,)
    back = Box(
        x=x,
        y=y,
        w=w,
        h=h,
        fill="ground" if round_ else desk.groups["plain"].fill,
        stroke=mark or (spring.ink if round_ else ""),
        line=1.6 if mark else 1.1,
        radius=min(w, h) / 2 if round_ else 4.0,
        role="pill" if round_ else "chip",
        id=_id(desk, spring, bus),
        tip=_tip(desk, spring),
        nodes=(*own, *silent),
    )
    size, ink = (desk.sizes.chip, "text") if round_ else (desk.sizes.skip, CHIP_TEXT)
    text = Text.within(back, spring.words, size, ink=ink, bold=round_)
    return [back, text, *(badge(x, y, mark, "") if mark else [])]


def _tip(desk: Desk, spring: Spring) -> str:
    plan = desk.outline.plan
    if spring.node is None:
        return f"input {spring.name}: {springs.pill(plan, spring.name) or 'one number'}"
    told = [f"{spring.node.name}: {spring.node.shape} comes out"]
    if ops := spring.node.component.inside(spring.node.site):
        told.append(" → ".join(op.label for op in ops))
    cost = spring.node.cost
    told.append(f"{cost.parameters:,} parameters" if cost else UNCOUNTED)
    return "\n".join([*told, f"node: {spring.name}"])


def buses(desk: Desk, grid: Grid, placed: Lane, corner: Point) -> list[Item]:
    """The buses, from the lane at `corner` into every stage that reads them."""
    items: list[Item] = []
    count = len(desk.outline.buses)
    roots = {id: (corner[0] + x, corner[1] + y) for id, (x, y) in placed.roots.items()}
    middles = _middles(grid, [roots[bus.id][0] for bus in desk.outline.buses])
    for i, bus in enumerate(desk.outline.buses):
        track = _Track(desk, grid, bus, (i - (count - 1) / 2) * desk.sizes.bus)
        y = grid.bottom + RISE + i * desk.sizes.bus
        x, start = roots[bus.id]
        items.append(track.line(((x, start), (x, y)), head=False))
        items.append(track.dot(x, y))
        items.append(
            Text(
                x=x + 4,
                y=corner[1] - 7,
                words=bus.words,
                size=desk.sizes.flow - 0.5,
                ink="muted",
                role="shape",
            )
        )
        out = OUT + i * desk.sizes.bus
        items += track.side((x, y), grid.left - out, ("input", "encoder"))
        items += track.side((x, y), grid.right + out, ("decoder", "output"))
        items += track.middle((x, y), middles[i])
    return items


def _middles(grid: Grid, roots: list[float]) -> list[float]:
    """Where each bus rises into the bottleneck: beside where the others leave the lane."""
    if "bottleneck" not in grid.placed:
        return roots
    centre = grid.placed["bottleneck"].centre[0]
    n = len(roots)
    for shift in (0.0, 6.0, -6.0, 12.0, -12.0):
        found = [centre + shift + (i - (n - 1) / 2) * 14 for i in range(n)]
        apart = (abs(a - b) for i, a in enumerate(found) for j, b in enumerate(roots) if i != j)
        if min(apart, default=9.0) > 5:
            return found
    return [centre + (i - (n - 1) / 2) * 14 for i in range(n)]


@dataclass(frozen=True)
class _Track:
    """One bus while it is drawn; `shift` is where it meets cards, off their middle."""

    desk: Desk
    grid: Grid
    bus: Bus
    shift: float

    def line(self, points: tuple[Point, ...], target: str = "", head: bool = True) -> Line:
        tip = f"{self.bus.words} → {target}" if target else ""
        source = _id(self.desk, self.bus.spring, self.bus)
        return Line(
            points=points,
            ink=self.bus.ink,
            head=head,
            radius=8,
            role="condition",
            source=source if target else "",
            target=target,
            tip=tip,
        )

    def dot(self, x: float, y: float) -> Box:
        half = DOT / 2
        return Box(x=x - half, y=y - half, w=DOT, h=DOT, fill=self.bus.ink, radius=half, role="dot")

    def side(self, root: Point, x: float, sides: tuple[str, ...]) -> list[Item]:
        """Up one side of the U, and into every card that reads."""
        cards = [
            p
            for p in self.grid.placed.values()
            if p.card.stage.side in sides and self.bus.id in p.card.stage.reads
        ]
        if not cards:
            return []
        cards.sort(key=lambda p: p.y)
        items: list[Item] = []
        for placed in cards:
            y = placed.centre[1] + self.shift
            edge = placed.x if x < placed.x else placed.right
            if placed is cards[0]:
                points: tuple[Point, ...] = (root, (x, root[1]), (x, y), (edge, y))
            else:
                points = ((x, y), (edge, y))
                items.append(self.dot(x, y))
            items.append(self.line(points, placed.id))
        return items

    def middle(self, root: Point, x: float) -> list[Item]:
        """Into the bottleneck, if it reads."""
        placed = self.grid.placed.get("bottleneck")
        if placed is None or self.bus.id not in placed.card.stage.reads:
            return []
        beside = ("input", "encoder") if x < root[0] else ("decoder", "output")
        stages = self.desk.outline.stages
        items: list[Item] = []
        if not any(s.side in beside and self.bus.id in s.reads for s in stages):
            items.append(self.line((root, (x, root[1])), head=False))
        up = self.line(((x, root[1]), (x, placed.bottom)), placed.id)
        return [*items, up, self.dot(x, root[1])]
