"""The attention of the package axial-attention, behind a norm and added to its input."""

from __future__ import annotations

import axial_attention
from torch import Tensor, nn


class AxialAttentionModule(nn.Module):
    """(B, channels, …) → the same shape.

    Arguments:
        dims: Spatial axes.
        channels: Channels that enter and leave.
        heads: Number of heads; they divide the channels.
        norm: The norm of `channels`.
    """

    def __init__(self, dims: int, channels: int, heads: int, *, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm
        self.axes = axial_attention.AxialAttention(
            dim=channels, num_dimensions=dims, heads=heads, dim_index=1, sum_axial_out=True
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.axes(self.norm(x))
        return out
