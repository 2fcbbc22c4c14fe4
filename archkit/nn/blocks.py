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


@dataclass(frozen=True, slots=True)
class Branch:
    """What the branch of a residual block is made of.

    Arguments:
        norm: Makes the norm before a convolution, for a number of channels.
        activation: Makes the activation before a convolution, for a number of channels.
        kernel: Of both convolutions, one number or one for each axis; odd.
        dropout: Share of values dropped before the second convolution, while training.
        zero_init: Start the second convolution at zero.
    """

    norm: Make
    activation: Make
    kernel: int | tuple[int, ...] = 3
    dropout: float = 0.0
    zero_init: bool = True

    @property
    def padding(self) -> int | tuple[int, ...]:
        """Zeros at each end that keep the size."""
        return (
            self.kernel // 2 if isinstance(self.kernel, int) else tuple(k // 2 for k in self.kernel)
        )


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
        branch: What is added to the shortcut.
        taking: How the embedding is taken; None for a block that takes none.
        scale: Of the sum of branch and shortcut.
        project: Whether the shortcut is a 1×1 convolution though the width stays.
        resample: Makes what pools or upsamples branch and shortcut; None to keep the size.
    """

    def __init__(
        self,
        dims: int,
        channels: int,
        width: int,
        branch: Branch,
        *,
        taking: Taking | None = None,
        scale: float = 1.0,
        project: bool = False,
        resample: Callable[[], nn.Module] | None = None,
    ) -> None:
        super().__init__()
        kernel, pad = branch.kernel, branch.padding
        self.norm1 = branch.norm(channels)
        self.activation1 = branch.activation(channels)
        self.resample = resample() if resample else None
        self.conv1 = convolution(dims, channels, width, kernel, padding=pad)
        self.gated = taking is not None and taking.method == "adaln-zero"
        self.width, self.scale = width, scale
        if taking:
            parts, self.modulate = METHODS[taking.method]
            self.embedding = nn.Linear(taking.width, (parts + self.gated) * width)
            if self.gated:
                zeroed(self.embedding)
        self.norm2 = branch.norm(width)
        self.activation2 = branch.activation(width)
        self.dropout = branch.dropout
        self.conv2 = convolution(dims, width, width, kernel, padding=pad)
        if branch.zero_init and not self.gated:
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
