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

    def forward(self, input: Tensor) -> Tensor:
        return torch.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)


class ChannelLayerNorm(nn.Module):
    """Layer normalisation over the channels of each position: (B, C, …) → (B, C, …).

    References:
        | Layer Normalization (Ba, Kiros, Hinton, 2016)
        | https://arxiv.org/abs/1607.06450
    """

    def __init__(self, channels: int, eps: float = 1e-5, affine: bool = True) -> None:
        super().__init__()
        self.channels, self.eps = channels, eps
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        last = x.movedim(1, -1)
        out = functional.layer_norm(last, (self.channels,), self.weight, self.bias, self.eps)
        return out.movedim(-1, 1)


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
