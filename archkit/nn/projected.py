"""Sequences as vectors, and vectors as sequences."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .attention import attend


class Projected(nn.Module):
    """A vector, through a layer and a layer norm: (B, C) → (B, width), or (B, tokens, width).

    Arguments:
        channels: C.
        width: Of what comes out.
        tokens: How many; None for a vector.
    """

    def __init__(self, channels: int, width: int, tokens: int | None = None) -> None:
        super().__init__()
        self.tokens = tokens
        self.linear = nn.Linear(channels, width * (tokens or 1))
        self.norm = nn.LayerNorm(width)

    def forward(self, vector: Tensor) -> Tensor:
        told = self.linear(vector)
        if self.tokens:
            told = told.unflatten(1, (self.tokens, -1))
        out: Tensor = self.norm(told)
        return out


class Pooled(nn.Module):
    """A sequence as one vector: (B, M, C) → (B, width).

    Its mean, and a learned vector, look at it and at all of its tokens.

    References:
        | Learning Transferable Visual Models From Natural Language Supervision (Radford et al.,
          2021), in the form of DeepFloyd IF
        | https://arxiv.org/abs/2103.00020

    Arguments:
        channels: C.
        width: Of what comes out.
        heads: Number of heads.
    """

    def __init__(self, channels: int, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(channels)
        self.position = nn.Parameter(torch.randn(channels) / channels**0.5)
        self.q = nn.Linear(channels, channels)
        self.kv = nn.Linear(channels, 2 * channels)
        self.out = nn.Linear(channels, width)
        self.norm2 = nn.LayerNorm(width)

    def forward(self, sequence: Tensor) -> Tensor:
        told = self.norm1(sequence)
        mean = told.mean(dim=1, keepdim=True) + self.position
        told = torch.cat((mean, told), dim=1)
        k, v = self.kv(told).chunk(2, dim=2)
        out: Tensor = self.norm2(self.out(attend(self.q(mean), k, v, self.heads)))
        return out[:, 0]


class AttentionPool(nn.Module):
    """What the mean of a sequence sees in it, without norms or biases: (B, M, C) → (B, width).

    References:
        | Kandinsky 3.0 Technical Report (Arkhipkin et al., 2023)
        | https://arxiv.org/abs/2312.03511

    Arguments:
        channels: C.
        width: Of what comes out.
        heads: Number of heads, which divides the width.
    """

    def __init__(self, channels: int, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(channels, width, bias=False)
        self.kv = nn.Linear(channels, 2 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, sequence: Tensor, padding: Tensor | None = None) -> Tensor:
        """The mean is that of all tokens; what it sees leaves out the padding (B, M) among them."""
        k, v = self.kv(sequence).chunk(2, dim=2)
        q = self.q(sequence.mean(dim=1, keepdim=True))
        out: Tensor = self.out(attend(q, k, v, self.heads, padding))
        return out[:, 0]


class Expanded(nn.Module):
    """Vectors, each through a layer to tokens, and a layer norm: (B, n, c) → (B, n · tokens, C).

    Arguments:
        channels, width: c and C.
        tokens: How many tokens each vector becomes.
        bias: Whether the layer has one.
        norm: Options of the norm.
    """

    def __init__(
        self, channels: int, width: int, tokens: int, *, bias: bool, norm: dict[str, Any]
    ) -> None:
        super().__init__()
        self.width = width
        self.linear = nn.Linear(channels, width * tokens, bias=bias)
        self.norm = nn.LayerNorm(width, **norm)

    def forward(self, sequence: Tensor) -> Tensor:
        out: Tensor = self.norm(self.linear(sequence).unflatten(2, (-1, self.width)).flatten(1, 2))
        return out
