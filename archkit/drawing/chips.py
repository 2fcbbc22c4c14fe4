"""Chips: one box for a node, as high as its resolution and as wide as its channels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import log2, prod

from ..shapes import Shape
from . import font, labels, words
from .changes import SIGNS
from .outline import Outline
from .palette import CHIP_TEXT, PLAIN, Group
from .pieces import Piece
from .scene import Box, Item, Text
from .style import Detail, Sizes

PORT = 4.6
BADGE = 9.0


@dataclass(frozen=True)
class Scale:
    """Resolution and channels of a network, each from 0 to 1 by their logarithm."""

    finest: float
    coarsest: float
    widest: float
    narrowest: float

    @classmethod
    def of(cls, shapes: Iterable[Shape]) -> Scale:
        """The scale on which the least is 0 and the greatest 1."""
        every = list(shapes)
        sizes = [_resolution(s) for s in every] or [0.0]
        widths = [log2(s.channels) for s in every] or [0.0]
        return cls(max(sizes), min(sizes), max(widths), min(widths))

    def fine(self, shape: Shape) -> float:
        """How fine a shape is; one half where all are alike."""
        return _between(_resolution(shape), self.coarsest, self.finest)

    def wide(self, shape: Shape) -> float:
        """How many channels a shape has; one half where all have the same."""
        return _between(log2(max(1, shape.channels)), self.narrowest, self.widest)


def _resolution(shape: Shape) -> float:
    return log2(prod(shape.space)) / len(shape.space) if shape.space else 0.0


def _between(value: float, low: float, high: float) -> float:
    return min(1.0, max(0.0, (value - low) / (high - low))) if high > low else 0.5


@dataclass(frozen=True)
class Desk:
    """What every part of a picture needs to be drawn.

    Arguments:
        groups: The colours of chips, by their group.
        inks: The colour of each bus, by its id.
    """

    outline: Outline
    detail: Detail
    costs: bool
    sizes: Sizes
    scale: Scale
    groups: dict[str, Group]
    inks: dict[str, str]

    def chip_width(self, piece: Piece, label: str) -> float:
        """Room for the label, and more for more channels; a resampler has only its room."""
        room = font.width(label, self.sizes.chip) + 9
        if piece.resamples:
            return room
        return room + self.sizes.widen * self.scale.wide(piece.node.shape)


def chip(
    desk: Desk,
    box: tuple[float, float, float, float],
    label: str,
    pieces: tuple[Piece, ...],
    stage: str = "",
) -> list[Item]:
    """A chip for pieces that look alike, with a port for each bus they read."""
    x, y, w, h = box
    piece = pieces[0]
    fill, gone = desk.groups[piece.group].fill, piece.mark == "removed"
    back = Box(
        x=x,
        y=y,
        w=w,
        h=h,
        fill="ground" if gone else fill,
        stroke=piece.mark or (CHIP_TEXT if fill == PLAIN else ""),
        line=1.6 if piece.mark else 0.8,
        dashed=gone,
        role="chip",
        id=piece.path,
        tip=words.of_pieces(pieces, desk.outline),
        nodes=tuple(path for p in pieces for path in p.nodes),
        stage=stage,
    )
    ink = "removed" if gone else CHIP_TEXT
    items: list[Item] = [back, Text.within(back, label, desk.sizes.chip, ink=ink)]
    items += _ports(desk, back, piece)
    return items + (badge(x, y, piece.mark, stage) if piece.mark else [])


def _ports(desk: Desk, back: Box, piece: Piece) -> list[Item]:
    """A dot at the lower right edge for each condition that a chip reads."""
    reads = [*piece.reads]
    if piece.kind == "precondition":
        reads += [name for name in piece.node.inputs if name in desk.inks]
    return [
        Box(
            x=back.right - 13.3 - 6.2 * (len(reads) - 1 - i),
            y=back.bottom - PORT / 2,
            w=PORT,
            h=PORT,
            fill=desk.inks[bus],
            stroke="card",
            radius=PORT / 2,
            role="port",
            stage=back.stage,
        )
        for i, bus in enumerate(reads)
    ]


def badge(x: float, y: float, mark: str, stage: str = "") -> list[Item]:
    """The sign of a change, about a corner."""
    disc = Box(
        x=x - BADGE / 2,
        y=y - BADGE / 2,
        w=BADGE,
        h=BADGE,
        fill=mark,
        stroke="ground",
        radius=BADGE / 2,
        role="badge",
        stage=stage,
    )
    return [disc, Text.within(disc, SIGNS[mark], 8, ink="ground", bold=True)]


def shown(piece: Piece, *, in_full: bool = False) -> str:
    """What is written on a chip; in full, with its channels."""
    label = labels.short(piece.caption)
    before, after = piece.node.site.x.channels, piece.node.shape.channels
    if not in_full or (before == after and piece.kind != "block"):
        return label
    return f"{label}{' ·' if label[-1].isdigit() else ''} {before} → {after}"
