"""Plan to scene: the inside of every kind of part, one card each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..looks import Op
from ..plans import Node
from . import font, labels, springs, words
from .chips import Desk
from .inner import Inner
from .insets import Drawn, Inset
from .legend import kinds as legend_of
from .legend import legend
from .palette import Group, groups
from .scene import Item, Scene, Text
from .style import LEAST_PRINTED, Style
from .tracks import Tracks

MARGIN, GAP, WIDEST = 8.0, 14.0, 1080.0


@dataclass(frozen=True)
class Kind:
    """A kind of part: its nodes, and the one with most to tell."""

    nodes: tuple[Node, ...]
    node: Node
    stage: str

    @property
    def ops(self) -> tuple[Op, ...]:
        """The steps inside; itself where it does not tell."""
        part, site = self.node.component, self.node.site
        itself = Op(part.caption(site), part.reads(site), group=part.grouped())
        return part.inside(site) or (itself,)


def anatomy(desk: Desk, style: Style) -> Scene:
    """The scene of all insides, in as many rows as they need."""
    name, sizes = desk.outline.plan.spec.name, desk.sizes
    kinds = tuple(_kinds(desk))
    named = groups(op.group for kind in kinds for op in kind.ops)
    insets = [_inset(desk, kind, named) for kind in kinds]
    items: list[Item] = []
    y = MARGIN
    if style.titled:
        told = f"{name} · inside"
        items.append(Text(x=MARGIN, y=15, words=told, size=sizes.title, bold=True, role="title"))
        facts = words.facts(desk.outline)
        items.append(Text(x=MARGIN, y=31, words=facts, size=sizes.facts, ink="muted", role="facts"))
        y = 45.0
    widest = style.printed * sizes.flow / LEAST_PRINTED if style.printed else WIDEST
    right = max((_reach(item) for item in items if isinstance(item, Text)), default=0.0)
    for shelf in _packed(insets, widest - 2 * MARGIN):
        x = MARGIN
        for column in shelf:
            top = y
            for inset in column:
                items += [item.moved(x, top) for item in inset.items]
                top += inset.h + GAP
            x += _width(column) + GAP
        right = max(right, x - GAP)
        y += _height(shelf[0]) + GAP
    width = right + MARGIN
    if style.legend:
        entries = legend_of(named.values())
        drawn, high = legend(sizes.legend, entries, width / 2, right - MARGIN, y + 2)
        items += drawn
        y += high
    return Scene(width, y + 2, tuple(items), f"{name}, inside", _description(name, kinds))


def _reach(text: Text) -> float:
    return text.x + font.width(text.words, text.size, bold=text.bold)


def _kinds(desk: Desk) -> Iterator[Kind]:
    """Every kind of part that has something inside, and every kind of block and attention."""
    found = desk.outline
    places = dict.fromkeys((path for bus in found.buses for path in bus.nodes), "conditioning")
    for piece in found.pieces:
        stage = next((s.name for s in found.stages if piece in s.pieces), piece.kind)
        places.update(dict.fromkeys(piece.nodes, stage))
    alike: dict[str, list[Node]] = {}
    for node in found.plan:
        alike.setdefault(node.name, []).append(node)
    for nodes in alike.values():
        best = max(nodes, key=lambda node: len(node.component.inside(node.site)))
        told = len(best.component.inside(best.site)) > 1
        if told or best.component.kind in ("block", "attention"):
            yield Kind(tuple(nodes), best, places.get(best.path, ""))


def _packed(insets: list[Inset], widest: float) -> list[list[list[Inset]]]:
    """Insets in shelves of columns: the tallest first, small ones below each other."""
    left = sorted(insets, key=lambda inset: -inset.h)
    shelves: list[list[list[Inset]]] = []
    while left:
        shelf = [[left.pop(0)]]
        for inset in list(left):
            used = sum(_width(column) + GAP for column in shelf)
            for column in shelf:
                wider = max(0.0, inset.w - _width(column))
                fits = _height(column) + GAP + inset.h <= shelf[0][0].h
                if fits and used - GAP + wider <= widest:
                    column.append(inset)
                    left.remove(inset)
                    break
            else:
                if used + inset.w <= widest:
                    shelf.append([inset])
                    left.remove(inset)
        shelves.append(shelf)
    return shelves


def _height(column: list[Inset]) -> float:
    return sum(inset.h + GAP for inset in column) - GAP


def _width(column: list[Inset]) -> float:
    return max(inset.w for inset in column)


def _inset(desk: Desk, kind: Kind, named: dict[str, Group]) -> Inset:
    node, part = kind.node, kind.node.component
    outside = part.reads(node.site) or ("x",)
    read = dict(zip(outside, node.inputs, strict=False))
    told = {word: _told(desk, word, value) for word, value in read.items() if word != "x"}
    inks = {word: desk.inks.get(read[word], "skip") for word in told}
    arrives = told.get(outside[0]) or labels.shape(node.x)
    times = f" · {len(kind.nodes)} times" if len(kind.nodes) > 1 else ""
    title = (part.caption(node.site) or part.type, f"{node.name} · {kind.stage}{times}")
    ends = (arrives, labels.shape(node.shape))
    tracks = Tracks(Inner(kind.ops, outside), ends, told, desk.sizes)
    paths = tuple(n.path for n in kind.nodes)
    return Drawn(tracks, title, inks, named, f"inside-{node.name}", paths).inset()


def _told(desk: Desk, word: str, value: str) -> str:
    """What is written on the pill of something that a part reads beside the trunk."""
    plan = desk.outline.plan
    bus = next((bus.words for bus in desk.outline.buses if bus.id == value), "")
    size = bus or (springs.pill(plan, value) if value in plan.arguments else "")
    name = value if word == "skip" and value in plan.arguments else word
    return f"{'time' if word == 't' else name} {size}".strip()


def _description(name: str, kinds: tuple[Kind, ...]) -> str:
    told = [f"The inside of the parts of {name}."]
    for kind in kinds:
        steps = ", ".join(op.label for op in kind.ops)
        told.append(f"{kind.node.name}, {len(kind.nodes)} times: {steps}.")
    return " ".join(told)
