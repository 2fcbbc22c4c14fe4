"""What is told to a network, as tokens and as one vector: Imagen's way."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .imagen import Cosines, FeedForward


class LatentAttention(nn.Module):
    """Latents (B, L, C) look at tokens (B, T, C) and at each other.

    References:
        | Flamingo: a Visual Language Model for Few-Shot Learning (Alayrac et al., 2022)
        | https://arxiv.org/abs/2204.14198
    """

    def __init__(self, channels: int, heads: int, width: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.norm_latents = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.q = nn.Linear(channels, heads * width, bias=False)
        self.kv = nn.Linear(channels, 2 * heads * width, bias=False)
        self.cosines = Cosines(width)
        self.out = nn.Linear(heads * width, channels, bias=False)
        self.out_norm = nn.LayerNorm(channels)

    def forward(self, latents: Tensor, t: Tensor) -> Tensor:
        latents = self.norm_latents(latents)
        q = self.q(latents).unflatten(2, (self.heads, -1))
        kv = self.kv(torch.cat((self.norm(t), latents), dim=1))
        k, v = kv.unflatten(2, (2, self.heads, -1)).unbind(2)
        out: Tensor = self.out_norm(self.out(self.cosines(q, k, v)))
        return out


class Resampler(nn.Module):
    """Tokens (B, T, C) as a fixed number of latents (B, means + latents, C).

    References:
        | Flamingo: a Visual Language Model for Few-Shot Learning (Alayrac et al., 2022)
        | https://arxiv.org/abs/2204.14198

    Arguments:
        channels: C.
        heads, width: Number of heads, and channels of each.
        latents: How many are learned.
        means: How many are made of the mean of the tokens.
        positions: Places that have a learned position.
        depth: How many layers.
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        width: int,
        *,
        latents: int,
        means: int,
        positions: int,
        depth: int,
    ) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.randn(latents, channels))
        self.positions = nn.Parameter(torch.randn(positions, channels))
        self.mean_norm = nn.LayerNorm(channels, bias=False)
        self.mean = nn.Linear(channels, means * channels)
        self.attention = nn.ModuleList(
            LatentAttention(channels, heads, width) for _ in range(depth)
        )
        self.feed_forward = nn.ModuleList(FeedForward(channels, 4 * channels) for _ in range(depth))

    def forward(self, t: Tensor) -> Tensor:
        means = self.mean(self.mean_norm(t.mean(dim=1))).unflatten(1, (-1, t.shape[2]))
        latents = torch.cat((means, self.latents.expand(t.shape[0], -1, -1)), dim=1)
        t = t + self.positions[: t.shape[1]]
        for attention, feed_forward in zip(self.attention, self.feed_forward, strict=True):
            latents = latents + attention(latents, t)
            latents = latents + feed_forward(latents)
        return latents


class Resampled(nn.Module):
    """A text of any length as so many tokens: (B, n, C) → (B, m, width).

    A token of zeros, and one that the text lacks, is replaced by a learned one.

    Arguments:
        channels, width: C, and of the tokens that come out.
        tokens: How many are looked at; those of a longer text are cut off.
        resampler: Makes fewer of them; None for all.
    """

    def __init__(self, channels: int, width: int, tokens: int, resampler: Resampler | None) -> None:
        super().__init__()
        self.tokens = tokens
        self.linear = nn.Linear(channels, width)
        self.null = nn.Parameter(torch.randn(tokens, width))
        self.resampler = resampler

    def forward(self, text: Tensor) -> Tensor:
        text = text[:, : self.tokens]
        lacks = (0, 0, 0, max(0, self.tokens - text.shape[1]))
        t = functional.pad(self.linear(text), lacks)
        told = functional.pad(text.ne(0).any(dim=2, keepdim=True).to(t.dtype), lacks)
        t = told * t + (1 - told) * self.null
        return t if self.resampler is None else self.resampler(t)


class Averaged(nn.Module):
    """The mean of a sequence, through a norm and an MLP: (B, m, C) → (B, width).

    Of a text of nothing but zeros, a learned vector comes out.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.linear1 = nn.Linear(channels, width)
        self.linear2 = nn.Linear(width, width)
        self.null = nn.Parameter(torch.randn(width))

    def forward(self, sequence: Tensor, text: Tensor) -> Tensor:
        """The vector of a `sequence` (B, m, C) that was made of a `text` (B, n, c)."""
        h = functional.silu(self.linear1(self.norm(sequence.mean(dim=1))))
        h = self.linear2(h)
        told = text.ne(0).flatten(1).any(dim=1, keepdim=True).to(h.dtype)
        out: Tensor = told * h + (1 - told) * self.null
        return out


class Gathered(nn.Module):
    """Vectors (B, C), as tokens, and sequences (B, m, width) one after another, and a norm.

    Arguments:
        channels: Of each that is told; None for a sequence.
        width: Of every token.
        tokens: How many each vector becomes.
    """

    def __init__(self, channels: Sequence[int | None], width: int, tokens: int) -> None:
        super().__init__()
        self.width = width
        self.linears = nn.ModuleList(
            nn.Linear(c, tokens * width) if c else nn.Identity() for c in channels
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, *told: Tensor) -> Tensor:
        made = (linear(each) for linear, each in zip(self.linears, told, strict=True))
        tokens = [t.unflatten(1, (-1, self.width)) if t.ndim == 2 else t for t in made]
        out: Tensor = self.norm(torch.cat(tokens, dim=1))
        return out
