"""Outline to text: a U of box-drawing signs for the terminal."""

from __future__ import annotations

from dataclasses import dataclass

from ...shapes import Shape
from ...units import UNCOUNTED
from .. import labels, words
from ..folds import Fold, fold
from ..outline import Outline, Strand
from ..pieces import Stage

INDENT = 2


class Sheet:
    """A page of signs that is written on at any place.

    Examples:
        >>> sheet = Sheet()
        >>> sheet.put(2, 0, "a")
        >>> sheet.down(2, 1, 3)
        >>> print(sheet)
          a
          │
          │
    """

    def __init__(self) -> None:
        self._rows: list[list[str]] = []

    def put(self, x: int, y: int, text: str) -> None:
        """Writes from left to right."""
        self._rows += [[] for _ in range(y + 1 - len(self._rows))]
        row = self._rows[y]
        row += " " * (x + len(text) - len(row))
        row[x : x + len(text)] = text

    def down(self, x: int, y: int, to: int) -> None:
        """A line downwards, its end left out."""
        for row in range(y, to):
            self.put(x, row, "│")

    def __str__(self) -> str:
        return "\n".join("".join(row).rstrip() for row in self._rows)


def text(found: Outline, columns: int | None = None) -> str:
    """The outline as a U of text; as a list where a U is wider than so many columns."""
    cards = {stage.id: _content(stage, found) for stage in found.stages}
    inner = max((card.room for card in cards.values()), default=20) + 2
    told = [len(_label(strand, found)) for strand in found.strands if strand.across]
    depth = max((s.level for s in found.stages if s.side in ("encoder", "decoder")), default=0)
    width = 2 * (inner + 2) + max([*told, 8]) + 6 + 2 * INDENT * depth
    heading = f"{found.plan.spec.name}: {words.facts(found)}"
    if columns is not None and width > columns:
        lines = [heading, "", *_listed(found, cards)]
    else:
        page = _Page(Sheet(), found, cards, inner + 2, width)
        page.sheet.put(0, 0, heading)
        page.draw()
        lines = [str(page.sheet), *page.left_out()]
    return "\n".join([*lines, *_conditions(found)]) + "\n"


@dataclass(frozen=True)
class _Card:
    """What stands in a card."""

    name: str
    shape: str
    chips: str
    reads: str
    cost: str

    @property
    def room(self) -> int:
        """The signs that its longest line needs."""
        lines = (self.name + self.shape, self.chips, self.reads + self.cost)
        return max(len(line) for line in lines) + 2


def _content(stage: Stage, found: Outline) -> _Card:
    chips = "  ".join(_fold(part) for part in fold(stage.pieces))
    cost = words.amount(stage, stage.cost.parameters)
    cost += " parameters" if cost != UNCOUNTED else ""
    reads = ", ".join(words.names(stage.reads, found))
    return _Card(stage.name, labels.shape(stage.shape), chips, reads, cost)


def _fold(part: Fold) -> str:
    chips = " ".join(piece.caption for piece in part.period)
    if part.times == 1:
        return chips
    return f"({chips}) ×{part.times}" if len(part.period) > 1 else f"{chips} ×{part.times}"


def _label(strand: Strand, found: Outline) -> str:
    widths = labels.channels(strand.channels)
    return f" {words.merge(strand, found)} · {widths} "


def _ends(found: Outline) -> tuple[str, str]:
    """What stands above the U: the input with its chips, and the answer with its own."""
    plan = found.plan
    shapes = labels.shape(Shape(plan.spec.input.channels, plan.space)), words.leaves(plan)
    told = [
        f"{name}{'_' if sub else ''}{sub} {shape}"
        for (name, sub), shape in zip((words.asked(plan), words.answer(plan)), shapes, strict=True)
    ]
    before = "".join(f" → {piece.caption}" for piece in found.entry)
    after = "".join(f"{piece.caption} → " for piece in found.exit)
    return told[0] + before, after + told[1]


def _listed(found: Outline, cards: dict[str, _Card]) -> list[str]:
    """A line for each stage, and for each skip."""
    entry, leaves = _ends(found)
    rows = [(c.name, c.shape, c.chips, c.cost) for c in cards.values()]
    wide = [max(len(row[i]) for row in rows) for i in range(4)] if rows else []
    lines = [
        "  ".join(cell.ljust(w) for cell, w in zip(row, wide, strict=True)).rstrip() for row in rows
    ]
    skips = [_skip(strand, found) for strand in found.strands if not strand.within]
    return [entry, *lines, leaves, *([""] if skips else []), *skips]


