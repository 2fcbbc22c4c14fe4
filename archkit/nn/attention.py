"""Attention over positions, and over the tokens of a sequence."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .axes import convolution, zeroed
from .contexts import Context, lowered, paired


def tokens(x: Tensor) -> Tensor:
    """(B, C, *space) as (B, positions, C)."""
    return x.flatten(2).transpose(1, 2)


def image(t: Tensor, like: Tensor) -> Tensor:
    """(B, positions, C) as (B, C, *space), with the space of `like`."""
    return t.transpose(1, 2).reshape(like.shape[0], t.shape[2], *like.shape[2:])


def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    heads: int,
    padding: Tensor | None = None,
    *,
    before: int = 0,
    after: int = 0,
) -> Tensor:
    """Scaled dot-product attention: q (B, N, C), k and v (B, M, C) → (B, N, C).

    References:
        | Attention Is All You Need (Vaswani et al., 2017), equation 1
        | https://arxiv.org/abs/1706.03762

    Arguments:
        heads: Number of heads.
        padding: (B, m), 1 for what is not looked at and 0 for all else.
        before, after: How many keys stand around those that it tells of.
    """
    q, k, v = (t.unflatten(2, (heads, -1)).transpose(1, 2) for t in (q, k, v))
    mask = lowered(padding, q, before, after)
    out = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return out.transpose(1, 2).flatten(2)


def remembered(memory: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Keys and values (B, N, C) after those of a memory (2, heads, M, C / heads): (B, M + N, C)."""
    keys, values = memory.transpose(1, 2).flatten(2)
    shape = k.shape[0], *keys.shape
    return torch.cat((keys.expand(shape), k), dim=1), torch.cat((values.expand(shape), v), dim=1)


class SelfAttention(nn.Module):
    """Every position looks at every other, added to the input: (B, C, …) → (B, C, …).

    Arguments:
        channels: C.
        heads: Number of heads, which divides the width.
        norm: Applied to the input.
        width: Channels of queries, keys and values, all heads together; None for C.
        bias: Whether they have one.
        memory: Keys and values in each head that are learned.
        scale: Of the sum of branch and input.
        zero_init: Start the last projection at zero.
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        norm: nn.Module,
        *,
        width: int | None = None,
        bias: bool = True,
        memory: int = 0,
        scale: float = 1.0,
        zero_init: bool = True,
    ) -> None:
        super().__init__()
        self.heads, self.scale = heads, scale
        self.norm = norm
        wide = width or channels
        self.memory = nn.Parameter(torch.randn(2, heads, memory, wide // heads)) if memory else None
        self.qkv = nn.Linear(channels, 3 * wide, bias=bias)
        self.out = nn.Linear(wide, channels)
        if zero_init:
            zeroed(self.out)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(tokens(self.norm(x))).chunk(3, dim=2)
        if self.memory is not None:
            k, v = remembered(self.memory, k, v)
        out = x + image(self.out(attend(q, k, v, self.heads)), x)
        return out if self.scale == 1.0 else out * self.scale


class TokenAttention(nn.Module):
    """Attention of tokens (B, N, C) to themselves."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(channels, 3 * channels, bias=False)
        self.out = nn.Linear(channels, channels)

    def forward(self, t: Tensor) -> Tensor:
        q, k, v = self.qkv(t).chunk(3, dim=2)
        out: Tensor = self.out(attend(q, k, v, self.heads))
        return out


