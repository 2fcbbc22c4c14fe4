"""What a picture says in words: tooltips, the line of facts, the description."""

from __future__ import annotations

from ..costs import Cost
from ..errors import dotted
from ..plans import Plan
from ..shapes import Shape
from ..units import UNCOUNTED, count, share
from . import labels
from .changes import SIGNS
from .outline import Outline, Strand
from .pieces import Piece, Stage

_SYMBOLS = {"noise": "ε", "velocity": "v", "score": "s", "sample": "x", "v": "v"}


def answer(plan: Plan) -> tuple[str, str]:
    """What the output is called, with its subscript."""
    if plan.offers:
        return "offers", ""
    kind = plan.spec.prediction.type
    symbol = _SYMBOLS.get(kind, kind if kind != "none" else "output")
    if plan.spec.output.variance != "none":
        return f"{symbol}, Σ", ""
    return symbol, "0" if kind == "sample" else ""


def leaves(plan: Plan) -> str:
    """The shape of the output; how many tensors, where a network offers some."""
    if plan.spec.output.variance == "per-sample":
        return f"{labels.shape(plan.output.with_channels(plan.output.channels - 1))} + 1"
    return f"{len(plan.offers)} tensors" if plan.offers else labels.shape(plan.output)


def asked(plan: Plan) -> tuple[str, str]:
    """What the input is called, with its subscript."""
    return ("x", "t") if plan.spec.prediction.along else ("input", "")


def title(found: Outline) -> str:
    """What the picture is called; both names where two networks are compared."""
    name, before = found.plan.spec.name, found.changes.before
    return name if before is None or before.spec.name == name else f"{before.spec.name} → {name}"


def facts(found: Outline) -> str:
    """Totals in a line: parameters, MACs, and the shape of the input."""
    plan, before = found.plan, found.changes.before
    told = [
        f"{_total(before, plan, 'parameters')} parameters",
        f"{_total(before, plan, 'macs', 'MACs')}",
        f"input {labels.shape(sample(plan))}",
    ]
    if plan.uncounted:
        n = len(plan.uncounted)
        told.append("1 node is not counted" if n == 1 else f"{n} nodes are not counted")
    if plan.spec.fit == "pad":
        told.append("other sizes are padded, and cropped back")
    return " · ".join(told)


def sample(plan: Plan) -> Shape:
    """The shape of the input."""
    return Shape(plan.spec.input.channels, plan.space)


def _total(before: Plan | None, plan: Plan, kind: str, unit: str = "") -> str:
    """A total, and what it was before where that differs."""
    now, least = getattr(plan.cost, kind), "≥ " if plan.uncounted else ""
    told = f"{least}{count(now, unit)}"
    was = getattr(before.cost, kind) if before else now
    return told if was == now else f"{count(was, unit)} → {told}"


def counted(cost: Cost, uncounted: int, total: Cost) -> list[str]:
    """Costs with their shares."""
    if uncounted and cost == Cost():
        return [UNCOUNTED]
    told = [
        f"{cost.parameters:,} parameters ({share(cost.parameters, total.parameters)})",
        f"{count(cost.macs, 'MACs')} ({share(cost.macs, total.macs)}), "
        f"{count(2 * cost.macs, 'FLOPs')}",
    ]
    if uncounted:
        told.append(f"and {uncounted} that {'is' if uncounted == 1 else 'are'} not counted")
    return told


def amount(stage: Stage, counted: int) -> str:
    """A cost of a stage: at least what is counted, where some of its nodes are not."""
    if not stage.uncounted:
        return count(counted)
    return f"≥ {count(counted)}" if counted else UNCOUNTED


def of_stage(stage: Stage, found: Outline) -> str:
    """What the pointer is told on a card."""
    n = len(stage.pieces)
    told = [
        f"{stage.name} · {n} node{'s' * (n > 1)} at {labels.shape(stage.shape)}",
        f"in {labels.shape(stage.trunk[0].node.x)}, out {labels.shape(stage.out)}",
        *counted(stage.cost, stage.uncounted, found.plan.cost),
    ]
    if stage.was:
        told.append(f"before: {labels.shape(stage.was)}")
    if stage.reads:
        told.append(f"reads {labels.listed(names(stage.reads, found))}")
    return "\n".join(told)


