"""The Haar wavelet in torch, which knows nothing of specs."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod, sqrt

import torch
from archkit.nn.axes import convolution
from torch import Tensor, nn


class Haar(nn.Module):
    """Sums and differences of neighbours along axes: (B, C, …) → (B, C · ∏ strides, …).

    Orthonormal, so that it keeps the length of every vector, and its transpose undoes it. The
    sums of all axes come first.

    Arguments:
        strides: 2 for each axis that is halved, 1 for one that is left alone.
    """

    def __init__(self, strides: Sequence[int]) -> None:
        super().__init__()
        self.axes = [axis for axis, stride in enumerate(strides, 2) if stride == 2]

    def forward(self, x: Tensor) -> Tensor:
        for axis in self.axes:
            here, next_ = x.unflatten(axis, (-1, 2)).unbind(axis + 1)
            x = torch.cat((here + next_, here - next_), 1) * sqrt(1 / 2)
        return x


class InverseHaar(nn.Module):
    """The inverse of `Haar`: (B, C · ∏ strides, …) → (B, C, …)."""

    def __init__(self, strides: Sequence[int]) -> None:
        super().__init__()
        self.axes = [axis for axis, stride in enumerate(strides, 2) if stride == 2]

    def forward(self, x: Tensor) -> Tensor:
        for axis in reversed(self.axes):
            sums, differences = x.chunk(2, 1)
            pairs = torch.stack((sums + differences, sums - differences), axis + 1)
            x = pairs.flatten(axis, axis + 1) * sqrt(1 / 2)
        return x


def pooling(channels: int, width: int, strides: Sequence[int]) -> nn.Module:
    """All bands, then a 1×1 convolution to `width`."""
    bands = channels * prod(strides)
    return nn.Sequential(Haar(strides), convolution(len(strides), bands, width, 1))


def upsampling(channels: int, width: int, strides: Sequence[int]) -> nn.Module:
    """A 1×1 convolution to all bands of `width`, then the inverse."""
    bands = width * prod(strides)
    return nn.Sequential(convolution(len(strides), channels, bands, 1), InverseHaar(strides))
