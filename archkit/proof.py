"""The proof that the output has the size of the input: integers, one axis at a time.

Every node maps a size to a size (SizeMap), a join compares two. All maps keep step with their
input, so the sizes that fit repeat with a period; checking one period proves the rest. A map that
takes one size only leaves few sizes of the network, which are tried each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from .parts import Skip
from .shapes import SizeMap

# Sizes beyond this are out of the way of every border effect, where the coarsest level has so many
# positions as well.
_FAR, _ROOM = 4096, 16


@dataclass(frozen=True, slots=True)
class Step:
    """What one node does to every axis: maps of `x`, or a join of `x` and `skip`."""

    path: str
    level: int
    x: str
    maps: tuple[SizeMap, ...] = ()
    skip: str = ""
    join: Skip | None = None


@dataclass(frozen=True, slots=True)
class Clash:
    """Where a size fails: at `path`, what the trunk brings and what it meets."""

    path: str
    level: int
    x: int
    skip: int | None


@dataclass(frozen=True)
class Axis:
    """The sizes one axis may have: those with a `rest` in `rests` by `multiple`, from `least`.

    Where `only` names some, they are those alone.

    Examples:
        >>> axis = Axis(0, (), "x", True)
        >>> axis.multiple, axis.rests, axis.least, 7 in axis
        (1, (0,), 1, True)
    """

    index: int
    steps: tuple[Step, ...]
    output: str
    equal: bool
    multiple: int = 1
    rests: tuple[int, ...] = (0,)
    least: int = 1
    only: tuple[int, ...] | None = None

    def __contains__(self, n: int) -> bool:
        if self.only is not None:
            return n in self.only
        return n >= self.least and n % self.multiple in self.rests

    def nearest(self, n: int) -> tuple[int | None, int | None]:
        """The nearest sizes that fit, below (or n itself) and above (or n itself)."""
        if not self.rests:
            return None, None
        if self.only is not None:
            below = max((m for m in self.only if m <= n), default=None)
            return below, min((m for m in self.only if m >= n), default=None)
        start = max(n, self.least)
        above = next(m for m in range(start, start + self.multiple + 1) if m in self)
        low = max(self.least, n - self.multiple)
        below = next((m for m in range(n, low - 1, -1) if m in self), None)
        return below, above

    def __str__(self) -> str:
        if not self.rests:
            return "no size fits"
        if self.only is not None:
            return f"only {' or '.join(map(str, self.only))}"
        if self.multiple == 1:
            return "any size" if self.least == 1 else f"any size from {self.least}"
        if self.rests == (0,):
            text = f"a multiple of {self.multiple}"
        else:
            text = " or ".join(f"{self.multiple}k + {rest}" for rest in self.rests)
        return text if self.least <= self.multiple else f"{text}, at least {self.least}"

    def walk(self, n: int, to: str = "") -> Clash | int:
        """The size that leaves, or the place where `n` fails.

        Arguments:
            to: The path of a step, for the size that leaves that one instead.
        """
        return _walk(self.steps, to or self.output, self.index, n)


def prove(index: int, steps: Sequence[Step], output: str, equal: bool) -> Axis:
    """The sizes that pass every node, and leave as they came if `equal`."""

    def fits(n: int) -> bool:
        out = _walk(steps, output, index, n)
        return isinstance(out, int) and (out == n or not equal)

    few = _few(steps, index)
    if few is not None:
        only = tuple(n for n in few if fits(n))
        least = only[0] if only else 1
        return Axis(index, tuple(steps), output, equal, 1, (0,) * bool(only), least, only)
    period = _period(steps, output, index, equal)
    if period is None:
        return Axis(index, tuple(steps), output, equal, 1, ())
    start = period * (_FAR // period + _ROOM)
    rests = tuple(n - start for n in range(start, start + period) if fits(n))
    multiple, rests = _reduced(period, rests)
    legal = (n for n in range(1, start + period) if n % multiple in rests and fits(n))
    return Axis(index, tuple(steps), output, equal, multiple, rests, next(legal, 1))


def _walk(steps: Sequence[Step], output: str, index: int, n: int) -> Clash | int:
    sizes = {"x": n}
    for step in steps:
        size = sizes[step.x]
        if step.maps:
            change = step.maps[index]
            if not change.accepts(size):
                return Clash(step.path, step.level, size, None)
            sizes[step.path] = change(size)
        elif step.join is not None:
            met = step.join.meet(size, sizes[step.skip])
            if met is None or met < 1:
                return Clash(step.path, step.level, size, sizes[step.skip])
            sizes[step.path] = met
    return sizes[output]


def _few(steps: Sequence[Step], index: int) -> range | None:
    """The sizes to try where some node takes one only; None where every node takes many."""
    pace, room = {"x": Fraction(1)}, _ROOM
    for step in steps:
        change = step.maps[index] if step.maps else SizeMap()
        here = pace[step.x]
        room += abs(change.plus)
        if change.only is not None and here:
            there = int(change.only / here)
            room = room if here > 1 else int(room / here)
            return range(max(1, there - room), there + room + 1)
        pace[step.path] = here * change.times / change.over
    return None


def _period(steps: Sequence[Step], output: str, index: int, equal: bool) -> int | None:
    """After how many sizes everything repeats; None where two paths never keep step."""
    pace = {"x": Fraction(1)}
    period = 1
    for step in steps:
        here = pace[step.x]
        if step.maps:
            change = step.maps[index]
            period = lcm(period, (here / change.multiple).denominator)
            here = here * change.times / change.over
        elif step.join is not None and step.join.reads_skip and pace[step.skip] != here:
            return None
        pace[step.path] = here
        period = lcm(period, here.denominator)
    return None if equal and pace[output] != 1 else period


def _reduced(period: int, rests: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """The shortest period that says the same."""
    wanted = set(rests)
    for short in range(1, period + 1):
        few = {r % short for r in wanted}
        if period % short == 0 and wanted == {n for n in range(period) if n % short in few}:
            return short, tuple(sorted(few))
    return period, rests
