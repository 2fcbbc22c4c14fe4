"""Outline to scene: everything in its place."""

from __future__ import annotations

from . import font, lanes, springs, words
from .cards import card
from .chips import Desk, Scale
from .ends import entry, exit
from .flows import flows
from .grid import grid
from .legend import entries, legend
from .outline import Outline
from .palette import groups
from .scene import Item, Scene, Text
from .skips import skips
from .style import ENLARGED, LEAST_PRINTED, PAPER, SCREEN, Sizes, Style

MARGIN = 8.0


def scene(found: Outline, style: Style) -> Scene:
    """The scene of an outline.

    On paper, type is enlarged until it can be read at the printed width, if that can be.
    """
    if style.preset == "screen":
        return _scene(found, style, SCREEN)
    best: Scene | None = None
    for times in ENLARGED:
        tried = _scene(found, style, PAPER.enlarged(times))
        if best is None or printed_type(tried, style) > printed_type(best, style):
            best = tried
        if printed_type(best, style) >= LEAST_PRINTED:
            break
    assert best
    return best


def printed_type(drawn: Scene, style: Style) -> float:
    """The size of the smallest type in print, in points."""
    scale = style.printed / drawn.width if style.printed else 1.0
    return drawn.smallest_type * scale


def _scene(found: Outline, style: Style, sizes: Sizes) -> Scene:
    desk = desk_of(found, style, sizes)
    if style.detail != "block":
        return composed(desk, style)
    from .anatomy import anatomy

    return anatomy(desk, style)


def desk_of(found: Outline, style: Style, sizes: Sizes) -> Desk:
    """What the parts of a picture need."""
    shapes = [stage.shape for stage in found.stages]
    named = groups([*(piece.group for piece in found.pieces), "plain"])
    inks = {spring.name: spring.ink for bus in found.buses for spring in bus.spring}
    inks = {**springs.inks(found.plan), **inks, **{bus.id: bus.ink for bus in found.buses}}
    return Desk(found, style.detail, style.costs, sizes, Scale.of(shapes), named, inks)


def composed(desk: Desk, style: Style) -> Scene:
    """Everything in its place."""
    found, sizes = desk.outline, desk.sizes
    ends = entry(desk), exit(desk)
    first = found.stages[:1]
    cards = {s.id: card(desk, s, ends[0].x if s in first else 0.0) for s in found.stages}
    lane, count = lanes.lane(desk), len(found.buses)
    left = MARGIN + (lanes.OUT + (count - 1) * sizes.bus + 5 if count else 0)
    heading, y, wide = _heading(desk, left) if style.titled else ([], MARGIN, 0.0)
    y += 24 if any(s.target not in cards and not s.offered for s in found.strands) else 0
    least = max(wide, lane.w - 2 * (left - MARGIN) if lane else 0.0)
    placed = grid(desk, cards, ends, (left, y), least)
    arrows, doors = flows(desk, placed, ends)
    items: list[Item] = [*heading, *arrows, *skips(desk, placed, ends, doors)]
    items += [item.moved(*placed.entry) for item in ends[0].items]
    items += [item.moved(*placed.exit) for item in ends[1].items]
    for at in placed.placed.values():
        items += [item.moved(at.x, at.y) for item in at.card.items]
    width, y = placed.right + left, placed.bottom
    if lane:
        corner = ((width - lane.w) / 2, y + lanes.RISE + (count - 1) * sizes.bus + 18)
        items += [item.moved(*corner) for item in lane.items]
        items += lanes.buses(desk, placed, lane, corner)
        y = corner[1] + lane.h
    if style.legend:
        told, high = legend(sizes.legend, entries(desk), width / 2, width - 2 * MARGIN, y + 15)
        items += told
        y += 7 + high
    return Scene(width, y + MARGIN, tuple(items), words.title(found), words.description(found))


def _heading(desk: Desk, left: float) -> tuple[list[Item], float, float]:
    """The name and the totals, where they end, and how wide they are."""
    sizes, told = desk.sizes, words.title(desk.outline)
    facts = words.facts(desk.outline)
    name = Text(x=left, y=15, words=told, size=sizes.title, bold=True, role="title")
    line = Text(x=left, y=31, words=facts, size=sizes.facts, ink="muted", role="facts")
    wide = max(font.width(told, sizes.title, bold=True), font.width(facts, sizes.facts))
    return [name, line], 45.0, wide
