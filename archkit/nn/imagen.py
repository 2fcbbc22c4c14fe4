"""The block and the transformer of Imagen's Efficient U-Net."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .attention import image, tokens
from .axes import convolution, spread, zeroed
from .contexts import Context, joined, lowered, paired

Make = Callable[[int], nn.Module]
# Added to the square of the length of queries and keys: it only guards against zeros.
_EPS = 1e-24
# What cosines are multiplied with, besides the learned scales.
_SHARP = 8.0


class Cosines(nn.Module):
    """Attention by directions: queries and keys have length one, times a learned scale.

    References:
        | Query-Key Normalization for Transformers (Henry et al., 2020)
        | https://arxiv.org/abs/2010.04245

    Arguments:
        width: Channels of a head.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.q_scale = nn.Parameter(torch.ones(width))
        self.k_scale = nn.Parameter(torch.ones(width))

    def forward(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        padding: Tensor | None = None,
        *,
        before: int = 0,
        after: int = 0,
    ) -> Tensor:
        """q (B, N, heads, width), k and v (B, M, heads, width) or with one for all heads.

        Arguments:
            padding: (B, m), 1 for what is not looked at and 0 for all else.
            before, after: How many keys stand around those that it tells of.
        """
        q = (_direction(q) * self.q_scale).transpose(1, 2)
        k = (_direction(k) * self.k_scale).transpose(1, 2)
        k, v = (t.expand(-1, q.shape[1], -1, -1) for t in (k, v.transpose(1, 2)))
        mask = lowered(padding, q, before, after)
        out = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=_SHARP)
        return out.transpose(1, 2).flatten(2)


