"""What is told beside the sample at a larger size."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from .axes import convolution, zeroed


class Residual(nn.Module):
    """x + residual: (B, C, …), (B, C, …) → (B, C, …); one without a size is spread over space."""

    def forward(self, x: Tensor, residual: Tensor) -> Tensor:
        return x + residual


class Hint(nn.Module):
    """x + encoded image: (B, width, …), (B, C, …) at a larger size → (B, width, …).

    Starts as the identity: the last convolution is zero.

    Arguments:
        dims: Spatial dimensions.
        steps: Channels in and out, and the stride, of each convolution before the last.
        width: Channels of `x`.
        activations: What follows each of them.
    """

    def __init__(
        self,
        dims: int,
        steps: Sequence[tuple[int, int, int]],
        width: int,
        activations: Sequence[nn.Module],
    ) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            convolution(dims, channels, out, 3, padding=1, stride=stride)
            for channels, out, stride in steps
        )
        self.activations = nn.ModuleList(activations)
        self.last = zeroed(convolution(dims, steps[-1][1], width, 3, padding=1))

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        for conv, activation in zip(self.convs, self.activations, strict=True):
            image = conv(image)  # what came before it is free again
            image = activation(image)
        out: Tensor = x + self.last(image)
        return out
