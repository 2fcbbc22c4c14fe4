"""Repeats of chips, folded: ``R A R A ↓`` becomes ``(R A) ×2, ↓``."""

from __future__ import annotations

from dataclasses import dataclass

from .pieces import Piece


@dataclass(frozen=True)
class Fold:
    """Chips that stand for several: one period, and every piece in it.

    Examples of `period` and `pieces` for ``R A R A``: two pieces, and four.
    """

    period: tuple[Piece, ...]
    pieces: tuple[Piece, ...]

    @property
    def times(self) -> int:
        return len(self.pieces) // len(self.period)

    def behind(self, index: int) -> tuple[Piece, ...]:
        """The pieces that the chip at `index` stands for."""
        return self.pieces[index :: len(self.period)]


def fold(row: tuple[Piece, ...]) -> tuple[Fold, ...]:
    """Greedy from the left: the period that folds most, the shortest of several."""
    folds, at = [], 0
    while at < len(row):
        rest = row[at:]
        periods = range(1, len(rest) // 2 + 1) if at == 0 or _begins(row, at) else range(0)
        period, times = max(
            ((p, _times(rest, p)) for p in periods),
            key=lambda found: (found[0] * found[1] if found[1] > 1 else 0, -found[0]),
            default=(1, 1),
        )
        if times == 1:
            period = 1
        folds.append(Fold(rest[:period], rest[: period * times]))
        at += period * times
    return tuple(folds)


def _times(row: tuple[Piece, ...], period: int) -> int:
    """How often the first `period` pieces are repeated at the beginning of the row."""
    times = 1
    while (
        (times + 1) * period <= len(row)
        and _begins(row, times * period)
        and all(_alike(row[i], row[times * period + i]) for i in range(period))
    ):
        times += 1
    return times


def _begins(row: tuple[Piece, ...], at: int) -> bool:
    """Whether a new unit begins at a place; a repeat never starts within one."""
    return row[at].unit != row[at - 1].unit


def _alike(a: Piece, b: Piece) -> bool:
    """Whether two chips look and read the same; their channels may differ."""
    looks = (a.caption, a.group, a.reads, a.mark, a.aside) == (
        b.caption,
        b.group,
        b.reads,
        b.mark,
        b.aside,
    )
    merges = [join.mode for join in a.joins] == [join.mode for join in b.joins]
    return looks and merges and a.node.component == b.node.component
