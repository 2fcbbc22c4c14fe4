"""Convolutions of several sizes side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from .axes import convolution


class Concatenated(nn.Module):
    """The same image, seen at several scales: (B, C, …) → (B, width, …).

    References:
        | CrossFormer: A Versatile Vision Transformer Hinging on Cross-scale Attention
          (Wang et al., 2021)
        | https://arxiv.org/abs/2108.00154

    Arguments:
        dims: Spatial axes.
        channels: C.
        widths: For the size of each convolution, the channels that it makes.
    """

    def __init__(self, dims: int, channels: int, widths: Mapping[int, int]) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            convolution(dims, channels, width, kernel, padding=kernel // 2)
            for kernel, width in widths.items()
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([conv(x) for conv in self.convs], dim=1)


class Summed(nn.Module):
    """The sum of convolutions of several sizes: (B, C, …) → (B, width, …)."""

    def __init__(self, dims: int, channels: int, width: int, kernels: Sequence[int]) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            convolution(dims, channels, width, kernel, padding=kernel // 2) for kernel in kernels
        )

    def forward(self, x: Tensor) -> Tensor:
        first, *others = self.convs
        out: Tensor = first(x)
        for conv in others:
            out = out + conv(x)
        return out
