"""Attention across the frames of a video, at each position alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .attention import FeedForward, TokenAttention
from .axes import zeroed
from .embeddings import sinusoids


class TemporalLayer(nn.Module):
    """Self-attention a few times, and a feed-forward, each after a layer norm.

    Arguments:
        channels: C of the tokens.
        heads: Number of heads.
        looks: How many self-attentions.
        times: Width of the feed-forward, as a multiple of C.
        dropout: Share of values dropped inside the feed-forward, while training.
    """

    def __init__(
        self, channels: int, heads: int, looks: int = 2, times: int = 4, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(looks + 1))
        self.looks = nn.ModuleList(TokenAttention(channels, heads) for _ in range(looks))
        self.feed_forward = FeedForward(channels, times, dropout)

    def forward(self, t: Tensor, places: Tensor | None = None) -> Tensor:
        """`t` (B, F, C) after looking at itself; `places` (F, C) is told before each look."""
        for norm, look in zip(self.norms, self.looks, strict=False):
            t = t + look(norm(t) if places is None else norm(t) + places)
        out: Tensor = t + self.feed_forward(self.norms[-1](t))
        return out


class TemporalTransformer(nn.Module):
    """Transformer layers on the frames at each position, added: (B, C, F, …) → (B, C, F, …).

    References:
        | AnimateDiff: Animate Your Personalized Text-to-Image Diffusion Models without Specific
          Tuning (Guo et al., 2023)
        | https://arxiv.org/abs/2307.04725

    Arguments:
        channels: C.
        width: Of the tokens inside.
        layers: The layers, `width` wide.
        norm: Applied to the input.
        told: Tell each frame its number.
        zero_init: Start the last projection at zero.
    """

    def __init__(
        self,
        channels: int,
        width: int,
        layers: list[TemporalLayer],
        norm: nn.Module,
        *,
        told: bool = False,
        zero_init: bool = True,
    ) -> None:
        super().__init__()
        self.norm, self.told, self.width = norm, told, width
        self.enter = nn.Linear(channels, width)
        self.layers = nn.ModuleList(layers)
        self.leave = nn.Linear(width, channels)
        if zero_init:
            zeroed(self.leave)

    def forward(self, x: Tensor) -> Tensor:
        # Frames come one by one in memory, and norms take them channel by channel.
        t = self.enter(rows(self.norm(x.contiguous())))
        places = numbered(x.shape[2], self.width, t) if self.told else None
        for layer in self.layers:
            t = layer(t, places)
        return x + video(self.leave(t), x)


def rows(x: Tensor) -> Tensor:
    """The frames at each position as tokens: (B, C, F, …) → (B·positions, F, C)."""
    return x.flatten(3).permute(0, 3, 2, 1).flatten(0, 1).contiguous()


def video(t: Tensor, like: Tensor) -> Tensor:
    """(B·positions, F, C) as (B, C, F, …), with the axes of `like`."""
    batch, frames = like.shape[0], like.shape[2]
    rows = t.reshape(batch, -1, frames, t.shape[2]).permute(0, 3, 2, 1)
    return rows.reshape(*rows.shape[:3], *like.shape[3:])


def numbered(frames: int, channels: int, like: Tensor) -> Tensor:
    """The numbers of so many frames as sines and cosines in turn: (F, channels).

    References:
        | Attention Is All You Need (Vaswani et al., 2017), section 3.5
        | https://arxiv.org/abs/1706.03762
    """
    numbers = torch.arange(frames, device=like.device)
    waves = sinusoids(numbers, channels, sin_first=True)
    return waves.reshape(frames, 2, -1).transpose(1, 2).flatten(1).to(like.dtype)
