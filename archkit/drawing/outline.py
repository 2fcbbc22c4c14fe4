"""What a picture of a plan has to show, before anything is placed: stages, skips, conditions."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..plans import Link, Node, Plan
from ..shapes import Shape
from .changes import Changes, Mark
from .pieces import Piece, Stage, asides, crosses, order, pieces, place, worked
from .springs import Bus, buses


@dataclass(frozen=True)
class Strand:
    """The skips from one stage to another.

    Arguments:
        source, target: Ids of stages; empty for the row of the input, or of the output, and for
            what is offered, which leads to the answer.
        words: How they are merged.
        ends: For each tensor, the node it comes from and the node that merges it.
        shapes: The tensors that travel.
        across: Whether it leads from the left of the U to its right.
        marks: What happened to each tensor.
    """

    source: str
    target: str
    words: str
    ends: tuple[tuple[str, str], ...]
    shapes: tuple[Shape, ...]
    across: bool
    marks: tuple[Mark, ...]

    @property
    def mark(self) -> Mark:
        """What happened to all of them; ``changed`` where that differs."""
        return self.marks[0] if len(set(self.marks)) == 1 else "changed"

    @property
    def channels(self) -> list[int]:
        """The channels of each tensor; of those that are gone only where all are."""
        kept = [s for s, m in zip(self.shapes, self.marks, strict=True) if m != "removed"]
        return [shape.channels for shape in kept or self.shapes]

    @property
    def offered(self) -> bool:
        """Whether it leaves the network, for another to take in."""
        return not self.ends[0][1]

    @property
    def within(self) -> bool:
        """Whether it stays in one card."""
        return bool(self.source) and self.source == self.target


@dataclass(frozen=True)
class Outline:
    """Everything to show, in the order of the trunk.

    Arguments:
        entry, exit: The chips before the first card, and after the last.
        silent: Paths of nodes that do nothing and stand alone.
    """

    plan: Plan
    changes: Changes
    entry: tuple[Piece, ...]
    stages: tuple[Stage, ...]
    exit: tuple[Piece, ...]
    buses: tuple[Bus, ...]
    silent: tuple[str, ...]
    strands: tuple[Strand, ...] = ()

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """All chips."""
        inside = (piece for stage in self.stages for piece in stage.pieces)
        return (*self.entry, *inside, *self.exit)

    def on(self, side: str) -> tuple[Stage, ...]:
        """The stages of a side, in the order of the trunk."""
        return tuple(stage for stage in self.stages if stage.side == side)


def outline(plan: Plan, before: Plan | None = None) -> Outline:
    """The outline of a plan; what differs from the plan `before` it is marked."""
    changes, lanes = Changes(plan, before), buses(plan)
    told = {path for bus in lanes for path in bus.nodes}
    trunk = [node for node in plan if node.path not in told]
    nodes, ids = changes.woven(trunk), frozenset(bus.id for bus in lanes)
    beside = {**asides([n for n in nodes if n not in trunk]), **asides(trunk)}
    cards: dict[tuple[str, int], list[Node]] = {}
    for node in nodes:
        cards.setdefault(place(node), []).append(node)
    made: dict[tuple[str, int], tuple[Piece, ...]] = {}
    silent: list[str] = []
    for key in sorted(cards, key=order):
        made[key], rest = pieces(cards[key], ids, beside, changes)
        silent += rest
    entry, first = _parted(made.pop(("input", 0), ()), ends=False)
    last, exit = _parted(made.pop(("output", 0), ()), ends=True)
    made = {("input", 0): first, **made, ("output", 0): last}
    stages = tuple(_stage(*key, found, changes) for key, found in made.items() if found)
    bare = Outline(plan, changes, entry, stages, exit, lanes, tuple(silent))
    return replace(bare, strands=strands(bare))


def _parted(row: tuple[Piece, ...], ends: bool) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """The chips of an end in two: those that stand in its row, and those that need a card.

    A card is needed for what reads a bus, joins a skip or is a block; whatever comes between it
    and the trunk goes with it.
    """
    heavy = [i for i, p in enumerate(row) if p.reads or p.joins or p.kind == "block" or p.aside]
    cut = heavy[-1] + 1 if ends and heavy else 0 if ends else min([*heavy, len(row)])
    return row[:cut], row[cut:]


def _stage(side: str, level: int, found: tuple[Piece, ...], changes: Changes) -> Stage:
    id = f"{side}.{level}" if side in ("encoder", "decoder") else side
    paths = [path for piece in found for path in piece.nodes]
    costs = tuple(changes.node(path).cost for path in paths if changes.mark(path) != "removed")
    bare = Stage(id, side, level, found, costs)
    return replace(bare, was=changes.was(worked(bare.trunk).path))


def strands(found: Outline) -> tuple[Strand, ...]:
    """Every tensor that leads somewhere else than to the next node, in bundles."""
    cards = {path: s.id for s in found.stages for p in s.pieces for path in p.nodes}
    bundles: dict[tuple[str, str, str, bool], list[Link]] = {}
    for link in (*found.changes.links, *_threads(found)):
        target = cards.get(link.target, "")
        across = crosses(found.changes, link)
        source = _home(found, link, cards) if across else cards.get(link.source, "")
        if across and not source and target.startswith("decoder"):
            source = next((s.id for s in found.stages if s.side == "encoder"), "")
        bundles.setdefault((source, target, link.mode, across), []).append(link)
    for link in _offers(found):
        bundles.setdefault((cards[link.source], "", link.mode, True), []).append(link)
    return tuple(
        Strand(
            source,
            target,
            mode,
            tuple((link.source, link.target) for link in links),
            tuple(link.shape for link in links),
            across,
            tuple(found.changes.link_mark(link) for link in links),
        )
        for (source, target, mode, across), links in bundles.items()
    )


def _offers(found: Outline) -> list[Link]:
    """What leaves beside the trunk, whose own arrow shows what the last stage offers."""
    last = {path for s in found.stages[-1:] for piece in s.pieces for path in piece.nodes}
    nodes = (found.plan[path] for path in found.plan.offers.values() if path not in last)
    return [Link(n.site.level, n.path, "", n.shape, "offer") for n in nodes]


def _home(found: Outline, link: Link, cards: dict[str, str]) -> str:
    """The stage where a skip starts: what leaves a stage towards the next is that one's input."""
    if link.source == "x":
        return ""
    side, level = place(found.changes.node(link.source))
    next_one = f"encoder.{level + 1}"
    leaves = side == "encoder" and link.level == level + 1
    if leaves and any(stage.id == next_one for stage in found.stages):
        return next_one
    return cards.get(link.source, "")


def _threads(found: Outline) -> list[Link]:
    """What registers and preconditions carry past the next node."""
    alive = [piece for piece in found.pieces if piece.mark != "removed"]
    values = {"x", *(piece.path for piece in alive)}
    linked = {(link.source, link.target) for link in found.changes.links}
    last = {path for s in found.stages[-1:] for piece in s.pieces for path in piece.nodes}
    here, threads = "x", []
    for piece in alive:
        # What the last stage hands on may be a register; the trunk's own arrow shows it.
        near = last | {here} if piece in found.exit[:1] else {here}
        for value in piece.node.inputs:
            far = value in values and value not in near and (value, piece.path) not in linked
            if far and value not in piece.also:
                shape = found.plan[value].shape if value != "x" else piece.node.x
                mode = piece.aside or value
                threads.append(Link(piece.node.site.level, value, piece.path, shape, mode))
        here = here if piece.aside else piece.path
    return threads
