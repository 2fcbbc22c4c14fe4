"""What lies in a card: chips in lines with repeats folded, or one row for each unit."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from . import font
from .chips import Desk, chip, shown
from .folds import Fold, fold
from .pieces import Piece, Stage
from .scene import Box, Item, Line, Text

ROW, PITCH = 11.0, 8.0
"""What a row adds to the size of its type, and what stands between two rows."""


@dataclass(frozen=True)
class Slot:
    """A row of chips: its middle, its height, and how far it reaches."""

    y: float
    h: float
    left: float
    right: float

    def moved(self, dx: float, dy: float) -> Slot:
        return Slot(self.y + dy, self.h, self.left + dx, self.right + dx)


@dataclass(frozen=True)
class Contents:
    """Chips, measured from their upper left corner.

    Arguments:
        slots: For each node, the row where it stands.
        entry: Where a skip of the stage's input starts; None where there is none.
        first: How far the chip reaches that runs first, where the flow comes down to it.
    """

    w: float
    h: float
    items: tuple[Item, ...]
    slots: dict[str, Slot] = field(default_factory=dict)
    entry: float | None = None
    first: tuple[float, float] | None = None


def folded(desk: Desk, stage: Stage) -> Contents:
    """Chips from left to right, repeats folded, broken into lines."""
    type_ = desk.sizes.chip
    aside = tuple(piece for piece in stage.pieces if piece.aside)
    trunk = tuple(piece for piece in stage.pieces if not piece.aside)
    tall = 1.5 * type_ + 8 + desk.sizes.heighten * desk.scale.fine(stage.shape)
    lines = [(tall, line) for line in _lines(desk, fold(trunk))]
    lines += [(1.5 * type_ + 4, line) for line in _lines(desk, fold(aside))]
    return _drawn(desk, lines, stage.id)


def unfolded(desk: Desk, stage: Stage) -> Contents:
    """Chips from left to right, every one."""
    folds = tuple(Fold((piece,), (piece,)) for piece in stage.pieces)
    lines = [(1.5 * desk.sizes.chip + 8, line) for line in _lines(desk, folds)]
    return _drawn(desk, lines, stage.id)


def _drawn(desk: Desk, lines: list[tuple[float, list[Fold]]], stage: str) -> Contents:
    items: list[Item] = []
    y = w = 0.0
    for tall, folds in lines:
        tray = 3.0 if any(f.times > 1 for f in folds) else 0.0
        name, x = _register(desk, folds[0].period[0], y + tray + tall / 2, stage)
        drawn, wide = _line(desk, folds, y + tray, tall, stage)
        items += [*name, *(item.moved(x, 0) for item in drawn)]
        w, y = max(w, x + wide), y + tall + 2 * tray + 4
    return Contents(w, y - 4, tuple(items))


def _register(desk: Desk, piece: Piece, y: float, stage: str) -> tuple[list[Item], float]:
    """The name of the register that chips beside the trunk work on, and its room."""
    if not piece.aside:
        return [], 0.0
    size = desk.sizes.flow
    name = Text(x=0, y=y, words=piece.aside, size=size, ink="skip", role="register", stage=stage)
    return [name], font.width(piece.aside, size) + 5


def _lines(desk: Desk, folds: tuple[Fold, ...]) -> list[list[Fold]]:
    lines: list[list[Fold]] = []
    used = 0.0
    for found in folds:
        wide = _fold_width(desk, found)
        if not lines or used + wide > desk.sizes.wrap:
            lines.append([])
            used = 0.0
        lines[-1].append(found)
        used += wide + 4
    return lines


def _fold_width(desk: Desk, found: Fold) -> float:
    chips = sum(desk.chip_width(p, shown(p)) + 2 for p in found.period) - 2
    return chips + (11 + _times_width(desk, found) if found.times > 1 else 0)


def _times_width(desk: Desk, found: Fold) -> float:
    return font.width(f"×{found.times}", desk.sizes.chip, bold=True)


def _line(
    desk: Desk, folds: list[Fold], y: float, tall: float, stage: str
) -> tuple[list[Item], float]:
    """One line of folds, and how wide it is."""
    items: list[Item] = []
    x = 0.0
    for found in folds:
        wide, at = _fold_width(desk, found), x
        if found.times > 1:
            items += _tray(desk, (x, y - 3, wide, tall + 6), found, stage)
            at += 3
        for i, piece in enumerate(found.period):
            label = shown(piece)
            w = desk.chip_width(piece, label)
            items += chip(desk, (at, y, w, tall), label, found.behind(i), stage)
            at += w + 2
        x += wide + 4
    return items, x - 4


def _tray(
    desk: Desk, box: tuple[float, float, float, float], found: Fold, stage: str
) -> list[Item]:
    x, y, w, h = box
    times = Text(
        x=x + w - 4.5 - _times_width(desk, found) / 2,
        y=y + h / 2,
        words=f"×{found.times}",
        size=desk.sizes.chip,
        bold=True,
        anchor="middle",
        role="times",
        stage=stage,
    )
    return [Box(x=x, y=y, w=w, h=h, fill="tray", radius=6, role="tray", stage=stage), times]


def rows(desk: Desk, stage: Stage) -> Contents:
    """A row for each unit: downwards in the encoder, upwards in the decoder.

    Skips come off a last-in-first-out stack, so that they lead straight across.
    """
    up = stage.side in ("decoder", "output")
    order = _units(desk, stage)
    tall = desk.sizes.chip + ROW
    own = {path for piece in stage.pieces for path in piece.nodes}
    taps = [
        source
        for s in desk.outline.strands
        if s.across and s.source == stage.id
        for source, _ in s.ends
    ]
    entry = any(source not in own for source in taps)
    items: list[Item] = []
    slots: dict[str, Slot] = {}
    lefts: list[tuple[float, float] | None] = []
    y = tall + PITCH if entry else 0.0
    for unit in reversed(order) if up else order:
        name, x = _register(desk, unit[0], y + tall / 2, stage.id)
        drawn, wide = _row(desk, unit, y, tall, stage.id)
        items += [*name, *(item.moved(x, 0) for item in drawn)]
        slot = Slot(y + tall / 2, tall, 0.0, x + wide)
        slots.update({path: slot for piece in unit for path in piece.nodes})
        lefts.append(None if unit[0].aside else (y, _width(desk, unit[0])))
        y += tall + PITCH
    items += _between(lefts, tall, up, stage.id)
    wide = max(slot.right for slot in slots.values())
    first = next((left[1] for left in (lefts[::-1] if up else lefts) if left), wide)
    middle = tall / 2 if entry else None
    return Contents(wide, y - PITCH, tuple(items), slots, middle, (0.0, first))


def _units(desk: Desk, stage: Stage) -> list[tuple[Piece, ...]]:
    """The pieces of a stage in rows: a row ends where a skip starts or is merged."""
    tapped = {source for s in desk.outline.strands for source, _ in s.ends}
    units: list[list[Piece]] = []
    for piece in sorted(stage.pieces, key=lambda piece: bool(piece.aside) and not piece.taps):
        last = units[-1][-1] if units else None
        begins = last is None or (
            piece.node.inputs[0] not in last.nodes
            if piece.taps
            else last.taps or last.aside != piece.aside
            if piece.aside or last.taps
            else bool(piece.joins)
            or piece.resamples
            or last.resamples
            or last.path in tapped
            or last.unit != piece.unit
        )
        units.append([piece]) if begins else units[-1].append(piece)
    return [tuple(unit) for unit in units]


def _width(desk: Desk, piece: Piece) -> float:
    return font.width(shown(piece, in_full=True), desk.sizes.chip) + 10


def _row(
    desk: Desk, unit: tuple[Piece, ...], y: float, tall: float, stage: str
) -> tuple[list[Item], float]:
    items: list[Item] = []
    x = 0.0
    for piece in unit:
        w = _width(desk, piece)
        items += chip(desk, (x, y, w, tall), shown(piece, in_full=True), (piece,), stage)
        x += w + 3
    return items, x - 3


def _between(
    lefts: list[tuple[float, float] | None], tall: float, up: bool, stage: str
) -> list[Item]:
    """The flow from row to row of the trunk, near the left."""
    x = min((left[1] for left in lefts if left), default=0.0) / 2
    lines: list[Item] = []
    for before, after in pairwise(lefts):
        if before is None or after is None:
            continue
        points = ((x, before[0] + tall), (x, after[0]))
        points = points[::-1] if up else points
        lines.append(Line(points=points, ink="flow", width=1.1, role="flow", stage=stage))
    return lines
