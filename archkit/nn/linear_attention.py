"""Attention whose cost grows with the number of positions, not with its square."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .attention import image, remembered, tokens
from .axes import zeroed


class LinearAttention(nn.Module):
    """Positions write into a small table and read from it: (B, C, …) → (B, C, …), added to x.

    The table of a head is softmax(k)ᵀ v, over positions; a position reads softmax(q) of it, over
    channels, divided by √d as in scaled attention.

    References:
        | Efficient Attention: Attention with Linear Complexities (Shen et al., 2018)
        | https://arxiv.org/abs/1812.01243

    Arguments:
        channels: C.
        heads: Number of heads, which divides the width.
        norm: Applied to the input.
        out_norm: Applied to what is added.
        width: Channels of queries, keys and values, all heads together; None for C.
        bias: Whether they have one.
        memory: Keys and values in each head that are learned.
        zero_init: Start the last projection at zero.
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        norm: nn.Module,
        out_norm: nn.Module,
        *,
        width: int | None = None,
        bias: bool = False,
        memory: int = 0,
        zero_init: bool = True,
    ) -> None:
        super().__init__()
        wide = width or channels
        self.heads, self.scale = heads, (wide // heads) ** -0.5
        self.norm = norm
        self.memory = nn.Parameter(torch.randn(2, heads, memory, wide // heads)) if memory else None
        self.qkv = nn.Linear(channels, 3 * wide, bias=bias)
        self.out = nn.Linear(wide, channels)
        self.out_norm = out_norm
        if zero_init:
            zeroed(self.out)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(tokens(self.norm(x))).chunk(3, dim=2)
        if self.memory is not None:
            k, v = remembered(self.memory, k, v)
        q, k, v = (t.unflatten(2, (self.heads, -1)).transpose(1, 2) for t in (q, k, v))
        table = k.softmax(dim=2).transpose(2, 3) @ v
        read = (q.softmax(dim=3) * self.scale) @ table
        out: Tensor = self.out_norm(image(self.out(read.transpose(1, 2).flatten(2)), x))
        return x + out
