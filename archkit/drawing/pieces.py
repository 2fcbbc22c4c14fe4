"""The nodes of a plan as the pieces of a picture: which become chips, in which card."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from ..costs import Cost
from ..plans import Link, Node
from ..shapes import Shape
from .changes import Changes, Mark
from .springs import OUTSIDE, bus

_SIDES = ("input", "encoder", "bottleneck", "decoder", "output")
_SHORT = dict(zip(_SIDES, ("in", "enc", "mid", "dec", "out"), strict=True))


@dataclass(frozen=True)
class Piece:
    """One chip: a node, and the nodes it speaks for.

    Arguments:
        reads: Ids of the buses it reads.
        joins: The skips that are merged just before it.
        also: Paths of nodes that have no chip of their own: joins, and what does nothing.
        aside: It does not stand on the trunk but on a register beside it, of this name.
    """

    node: Node
    reads: tuple[str, ...] = ()
    joins: tuple[Link, ...] = ()
    also: tuple[str, ...] = ()
    aside: str = ""
    mark: Mark = ""

    @property
    def path(self) -> str:
        return self.node.path

    @property
    def unit(self) -> str:
        """What it belongs to: its path without the last word."""
        return self.path.rpartition(".")[0]

    @property
    def kind(self) -> str:
        return self.node.component.kind

    @property
    def caption(self) -> str:
        """What is written on the chip; an arrow says which way sizes go."""
        words = self.node.component.caption(self.node.site)
        change = self.node.shape.positions / max(1, self.node.x.positions)
        # A valid convolution takes a little off the edges, and resamples nothing.
        if 1 / 1.5 < change < 1.5:
            return words
        return f"{'↓' if change < 1 else '↑'} {words}"

    @property
    def group(self) -> str:
        """What it has its colour in common with; what is not the network's own has none."""
        return "plain" if self.kind in OUTSIDE else self.node.component.grouped()

    @property
    def resamples(self) -> bool:
        return self.kind in ("pooling", "upsampling")

    @property
    def taps(self) -> bool:
        """Whether it stands where a tensor leaves the trunk, and not on a register."""
        return bool(self.aside) and (self.kind == "condition" or self.path.endswith(".offer"))

    @property
    def nodes(self) -> tuple[str, ...]:
        return (*self.also, self.node.path)


@dataclass(frozen=True)
class Stage:
    """One card: everything of one side and level.

    Arguments:
        id: As the paths of its nodes begin: ``encoder.0``, ``bottleneck``, ``decoder.0``.
        pieces: Its chips, in the order they run.
        costs: Of every node that is still there; None where one states none.
        was: The shape it had before a change, where that differs.
    """

    id: str
    side: str
    level: int
    pieces: tuple[Piece, ...]
    costs: tuple[Cost | None, ...]
    was: Shape | None = None

    @property
    def name(self) -> str:
        short = _SHORT[self.side]
        return f"{short} {self.level}" if self.side in ("encoder", "decoder") else short

    @cached_property
    def trunk(self) -> tuple[Piece, ...]:
        """The pieces on the trunk that are still there; where there are none, all."""
        on = tuple(p for p in self.pieces if not p.aside and p.mark != "removed")
        return on or tuple(p for p in self.pieces if not p.aside) or self.pieces

    @property
    def shape(self) -> Shape:
        """What its blocks work at."""
        return worked(self.trunk).node.shape

    @property
    def out(self) -> Shape:
        """What leaves it along the trunk."""
        return self.trunk[-1].node.shape

    @cached_property
    def cost(self) -> Cost:
        """The sum of what is counted."""
        return sum((cost for cost in self.costs if cost), Cost())

    @property
    def uncounted(self) -> int:
        """How many of its nodes state no cost."""
        return sum(cost is None for cost in self.costs)

    @property
    def reads(self) -> tuple[str, ...]:
        """Ids of the buses that any piece reads."""
        alive = (piece for piece in self.pieces if piece.mark != "removed")
        return tuple(dict.fromkeys(bus for piece in alive for bus in piece.reads))

    @property
    def mark(self) -> Mark:
        """``added`` or ``removed`` where that is so of every piece."""
        marks: set[Mark] = {piece.mark for piece in self.pieces}
        return marks.pop() if len(marks) == 1 and marks <= {"added", "removed"} else ""


