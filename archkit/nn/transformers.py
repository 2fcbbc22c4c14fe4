"""The block of a vision transformer: attention and feed-forward on the positions of an image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from .areas import among_neighbours, everywhere, in_windows
from .attention import image, tokens
from .axes import spread, zeroed
from .rotary import angles, turned

# Added to the square of the length of queries and keys.
_EPS = 1e-6


class ScaledNorm(nn.Module):
    """norm(x) · (1 + scale), the scale from the embedding: (B, C, …) → (B, C, …).

    Arguments:
        norm: The norm, over the channels.
        channels: C.
        embedding: Width of the embedding; None for the norm alone.
        bias: Whether the layer that makes the scale has one.
    """

    def __init__(
        self, norm: nn.Module, channels: int, embedding: int | None, bias: bool = True
    ) -> None:
        super().__init__()
        self.norm = norm
        self.linear = nn.Linear(embedding, channels, bias=bias) if embedding else None

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """The norm of `x` (B, C, …) under the embedding (B, E)."""
        out: Tensor = self.norm(x)
        if self.linear is None or embedding is None:
            return out
        return out * spread(1 + self.linear(embedding), x)


@dataclass(frozen=True, slots=True)
class Looking:
    """How positions look at each other.

    Arguments:
        heads: Number of heads.
        cosine: Compare directions, times a learned number for each head, not products.
        axial: Turn queries and keys by where they are.
        area: Where they look: ``everywhere``, among the nearest ``neighbours``, in ``windows``.
        size: Of such an area along each axis.
        shift: By how many positions windows are moved.
    """

    heads: int
    cosine: bool = False
    axial: bool = False
    area: Literal["everywhere", "neighbours", "windows"] = "everywhere"
    size: int = 1
    shift: int = 0


class PositionAttention(nn.Module):
    """Attention of the positions of an image to each other: (B, N, C) → (B, N, C).

    References:
        | Attention Is All You Need (Vaswani et al., 2017), equation 1
        | https://arxiv.org/abs/1706.03762
        | Query-Key Normalization for Transformers (Henry et al., 2020), for cosines
        | https://arxiv.org/abs/2010.04245

    Arguments:
        channels: C.
        looking: How positions look at each other.
        qkv_bias, bias: Whether queries, keys and values have one, and the last projection.
    """

    def __init__(self, channels: int, looking: Looking, qkv_bias: bool, bias: bool) -> None:
        super().__init__()
        self.looking = looking
        self.qkv = nn.Linear(channels, 3 * channels, bias=qkv_bias)
        self.scale = nn.Parameter(torch.full((looking.heads,), 10.0)) if looking.cosine else None
        self.out = nn.Linear(channels, channels, bias=bias)

    def forward(self, t: Tensor, space: Sequence[int]) -> Tensor:
        """`t` (B, N, C) after looking at itself, an image of the size `space`."""
        looking = self.looking
        heads = self.qkv(t).unflatten(2, (3, looking.heads, -1)).permute(2, 0, 3, 1, 4)
        q, k, v = heads.unbind()
        scale = None
        if self.scale is not None:
            q, k, scale = _direction(q) * self.scale[:, None, None], _direction(k), 1.0
        if looking.axial:
            turns = angles(space, looking.heads, q.shape[-1], q.device)
            cos, sin = turns.cos().to(q.dtype), turns.sin().to(q.dtype)
            q, k = turned(q, cos, sin), turned(k, cos, sin)
        out: Tensor = self.out(self._look(q, k, v, scale, space).transpose(1, 2).flatten(2))
        return out

    def _look(
        self, q: Tensor, k: Tensor, v: Tensor, scale: float | None, space: Sequence[int]
    ) -> Tensor:
        looking = self.looking
        if looking.area == "neighbours":
            return among_neighbours(q, k, v, scale, space, looking.size)
        if looking.area == "windows":
            return in_windows(q, k, v, scale, space, looking.size, looking.shift)
        return everywhere(q, k, v, scale)


def _direction(t: Tensor) -> Tensor:
    """Vectors (…, C) of length one."""
    return t * torch.rsqrt(t.square().sum(dim=-1, keepdim=True) + _EPS)


class MLP(nn.Module):
    """Linear, activation, linear: (…, C) → (…, C); gated, one half of the first is the gate.

    References:
        | GLU Variants Improve Transformer (Shazeer, 2020), for the gate
        | https://arxiv.org/abs/2002.05202

    Arguments:
        channels, hidden: C, and the width between the layers.
        activation: Between them; of the gate, where there is one.
        gated: value · activation(gate), with the value first.
        bias: Whether the layers have one.
        dropout: Share of values dropped between them, while training.
    """

    def __init__(
        self,
        channels: int,
        hidden: int,
        activation: nn.Module,
        *,
        gated: bool = False,
        bias: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.gated, self.dropout, self.activation = gated, dropout, activation
        self.up = nn.Linear(channels, hidden * (1 + gated), bias=bias)
        self.down = nn.Linear(hidden, channels, bias=bias)

    def forward(self, t: Tensor) -> Tensor:
        t = self.up(t)
        if self.gated:
            value, gate = t.chunk(2, dim=-1)
            t = value * self.activation(gate)
        else:
            t = self.activation(t)
        if self.training and self.dropout:
            t = functional.dropout(t, self.dropout)
        out: Tensor = self.down(t)
        return out


class TransformerBlock(nn.Module):
    """norm, attention, and norm, feed-forward, each added: (B, C, …) → (B, C, …).

    References:
        | An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale
          (Dosovitskiy et al., 2020)
        | https://arxiv.org/abs/2010.11929

    Arguments:
        norm: Makes the norm before each branch.
        attention, feed_forward: The branches, on tokens (B, N, C).
        zero_init: Start the last projection of both at zero.
    """

    def __init__(
        self,
        norm: Callable[[], ScaledNorm],
        attention: PositionAttention,
        feed_forward: MLP,
        zero_init: bool = True,
    ) -> None:
        super().__init__()
        self.norm1, self.norm2 = norm(), norm()
        self.attention, self.feed_forward = attention, feed_forward
        if zero_init:
            zeroed(attention.out)
            zeroed(feed_forward.down)

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """The block of `x` (B, C, …) under the embedding (B, E)."""
        # Channels lie side by side from here on, so that linear layers copy nothing.
        t = tokens(x).contiguous()
        t = t + self.attention(tokens(self.norm1(image(t, x), embedding)), x.shape[2:])
        t = t + self.feed_forward(tokens(self.norm2(image(t, x), embedding)))
        return image(t, x)
