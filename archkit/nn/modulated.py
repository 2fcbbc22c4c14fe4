"""A block whose norm is modulated by the embedding."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .axes import convolution, spread
from .blocks import Make

# What the modulation is multiplied with at first: small, so that the block begins near x.
_SMALL = 1e-2


class ModulatedBlock(nn.Module):
    """x + c · convolutions((1 + a) · norm(x) + b): (B, C, …) → (B, C, …).

    References:
        | Scalable Diffusion Models with Transformers (Peebles, Xie, 2023), adaLN-Zero; here around
          convolutions, as in azula
        | https://arxiv.org/abs/2212.09748

    Arguments:
        dims: Spatial axes.
        channels: C.
        norm: Applied to the input.
        activation: Makes the activations, for a number of channels.
        embedding: Width of the embedding that a, b and c are made of; None to learn them instead.
        kernel: Of both convolutions, odd; one number for each axis.
        expansion: Channels between them, as a multiple of C.
        dropout: Share of values dropped before the second, while training.
    """

    def __init__(
        self,
        dims: int,
        channels: int,
        *,
        norm: nn.Module,
        activation: Make,
        embedding: int | None,
        kernel: tuple[int, ...],
        expansion: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.norm = norm
        if embedding is None:
            self.modulation = nn.Parameter(_SMALL * torch.randn(3, channels))
        else:
            self.linear1 = nn.Linear(embedding, embedding)
            self.between = activation(embedding)
            self.linear2 = nn.Linear(embedding, 3 * channels)
            with torch.no_grad():
                self.linear2.weight *= _SMALL
        wide, options = expansion * channels, {"padding": tuple(k // 2 for k in kernel)}
        self.conv1 = convolution(dims, channels, wide, kernel, **options)
        self.activation = activation(wide)
        self.dropout = dropout
        self.conv2 = convolution(dims, wide, channels, kernel, **options)

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """The block of `x` (B, C, …) under the embedding (B, E)."""
        if embedding is None:
            e = self.modulation.flatten()[None]
        else:
            e = self.linear2(self.between(self.linear1(embedding)))
        a, b, c = spread(e, x).chunk(3, dim=1)
        h = self.conv1(torch.addcmul(b, self.norm(x), 1 + a))
        h = self.activation(h)
        if self.training and self.dropout:
            h = functional.dropout(h, self.dropout)
        return torch.addcmul(x, c, self.conv2(h))
