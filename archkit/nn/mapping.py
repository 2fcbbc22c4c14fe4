"""Vectors of time and conditions, on their way to the embedding."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .axes import zeroed
from .norms import ChannelRMSNorm
from .transformers import MLP


class Mapping(nn.Module):
    """The sum of vectors (B, width), through gated feed-forwards between norms.

    References:
        | A Style-Based Generator Architecture for Generative Adversarial Networks (Karras, Laine,
          Aila, 2019)
        | https://arxiv.org/abs/1812.04948

    Arguments:
        width: Of the vectors and the embedding.
        depth: How many feed-forwards.
        hidden: Width inside them.
        eps: Of the norms.
        dropout: Share of values dropped inside, while training.
        zero_init: Start every feed-forward at zero.
    """

    def __init__(
        self,
        width: int,
        depth: int,
        hidden: int,
        *,
        eps: float = 1e-6,
        dropout: float = 0.0,
        zero_init: bool = True,
    ) -> None:
        super().__init__()
        self.enter = ChannelRMSNorm(width, eps)
        self.norms = nn.ModuleList(ChannelRMSNorm(width, eps) for _ in range(depth))
        self.layers = nn.ModuleList(
            MLP(width, hidden, nn.GELU(), gated=True, bias=False, dropout=dropout)
            for _ in range(depth)
        )
        self.leave = ChannelRMSNorm(width, eps)
        for layer in self.layers if zero_init else ():
            zeroed(layer.get_submodule("down"))

    def forward(self, first: Tensor, *others: Tensor) -> Tensor:
        for other in others:
            first = first + other
        h = self.enter(first)
        for norm, layer in zip(self.norms, self.layers, strict=True):
            h = h + layer(norm(h))
        out: Tensor = self.leave(h)
        return out


class FourierVector(nn.Module):
    """Cosines and sines of 2π times random projections, through a layer: (B, n) → (B, width).

    References:
        | Fourier Features Let Networks Learn High Frequency Functions in Low Dimensional Domains
          (Tancik et al., 2020)
        | https://arxiv.org/abs/2006.10739
    """

    projections: Tensor

    def __init__(self, channels: int, width: int, std: float, bias: bool) -> None:
        super().__init__()
        self.register_buffer("projections", torch.randn(width // 2, channels) * std)
        self.linear = nn.Linear(width // 2 * 2, width, bias=bias)

    def forward(self, vector: Tensor) -> Tensor:
        turns = (2 * math.pi) * vector.float() @ self.projections.float().T
        waves = torch.cat((turns.cos(), turns.sin()), dim=1)
        out: Tensor = self.linear(waves.to(self.linear.weight.dtype))
        return out
