"""Positions that turn queries and keys, axis by axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def centres(space: Sequence[int], device: torch.device | None = None) -> Tensor:
    """Where the positions of an image are: (positions, axes), in float32.

    The longest axis goes from -1 to 1, the others as far as the aspect ratio lets them, so that
    half as many positions stand at the means of those they replace.
    """
    longest = max(space)
    axes = [(2 * torch.arange(n, device=device) + 1 - n) / longest for n in space]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).flatten(0, -2)


def angles(space: Sequence[int], heads: int, width: int, device: torch.device) -> Tensor:
    """By how much each pair of channels of a head turns: (heads, positions, pairs), in float32.

    Half of the `width` channels of a head turn, shared between the axes. Frequencies go from π to
    10π in equal ratios, one after the other through the heads.

    References:
        | RoFormer: Enhanced Transformer with Rotary Position Embedding (Su et al., 2021)
        | https://arxiv.org/abs/2104.09864
        | Scalable High-Resolution Pixel-Space Image Synthesis with Hourglass Diffusion
          Transformers (Crowson et al., 2024)
        | https://arxiv.org/abs/2401.11605
    """
    each = width // (4 * len(space))
    low, high = math.log(math.pi), math.log(10 * math.pi)
    steps = torch.linspace(low, high, heads * each + 1, device=device)[:-1].exp()
    frequencies = steps.view(each, heads).T  # (heads, each)
    turns = centres(space, device).T[:, None, :, None] * frequencies[:, None]
    return torch.cat(tuple(turns), dim=-1)


def turned(t: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Heads (B, heads, positions, width) whose first channels are turned, pair by pair."""
    pairs = cos.shape[-1]
    a, b, rest = t.split((pairs, pairs, t.shape[-1] - 2 * pairs), dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin, rest), dim=-1)
