"""What shrinks and grows the trunk between stages."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .axes import convolution

_LINEAR = ("linear", "bilinear", "trilinear")


class EndPadding(nn.Module):
    """Zeros at the end of each axis only, as TensorFlow's SAME does for even sizes."""

    def __init__(self, dims: int, extra: int) -> None:
        super().__init__()
        self.pads = (0, extra) * dims

    def forward(self, x: Tensor) -> Tensor:
        return functional.pad(x, self.pads)


class Then(nn.Module):
    """A parameter-free step, and a convolution after it."""

    def __init__(self, step: nn.Module, conv: nn.Module) -> None:
        super().__init__()
        self.step, self.conv = step, conv

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(self.step(x))
        return out


class Before(nn.Module):
    """A convolution, and a parameter-free step after it."""

    def __init__(self, conv: nn.Module, step: nn.Module) -> None:
        super().__init__()
        self.conv, self.step = conv, step

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.step(self.conv(x))
        return out


class Blur(nn.Module):
    """A FIR low-pass filter that pools or upsamples: (B, C, …) → (B, C, …).

    Upsampling by this is the transpose of pooling, times the stride, so that means are kept.

    References:
        | Making Convolutional Networks Shift-Invariant Again (Zhang, 2019)
        | https://arxiv.org/abs/1904.11486
        | Analyzing and Improving the Image Quality of StyleGAN (Karras et al., 2020)
        | https://arxiv.org/abs/1912.04958

    Arguments:
        channels: C.
        taps: The filter along each axis; divided by its sum.
        strides: One for each spatial axis; an axis of stride 1 is left alone.
        up: Whether it upsamples.
        padded: Whether zeros are put around, so that only the stride changes the size.
    """

    kernel: Tensor

    def __init__(
        self,
        channels: int,
        taps: Sequence[float],
        strides: Sequence[int],
        up: bool = False,
        padded: bool = True,
    ) -> None:
        super().__init__()
        self.channels, self.strides, self.up = channels, tuple(strides), up
        self.padding = _around(taps, strides) if padded else (0,) * len(strides)
        # On the CPU even where parameters are made on the meta device: no file will fill it.
        kernel = torch.ones((), device="cpu")
        for stride in strides:
            line = torch.tensor(taps if stride > 1 else [1.0], device="cpu")
            kernel = kernel[..., None] * line / line.sum() * (stride if up else 1)
        self.register_buffer("kernel", kernel[None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        dims = len(self.strides)
        kernel = self.kernel.to(x).expand(self.channels, 1, *self.kernel.shape[2:])
        filters = (_FILTER_UP if self.up else _FILTER_DOWN)[dims - 1]
        return filters(x, kernel, stride=self.strides, padding=self.padding, groups=self.channels)


def _around(taps: Sequence[float], strides: Sequence[int]) -> tuple[int, ...]:
    """The zeros that a filter needs at both ends of each axis."""
    return tuple((len(taps) - 1) // 2 if s > 1 else 0 for s in strides)


_FILTER_DOWN = (functional.conv1d, functional.conv2d, functional.conv3d)
_FILTER_UP = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)


class Unshuffle(nn.Module):
    """Space into channels: (B, C, h·s, …) → (B, C·∏s, h, …), channels outermost.

    References:
        | Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
          Convolutional Neural Network (Shi et al., 2016), reversed
        | https://arxiv.org/abs/1609.05158
    """

    def __init__(self, strides: Sequence[int]) -> None:
        super().__init__()
        self.strides = tuple(strides)

    def forward(self, x: Tensor) -> Tensor:
        for axis, s in enumerate(self.strides):
            x = x.unflatten(2 + 2 * axis, (-1, s))
        dims = len(self.strides)
        inner = [3 + 2 * axis for axis in range(dims)]
        outer = [2 + 2 * axis for axis in range(dims)]
        return x.permute(0, 1, *inner, *outer).flatten(1, 1 + dims).contiguous()


class Shuffle(nn.Module):
    """Channels into space: (B, C·∏s, h, …) → (B, C, h·s, …), channels outermost.

    References:
        | Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
          Convolutional Neural Network (Shi et al., 2016)
        | https://arxiv.org/abs/1609.05158
    """

    def __init__(self, strides: Sequence[int]) -> None:
        super().__init__()
        self.strides = tuple(strides)

    def forward(self, x: Tensor) -> Tensor:
        dims = len(self.strides)
        x = x.unflatten(1, (-1, *self.strides))
        pairs = [axis for d in range(dims) for axis in (2 + dims + d, 2 + d)]
        x = x.permute(0, 1, *pairs)
        for axis in range(dims):
            x = x.flatten(2 + axis, 3 + axis)
        return x


class Enlarge(nn.Module):
    """Interpolation to a multiple of the size: nearest, or linear along every axis."""

    def __init__(self, strides: Sequence[int], linear: bool = False) -> None:
        super().__init__()
        self.factors = tuple(float(s) for s in strides)
        self.mode = _LINEAR[len(strides) - 1] if linear else "nearest"

    def forward(self, x: Tensor) -> Tensor:
        return functional.interpolate(x, scale_factor=self.factors, mode=self.mode)


def pooling_convolution(
    dims: int, channels: int, width: int, *, kernel: int, strides: Sequence[int], end: bool
) -> nn.Module:
    """A strided convolution, padded at both ends of each axis or at its end only."""
    pad = 0 if end else (kernel - 1) // 2
    conv = convolution(dims, channels, width, kernel, stride=tuple(strides), padding=pad)
    return Then(EndPadding(dims, kernel - 2), conv) if end else conv


def unshuffling(channels: int, width: int, strides: Sequence[int], bias: bool = True) -> nn.Module:
    """Space into channels, and a 1×1 convolution to `width`."""
    inner = channels * math.prod(strides)
    return Then(Unshuffle(strides), convolution(len(strides), inner, width, 1, bias=bias))


def shuffling(
    channels: int,
    width: int,
    strides: Sequence[int],
    bias: bool = True,
    then: nn.Module | None = None,
) -> nn.Module:
    """A 1×1 convolution, maybe an activation `then`, and channels into space."""
    conv = convolution(len(strides), channels, width * math.prod(strides), 1, bias=bias)
    step = nn.Sequential(then, Shuffle(strides)) if then else Shuffle(strides)
    return Before(conv, step)


def blurred_convolution(
    channels: int, width: int, kernel: int, taps: Sequence[float], strides: Sequence[int]
) -> nn.Module:
    """A convolution, then a filter that strides; what both need of zeros is put before the first.

    References:
        | Elucidating the Design Space of Diffusion-Based Generative Models (Karras et al., 2022)
        | https://arxiv.org/abs/2206.00364
    """
    pads = tuple(kernel // 2 + n for n in _around(taps, strides))
    conv = convolution(len(strides), channels, width, kernel, padding=pads)
    return Before(conv, Blur(width, taps, strides, padded=False))


class Normed(nn.Module):
    """A norm, and what resamples after it."""

    def __init__(self, norm: nn.Module, by: nn.Module) -> None:
        super().__init__()
        self.norm, self.by = norm, by

    def forward(self, x: Tensor, *told: Tensor) -> Tensor:
        out: Tensor = self.by(self.norm(x), *told)
        return out
