"""Outline to a Mermaid block diagram: a U for README files and wikis."""

from __future__ import annotations

from itertools import pairwise

from ...shapes import Shape
from .. import labels, words
from ..folds import Fold, fold
from ..outline import Outline, Strand
from ..pieces import Piece, Stage

_CLASSES = (
    "classDef enc fill:#77AADD,stroke:#33669A,color:#111827",
    "classDef mid fill:#EEDD88,stroke:#A08A2C,color:#111827",
    "classDef dec fill:#BBCC33,stroke:#7F8C22,color:#111827",
    "classDef io fill:#FFFFFF,stroke:#1F2937,color:#111827",
)
_SIDES = {"input": "enc", "encoder": "enc", "bottleneck": "mid", "decoder": "dec", "output": "dec"}


def mermaid(found: Outline) -> str:
    """The outline as Mermaid's ``block-beta``, three columns wide."""
    plan = found.plan
    sample = labels.shape(Shape(plan.spec.input.channels, plan.space))
    lines = [
        f"%% {' '.join(plan.spec.name.split())}: {words.facts(found)}",
        "block-beta",
        "  columns 3",
        f"  x([{_end(words.asked(plan), sample, found.entry)}]) space "
        f"y([{_end(words.answer(plan), words.leaves(plan), found.exit)}])",
        *_grid(found),
    ]
    path = ["x", *(_id(stage) for stage in found.stages), "y"]
    lines += [f"  {before} --> {after}" for before, after in pairwise(path)]
    lines += [_strand(strand, found) for strand in found.strands if not strand.within]
    lines += [f"  {told}" for told in _CLASSES]
    for name in ("enc", "mid", "dec"):
        ids = [_id(stage) for stage in found.stages if _SIDES[stage.side] == name]
        lines += [f"  class {','.join(ids)} {name}"] if ids else []
    return "\n".join([*lines, "  class x,y io"]) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("#", "#35;").replace('"', "#quot;").replace("\n", " ")
    return f'"{escaped}"'


def _end(name: tuple[str, str], shape: str, row: tuple[Piece, ...]) -> str:
    told = f"{name[0]}{'_' if name[1] else ''}{name[1]} · {shape}"
    chips = " + ".join(piece.caption for piece in row)
    return _quoted(f"{told}<br/>{chips}" if chips else told)


def _id(stage: Stage) -> str:
    return stage.id.replace(".", "")


def _grid(found: Outline) -> list[str]:
    """The cards, level by level, with an empty row above each."""
    lefts = {s.level: s for s in found.stages if s.side == "encoder"}
    rights = {s.level: s for s in found.stages if s.side == "decoder"}
    lefts.update((-1, stage) for stage in found.on("input"))
    rights.update((-1, stage) for stage in found.on("output"))
    lines: list[str] = []
    for level in sorted(lefts.keys() | rights.keys()):
        cells = [_cell(row.get(level), found) for row in (lefts, rights)]
        lines += ["  space:3", f"  {cells[0]} space {cells[1]}"]
    for stage in found.on("bottleneck"):
        lines += ["  space:3", f"  space {_cell(stage, found)} space"]
    return lines


def _cell(stage: Stage | None, found: Outline) -> str:
    if stage is None:
        return "space"
    told = f"<b>{stage.name}</b> · {labels.shape(stage.shape)}<br/>"
    told += " + ".join(_fold(part) for part in fold(stage.pieces))
    if stage.reads:
        told += f"<br/>reads {labels.listed(words.names(stage.reads, found))}"
    return f"{_id(stage)}[{_quoted(told)}]"


def _fold(part: Fold) -> str:
    chips = " + ".join(piece.caption for piece in part.period)
    if part.times == 1:
        return chips
    return f"{part.times} × ({chips})" if len(part.period) > 1 else f"{part.times} × {chips}"


def _strand(strand: Strand, found: Outline) -> str:
    widths = labels.channels(strand.channels)
    ends = [end.replace(".", "") for end in (strand.source or "x", strand.target or "y")]
    told = _quoted(f"{words.merge(strand, found)} · {widths}")
    return f"  {ends[0]} -- {told} --> {ends[1]}"
