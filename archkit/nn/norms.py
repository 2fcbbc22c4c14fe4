"""Norms over the channels of each position; the others are torch's own."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .axes import spread


class GroupNorm(nn.GroupNorm):
    """torch's group normalisation, without its checks on every call.

    References:
        | Group Normalization (Wu, He, 2018)
        | https://arxiv.org/abs/1803.08494
    """

    def reset_parameters(self) -> None:
        if self.weight is not None and not self.weight.is_meta:
            super().reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return torch.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)


class ChannelLayerNorm(nn.Module):
    """Layer normalisation over the channels of each position: (B, C, …) → (B, C, …).

    References:
        | Layer Normalization (Ba, Kiros, Hinton, 2016)
        | https://arxiv.org/abs/1607.06450

    Arguments:
        channels: C.
        eps: Added to the variance.
        affine: Whether it learns a scale and a shift for each channel.
        unbiased: Whether the variance is divided by C − 1.
    """

    def __init__(
        self, channels: int, eps: float = 1e-5, affine: bool = True, unbiased: bool = False
    ) -> None:
        super().__init__()
        # x / √(v·C/(C − 1) + eps) is x / √(v + eps·(C − 1)/C), times √((C − 1)/C).
        self.share = (channels - 1) / channels if unbiased else 1.0
        self.channels, self.eps, self.affine = channels, eps * self.share, affine
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        last = x.movedim(1, -1)
        weight, scale = self.weight, self.share**0.5
        if weight is not None and scale != 1.0:
            weight = weight * scale
        out = functional.layer_norm(last, (self.channels,), weight, self.bias, self.eps)
        return (out if self.affine or scale == 1.0 else out * scale).movedim(-1, 1)


class ChannelRMSNorm(nn.Module):
    """x / √(mean x² + eps) · weight, over the channels of each position: (B, C, …) → (B, C, …).

    References:
        | Root Mean Square Layer Normalization (Zhang, Sennrich, 2019)
        | https://arxiv.org/abs/1910.07467
    """

    def __init__(self, channels: int, eps: float = 1e-6, affine: bool = True) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        out = x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + self.eps)
        return out if self.weight is None else out * spread(self.weight[None], x)
