"""What a part costs, counted on paper: parameters and multiply-accumulates for a batch of one."""

from __future__ import annotations

from dataclasses import dataclass

from .shapes import Shape


@dataclass(frozen=True, slots=True)
class Cost:
    """Parameters, and multiply-accumulates (MACs) of one forward pass with a batch of one.

    MACs are those of convolutions, linear layers and attention, each multiplication with its
    addition counted once; norms, activations and additions are left out, as torch's own
    counter does (its FLOPs are twice these).

    Examples:
        >>> Cost.convolution(3, 64, kernel=3, out=Shape(64, (32, 32)))
        Cost(parameters=1792, macs=1769472)
        >>> Cost.linear(10, 20) + Cost.norm(20)
        Cost(parameters=260, macs=200)
    """

    parameters: int = 0
    macs: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.parameters + other.parameters, self.macs + other.macs)

    def __mul__(self, times: int) -> Cost:
        return Cost(self.parameters * times, self.macs * times)

    @classmethod
    def convolution(
        cls,
        channels: int,
        width: int,
        *,
        kernel: int | tuple[int, ...],
        out: Shape,
        bias: bool = True,
        groups: int = 1,
    ) -> Cost:
        """A convolution from `channels` to `width`; `out` gives the positions it is taken at.

        For a transposed convolution pass its *input* as `out`: each input position is
        multiplied with the whole kernel.
        """
        taps = 1
        for k in (kernel,) * len(out.space) if isinstance(kernel, int) else kernel:
            taps *= k
        weights = channels * width * taps // groups
        return cls(weights + width * bias, weights * out.positions)

    @classmethod
    def linear(cls, channels: int, width: int, *, tokens: int = 1, bias: bool = True) -> Cost:
        """A linear layer applied to `tokens` vectors."""
        return cls(channels * width + width * bias, channels * width * tokens)

    @classmethod
    def attention(cls, width: int, *, queries: int, keys: int) -> Cost:
        """The two products of attention, scores and mixture, all heads together `width` wide."""
        return cls(0, 2 * queries * keys * width)

    @classmethod
    def norm(cls, channels: int, *, affine: bool = True) -> Cost:
        """A scale and a shift for each channel."""
        return cls(2 * channels * affine)