class CrossAttention(nn.Module):
    """Attention of tokens (B, N, C) to a sequence (B, M, context), past its padding."""

    def __init__(self, channels: int, context: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(channels, channels, bias=False)
        self.kv = nn.Linear(context, 2 * channels, bias=False)
        self.out = nn.Linear(channels, channels)

    def forward(self, t: Tensor, context: Context) -> Tensor:
        k, v = self.kv(context.tokens).chunk(2, dim=2)
        out: Tensor = self.out(attend(self.q(t), k, v, self.heads, context.padding))
        return out


class FeedForward(nn.Module):
    """GEGLU: down(value · gelu(gate)), with value and gate from one projection.

    References:
        | GLU Variants Improve Transformer (Shazeer, 2020)
        | https://arxiv.org/abs/2002.05202
    """

    def __init__(self, channels: int, times: int = 4, dropout: float = 0.0) -> None:
        super().__init__()
        self.up = nn.Linear(channels, 2 * times * channels)
        self.dropout = dropout
        self.down = nn.Linear(times * channels, channels)

    def forward(self, t: Tensor) -> Tensor:
        value, gate = self.up(t).chunk(2, dim=2)
        t = value * functional.gelu(gate)
        if self.training and self.dropout:
            t = functional.dropout(t, self.dropout)
        out: Tensor = self.down(t)
        return out


class TransformerLayer(nn.Module):
    """Self-attention, cross-attention and feed-forward, each after a layer norm.

    Arguments:
        channels: C of the tokens.
        heads: Number of heads.
        contexts: Channels of the sequences to look at, one cross-attention each; may be empty.
            Where none is given, the only one looks at the tokens themselves.
        times: Width of the feed-forward, as a multiple of C.
        dropout: Share of values dropped inside the feed-forward, while training.
        crosses: Whether the first attention looks at the sequences too.
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        contexts: tuple[int, ...] = (),
        times: int = 4,
        dropout: float = 0.0,
        crosses: bool = False,
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = None if crosses else TokenAttention(channels, heads)
        looked = contexts if crosses else ()
        self.first = nn.ModuleList(CrossAttention(channels, c, heads) for c in looked)
        self.norm2 = nn.LayerNorm(channels) if contexts else None
        self.cross = nn.ModuleList(CrossAttention(channels, c, heads) for c in contexts)
        self.norm3 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, times, dropout)

    def forward(self, t: Tensor, contexts: Sequence[Context] = ()) -> Tensor:
        if self.attention is None:
            t = _crossed(t, self.norm1(t), self.first, contexts)
        else:
            t = t + self.attention(self.norm1(t))
        if self.norm2 is not None:
            t = _crossed(t, self.norm2(t), self.cross, contexts)
        out: Tensor = t + self.feed_forward(self.norm3(t))
        return out


def _crossed(
    t: Tensor, normed: Tensor, looks: nn.ModuleList, contexts: Sequence[Context]
) -> Tensor:
    """Tokens after their normed selves looked at each sequence; at themselves if there is none."""
    for look, context in zip(looks, contexts or (Context(normed),), strict=True):
        t = t + look(normed, context)
    return t


class Transformer(nn.Module):
    """Transformer layers on the positions of an image, added to it: (B, C, …) → (B, C, …).

    References:
        | High-Resolution Image Synthesis with Latent Diffusion Models (Rombach et al., 2022)
        | https://arxiv.org/abs/2112.10752

    Arguments:
        dims: Spatial axes.
        channels: C.
        layers: The transformer layers, `channels` wide.
        norm: Applied to the input.
        linear: Project by linear layers, not by 1×1 convolutions: the same numbers.
        zero_init: Start the last projection at zero.
    """

    def __init__(
        self,
        dims: int,
        channels: int,
        layers: list[TransformerLayer],
        norm: nn.Module,
        *,
        linear: bool = False,
        zero_init: bool = True,
    ) -> None:
        super().__init__()
        self.linear = linear
        self.norm = norm
        self.enter = self._projection(dims, channels)
        self.layers = nn.ModuleList(layers)
        self.leave = self._projection(dims, channels)
        if zero_init:
            zeroed(self.leave)

    def _projection(self, dims: int, channels: int) -> nn.Module:
        if self.linear:
            return nn.Linear(channels, channels)
        return convolution(dims, channels, channels, 1)

    def forward(self, x: Tensor, *told: Tensor) -> Tensor:
        """`x` (B, C, …) after looking at itself and at each context (B, M, channels).

        The padding (B, M) of a context that has any stands after it.
        """
        contexts = paired(told)
        t = self.norm(x)
        t = self.enter(tokens(t)) if self.linear else tokens(self.enter(t))
        for layer in self.layers:
            t = layer(t, contexts)
        h = image(self.leave(t), x) if self.linear else self.leave(image(t, x))
        return x + h
