"""The true U: a row for each level, the encoder to the left, the decoder to the right."""

from __future__ import annotations

from dataclasses import dataclass

from . import font, labels, words
from .cards import Card
from .chips import Desk
from .contents import Slot
from .ends import End
from .outline import Strand
from .scene import Point


@dataclass(frozen=True)
class Placed:
    """A card where it stands."""

    card: Card
    x: float
    y: float

    @property
    def id(self) -> str:
        return self.card.stage.id

    @property
    def right(self) -> float:
        return self.x + self.card.w

    @property
    def bottom(self) -> float:
        return self.y + self.card.h

    @property
    def centre(self) -> Point:
        return self.x + self.card.w / 2, self.y + self.card.h / 2

    def slot(self, path: str) -> Slot | None:
        """The row of a node; None where it has none here."""
        slot = self.card.slots.get(path)
        return slot and slot.moved(self.x, self.y)


@dataclass(frozen=True)
class Grid:
    """Where everything stands.

    Arguments:
        left, right: The outer edges of the cards.
        entry, exit: Left ends of the middle lines of the two ends.
        bottom: Where the last card ends.
    """

    left: float
    right: float
    placed: dict[str, Placed]
    entry: Point
    exit: Point
    bottom: float


@dataclass(frozen=True)
class _Level:
    """A row of the U: its depth, and what stands in it."""

    depth: int
    left: Card | None
    right: Card | None


def grid(
    desk: Desk, cards: dict[str, Card], ends: tuple[End, End], corner: Point, least: float
) -> Grid:
    """Places the cards and the two ends below and right of `corner`, `least` wide."""
    entry, exit = ends
    levels = _levels(cards)
    left, y = corner
    right = left + max(least, _width(desk, cards, levels, ends))
    placed: dict[str, Placed] = {}
    entry_y = exit_y = y + max(entry.above, exit.above) + max(entry.h, exit.h) / 2
    y = entry_y + max(entry.h, exit.h) / 2 + 22
    for level in levels:
        across = level.left is None and level.depth < 0
        offsets = _offsets(desk, level)
        indent = max(0, level.depth) * desk.sizes.indent
        tall = 0.0
        for card, side, offset in zip(
            (level.left, level.right), ("left", "right"), offsets, strict=True
        ):
            if card is None:
                continue
            x = left + indent if side == "left" else right - indent - card.w
            placed[card.stage.id] = Placed(card, x, y + offset)
            tall = max(tall, offset + card.h)
        if across:
            entry_y = y + _meeting(desk, level.right)
        y += tall + desk.sizes.row_gap
    y -= desk.sizes.row_gap if levels else 0.0
    if "bottleneck" in cards:
        card = cards["bottleneck"]
        low, high = _span(placed, left, right)
        y += 16 if placed else 0
        placed["bottleneck"] = Placed(card, (low + high - card.w) / 2, y)
        y += card.h
    elif len(placed) > 1:
        y += 26
    return Grid(left, right, placed, (left, entry_y), (right - exit.w, exit_y), y)


def _levels(cards: dict[str, Card]) -> list[_Level]:
    depths = {c.stage.level for c in cards.values() if c.stage.side in ("encoder", "decoder")}
    levels = [
        _Level(depth, cards.get(f"encoder.{depth}"), cards.get(f"decoder.{depth}"))
        for depth in sorted(depths)
    ]
    if "input" in cards or "output" in cards:
        levels.insert(0, _Level(-1, cards.get("input"), cards.get("output")))
    return levels


def _width(
    desk: Desk, cards: dict[str, Card], levels: list[_Level], ends: tuple[End, End]
) -> float:
    """How wide the U is: every row needs its cards and the label of its skip."""
    sizes = desk.sizes
    least = [sizes.inner, ends[0].w + ends[1].w + sizes.skip_room]
    for level in levels:
        both = [card for card in (level.left, level.right) if card]
        indents = 2 * max(0, level.depth) * sizes.indent
        told = [label_width(desk, s) for s in desk.outline.strands if _in_row(s, level)]
        between = max(told, default=0.0) + sizes.skip_room
        if level.depth < 0 and level.left is None:
            between += ends[0].w
        least.append(indents + sum(card.w for card in both) + between)
    if "bottleneck" in cards:
        deepest = levels[-1] if levels else None
        indents = 2 * max(0, deepest.depth) * sizes.indent if deepest else 0
        stage = cards["bottleneck"].stage
        inside = font.width(labels.shape(stage.trunk[0].node.x), sizes.flow)
        outside = font.width(labels.shape(stage.out), sizes.flow)
        beside = max(inside, outside) + 52
        if not levels:
            beside += max(end.w for end in ends)
        least.append(indents + cards["bottleneck"].w + 2 * beside)
    return max(least)


def _in_row(strand: Strand, level: _Level) -> bool:
    ids = {card.stage.id for card in (level.left, level.right) if card}
    return strand.across and bool(ids & {strand.source, strand.target})


def label_width(desk: Desk, strand: Strand) -> float:
    """Room for the label on a skip."""
    if desk.detail == "overview":
        return font.width(skip_label(desk, strand), desk.sizes.skip) + 13
    longest = max(
        (f"{words.merge(strand, desk.outline)} {s.channels}" for s in strand.shapes), key=len
    )
    return font.width(longest, desk.sizes.strand) + 12


def skip_label(desk: Desk, strand: Strand) -> str:
    """What is written on a skip: how it is merged, and the channels."""
    merged = words.merge(strand, desk.outline)
    return f"{merged} · {labels.channels(strand.channels)}"


def _offsets(desk: Desk, level: _Level) -> tuple[float, float]:
    """How far the two cards of a row are moved down, so that skips lead straight across."""
    left, right = level.left, level.right
    if left is None or right is None:
        return 0.0, 0.0
    if desk.detail != "overview":
        for strand in desk.outline.strands:
            if (strand.source, strand.target) != (left.stage.id, right.stage.id):
                continue
            source, target = strand.ends[0]
            start, end = left.slots.get(source), right.slots.get(target)
            y = start.y if start else left.entry
            if y is not None and end:
                return max(0.0, end.y - y), max(0.0, y - end.y)
    return max(0.0, (right.h - left.h) / 2), max(0.0, (left.h - right.h) / 2)


def _meeting(desk: Desk, card: Card | None) -> float:
    """Where a skip from the row of the input meets the card of the output."""
    if card is None:
        return 0.0
    slots = [card.slots[t] for s in desk.outline.strands for _, t in s.ends if t in card.slots]
    return slots[0].y if slots else card.h / 2


def _span(placed: dict[str, Placed], left: float, right: float) -> tuple[float, float]:
    """The outer edges of the deepest cards on both sides."""
    encoder = [p for p in placed.values() if p.card.stage.side == "encoder"]
    decoder = [p for p in placed.values() if p.card.stage.side == "decoder"]
    return (encoder[-1].x if encoder else left, decoder[-1].right if decoder else right)
