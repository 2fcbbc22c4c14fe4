"""Patches of a sample as positions, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from .axes import convolution, zeroed
from .resampling import Shuffle


class PatchStem(nn.Module):
    """A linear layer on each patch, and a norm: (B, C, h·s, …) → (B, width, h, …).

    Arguments:
        channels, width: Of the sample, and what leaves.
        sizes: Of a patch, along each axis.
        bias: Whether the layer has one.
        norm: Applied to what leaves.
    """

    def __init__(
        self, channels: int, width: int, sizes: Sequence[int], *, bias: bool, norm: nn.Module
    ) -> None:
        super().__init__()
        size = tuple(sizes)
        self.conv = convolution(len(size), channels, width, size, stride=size, bias=bias)
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(self.conv(x))
        return out


class PatchHead(nn.Module):
    """norm, and a linear layer that makes a patch of each position: (B, C, …) → (B, width, …).

    Arguments:
        channels, width: Of the trunk, and what leaves.
        sizes: Of a patch, along each axis.
        norm: Applied first.
        bias: Whether the layer has one.
        kernel: Of a convolution after it; None for none.
        zero_init: Start with an output of zero.
    """

    def __init__(
        self,
        channels: int,
        width: int,
        sizes: Sequence[int],
        norm: nn.Module,
        *,
        bias: bool = True,
        kernel: int | None = None,
        zero_init: bool = True,
    ) -> None:
        super().__init__()
        dims, self.norm = len(sizes), norm
        self.linear = convolution(dims, channels, width * math.prod(sizes), 1, bias=bias)
        self.shuffle = Shuffle(sizes)
        self.conv = None
        if kernel is not None:
            self.conv = convolution(dims, width, width, kernel, padding=kernel // 2)
        if zero_init:
            zeroed(self.linear if self.conv is None else self.conv)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.shuffle(self.linear(self.norm(x)))
        return out if self.conv is None else self.conv(out)