def of_pieces(alike: tuple[Piece, ...], found: Outline) -> str:
    """What the pointer is told on a chip that stands for these pieces."""
    piece = alike[0]
    node, times = piece.node, f" ×{len(alike)}" if len(alike) > 1 else ""
    widths = dict.fromkeys(
        labels.change(p.node.site.x.channels, p.node.shape.channels) for p in alike
    )
    costs = [p.node.cost for p in alike]
    cost = sum((c for c in costs if c), Cost())
    told = [f"{node.name}{times} · {', '.join(widths)} channels"]
    if ops := node.component.inside(node.site):
        told.append(" → ".join(op.label for op in ops))
    told += counted(cost, sum(c is None for c in costs), found.plan.cost)
    if piece.reads:
        told.append(f"reads {labels.listed(names(piece.reads, found))}")
    if piece.joins:
        told.append(f"takes in a skip: {', '.join(j.mode for j in piece.joins)}")
    if piece.mark:
        told.append(f"{SIGNS[piece.mark]} {piece.mark}")
    told += ["spec: " + dotted(p.node.at) for p in alike[:1]]
    told.append("nodes: " + ", ".join(p.path for p in alike))
    return "\n".join(told)


def of_strand(strand: Strand, found: Outline) -> str:
    """What the pointer is told on a skip."""
    told = [f"{strand.words}: {labels.channels(strand.channels)}"]
    for (source, target), shape in zip(strand.ends, strand.shapes, strict=True):
        if strand.offered:
            told.append(f"{source} · {labels.shape(shape)}")
            continue
        kept = found.changes.node(target).shape.space
        cut = "" if kept == shape.space else f", met at {labels.space(kept)}"
        told.append(f"{source} → {target} · {labels.shape(shape)}{cut}")
    if strand.mark:
        told.append(f"{SIGNS[strand.mark]} {strand.mark}")
    return "\n".join(told)


def merge(strand: Strand, found: Outline) -> str:
    """How the tensors of a strand are merged: ``concat``, or ``crop + concat``."""
    if strand.offered:
        return strand.words
    node = found.changes.node(strand.ends[0][1])
    words = node.component.caption(node.site) if node.component.kind == "skip" else strand.words
    before, after = strand.shapes[0].positions, node.shape.positions
    if before == after:
        return words
    return f"crop + {words}" if before > after else f"pad + {words}"


def names(buses: tuple[str, ...], found: Outline) -> list[str]:
    """The inputs that buses spring from, in words."""
    springs = {bus.id: bus.sources for bus in found.buses}
    return ["time" if name == "t" else name for bus in buses for name in springs.get(bus, ())]


def description(found: Outline) -> str:
    """The picture in sentences, for those who do not see it."""
    plan = found.plan
    by_id = {stage.id: stage.name for stage in found.stages}
    told = [f"Diagram of a U-Net, {title(found)}.", f"{facts(found)}."]
    told += [f"{plan.spec.about}."] if plan.spec.about else []
    for stage in found.stages:
        chips = ", ".join(piece.caption for piece in stage.pieces)
        told.append(f"{stage.name}: {labels.shape(stage.shape)}, {chips}.")
    for strand in found.strands:
        ends = (by_id.get(end, "the row of the input") for end in (strand.source, strand.target))
        widths = labels.channels(strand.channels)
        if strand.offered:
            told.append(f"{by_id[strand.source]} offers {widths}.")
            continue
        told.append(f"Skip from {' to '.join(ends)}: {merge(strand, found)} {widths}.")
    for bus in found.buses:
        readers = [stage.name for stage in found.stages if bus.id in stage.reads]
        who = labels.listed(names((bus.id,), found))
        told.append(f"{who[0].upper()}{who[1:]} ({bus.words}) into {labels.listed(readers)}.")
    return " ".join(told)
