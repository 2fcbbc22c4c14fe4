"""Plan → receptive fields: the part of the sample that a position looks at."""

from __future__ import annotations

from dataclasses import dataclass

from ..plans import Plan
from ..windows import EVERYWHERE, Reach, is_whole
from .memory import Costs, says_memory


@dataclass(frozen=True, slots=True)
class Field:
    """What one position looks at, in pixels of the sample.

    Arguments:
        box: For each axis, the first and the last pixel; outside the sample is padding. None
            once attention reaches everything.
        sample: The size of the sample.
    """

    box: tuple[tuple[int, int], ...] | None
    sample: tuple[int, ...]

    @property
    def size(self) -> tuple[int, ...] | None:
        """How many pixels along each axis, padding included; None for everything."""
        return None if self.box is None else tuple(b - a + 1 for a, b in self.box)

    @property
    def whole(self) -> bool:
        """Whether it covers the whole sample."""
        if self.box is None:
            return True
        covers = zip(self.box, self.sample, strict=True)
        return all(first <= 0 and last >= n - 1 for (first, last), n in covers)

    @property
    def inside(self) -> tuple[tuple[int, int], ...]:
        """The part that lies within the sample."""
        box = self.box or tuple((0, n - 1) for n in self.sample)
        return tuple(
            (max(0, first), min(last, n - 1))
            for (first, last), n in zip(box, self.sample, strict=True)
        )

    def __str__(self) -> str:
        return "×".join(map(str, self.size)) if self.size else "global"


Box = tuple[tuple[int, int], ...] | None


def receptive_field(plan: Plan, path: str, costs: Costs) -> Field | None:
    """What the central position of a node's output looks at; None where a component does not say.

    It is followed back through windows and joins, at this very size. Norms are taken to look at
    each position alone, though their statistics span all; that is how it is published.
    """
    space = plan[path].shape.space
    wanted: dict[str, Box] = {path: tuple((n // 2, n // 2) for n in space)}
    for node in reversed(plan.nodes):
        if node.path not in wanted:
            continue
        cost = costs[node.path]
        if cost is None or (cost.out is None and not says_memory(node, cost)):
            return None
        box = wanted.pop(node.path)
        for word, value in zip(node.component.reads(node.site), node.inputs, strict=False):
            if word in cost.reach:
                seen = _through(cost.reach[word], box, len(plan.space))
                wanted[value] = _hull(wanted[value], seen) if value in wanted else seen
    return Field(_within(wanted["x"], plan.space), plan.space) if "x" in wanted else None


def _within(box: Box, sample: tuple[int, ...]) -> Box:
    """A box whose axes end with the sample where all of them is seen; None if that is of all."""
    if box is None or all(is_whole(*ends) for ends in box):
        return None
    return tuple(
        (0, n - 1) if is_whole(*ends) else ends for ends, n in zip(box, sample, strict=True)
    )


def _through(reach: Reach, box: Box, axes: int) -> Box:
    if box is None or reach == EVERYWHERE:
        return None
    for step in reversed(reach):
        if step is None or len(box) != axes:
            return None
        box = tuple(window(first, last) for window, (first, last) in zip(step, box, strict=True))
    return box


def _hull(one: Box, other: Box) -> Box:
    if one is None or other is None:
        return None
    return tuple((min(a, c), max(b, d)) for (a, b), (c, d) in zip(one, other, strict=True))
