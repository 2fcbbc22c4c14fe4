"""Block and attention that keep magnitudes.

References:
    | Analyzing and Improving the Training Dynamics of Diffusion Models (Karras et al., 2024)
    | https://arxiv.org/abs/2312.02696
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .attention import attend, image, tokens
from .axes import spread
from .magnitude import SILU, Normalised, pixel_norm, shares


@dataclass(frozen=True, slots=True)
class Adding:
    """How a branch is added to the trunk.

    Arguments:
        balance: The share of the branch.
        clip: Bound of what comes out; None for none.
    """

    balance: float
    clip: float | None

    def clipped(self, x: Tensor) -> Tensor:
        return x if self.clip is None else x.clamp(-self.clip, self.clip)


class Block(nn.Module):
    """Two convolutions, the embedding times what is between them: (B, C, …) → (B, width, …).

    Arguments:
        channels, width: Channels that enter and leave.
        kernel: Of both convolutions, one size for each spatial axis; odd.
        adding: How the branch is added.
        embedding: Width of the embedding; None for a block that takes none.
        encodes: Whether it normalises what enters, and then also brings it to the width first.
        dropout: Share of values dropped before the second convolution, while training.
        resample: What pools or upsamples first; None to keep the size.
    """

    def __init__(
        self,
        channels: int,
        width: int,
        kernel: tuple[int, ...],
        adding: Adding,
        *,
        embedding: int | None = None,
        encodes: bool = True,
        dropout: float = 0.0,
        resample: nn.Module | None = None,
    ) -> None:
        super().__init__()
        inner, flat = width if encodes else channels, (1,) * len(kernel)
        self.resample, self.encodes = resample, encodes
        self.shortcut = Normalised(channels, width, flat) if channels != width else None
        self.conv1 = Normalised(inner, width, kernel)
        self.embedding = Normalised(embedding, width) if embedding else None
        self.gain = nn.Parameter(torch.zeros(())) if embedding else None
        self.dropout = dropout
        self.conv2 = Normalised(width, width, kernel)
        self.adding = adding

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """The block of `x` (B, channels, …) under the embedding (B, E)."""
        if self.resample is not None:
            x = self.resample(x)
        if self.encodes:
            x = pixel_norm(x if self.shortcut is None else self.shortcut(x))
        h = self.conv1.raw(functional.silu(x))
        h = functional.silu(h * self._told(h, embedding))
        if self.training and self.dropout:
            h = functional.dropout(h, self.dropout)
        h = self.conv2.raw(h)
        keep, take = shares(self.adding.balance)
        if self.encodes or self.shortcut is None:
            x = x * keep
        else:
            x = self.shortcut.raw(x)
            x = x * self.shortcut.scale(x, keep)
        return self.adding.clipped(torch.addcmul(x, h, self.conv2.scale(h, take / SILU)))

    def _told(self, h: Tensor, embedding: Tensor | None) -> Tensor:
        """What the first convolution is multiplied with: its scale, and 1 + gain · embedding."""
        scale = self.conv1.scale(h, 1 / SILU)
        if embedding is None or self.embedding is None or self.gain is None:
            return scale
        return scale * (1 + spread(self.embedding(embedding) * self.gain, h))


class Attention(nn.Module):
    """Every position looks at every other by the angle of its query: (B, C, …) → (B, C, …).

    Queries, keys and values are normalised in each head.

    Arguments:
        channels: C.
        heads: Number of heads, which divides them.
        adding: How the branch is added.
    """

    def __init__(self, channels: int, heads: int, adding: Adding) -> None:
        super().__init__()
        self.heads, self.adding = heads, adding
        self.qkv = Normalised(channels, 3 * channels)
        self.out = Normalised(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        h = image(self.out.raw(self._looked(x)), x)
        keep, take = shares(self.adding.balance)
        scale = spread(self.out.scale(h, take)[None], h)
        return self.adding.clipped(torch.addcmul(x * keep, h, scale))

    def _looked(self, x: Tensor) -> Tensor:
        """What every position has seen: (B, positions, C)."""
        qkv = pixel_norm(self.qkv(tokens(x)).unflatten(2, (3 * self.heads, -1)), dim=3)
        q, k, v = qkv.flatten(2).chunk(3, dim=2)
        return attend(q, k, v, self.heads)
