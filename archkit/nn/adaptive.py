"""Blocks and attention whose norms are all modulated by the embedding."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .attention import attend, image, tokens
from .axes import convolution, spread, zeroed
from .blocks import Branch
from .contexts import Context, paired


class AdaptiveNorm(nn.Module):
    """norm(x) · (1 + scale) + shift, with both from the embedding: (B, C, …) → (B, C, …).

    References:
        | Diffusion Models Beat GANs on Image Synthesis (Dhariwal, Nichol, 2021), AdaGN
        | https://arxiv.org/abs/2105.05233

    Arguments:
        norm: The norm, which needs no scale and shift of its own.
        channels: C.
        embedding: Width of the embedding; None for the norm alone.
    """

    def __init__(self, norm: nn.Module, channels: int, embedding: int | None) -> None:
        super().__init__()
        self.norm = norm
        self.linear = nn.Linear(embedding, 2 * channels) if embedding else None

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """The norm of `x` (B, C, …) under the embedding (B, E)."""
        if self.linear is None or embedding is None:
            out: Tensor = self.norm(x)
            return out
        scale, shift = spread(self.linear(embedding), x).chunk(2, dim=1)
        return torch.addcmul(shift, self.norm(x), 1 + scale)


class AdaptiveBlock(nn.Module):
    """norm, activation, convolution, twice, added to the input: (B, C, …) → (B, width, …).

    Arguments:
        dims: Spatial axes.
        channels, inner, width: Channels that enter, that the first convolution makes, that leave.
        branch: What is added to the shortcut.
        embedding: Width of the embedding that modulates both norms; None for none.
        bias: Whether the convolution of the shortcut has one.
    """

    def __init__(
        self,
        dims: int,
        channels: int,
        inner: int,
        width: int,
        branch: Branch,
        *,
        embedding: int | None = None,
        bias: bool = False,
    ) -> None:
        super().__init__()
        kernel, pad = branch.kernel, branch.padding
        self.norm1 = AdaptiveNorm(branch.norm(channels), channels, embedding)
        self.activation1 = branch.activation(channels)
        self.conv1 = convolution(dims, channels, inner, kernel, padding=pad)
        self.norm2 = AdaptiveNorm(branch.norm(inner), inner, embedding)
        self.activation2 = branch.activation(inner)
        self.dropout = branch.dropout
        self.conv2 = convolution(dims, inner, width, kernel, padding=pad)
        if branch.zero_init:
            zeroed(self.conv2)
        same = channels == width
        self.shortcut = None if same else convolution(dims, channels, width, 1, bias=bias)

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """The block of `x` (B, C, …) under the embedding (B, E)."""
        h = self.activation1(self.norm1(x, embedding))
        h = self.conv1(h)
        h = self.activation2(self.norm2(h, embedding))
        if self.training and self.dropout:
            h = functional.dropout(h, self.dropout)
        h = self.conv2(h)
        if self.shortcut is not None:
            x = self.shortcut(x)
        out: Tensor = x + h
        return out


class AdaptiveSelf(nn.Module):
    """Positions look at each other after an adaptive norm, added to the input."""

    def __init__(self, channels: int, heads: int, norm: AdaptiveNorm, bias: bool) -> None:
        super().__init__()
        self.heads, self.norm = heads, norm
        self.qkv = nn.Linear(channels, 3 * channels, bias=bias)
        self.out = nn.Linear(channels, channels)

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        q, k, v = self.qkv(tokens(self.norm(x, embedding))).chunk(3, dim=2)
        return x + image(self.out(attend(q, k, v, self.heads)), x)


class AdaptiveCross(nn.Module):
    """Positions look at a sequence, both after a norm of their own, added to the input.

    Arguments:
        channels: C of the image.
        context: Channels of the sequence.
        heads: Number of heads.
        norm: Of the image.
        bias: Whether queries, keys and values have one.
    """

    def __init__(
        self, channels: int, context: int, heads: int, norm: AdaptiveNorm, bias: bool
    ) -> None:
        super().__init__()
        self.heads, self.norm = heads, norm
        self.context_norm = nn.LayerNorm(context)
        self.q = nn.Linear(channels, channels, bias=bias)
        self.kv = nn.Linear(context, 2 * channels, bias=bias)
        self.out = nn.Linear(channels, channels)

    def forward(self, x: Tensor, context: Context, embedding: Tensor | None = None) -> Tensor:
        k, v = self.kv(self.context_norm(context.tokens)).chunk(2, dim=2)
        q = self.q(tokens(self.norm(x, embedding)))
        return x + image(self.out(attend(q, k, v, self.heads, context.padding)), x)


class AdaptiveAttention(nn.Module):
    """Self-attention, then attention to each sequence in turn: (B, C, …) → (B, C, …).

    Arguments:
        own: The self-attention; None for none.
        cross: One for each sequence.
        zero_init: Start every last projection at zero.
        told: Whether there is an embedding; it is the first of what follows the image.
    """

    def __init__(
        self,
        own: AdaptiveSelf | None,
        cross: list[AdaptiveCross],
        *,
        zero_init: bool = True,
        told: bool = True,
    ) -> None:
        super().__init__()
        self.own, self.told = own, told
        self.cross = nn.ModuleList(cross)
        for part in (own, *cross) if zero_init else ():
            if part is not None:
                zeroed(part.out)

    def forward(self, x: Tensor, *told: Tensor) -> Tensor:
        """`x` after looking, under the embedding (B, E) if told one, at each (B, M, context).

        The padding (B, M) of a sequence that has any stands after it.
        """
        embedding, rest = (told[0], told[1:]) if self.told else (None, told)
        if self.own is not None:
            x = self.own(x, embedding)
        for part, context in zip(self.cross, paired(rest), strict=True):
            x = part(x, context, embedding)
        return x
