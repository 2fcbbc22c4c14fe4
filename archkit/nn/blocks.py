"""The residual block of diffusion networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from .axes import convolution, spread, zeroed
from .modulation import METHODS

Make = Callable[[int], nn.Module]


@dataclass(frozen=True, slots=True)
class Taking:
    """How a block takes an embedding of `width` channels."""

    method: str
    width: int


class ResNetBlock(nn.Module):
    """norm, activation, convolution, twice, added to the input: (B, C, …) → (B, width, …).

    References:
        | Denoising Diffusion Probabilistic Models (Ho, Jain, Abbeel, 2020)
        | https://arxiv.org/abs/2006.11239
        | Diffusion Models Beat GANs on Image Synthesis (Dhariwal, Nichol, 2021), for resampling
        | https://arxiv.org/abs/2105.05233

    Arguments:
        dims: Spatial axes.
        channels, width: Channels that enter and leave.
        norm: Makes the norm of a number of channels.
        activation: Makes the activation before a convolution, for a number of channels.
        taking: How the embedding is taken; None for a block that takes none.
        kernel: Of both convolutions; odd.
        dropout: Share of values dropped before the second convolution, while training.
        scale: Of the sum of branch and shortcut.
        project: Whether the shortcut is a 1×1 convolution though the width stays.
        resample: Makes what pools or upsamples both branches; None to keep the size.
        zero_init: Start the second convolution at zero.
    """

    def __init__(
        self,
        dims: int,
        channels: int,
        width: int,
        *,
        norm: Make,
        activation: Make,
        taking: Taking | None = None,
        kernel: int = 3,
        dropout: float = 0.0,
        scale: float = 1.0,
        project: bool = False,
        resample: Callable[[], nn.Module] | None = None,
        zero_init: bool = True,
    ) -> None:
        super().__init__()
        pad = kernel // 2
        self.norm1 = norm(channels)
        self.activation1 = activation(channels)
        self.resample = resample() if resample else None
        self.conv1 = convolution(dims, channels, width, kernel, padding=pad)
        self.gated = taking is not None and taking.method == "adaln-zero"
        self.width, self.scale = width, scale
        if taking:
            parts, self.modulate = METHODS[taking.method]
            self.embedding = nn.Linear(taking.width, (parts + self.gated) * width)
            if self.gated:
                zeroed(self.embedding)
        self.norm2 = norm(width)
        self.activation2 = activation(width)
        self.dropout = dropout
        self.conv2 = convolution(dims, width, width, kernel, padding=pad)
        if zero_init and not self.gated:
            zeroed(self.conv2)
        wants = project or channels != width
        self.shortcut = convolution(dims, channels, width, 1) if wants else None

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """The block of `x` (B, channels, …) under the embedding (B, taking.width)."""
        h = self.activation1(self.norm1(x))
        if self.resample is not None:
            h, x = self.resample(h), self.resample(x)
        h = self.conv1(h)
        gate = None
        if embedding is None:
            h = self.norm2(h)
        else:
            e = spread(self.embedding(embedding), h)
            if self.gated:
                e, gate = e.split((2 * self.width, self.width), dim=1)
            h = self.modulate(self.norm2, h, e)
        h = self.activation2(h)
        if self.training and self.dropout:
            h = functional.dropout(h, self.dropout)
        h = self.conv2(h)
        if gate is not None:
            h = h * gate
        if self.shortcut is not None:
            x = self.shortcut(x)
        out: Tensor = x + h
        return out if self.scale == 1.0 else out * self.scale
