"""Cards: a stage with its name, its shape, its chips and its costs."""

from __future__ import annotations

from dataclasses import dataclass

from . import font, labels, words
from .chips import Desk, badge
from .contents import Contents, Slot, folded, rows, unfolded
from .pieces import Stage
from .scene import Box, Item, Text

LEAST = 100.0
BAR = 3.4


@dataclass(frozen=True)
class Card:
    """A stage with everything in it, measured from its upper left corner.

    Arguments:
        slots: For each node, the row where it stands, if the card has rows.
        entry: Where a skip of the stage's input starts; None where there is no such skip.
        door: The stretch of the upper edge where the flow may come in, past the header.
    """

    stage: Stage
    w: float
    h: float
    items: tuple[Item, ...]
    slots: dict[str, Slot]
    entry: float | None
    door: tuple[float, float]


def card(desk: Desk, stage: Stage, through: float = 0.0) -> Card:
    """The card of a stage: repeats folded, or one row for each unit.

    Arguments:
        through: Where the flow should be able to come in, from the left edge.
    """
    if desk.detail == "overview":
        inside = folded(desk, stage)
    else:
        inside = unfolded(desk, stage) if stage.side == "bottleneck" else rows(desk, stage)
    sizes, shape = desk.sizes, _shape(stage)
    left = font.width(stage.name, sizes.name, bold=True)
    right = font.width(shape, sizes.shape)
    gap = 18 if inside.entry is None else 30
    w = max(inside.w, left + right + gap, LEAST) + 2 * sizes.pad
    if inside.entry is not None:
        w = max(w, through + right + sizes.pad + 8)
    top, dx = 8 + 1.4 * sizes.name, (w - inside.w) / 2
    costs = desk.costs and stage.mark != "removed"
    bars = _bars(desk, stage, w, top + inside.h + 6) if costs else []
    h = top + inside.h + (2 * _pitch(desk) + 10 if costs else 8)
    items = (
        _ground(desk, stage, w, h),
        *_header(desk, stage, w, shape),
        *(item.moved(dx, top) for item in inside.items),
        *bars,
    )
    slots = {path: slot.moved(dx, top) for path, slot in inside.slots.items()}
    entry = None if inside.entry is None else inside.entry + top
    door = _door(inside, dx, (sizes.pad + left + 4, w - sizes.pad - right - 4))
    return Card(stage, w, h, items, slots, entry, door)


def _door(inside: Contents, dx: float, gap: tuple[float, float]) -> tuple[float, float]:
    """Where the flow may come in: between name and shape, above the chip that runs first."""
    if inside.first is None:
        return gap
    low = max(gap[0], inside.first[0] + dx + 6)
    return low, max(low, min(gap[1], inside.first[1] + dx - 6))


def _shape(stage: Stage) -> str:
    now = labels.shape(stage.shape)
    return f"{labels.shape(stage.was)} → {now}" if stage.was else now


def _ground(desk: Desk, stage: Stage, w: float, h: float) -> Box:
    return Box(
        x=0,
        y=0,
        w=w,
        h=h,
        fill="card",
        stroke=stage.mark or "card-line",
        line=1.4 if stage.mark else 0.8,
        dashed=stage.mark == "removed",
        radius=7,
        role="stage",
        id=stage.id,
        tip=words.of_stage(stage, desk.outline),
        stage=stage.id,
    )


def _header(desk: Desk, stage: Stage, w: float, shape: str) -> list[Item]:
    sizes, y = desk.sizes, 5 + 0.7 * desk.sizes.name
    name = Text(
        x=sizes.pad, y=y, words=stage.name, size=sizes.name, bold=True, role="name", stage=stage.id
    )
    told = Text(
        x=w - sizes.pad,
        y=y,
        words=shape,
        size=sizes.shape,
        ink="changed" if stage.was else "muted",
        anchor="end",
        role="shape",
        stage=stage.id,
    )
    return [name, told, *(badge(w, 0, stage.mark, stage.id) if stage.mark else [])]


def _pitch(desk: Desk) -> float:
    return desk.sizes.cost + 0.8


def _bars(desk: Desk, stage: Stage, w: float, y: float) -> list[Item]:
    """Parameters and MACs of a stage as bars; the longest is that of the largest stage."""
    items: list[Item] = []
    size, x = desk.sizes.cost, desk.sizes.pad
    told = [words.amount(stage, getattr(stage.cost, kind)) for kind in ("parameters", "macs")]
    room = max(font.width(words, size) for words in (*told, "888 M"))
    length = w - 2 * x - room - 5
    for i, kind in enumerate(("parameters", "macs")):
        middle = y + i * _pitch(desk) + BAR / 2
        most = max(getattr(s.cost, kind) for s in desk.outline.stages)
        value = getattr(stage.cost, kind)
        long = max(0.8, length * value / most) if value else 0.0
        for fill, wide in (("tray", length), (kind, long)):
            if wide:
                items.append(_bar(x, middle - BAR / 2, wide, fill, stage.id))
        items.append(
            Text(
                x=w - x,
                y=middle,
                words=told[i],
                size=size,
                ink="muted",
                anchor="end",
                role="cost",
                stage=stage.id,
            )
        )
    return items


def _bar(x: float, y: float, w: float, fill: str, stage: str) -> Box:
    return Box(x=x, y=y, w=w, h=BAR, fill=fill, radius=BAR / 2, role="bar", stage=stage)