def worked(pieces: tuple[Piece, ...]) -> Piece:
    """The last block or attention; where there is none, the last that does not resample."""
    blocks = [piece for piece in pieces if piece.kind in ("block", "attention")]
    others = [piece for piece in pieces if not piece.resamples]
    return (blocks or others or list(pieces))[-1]


def order(key: tuple[str, int]) -> tuple[int, int]:
    """Sides and levels, as the trunk passes them."""
    side, level = key
    return _SIDES.index(side), -level if side == "decoder" else level


def place(node: Node) -> tuple[str, int]:
    """The side and level of the card a node lies in."""
    side = node.site.side
    if side == "conditioning":
        side = "output" if node.site.role == "output" else "input"
    return side, node.site.level if side in ("encoder", "decoder") else 0


def register(node: Node) -> str:
    """The register a node works on, by its path; empty for the trunk.

    A path ends in ``<side>[.<level>][.blocks.<unit>][.<register>].<what>``. What is offered, and
    what a condition adds to a skip, is named after the word and the condition.
    """
    words = node.path.split(".")
    if words[-1] == "offer" or (
        node.component.kind == "condition" and node.site.side != "conditioning"
    ):
        return words[-1]
    above = words[-2:-1]
    named = above and not above[0].isdigit() and above[0] not in _SIDES
    return above[0] if named and words[0] not in ("conditioning", "precondition") else ""


def asides(nodes: list[Node]) -> dict[str, str]:
    """Paths of the nodes that stand beside the trunk, with their register."""
    found: dict[str, str] = {}
    here = "x"
    passed = _passed(nodes)
    for node in nodes:
        name = register(node)
        stray = node.component.kind != "skip" or node.inputs[0] != here
        if name and stray and node.path not in passed:
            found[node.path] = name
        else:
            here = node.path
    return found


def _passed(nodes: list[Node]) -> set[str]:
    """What conditions add to the trunk itself: what a node of the trunk goes on with."""
    read: set[str] = set()
    for node in reversed(nodes):
        if node.component.kind != "condition" or node.path in read:
            read.update(node.inputs[:1])
    return {n.path for n in nodes if n.component.kind == "condition" and n.path in read}


def crosses(changes: Changes, link: Link) -> bool:
    """Whether a skip leads from the left of the U to its right."""
    source = "input" if link.source == "x" else place(changes.node(link.source))[0]
    target = place(changes.node(link.target))[0]
    return source in ("input", "encoder") and target in ("decoder", "output")


def pieces(
    nodes: list[Node], buses: frozenset[str], beside: dict[str, str], changes: Changes
) -> tuple[tuple[Piece, ...], tuple[str, ...]]:
    """The chips of a card, and the paths of nodes that no chip can speak for."""
    across = {link.target: link for link in changes.links if crosses(changes, link)}
    made: list[Piece] = []
    joins: list[Link] = []
    also: list[str] = []
    for node in nodes:
        if node.path in across:
            joins.append(across[node.path])
        if node.component.type == "none" or (node.path in across and node is not nodes[-1]):
            also.append(node.path)
            continue
        reads = tuple(name for n in node.inputs[1:] if (name := bus(node, n)) in buses)
        aside, mark = beside.get(node.path, ""), changes.mark(node.path)
        made.append(Piece(node, reads, tuple(joins), tuple(also), aside, mark))
        joins, also = [], []
    if made and also:
        made[-1] = replace(made[-1], also=(*made[-1].also, *also))
        also = []
    return tuple(made), tuple(also)
