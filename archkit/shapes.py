"""Shapes without a batch, and how sizes change along one axis: integers only, no tensors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import gcd, prod


@dataclass(frozen=True, slots=True)
class Shape:
    """A tensor's shape with the batch left out: channels first, then space.

    Examples:
        >>> Shape(64, (32, 32))
        64×32×32
        >>> Shape(512)
        512
    """

    channels: int
    space: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return "×".join(map(str, (self.channels, *self.space)))

    @property
    def positions(self) -> int:
        """Number of positions in space: 1 for a vector."""
        return prod(self.space)

    @property
    def elements(self) -> int:
        return self.channels * self.positions

    def with_channels(self, channels: int) -> Shape:
        return replace(self, channels=channels)


@dataclass(frozen=True, slots=True)
class SizeMap:
    """How one axis changes: n becomes ⌊(times·n + plus) / over⌋.

    Every resampler in use is one of these. It keeps step with its input: `over` more at the
    input are `times` more at the output, which is what makes a proof for one period a proof
    for all sizes.

    Arguments:
        times, plus, over: The three integers.
        exact: Refuse sizes that `over` does not divide without a rest.
        least: The smallest input that is accepted.
        multiple: Inputs have to be a multiple of this.
        only: The one input that is accepted; any other is refused.

    Examples:
        >>> SizeMap.convolution(kernel=3, stride=2, padding=1)(7)
        4
        >>> SizeMap(times=2)(7)
        14
    """

    times: int = 1
    plus: int = 0
    over: int = 1
    exact: bool = False
    least: int = 1
    multiple: int = 1
    only: int | None = None

    def __call__(self, n: int) -> int:
        return (self.times * n + self.plus) // self.over

    def accepts(self, n: int) -> bool:
        """Whether an axis of `n` may enter, and something comes out."""
        if n < self.least or n % self.multiple or self(n) < 1 or self.only not in (None, n):
            return False
        return not self.exact or (self.times * n + self.plus) % self.over == 0

    @property
    def keeps(self) -> bool:
        """Whether every size comes out as it went in."""
        return (self.times, self.plus, self.over) == (1, 0, 1)

    @property
    def free(self) -> bool:
        """Whether every size goes in, and comes out as it was."""
        return self == SizeMap()

    @classmethod
    def constant(cls, only: int, out: int) -> SizeMap:
        """The map of what takes one size only.

        Examples:
            >>> take = SizeMap.constant(32, 256)
            >>> take(32), take.accepts(32), take.accepts(64)
            (256, True, False)
        """
        return cls(times=0, plus=out, only=only)

    @classmethod
    def convolution(cls, kernel: int, stride: int = 1, padding: int = 0, least: int = 1) -> SizeMap:
        """The map of a convolution or a pooling window; `padding` counts both ends together / 2."""
        return cls.window(kernel, stride, 2 * padding, least)

    @classmethod
    def window(cls, kernel: int, stride: int, padding: int, least: int = 1) -> SizeMap:
        """The map of a sliding window; `padding` is the sum over both ends."""
        return cls(plus=padding - kernel + stride, over=stride, least=least)

    @classmethod
    def transposed(cls, kernel: int, stride: int, padding: int, extra: int = 0) -> SizeMap:
        """The map of a transposed convolution with `padding` at each end and `extra` output."""
        return cls(times=stride, plus=kernel - stride - 2 * padding + extra)


KEEP = SizeMap()


def resized(space: tuple[int, ...], maps: Iterable[SizeMap]) -> tuple[int, ...]:
    """Each axis of `space` through its map."""
    return tuple(f(n) for f, n in zip(maps, space, strict=True))


def near_divisor(part: int, whole: int) -> int:
    """A divisor of `whole`, to take instead of a `part` that is none.

    The greatest that divides both, so that it serves wherever `part` did; where that is 1, the
    nearest power of two, because widths tend to share those; or else the nearest.

    Examples:
        >>> near_divisor(32, 40), near_divisor(5, 64)
        (8, 4)
    """
    common = gcd(part, whole)
    if common > 1:
        return common
    divisors = [d for d in range(2, whole + 1) if whole % d == 0] or [1]
    return min(divisors, key=lambda d: (d & (d - 1) != 0, abs(d - part)))


def axis_names(dims: int, frames: bool = False) -> tuple[str, ...]:
    """What the axes of a sample are called.

    Arguments:
        dims: How many there are.
        frames: Whether the first is that of the frames of a video.

    Examples:
        >>> axis_names(3)
        ('depth', 'height', 'width')
        >>> axis_names(3, frames=True)
        ('frames', 'height', 'width')
    """
    if frames:
        return ("frames", *axis_names(dims - 1))
    return ("length",) if dims == 1 else ("depth", "height", "width")[-dims:]
