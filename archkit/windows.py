"""How far a part looks: along each axis, the inputs that one output is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

PerAxis = int | tuple[int, ...]
_FAR = 1 << 60


@dataclass(frozen=True, slots=True)
class Window:
    """What an output looks at along one axis.

    Output n is made of the inputs ⌊(times·n + first) / over⌋ to ⌊(times·n + last) / over⌋; what
    lies outside the tensor is padding. Where a window has gaps, it is the whole stretch.

    Examples:
        >>> Window.sliding(kernel=3, stride=2, padding=1)(5, 5)
        (9, 11)
        >>> Window.growing(stride=2)(8, 11)
        (4, 5)
    """

    times: int = 1
    over: int = 1
    first: int = 0
    last: int = 0

    def __call__(self, low: int, high: int) -> tuple[int, int]:
        """What the outputs from `low` to `high` look at, both ends included."""
        first = (self.times * low + self.first) // self.over
        return first, (self.times * high + self.last) // self.over

    @classmethod
    def sliding(cls, kernel: int, stride: int = 1, padding: int = 0) -> Window:
        """A convolution or pooling; `padding` is what stands before the first position."""
        return cls(times=stride, first=-padding, last=kernel - 1 - padding)

    @classmethod
    def whole(cls) -> Window:
        """All of the axis, however long it is."""
        return cls(first=-_FAR, last=_FAR)

    @classmethod
    def growing(cls, stride: int) -> Window:
        """Each value repeated `stride` times."""
        return cls(over=stride)

    @classmethod
    def blending(cls, stride: int) -> Window:
        """Linear interpolation to `stride` times the size, corners not aligned."""
        return cls(times=2, over=2 * stride, first=1 - stride, last=stride)

    @classmethod
    def transposed(cls, kernel: int, stride: int, padding: int) -> Window:
        """A transposed convolution, which cuts `padding` off both ends."""
        return cls(over=stride, first=padding - kernel + stride, last=padding)


Step = tuple[Window, ...] | None
"""The windows of one operation, one for each axis; None looks everywhere."""

Reach = tuple[Step, ...]
"""The operations between an input and an output, in the order they run; () looks at itself."""

EVERYWHERE: Reach = (None,)


def of_frames(reach: Reach, axes: int) -> Reach:
    """The reach of what is done to each frame alone, with the frames as an axis in front."""
    return tuple((Window(), *(step or (Window.whole(),) * axes)) for step in reach)


def is_whole(low: int, high: int) -> bool:
    """Whether a stretch came through `Window.whole`, and maybe shrank on its way."""
    return high - low > _FAR >> 20


def joined(before: Reach, after: Reach) -> Reach:
    """The reach of one thing after another."""
    if not after or before == EVERYWHERE:
        return before
    return EVERYWHERE if None in after else before + after


def united(one: Mapping[str, Reach], other: Mapping[str, Reach]) -> Mapping[str, Reach]:
    """The reach of two branches of the same inputs; for an input of both, that of the longer."""
    if not other or other is one:
        return one
    shared = {word: max(one[word], other[word], key=_length) for word in one if word in other}
    return {**one, **other, **shared}


def _length(reach: Reach) -> float:
    whole = any(step is None or Window.whole() in step for step in reach)
    return float("inf") if whole else len(reach)


@cache
def sliding(kernel: PerAxis, stride: PerAxis, padding: PerAxis, axes: int) -> Step:
    """The windows of a convolution along so many axes; None of them if it looks at itself."""
    per_axis = ((n,) * axes if isinstance(n, int) else n for n in (kernel, stride, padding))
    return tuple(Window.sliding(*numbers) for numbers in zip(*per_axis, strict=True))