def _skip(strand: Strand, found: Outline) -> str:
    names = {stage.id: stage.name for stage in found.stages}
    ends = names.get(strand.source, "input"), names.get(strand.target, "output")
    return f"{ends[0]} → {ends[1]}:{_label(strand, found)}".rstrip()


def _conditions(found: Outline) -> list[str]:
    lines = [""] if found.buses else []
    for bus in found.buses:
        for spring in bus.spring:
            if spring.node is None:
                way = [s.words for s in bus.spring if s.node is not None and spring in list(s)]
                told = " → ".join([spring.words, *way, bus.words])
                readers = [stage.name for stage in found.stages if bus.id in stage.reads]
                lines.append(f"{told}: read by {labels.listed(readers)}")
    return lines


class _Page:
    """A U while it is written."""

    def __init__(
        self, sheet: Sheet, found: Outline, cards: dict[str, _Card], card: int, width: int
    ) -> None:
        self.sheet, self.found, self.cards = sheet, found, cards
        self.card, self.width = card, width
        self.at: dict[str, tuple[int, int]] = {}

    def draw(self) -> None:
        """The ends, the rows of the U, its bottom, and the skips."""
        entry, leaves = _ends(self.found)
        self.sheet.put(0, 2, entry)
        self.sheet.put(max(len(entry) + 4, self.width - len(leaves)), 2, leaves)
        self._bottom(self._rows(4))
        for strand in self.found.strands:
            if self._drawn(strand):
                self._strand(strand)

    def left_out(self) -> list[str]:
        """What has no line in the U, in words."""
        told = [s for s in self.found.strands if not self._drawn(s) and not s.within]
        return [*([""] if told else []), *(_skip(strand, self.found) for strand in told)]

    def _drawn(self, strand: Strand) -> bool:
        return strand.across and {strand.source, strand.target} <= self.at.keys()

    def _rows(self, y: int) -> int:
        ends = {"input": -1, "output": -1}
        levels: dict[int, list[Stage]] = {}
        for stage in self.found.stages:
            if stage.side != "bottleneck":
                levels.setdefault(ends.get(stage.side, stage.level), []).append(stage)
        for level, stages in sorted(levels.items()):
            indent = INDENT * max(0, level)
            for stage in stages:
                left = stage.side in ("input", "encoder")
                x = indent if left else self.width - indent - self.card
                self.sheet.put(x + self.card // 2, y - 1, "▼" if left else "▲")
                self._card(stage, x, y)
                if not left and level == max(levels):
                    self.sheet.put(x + self.card // 2, y + 3, "▲")
            y += 4
        return y

    def _card(self, stage: Stage, x: int, y: int) -> None:
        told, inner = self.cards[stage.id], self.card - 2
        top = f" {told.name} " + "─" * (inner - len(told.name) - len(told.shape) - 4)
        low = f" {told.reads} " if told.reads else ""
        low += "─" * (inner - len(low) - len(told.cost) - 2)
        self.sheet.put(x, y, f"╭{top} {told.shape} ╮")
        self.sheet.put(x, y + 1, f"│ {told.chips.ljust(inner - 2)} │")
        self.sheet.put(x, y + 2, f"╰{low} {told.cost} ╯")
        self.at[stage.id] = (x, y)

    def _bottom(self, y: int) -> None:
        """The bottleneck between the two sides, or a line along the bottom."""
        lefts = [self.at[s.id] for s in self.found.on("encoder")]
        rights = [self.at[s.id] for s in self.found.on("decoder")]
        left = lefts[-1][0] + self.card // 2 if lefts else 0
        right = rights[0][0] + self.card // 2 if rights else self.width - 1
        middle = self.found.on("bottleneck")
        row = y + 1 if middle else y
        for at, corner in ((left, "╰"), (right, "╯")):
            self.sheet.down(at, y - 1 + (at == right and bool(rights)), row)
            self.sheet.put(at, row, corner)
        if not middle:
            self.sheet.put(left + 1, row, "─" * (right - left - 1))
            return
        x = (left + right - self.card) // 2
        self._card(middle[0], x, y)
        self.sheet.put(left + 1, row, "─" * (x - left - 2) + "▶")
        self.sheet.put(x + self.card, row, "─" * (right - x - self.card))

    def _strand(self, strand: Strand) -> None:
        (x, y), (end, _) = self.at[strand.source], self.at[strand.target]
        start, told = x + self.card, _label(strand, self.found)
        room = end - start - 1 - len(told)
        line = "─" * (room // 2) + told + "─" * (room - room // 2) + "▶"
        self.sheet.put(start, y + 1, line)
