"""Transformer layers that look inside each frame and across the frames in turn."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .attention import CrossAttention, FeedForward, TokenAttention, TransformerLayer, image, tokens
from .axes import zeroed
from .contexts import Context, paired
from .embeddings import sinusoids
from .frames import folded, repeated, unfolded
from .video import blended, share


class FrameLayer(nn.Module):
    """Feed-forward, self-attention, cross-attention, feed-forward, each after a layer norm.

    Arguments:
        channels: C of the tokens.
        heads: Number of heads.
        contexts: Channels of the sequences to look at, one cross-attention each; may be empty.
        times: Width of the feed-forwards, as a multiple of C.
    """

    def __init__(
        self, channels: int, heads: int, contexts: tuple[int, ...] = (), times: int = 4
    ) -> None:
        super().__init__()
        self.norm0 = nn.LayerNorm(channels)
        self.first = FeedForward(channels, times)
        self.norm1 = nn.LayerNorm(channels)
        self.attention = TokenAttention(channels, heads)
        self.norm2 = nn.LayerNorm(channels) if contexts else None
        self.cross = nn.ModuleList(CrossAttention(channels, c, heads) for c in contexts)
        self.norm3 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, times)

    def forward(self, t: Tensor, contexts: Sequence[Context] = ()) -> Tensor:
        """`t` (B·positions, F, C) after looking at itself and each context (B, M, channels)."""
        t = t + self.first(self.norm0(t))
        t = t + self.attention(self.norm1(t))
        if self.norm2 is not None:
            t = self._crossed(t, self.norm2(t), contexts)
        out: Tensor = t + self.feed_forward(self.norm3(t))
        return out

    def _crossed(self, t: Tensor, normed: Tensor, contexts: Sequence[Context]) -> Tensor:
        # Every frame at every position looks at the same, so that all are one row of queries.
        for look, context in zip(self.cross, contexts, strict=True):
            rows = normed.reshape(context.tokens.shape[0], -1, normed.shape[2])
            t = t + look(rows, context).reshape(t.shape)
        return t


class Places(nn.Module):
    """The number of each frame through an MLP: (F, channels).

    Arguments:
        channels: Of the sinusoids, and of what comes out; four times as many lie between.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.linear1 = nn.Linear(channels, 4 * channels)
        self.linear2 = nn.Linear(4 * channels, channels)

    def forward(self, frames: int) -> Tensor:
        weight = self.linear1.weight
        numbers = torch.arange(frames, device=weight.device)
        waves = sinusoids(numbers, self.channels).to(weight.dtype)
        out: Tensor = self.linear2(functional.silu(self.linear1(waves)))
        return out


class SpatioTemporalTransformer(nn.Module):
    """Layers inside each frame, each blended with one across them: (B, C, F, …) → (B, C, F, …).

    References:
        | Stable Video Diffusion: Scaling Latent Video Diffusion Models to Large Datasets
          (Blattmann et al., 2023)
        | https://arxiv.org/abs/2311.15127

    Arguments:
        channels: C.
        layers: The layers inside a frame.
        across: As many, across the frames.
        norm: Applied to each frame.
        zero_init: Start the last projection at zero.
    """

    def __init__(
        self,
        channels: int,
        layers: Sequence[TransformerLayer],
        across: Sequence[FrameLayer],
        norm: nn.Module,
        zero_init: bool = True,
    ) -> None:
        super().__init__()
        self.norm = norm
        self.enter = nn.Linear(channels, channels)
        self.places = Places(channels)
        self.layers, self.across = nn.ModuleList(layers), nn.ModuleList(across)
        self.share = share()
        self.leave = nn.Linear(channels, channels)
        if zero_init:
            zeroed(self.leave)

    def forward(self, x: Tensor, *told: Tensor) -> Tensor:
        """The video `x` (B, C, F, …) after looking at itself and each context (B, M, channels).

        The padding (B, M) of a context that has any stands after it.
        """
        frames, contexts = x.shape[2], paired(told)
        of_frames = paired([repeated(tensor, frames) for tensor in told])
        places = self.places(frames)[:, None]
        t = self.enter(tokens(self.norm(folded(x))))
        for layer, across in zip(self.layers, self.across, strict=True):
            t = layer(t, of_frames)
            t = self._mixed(t, across(_by_position(t, places), contexts))
        return x + unfolded(image(self.leave(t), folded(x)), frames)

    def _mixed(self, t: Tensor, video: Tensor) -> Tensor:
        """Frames (B·F, P, C) and video (B·P, F, C), blended: (B·F, P, C)."""
        each = t.unflatten(0, (-1, video.shape[1]))
        mixed = video.unflatten(0, (each.shape[0], -1)).transpose(1, 2)
        return blended(each, mixed, self.share).flatten(0, 1)


def _by_position(t: Tensor, places: Tensor) -> Tensor:
    """(B·F, P, C) as (B·P, F, C), each frame told its place (F, 1, C)."""
    video = t.unflatten(0, (-1, places.shape[0])) + places
    rows: Tensor = video.transpose(1, 2).flatten(0, 1)
    return rows.contiguous()
