"""Features of a time as further channels of a sample."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .axes import spread


class Planes(nn.Module):
    """Features of a time, the same everywhere, after the channels: (B, C, …) → (B, C + c, …).

    References:
        | Dance Diffusion (Evans, 2022)
        | https://github.com/Harmonai-org/sample-generator

    Arguments:
        features: Makes c features of a time: (B,) → (B, c).
    """

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """`x` (B, C, …), told the times `t` (B,)."""
        planes = spread(self.features(t).to(x.dtype), x)
        return torch.cat((x, planes.expand(*planes.shape[:2], *x.shape[2:])), dim=1)
