"""The gate in torch, which knows nothing of specs."""

from __future__ import annotations

import torch
from archkit.nn.axes import convolution
from torch import Tensor, nn


class AttentionGateModule(nn.Module):
    """A trunk (B, channels, …) and a skip (B, skip, …) → (B, channels [+ skip], …).

    Arguments:
        dims: Spatial axes.
        channels, skip: Channels of the trunk and of the skip.
        hidden: Width of the gate inside.
        weights: Weights at each position: 1, or as many as the skip has channels.
        add: Whether the weighed skip is added to the trunk, and not put behind it.
    """

    def __init__(
        self, dims: int, channels: int, skip: int, *, hidden: int, weights: int, add: bool = False
    ) -> None:
        super().__init__()
        self.trunk = convolution(dims, channels, hidden, 1)
        self.skip = convolution(dims, skip, hidden, 1, bias=False)
        self.weigh = convolution(dims, hidden, weights, 1)
        self.add = add

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        hidden = nn.functional.relu(self.trunk(x) + self.skip(skip))
        weighed = skip * torch.sigmoid(self.weigh(hidden))
        return x + weighed if self.add else torch.cat((x, weighed), 1)
