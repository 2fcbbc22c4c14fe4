"""The two ends of the trunk: the input and the chips before the first card, and the answer."""

from __future__ import annotations

from dataclasses import dataclass

from ..shapes import Shape
from . import font, labels, springs, words
from .chips import Desk, chip
from .pieces import Piece
from .scene import Box, Item, Line, Text

GAP = 18.0


@dataclass(frozen=True)
class End:
    """A row of a pill and chips, measured from the left of its middle line.

    Arguments:
        h: Its height, half of it above the middle line.
        above: What pills of images that join need above it.
        spots: The middle of each box, and half its width, by the node's path; ``x`` and ``out``
            are the pills.
        trunk: The box where the flow leaves the row, or comes into it.
        chip: The height of a chip.
    """

    w: float
    h: float
    chip: float
    above: float
    items: tuple[Item, ...]
    spots: dict[str, tuple[float, float]]
    trunk: str

    @property
    def x(self) -> float:
        """Where the flow leaves the row, or comes into it."""
        return self.spots[self.trunk][0]


def entry(desk: Desk) -> End:
    """The input, and the chips that run before the first card."""
    plan, pieces = desk.outline.plan, desk.outline.entry
    shape = labels.shape(Shape(plan.spec.input.channels, plan.space))
    w = _pill_width(desk, words.asked(plan), shape)
    tip = f"input {words.asked(plan)[0]}: {shape}"
    nodes = tuple(p for p in desk.outline.silent if p == "stem")
    items = _pill(desk, 0, w, words.asked(plan), shape, Meaning("sample", tip, nodes))
    spots, x, last = {"x": (w / 2, w / 2)}, w, "x"
    above = 0.0
    for piece in pieces:
        wide = _width(desk, piece)
        items += _arrow(x, x + GAP, "sample" if last == "x" else last, piece.path)
        x += GAP
        items += _chip(desk, x, wide, piece)
        spots[piece.path] = (x + wide / 2, wide / 2)
        if joining := _joined(desk, x + wide / 2, piece):
            items, above = items + joining, 34.0
        x, last = x + wide, piece.path
    return End(x, _height(desk), _tall(desk), above, tuple(items), spots, last)


def exit(desk: Desk) -> End:
    """The chips that run after the last card, and the answer."""
    plan, pieces = desk.outline.plan, desk.outline.exit
    items: list[Item] = []
    spots: dict[str, tuple[float, float]] = {}
    x, last, above = 0.0, "", 0.0
    for piece in pieces:
        wide = _width(desk, piece)
        if last:
            items += _arrow(x, x + GAP, last, piece.path)
            x += GAP
        items += _chip(desk, x, wide, piece)
        spots[piece.path] = (x + wide / 2, wide / 2)
        if joining := _joined(desk, x + wide / 2, piece):
            items, above = items + joining, 34.0
        x, last = x + wide, piece.path
    if last:
        items += _arrow(x, x + GAP, last, "answer")
        x += GAP
    shape = words.leaves(plan)
    w = _pill_width(desk, words.answer(plan), shape)
    tip = f"output {words.answer(plan)[0]}: {shape}"
    nodes = tuple(p for p in desk.outline.silent if p != "stem")
    items += _pill(desk, x, w, words.answer(plan), shape, Meaning("answer", tip, nodes))
    spots["out"] = (x + w / 2, w / 2)
    first = pieces[0].path if pieces else "out"
    return End(x + w, _height(desk), _tall(desk), above, tuple(items), spots, first)


@dataclass(frozen=True)
class Meaning:
    """What a pill stands for."""

    id: str
    tip: str
    nodes: tuple[str, ...]


def _height(desk: Desk) -> float:
    return 1.2 * desk.sizes.pill + 1.2 * desk.sizes.strand + 5.6


def _pill_width(desk: Desk, name: tuple[str, str], shape: str) -> float:
    wide = font.width(name[0], desk.sizes.pill, bold=True)
    sub = font.width(name[1], desk.sizes.pill * font.SUBSCRIPT, bold=True)
    return max(wide + sub, font.width(shape, desk.sizes.strand)) + 16


def _pill(
    desk: Desk, x: float, w: float, name: tuple[str, str], shape: str, meaning: Meaning
) -> list[Item]:
    h, middle = _height(desk), x + w / 2
    box = Box(
        x=x,
        y=-h / 2,
        w=w,
        h=h,
        fill="ground",
        stroke="text",
        line=1.0,
        radius=h / 2,
        role="pill",
        id=meaning.id,
        tip=meaning.tip,
        nodes=meaning.nodes,
    )
    above = Text(
        x=middle,
        y=-0.17 * h,
        words=name[0],
        sub=name[1],
        size=desk.sizes.pill,
        bold=True,
        anchor="middle",
        role="name",
    )
    below = Text(
        x=middle,
        y=0.24 * h,
        words=shape,
        size=desk.sizes.strand,
        ink="muted",
        anchor="middle",
        role="shape",
    )
    return [box, above, below]


def _label(piece: Piece) -> str:
    return labels.short(piece.caption, 2 * labels.LONGEST)


def _width(desk: Desk, piece: Piece) -> float:
    return font.width(_label(piece), desk.sizes.chip) + 12


def _chip(desk: Desk, x: float, w: float, piece: Piece) -> list[Item]:
    h = _tall(desk)
    return chip(desk, (x, -h / 2, w, h), _label(piece), (piece,))


def _tall(desk: Desk) -> float:
    return desk.sizes.chip + 12


def _arrow(x: float, to: float, source: str, target: str) -> list[Item]:
    points = ((x, 0.0), (to, 0.0))
    return [Line(points=points, ink="flow", width=1.3, role="flow", source=source, target=target)]


def _joined(desk: Desk, x: float, piece: Piece) -> list[Item]:
    """The pill of an image that joins, above the chip that joins it; nothing above others."""
    joins = [name for name in piece.node.inputs[1:] if name in desk.outline.plan.inputs]
    if not joins or piece.kind == "precondition":
        return []
    name = joins[0]
    ink, shape = desk.inks[name], springs.pill(desk.outline.plan, name)
    told = f"{springs.called(name)} · {shape}" if shape else springs.called(name)
    id = f"condition-{name}" if piece in desk.outline.entry else f"condition-{name}-2"
    size = desk.sizes.strand
    w, h, y = font.width(told, size) + 14, size + 8, -_tall(desk) / 2 - 16
    pill = Box(
        x=x - w / 2,
        y=y - h,
        w=w,
        h=h,
        fill="ground",
        stroke=ink,
        line=1.1,
        radius=h / 2,
        role="pill",
        id=id,
        tip=f"condition {name}: {told}",
    )
    line = Line(
        points=((x, y), (x, y + 16)),
        ink=ink,
        role="condition",
        source=id,
        target=piece.path,
    )
    return [pill, Text.within(pill, told, size), line]
