"""The stages of a spec as the walk meets them: encoder, bottleneck, decoder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from .errors import Problem, SpecPath, counted
from .layouts import Group
from .parts import Attention, Block
from .spec import Spec


@dataclass(frozen=True)
class Row:
    """One stage of one side.

    Arguments:
        width: Its channels.
        blocks: How many blocks, or one for each unit.
        says: The model that holds its components: a Stage, a DecoderStage or a Bottleneck.
        at: The place in the spec.
        level: 0 is the finest.
        finer: Channels of the next finer stage, of the decoder; in the finest, its own or those of
            the stem, as the layout says.
    """

    width: int
    blocks: int | tuple[Block, ...]
    says: Any
    at: SpecPath
    level: int
    finer: int = 0

    def n(self, groups: tuple[Group, ...]) -> int:
        """What `n` in a template stands for; a list of blocks is one for each unit."""
        if isinstance(self.blocks, int):
            return self.blocks
        units = [g for g in groups if any(word.does in ("block", "narrow") for word in g.words)]
        rest = len(self.blocks) - sum(g.plus for g in units)
        return rest // max(1, sum(g.blocks for g in units))

    @property
    def count(self) -> int:
        """How many blocks."""
        return self.blocks if isinstance(self.blocks, int) else len(self.blocks)


def encoder_rows(spec: Spec) -> list[Row]:
    """The stages of the encoder, the finest first."""
    pairs = zip(spec.encoder, spec.widths(), strict=True)
    return [Row(w, s.blocks, s, ("encoder", i), i) for i, (s, w) in enumerate(pairs)]


def bottom_row(spec: Spec, encoder: list[Row]) -> Row:
    """What stands at the bottom: the deepest row, with the attention of the last that has any."""
    deepest = encoder[-1]
    if spec.bottleneck is not None:
        width = spec.bottleneck.channels or deepest.width
        return replace(deepest, width=width, says=spec.bottleneck, at=("bottleneck",))
    lit = [r for r in encoder if isinstance(r.says.attention, Attention)]
    if not lit or lit[-1] is deepest:
        return deepest
    says = deepest.says.model_copy(update={"attention": lit[-1].says.attention})
    return replace(deepest, says=says)


def decoder_rows(spec: Spec, mirrored: list[Row]) -> list[Row]:
    """The stages of the decoder: those of the encoder, where the spec does not say otherwise."""
    rows = _stated(spec, mirrored)
    finer = [row.width for row in (*rows[:1], *rows)]
    if spec.layout.finest == "stem":
        finer[:1] = [spec.stem.leaves(spec.widths()[0])]
    return [replace(row, finer=width) for row, width in zip(rows, finer, strict=False)]


def _stated(spec: Spec, mirrored: list[Row]) -> list[Row]:
    rows = spec.decoder
    if rows is None or len(rows) != len(mirrored):
        return [replace(r, blocks=r.count) for r in mirrored]
    return [
        replace(
            mirror,
            width=row.channels or mirror.width,
            blocks=row.blocks or mirror.count,
            says=row,
            at=("decoder", mirror.level),
        )
        for row, mirror in zip(rows, mirrored, strict=True)
    ]


def row_problems(spec: Spec, levels: int) -> list[Problem]:
    """A decoder that has another number of levels than the encoder gives it."""
    if spec.decoder is None or len(spec.decoder) == levels:
        return []
    rows, given = counted(len(spec.decoder), "row"), counted(levels, "level")
    what = f"the decoder has {rows}, and the encoder gives it {given}"
    mend = f"state {counted(levels, 'row')}, the finest first; `{{}}` mirrors the encoder's"
    return [Problem("decoder-levels", what, mend, ("decoder",))]
