"""Vectors one after another."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Concatenation(nn.Module):
    """Vectors (B, …) one after another, and an activation: (B, sum of widths)."""

    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, *vectors: Tensor) -> Tensor:
        out: Tensor = self.activation(torch.cat(vectors, dim=1))
        return out
