"""The inside of a part, drawn in a card of its own."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from . import font
from .inner import Chain
from .palette import CHIP_TEXT, PLAIN, Group
from .scene import Box, Item, Line, Point, Text
from .tracks import MARGIN, SIGNS, Tracks


@dataclass(frozen=True)
class Inset:
    """A card with the inside of one kind of part, measured from its upper left corner."""

    w: float
    h: float
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Drawn:
    """An inside while it is drawn.

    Arguments:
        title: What the part is called, and where it stands.
        inks: The colours of conditions.
        id: A name for the inset, unique in the picture.
        nodes: Paths of the nodes it stands for.
    """

    tracks: Tracks
    title: tuple[str, str]
    inks: dict[str, str]
    groups: dict[str, Group]
    id: str
    nodes: tuple[str, ...]

    def inset(self) -> Inset:
        """Everything, in a card."""
        t = self.tracks
        titles = [
            font.width(self.title[0], t.sizes.name, bold=True),
            font.width(self.title[1], t.sizes.flow),
        ]
        w = max(t.right + MARGIN, *(title + 20 for title in titles))
        h = t.y(t.last) + t.tall / 2 + MARGIN
        items = [*self._tray(), *self._main_line()]
        for chain in t.inner.chains:
            items += self._told(chain) if chain.told else self._branch(chain)
        for value, op in t.inner.brackets:
            items.append(self._back(t.start(value), t.lane_x(t.lanes[value, op]), op))
        for name, op in t.inner.asked:
            items += self._asked(name, op)
        for op in range(len(t.inner.ops)):
            items += self._op(op)
        spare = (w - t.right - MARGIN) / 2
        return Inset(w, h, (*self._card(w, h), *(item.moved(spare, 0) for item in items)))

    def _card(self, w: float, h: float) -> list[Item]:
        sizes = self.tracks.sizes
        card = Box(
            x=0,
            y=0,
            w=w,
            h=h,
            fill="card",
            stroke="card-line",
            radius=7,
            role="inset",
            id=self.id,
            nodes=self.nodes,
        )
        y = 8 + 0.6 * sizes.name
        name = Text(x=10, y=y, words=self.title[0], size=sizes.name, bold=True, role="name")
        place = Text(
            x=10,
            y=y + 0.6 * sizes.name + 0.7 * sizes.flow + 1,
            words=self.title[1],
            size=sizes.flow,
            ink="muted",
            role="shape",
        )
        return [card, name, place]

    def _op(self, op: int) -> list[Item]:
        t, what = self.tracks, self.tracks.inner.ops[op]
        sign, fill = what.label in SIGNS, self.groups[what.group].fill
        x, y, w, h = t.x(op), t.at(op), t.width(op), t.height(op)
        box = Box(
            x=x - w / 2,
            y=y - h / 2,
            w=w,
            h=h,
            fill="ground" if sign else fill,
            stroke="text" if sign else CHIP_TEXT if fill == PLAIN else "",
            line=1.0,
            radius=h / 2 if sign else 4.0,
            role="op",
            stage=self.id,
        )
        size, ink = (9.0, "text") if sign else (t.sizes.skip, CHIP_TEXT)
        return [box, Text.within(box, what.label, size, ink=ink, bold=sign)]

    def _pill(self, x: float, y: float, words: str, ink: str = "") -> list[Item]:
        """The pill of an end, or of a condition in its colour."""
        t, condition = self.tracks, bool(ink)
        w, h = t.pill_width(words, condition=condition), t.tall - 3 * condition
        box = Box(
            x=x - w / 2,
            y=y - h / 2,
            w=w,
            h=h,
            fill="ground",
            stroke=ink or "text",
            line=1.0,
            radius=h / 2,
            role="pill",
            stage=self.id,
        )
        size = t.sizes.flow if condition else t.sizes.skip
        return [box, Text.within(box, words, size, bold=condition)]

    def _line(self, points: tuple[Point, ...], ink: str) -> Line:
        role = ink if ink in ("flow", "skip") else "condition"
        return Line(points=points, ink=ink, width=1.1, radius=5, role=role, stage=self.id)

    def _main_line(self) -> list[Item]:
        """The main line between its pills."""
        t = self.tracks
        items = self._pill(t.middle, t.y(0), t.ends[0], self.inks.get(t.inner.start, ""))
        items += self._pill(t.middle, t.y(t.last), t.ends[1])
        stops = [(t.y(0), t.tall), *((t.at(op), t.height(op)) for op in t.inner.main)]
        for (y, h), (below, high) in pairwise([*stops, (t.y(t.last), t.tall)]):
            points = ((t.middle, y + h / 2), (t.middle, below - high / 2))
            items.append(self._line(points, "flow"))
        return items

    def _tray(self) -> list[Item]:
        """Behind ops that repeat together."""
        t = self.tracks
        repeated = [op for op in t.inner.main if t.inner.ops[op].repeat > 1]
        if not repeated:
            return []
        begins = (*repeated, t.inner.reads[repeated[0]][0])
        lanes = [t.lanes[e] for e in t.inner.brackets if e[0] in begins and e[1] in repeated]
        left = t.middle - t.spread / 2 - 6
        right = t.lane_x(max(lanes)) + 8 if lanes else t.middle + t.spread / 2 + 6
        top = t.at(repeated[0]) - t.tall / 2 - 7
        bottom = t.at(repeated[-1]) + t.tall / 2 + 3
        tray = Box(
            x=left,
            y=top,
            w=right - left,
            h=bottom - top,
            fill="tray",
            radius=6,
            role="tray",
            stage=self.id,
        )
        times = Text(
            x=left + 6,
            y=bottom - t.sizes.chip,
            words=f"×{t.inner.ops[repeated[0]].repeat}",
            size=t.sizes.chip,
            bold=True,
            role="times",
            stage=self.id,
        )
        return [tray, times]

    def _told(self, chain: Chain) -> list[Item]:
        """A condition, what is made of it, and the ops it enters."""
        t, ink = self.tracks, self.inks.get(chain.told[0], "muted")
        first, last = chain.ops[0], chain.ops[-1]
        top = t.y(t.inner.rows[first] - 1)
        items = self._pill(t.left, top, t.named(chain.told[0]), ink)
        stops = [(top, t.tall - 3), *((t.at(op), t.height(op)) for op in chain.ops)]
        for (y, h), (below, high) in pairwise(stops):
            items.append(self._line(((t.left, y + h / 2), (t.left, below - high / 2)), ink))
        for reader in t.inner.readers(last):
            y, end = t.at(reader), t.x(reader) - t.width(reader) / 2
            side = t.left + t.width(last) / 2
            if t.inner.rows[reader] == t.inner.rows[last]:
                points: tuple[Point, ...] = ((side, y), (end, y))
            elif t.crowded(last, reader):  # past what else is told, and in above its arrow
                x, high = t.beside_told, y - t.height(reader) / 4
                points = ((side, t.at(last)), (x, t.at(last)), (x, high), (end, high))
            else:
                points = ((t.left, t.at(last) + t.height(last) / 2), (t.left, y), (end, y))
            items.append(self._line(points, ink))
        return items

    def _asked(self, name: str, op: int) -> list[Item]:
        """A condition that an op reads as it is."""
        t, ink = self.tracks, self.inks.get(name, "muted")
        y, half = t.at(op), t.pill_width(t.named(name), condition=True) / 2
        line = self._line(((t.left + half, y), (t.x(op) - t.width(op) / 2, y)), ink)
        return [*self._pill(t.left, y, t.named(name), ink), line]

    def _branch(self, chain: Chain) -> list[Item]:
        """A chain beside the main line, from where it leaves to where it comes back."""
        t, first, last = self.tracks, chain.ops[0], chain.ops[-1]
        x, items = t.x(first), list[Item]()
        if not t.inner.fed(chain):
            start = t.start(t.inner.reads[first][0])
            top = t.at(first) - t.height(first) / 2
            items.append(self._line((start, (x, start[1]), (x, top)), "skip"))
        for a, b in pairwise(chain.ops):
            points = ((x, t.at(a) + t.height(a) / 2), (x, t.at(b) - t.height(b) / 2))
            items.append(self._line(points, "skip"))
        for reader in t.inner.readers(last)[:1]:
            y, side = t.at(reader), 1 if t.x(reader) < x else -1
            end = t.x(reader) + side * t.width(reader) / 2
            back = ((x, t.at(last) + t.height(last) / 2), (x, y), (end, y))
            items.append(self._line(back, "skip"))
        return items

    def _back(self, start: Point, x: float, op: int) -> Line:
        """A residual, on a lane of its own."""
        t = self.tracks
        y, end = t.at(op), t.x(op) + t.width(op) / 2
        return self._line((start, (x, start[1]), (x, y), (end, y)), "skip")