class CrossAttention(nn.Module):
    """Tokens (B, N, C) look at a sequence (B, M, context) and at one learned token.

    Arguments:
        channels: C.
        context: Channels of the sequence.
        heads, width: Number of heads, and channels of each.
    """

    def __init__(self, channels: int, context: int, heads: int, width: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(channels, bias=False)
        self.q = nn.Linear(channels, heads * width, bias=False)
        self.kv = nn.Linear(context, 2 * heads * width, bias=False)
        self.memory = nn.Parameter(torch.randn(2, width))
        self.cosines = Cosines(width)
        self.out = nn.Linear(heads * width, channels, bias=False)
        self.out_norm = nn.LayerNorm(channels, bias=False)

    def forward(self, t: Tensor, context: Context) -> Tensor:
        q = self.q(self.norm(t)).unflatten(2, (self.heads, -1))
        kv = self.kv(context.tokens).unflatten(2, (2, self.heads, -1))
        memory = self.memory[:, None].expand(t.shape[0], 1, 2, self.heads, -1)
        k, v = torch.cat((memory, kv), dim=1).unbind(2)
        padding = context.padding
        out: Tensor = self.out_norm(self.out(self.cosines(q, k, v, padding, before=1)))
        return out


class SharedAttention(nn.Module):
    """Tokens (B, N, C) look at each other, at a learned one and at a sequence (B, M, context).

    All heads share their keys and values.

    References:
        | Fast Transformer Decoding: One Write-Head is All You Need (Shazeer, 2019)
        | https://arxiv.org/abs/1911.02150

    Arguments:
        channels: C.
        context: Channels of the sequence; None for none.
        heads, width: Number of heads, and channels of each.
    """

    def __init__(self, channels: int, context: int | None, heads: int, width: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(channels, bias=False)
        self.q = nn.Linear(channels, heads * width, bias=False)
        self.kv = nn.Linear(channels, 2 * width, bias=False)
        self.memory = nn.Parameter(torch.randn(2, width))
        self.context_norm = nn.LayerNorm(context) if context else None
        self.context_kv = nn.Linear(context, 2 * width) if context else None
        self.cosines = Cosines(width)
        self.out = nn.Linear(heads * width, channels, bias=False)
        self.out_norm = nn.LayerNorm(channels, bias=False)

    def forward(self, t: Tensor, context: Context | None = None) -> Tensor:
        t, padding = self.norm(t), None
        q = self.q(t).unflatten(2, (self.heads, -1))
        kv = [self.memory.flatten().expand(t.shape[0], 1, -1), self.kv(t)]
        if context is not None and self.context_kv is not None and self.context_norm is not None:
            kv.insert(0, self.context_kv(self.context_norm(context.tokens)))
            padding = context.padding
        k, v = torch.cat(kv, dim=1).unflatten(2, (2, 1, -1)).unbind(2)
        after = 1 + t.shape[1]
        out: Tensor = self.out_norm(self.out(self.cosines(q, k, v, padding, after=after)))
        return out


class FeedForward(nn.Sequential):
    """Linear, GELU, linear, each linear after a norm: (…, C) → (…, C)."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__(
            nn.LayerNorm(channels, bias=False),
            nn.Linear(channels, hidden, bias=False),
            nn.GELU(),
            nn.LayerNorm(hidden, bias=False),
            nn.Linear(hidden, channels, bias=False),
        )


class Transformer(nn.Module):
    """Attention and feed-forward on the positions of an image: (B, C, …) → (B, C, …).

    Arguments:
        channels: C.
        context: Channels of the sequence that is looked at; None for none.
        heads, width: Number of heads, and channels of each.
        hidden: Width of the feed-forward.
        depth: How many layers.
    """

    def __init__(
        self,
        channels: int,
        context: int | None,
        heads: int,
        width: int,
        *,
        hidden: int,
        depth: int = 1,
    ) -> None:
        super().__init__()
        self.attention = nn.ModuleList(
            SharedAttention(channels, context, heads, width) for _ in range(depth)
        )
        self.feed_forward = nn.ModuleList(FeedForward(channels, hidden) for _ in range(depth))

    def forward(self, x: Tensor, *told: Tensor) -> Tensor:
        """`x` (B, C, …) after looking at itself and at the contexts (B, M, context), joined.

        The padding (B, M) of a context that has any stands after it.
        """
        context = _one(told)
        t = tokens(x).contiguous()
        for attention, feed_forward in zip(self.attention, self.feed_forward, strict=True):
            t = t + attention(t, context)
            t = t + feed_forward(t)
        return image(t, x)


class GlobalContext(nn.Module):
    """A gate for each channel, of a weighted mean over all positions: (B, C, …) → (B, C, 1, …).

    References:
        | GCNet: Non-local Networks Meet Squeeze-Excitation Networks and Beyond (Cao et al., 2019)
        | https://arxiv.org/abs/1904.11492
    """

    def __init__(self, dims: int, channels: int) -> None:
        super().__init__()
        hidden = max(3, channels // 2)
        self.weigh = convolution(dims, channels, 1, 1)
        self.linear1 = nn.Linear(channels, hidden)
        self.linear2 = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.weigh(x).flatten(2).softmax(dim=2)
        mean = torch.bmm(x.flatten(2), weights.mT)[:, :, 0]
        gate = self.linear2(functional.silu(self.linear1(mean))).sigmoid()
        return spread(gate, x)


@dataclass(frozen=True, slots=True)
class Making:
    """What a block is made of.

    Arguments:
        norm: Makes a norm, for a number of channels.
        activation: Makes an activation, for a number of channels.
        embedding: Width of the embedding; None for none.
        cross: Makes what looks at sequences between the convolutions; None for none.
        gate: Whether a global context weighs the channels of the branch.
        zero_init: Start the second convolution at zero.
    """

    norm: Make
    activation: Make
    embedding: int | None
    cross: Callable[[], CrossAttention] | None
    gate: bool
    zero_init: bool


class ImagenBlock(nn.Module):
    """norm, activation, convolution, twice, with a look at a text between: (B, C, …) → (B, W, …).

    Arguments:
        dims: Spatial axes.
        channels, width: C and W.
        making: What it is made of.
    """

    def __init__(self, dims: int, channels: int, width: int, making: Making) -> None:
        super().__init__()
        self.norm1, self.activation1 = making.norm(channels), making.activation(channels)
        self.conv1 = convolution(dims, channels, width, 3, padding=1)
        self.cross = making.cross() if making.cross else None
        told = making.embedding
        self.embedding = nn.Linear(told, 2 * width) if told else None
        self.norm2, self.activation2 = making.norm(width), making.activation(width)
        self.conv2 = convolution(dims, width, width, 3, padding=1)
        if making.zero_init:
            zeroed(self.conv2)
        self.gate = GlobalContext(dims, width) if making.gate else None
        self.shortcut = convolution(dims, channels, width, 1) if channels != width else None

    def forward(self, x: Tensor, *told: Tensor) -> Tensor:
        """The block of `x` (B, C, …).

        Arguments:
            told: The embedding (B, E), if the block takes one; then sequences (B, M, context),
                each before its padding (B, M) if it has any.
        """
        h = self.conv1(self.activation1(self.norm1(x)))
        if self.embedding is not None:
            embedding, *told = told  # type: ignore[assignment]
        if self.cross is not None:
            t = tokens(h).contiguous()
            h = image(t + self.cross(t, _one(told)), h).contiguous()
        h = self.norm2(h)
        if self.embedding is not None:
            scale, shift = spread(self.embedding(embedding), h).chunk(2, dim=1)
            h = torch.addcmul(shift, h, 1 + scale)
        h = self.activation2(h)
        h = self.conv2(h)
        if self.gate is not None:
            h = h * self.gate(h)
        out: Tensor = h + (x if self.shortcut is None else self.shortcut(x))
        return out


def _direction(t: Tensor) -> Tensor:
    """Vectors (…, C) of length one."""
    return t * torch.rsqrt(t.square().sum(dim=-1, keepdim=True) + _EPS)


def _one(told: Sequence[Tensor]) -> Context | None:
    """Sequences one after another, with the padding among them; None for none."""
    contexts = paired(told)
    if len(contexts) < 2:
        return next(iter(contexts), None)
    return Context(torch.cat([context.tokens for context in contexts], dim=1), joined(contexts))
