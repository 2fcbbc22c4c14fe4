"""Resampling by a FIR filter whose borders are reflected."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

_DOWN = (functional.conv1d, functional.conv2d, functional.conv3d)
_UP = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)


class Filter(nn.Module):
    """A FIR low-pass filter that halves or doubles: (B, C, …) → (B, C, …).

    References:
        | Making Convolutional Networks Shift-Invariant Again (Zhang, 2019), in the form of the
          library k-diffusion
        | https://arxiv.org/abs/1904.11486

    Arguments:
        channels: C.
        taps: The filter along each axis, as many on both sides; divided by its sum.
        strides: 2 for each spatial axis that is halved or doubled, 1 for one that is left alone.
        up: Whether it doubles.
    """

    kernel: Tensor

    def __init__(
        self, channels: int, taps: Sequence[float], strides: Sequence[int], up: bool = False
    ) -> None:
        super().__init__()
        self.channels, self.strides, self.up = channels, tuple(strides), up
        pad = len(taps) // 4 if up else len(taps) // 2 - 1
        self.around = tuple(pad if s > 1 else 0 for s in reversed(strides) for _ in "ab")
        # A transposed filter makes more than is wanted, at both ends.
        cut = 2 * (len(taps) // 2) - 1 if up else 0
        self.padding = tuple(cut if s > 1 else 0 for s in strides)
        # On the CPU even where parameters are made on the meta device: no file will fill it.
        kernel = torch.ones((), device="cpu")
        for stride in strides:
            line = torch.tensor(tuple(taps) if stride > 1 else (1.0,), device="cpu")
            kernel = kernel[..., None] * line / line.sum() * (stride if up else 1)
        self.register_buffer("kernel", kernel[None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        dims = len(self.strides)
        kernel = self.kernel.to(x).expand(self.channels, 1, *self.kernel.shape[2:])
        x = functional.pad(x, self.around, "reflect") if any(self.around) else x
        filters = (_UP if self.up else _DOWN)[dims - 1]
        return filters(x, kernel, stride=self.strides, padding=self.padding, groups=self.channels)
