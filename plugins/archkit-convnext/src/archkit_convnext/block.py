"""The block in torch: a plain module that knows nothing of specs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from archkit.nn.axes import convolution, spread
from archkit.nn.modulation import METHODS


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution, norm, bottleneck, added to the input: (B, C, …) → (B, width, …).

    References:
        | A ConvNet for the 2020s (Liu, Mao, Wu, Feichtenhofer, Darrell, Xie, 2022)
        | https://arxiv.org/abs/2201.03545

    Arguments:
        dims: Spatial axes.
        channels, width: Channels that enter and leave.
        norm: The norm of `channels`.
        activation: The activation inside the bottleneck.
        embedding: The method by which an embedding enters, and its width; None for no embedding.
        kernel: Of the depthwise convolution; odd.
        expansion: Width of the bottleneck over `width`.
        layer_scale: Start of the learned scale of the branch; None for none.
    """

    def __init__(
        self,
        dims: int,
        channels: int,
        width: int,
        *,
        norm: nn.Module,
        activation: nn.Module,
        embedding: tuple[str, int] | None = None,
        kernel: int = 7,
        expansion: int = 4,
        layer_scale: float | None = 1e-6,
    ) -> None:
        super().__init__()
        hidden = expansion * width
        self.depthwise = convolution(
            dims, channels, channels, kernel, padding=kernel // 2, groups=channels
        )
        if embedding:
            parts, self.modulate = METHODS[embedding[0]]
            self.embedding = nn.Linear(embedding[1], parts * channels)
        self.norm = norm
        self.expand = convolution(dims, channels, hidden, 1)
        self.activation = activation
        self.shrink = convolution(dims, hidden, width, 1)
        scale = None if layer_scale is None else nn.Parameter(torch.full((width,), layer_scale))
        self.layer_scale = scale
        self.shortcut = convolution(dims, channels, width, 1) if channels != width else None

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """The block of `x` (B, channels, …) under the embedding (B, C)."""
        h = self.depthwise(x)
        if embedding is None:
            h = self.norm(h)
        else:
            h = self.modulate(self.norm, h, spread(self.embedding(embedding), h))
        h = self.shrink(self.activation(self.expand(h)))
        if self.layer_scale is not None:
            h = h * spread(self.layer_scale[None], h)
        out: Tensor = h + (x if self.shortcut is None else self.shortcut(x))
        return out
