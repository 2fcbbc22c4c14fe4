"""Arithmetic that keeps magnitudes: what is multiplied, added or joined keeps its variance.

References:
    | Analyzing and Improving the Training Dynamics of Diffusion Models (Karras et al., 2024)
    | https://arxiv.org/abs/2312.02696
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from .axes import spread

EPS = 1e-4
SILU = 0.596
"""The standard deviation of silu(x) for normal x."""

_CONVOLUTIONS = (functional.conv1d, functional.conv2d, functional.conv3d)


def shares(balance: float) -> tuple[float, float]:
    """What both terms of a sum are multiplied with, where `balance` is the share of the second.

    ((1 − t)·a + t·b) / √((1 − t)² + t²), which has the variance of a and b.

    Examples:
        >>> shares(0.0)
        (1.0, 0.0)
    """
    whole = math.hypot(1 - balance, balance)
    return (1 - balance) / whole, balance / whole


def pixel_norm(x: Tensor, dim: int = 1) -> Tensor:
    """x / (ε + root mean square of x along an axis)."""
    kind = torch.promote_types(x.dtype, torch.float32)
    norm: Tensor = torch.linalg.vector_norm(x, dim=dim, keepdim=True, dtype=kind)
    scale: float = x.shape[dim] ** -0.5
    return x / (norm * scale + EPS).to(x.dtype)


class Normalised(nn.Module):
    """A linear layer or convolution without bias, whose rows of weights count as unit vectors.

    The paper divides each row w by ε·√n + ‖w‖, where n is its length. Here what comes out is
    divided instead, which is the same, and makes no second copy of the weights.

    Arguments:
        channels, width: Channels that enter and leave.
        kernel: One size for each spatial axis; none for a linear layer.
    """

    def __init__(self, channels: int, width: int, kernel: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(width, channels, *kernel))
        self.pads = tuple(k // 2 for k in kernel)

    def scale(self, like: Tensor, times: float = 1.0) -> Tensor:
        """What `raw` has to be multiplied with, times a number, for each channel of `like`."""
        kind = torch.promote_types(self.weight.dtype, torch.float32)
        rows = self.weight.flatten(1)
        norm = torch.linalg.vector_norm(rows, dim=1, dtype=kind)
        scale = times / (norm + EPS * rows.shape[1] ** 0.5)
        scale = scale.to(like.dtype)
        return spread(scale[None], like) if self.pads else scale

    def raw(self, x: Tensor) -> Tensor:
        """The product with the weights as they are: (B, channels, …) → (B, width, …)."""
        if not self.pads:
            return functional.linear(x, self.weight)
        return _CONVOLUTIONS[len(self.pads) - 1](x, self.weight, padding=self.pads)

    def forward(self, x: Tensor) -> Tensor:
        """The product with the unit rows: (B, channels, …) → (B, width, …)."""
        out = self.raw(x)
        return out * self.scale(out)


class Concat(nn.Module):
    """Channels of trunk and skip one after the other, each weighed: (B, C + S, …).

    Arguments:
        balance: The share of the skip.
    """

    def __init__(self, balance: float) -> None:
        super().__init__()
        self.shares = shares(balance)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        whole = x.shape[1] + skip.shape[1]
        parts = zip((x, skip), self.shares, strict=True)
        return torch.cat([t * (share * (whole / t.shape[1]) ** 0.5) for t, share in parts], dim=1)


class Fourier(nn.Module):
    """√2 · cos(f·t + φ) at random frequencies and phases that stay: (B,) → (B, channels)."""

    frequencies: Tensor
    phases: Tensor

    def __init__(self, channels: int, std: float = 1.0, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale
        self.register_buffer("frequencies", 2 * math.pi * std * torch.randn(channels))
        self.register_buffer("phases", 2 * math.pi * torch.rand(channels))

    def forward(self, t: Tensor) -> Tensor:
        t = t.float()[:, None] * self.scale
        return (t * self.frequencies.float() + self.phases.float()).cos() * 2**0.5


class TimeEmbedding(nn.Module):
    """Features of the time, through one layer: (B,) → (B, width).

    Arguments:
        features: The module that makes features of a time.
        channels: How many features.
        width: Of the embedding.
    """

    def __init__(self, features: nn.Module, channels: int, width: int) -> None:
        super().__init__()
        self.features = features
        self.linear = Normalised(channels, width)

    def forward(self, t: Tensor, *early: Tensor) -> Tensor:
        """The embedding of the times `t`; `early` vectors (B, channels) join the features."""
        features: Tensor = self.features(t).to(self.linear.weight.dtype)
        for vector in early:
            features = (features + vector) * 0.5**0.5
        out: Tensor = self.linear(features)
        return out


class Sum(nn.Module):
    """Vectors (B, width), added one by one, and an activation.

    Arguments:
        balance: The share of each that is added.
    """

    def __init__(self, balance: float) -> None:
        super().__init__()
        self.shares = shares(balance)

    def forward(self, first: Tensor, *others: Tensor) -> Tensor:
        keep, take = self.shares
        for other in others:
            first = first * keep + other * take
        return functional.silu(first) / SILU


class Stem(nn.Module):
    """A convolution that sees a channel of ones, in place of a bias: (B, C, …) → (B, width, …)."""

    def __init__(self, channels: int, width: int, kernel: tuple[int, ...]) -> None:
        super().__init__()
        self.conv = Normalised(channels + 1, width, kernel)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(torch.cat((x, torch.ones_like(x[:, :1])), dim=1))
        return out


class Head(nn.Module):
    """A convolution times a gain that is learned: (B, C, …) → (B, width, …)."""

    def __init__(self, channels: int, width: int, kernel: tuple[int, ...]) -> None:
        super().__init__()
        self.conv = Normalised(channels, width, kernel)
        self.gain = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv.raw(x)
        return out * (self.conv.scale(out) * self.gain)
