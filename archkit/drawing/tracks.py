"""Where the ops inside a part stand: rows downwards, a main line, lanes to its right."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from . import font
from .inner import Chain, Inner
from .scene import Point
from .style import Sizes

GAP, SIGN, LANE, MARGIN = 11.0, 12.0, 12.0, 12.0
SIGNS = ("+", "×", "−")

Edge = tuple[int | str, int]


@dataclass(frozen=True)
class Tracks:
    """The measures of an inside, from the upper left corner of its card.

    Arguments:
        ends: What is written on the pills of what comes in and out.
        told: For each condition, what is written on its pill.
    """

    inner: Inner
    ends: tuple[str, str]
    told: dict[str, str]
    sizes: Sizes

    def width(self, op: int) -> float:
        """The width of an op."""
        label = self.inner.ops[op].label
        return SIGN if label in SIGNS else font.width(label, self.sizes.skip) + 16

    def height(self, op: int) -> float:
        """The height of an op."""
        return SIGN if self.inner.ops[op].label in SIGNS else self.tall

    @property
    def tall(self) -> float:
        """The height of a chip."""
        return self.sizes.skip + 9.5

    def pill_width(self, words: str, *, condition: bool) -> float:
        """The width of the pill of an end, or of a condition."""
        if condition:
            return font.width(words, self.sizes.flow, bold=True) + 12
        return font.width(words, self.sizes.skip) + 16

    def named(self, name: str) -> str:
        """What is written on the pill of a condition."""
        return self.told.get(name, name)

    # Columns ----------------------------------------------------------------------------------

    @cached_property
    def spread(self) -> float:
        """The width of the main line."""
        pills = [self.pill_width(words, condition=False) for words in self.ends]
        return max([44.0, *pills, *(self.width(op) for op in self.inner.main)])

    @cached_property
    def beside(self) -> float:
        """Room to the left, for conditions and what is made of them."""
        ops = [self.width(op) for chain in self.inner.chains if chain.told for op in chain.ops]
        names = [name for chain in self.inner.chains for name in chain.told]
        names += [name for name, _ in self.inner.asked]
        pills = [self.pill_width(self.named(name), condition=True) for name in names]
        return max([*ops, *pills]) + 30 if ops or pills else 0.0

    @property
    def middle(self) -> float:
        """The middle of the main line."""
        return MARGIN + self.beside + self.spread / 2

    @property
    def left(self) -> float:
        """The middle of the column of conditions."""
        return MARGIN + (self.beside - 30) / 2

    @property
    def beside_told(self) -> float:
        """Between the column of conditions and the main line."""
        return MARGIN + self.beside - 20

    def crowded(self, last: int, reader: int) -> bool:
        """Whether other conditions stand between what is told and the op that reads it."""
        low, high = self._row(last), self._row(reader)
        told = (chain.ops for chain in self.inner.chains if chain.told)
        return any(low < self._row(op) <= high for ops in told if last not in ops for op in ops)

    @property
    def branches(self) -> tuple[Chain, ...]:
        """The chains to the right."""
        return tuple(chain for chain in self.inner.chains if not chain.told)

    @cached_property
    def lanes(self) -> dict[int | Edge, int]:
        """For each branch (by its first op) and bracket, its lane; short ones lie inside."""
        spans: list[tuple[int, int, int | Edge]] = []
        for chain in self.branches:
            low = self._row(self.inner.reads[chain.ops[0]][0])
            readers = self.inner.readers(chain.ops[-1])
            spans.append((low, max((self._row(r) for r in readers), default=low + 1), chain.ops[0]))
        spans += [(self._row(a), self._row(b), (a, b)) for a, b in self.inner.brackets]
        taken: list[list[tuple[int, int]]] = []
        found: dict[int | Edge, int] = {}
        for low, high, what in sorted(spans, key=lambda span: span[1] - span[0]):
            lane = next((i for i in range(len(taken)) if _free(taken[i:], low, high)), len(taken))
            taken += [[]] * (lane == len(taken))
            taken[lane] = [*taken[lane], (low, high)]
            found[what] = lane
        return found

    def lane_x(self, lane: int) -> float:
        """The middle of a lane."""
        x = self.middle + self.spread / 2
        for i in range(lane):
            x += self._lane_width(i)
        return x + self._lane_width(lane) / 2

    def _lane_width(self, lane: int) -> float:
        chips = [
            self.width(op) for c in self.branches if self.lanes[c.ops[0]] == lane for op in c.ops
        ]
        return max(chips) + 16 if chips else LANE + 8

    @property
    def right(self) -> float:
        """Where the last lane ends."""
        right = self.middle + self.spread / 2
        return right + sum(self._lane_width(lane) for lane in set(self.lanes.values()))

    def x(self, op: int) -> float:
        """The middle of an op."""
        if op in self.inner.main:
            return self.middle
        chain = next(c for c in self.inner.chains if op in c.ops)
        return self.left if chain.told else self.lane_x(self.lanes[chain.ops[0]])

    # Rows -------------------------------------------------------------------------------------

    def _row(self, value: int | str) -> int:
        return self.inner.rows[value] if isinstance(value, int) else 0

    @property
    def last(self) -> int:
        """The row of what comes out."""
        return self._row(self.inner.main[-1]) + 1

    def y(self, row: int) -> float:
        """The middle of a row; row 0 is what comes in."""
        first = 26 + 1.2 * self.sizes.name + self.sizes.flow / 2 + self.tall / 2
        return first + (row + self._above) * (self.tall + GAP)

    @cached_property
    def _above(self) -> int:
        """How many rows conditions rise above what comes in."""
        tops = [self._row(chain.ops[0]) - 1 for chain in self.inner.chains if chain.told]
        return max(0, -min(tops, default=0))

    def at(self, op: int) -> float:
        """The middle of an op's row."""
        return self.y(self._row(op))

    def start(self, value: int | str) -> Point:
        """Where a branch leaves a value: the side of its box, or the main line below it."""
        if isinstance(value, str):
            half = self.pill_width(self.ends[0], condition=False) / 2
            return self.middle + half, self.y(0)
        if value in self.inner.main:
            return self.middle, self.at(value) + self.height(value) / 2 + GAP / 2 - 1
        return self.x(value) + self.width(value) / 2, self.at(value)


def _free(lanes: list[list[tuple[int, int]]], low: int, high: int) -> bool:
    """Whether nothing in these lanes, the wanted one first, lies beside a stretch of rows."""
    return all(high <= a or low >= b for lane in lanes for a, b in lane)
