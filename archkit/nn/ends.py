"""The last step of a network."""

from __future__ import annotations

from torch import Tensor, nn

from .axes import convolution, zeroed


class Head(nn.Module):
    """norm, activation, convolution: (B, C, …) → (B, width, …)."""

    def __init__(
        self,
        dims: int,
        channels: int,
        width: int,
        *,
        norm: nn.Module,
        activation: nn.Module,
        kernel: int = 3,
        zero_init: bool = True,
    ) -> None:
        super().__init__()
        self.norm, self.activation = norm, activation
        self.conv = convolution(dims, channels, width, kernel, padding=kernel // 2)
        if zero_init:
            zeroed(self.conv)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(self.activation(self.norm(x)))
        return out
