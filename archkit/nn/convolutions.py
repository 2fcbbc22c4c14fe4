"""Convolutions in a row, each with its norm and activation: plain, and added to a shortcut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from .axes import average_pool, convolution, spread
from .blocks import Make, Taking
from .modulation import METHODS


@dataclass(frozen=True, slots=True)
class After:
    """What follows each convolution.

    Arguments:
        norm: Makes the norm of a number of channels.
        activation: Makes the activation.
        dropout: Share of values dropped, while training.
        steps: The words ``norm``, ``activation`` and ``dropout`` in the order they run.
        last: The same after the last convolution.
        enters: Which of them takes the embedding: around the first norm, or after the first
            activation.
    """

    norm: Make
    activation: Callable[[], nn.Module]
    dropout: float
    steps: tuple[str, ...]
    last: tuple[str, ...]
    enters: str = "norm"


class ConvolutionBlock(nn.Module):
    """convolution, norm, activation, a few times: (B, C, …) → (B, last of widths, …).

    The embedding, where there is one, is taken once, after the first convolution.

    References:
        | U-Net: Convolutional Networks for Biomedical Image Segmentation
          (Ronneberger, Fischer, Brox, 2015)
        | https://arxiv.org/abs/1505.04597

    Arguments:
        dims: Spatial axes.
        channels: Those that enter.
        widths: Those that leave each convolution.
        after: What follows each of them.
        taking: How the embedding is taken; None for a block that takes none.
        stride: Of the first convolution.
        options: Of every convolution, as torch calls them.
    """

    def __init__(
        self,
        dims: int,
        channels: int,
        widths: Sequence[int],
        *,
        after: After,
        taking: Taking | None = None,
        stride: Any = 1,
        **options: Any,
    ) -> None:
        super().__init__()
        if taking:
            parts, self.modulate = METHODS[taking.method]
            self.embedding = nn.Linear(taking.width, parts * widths[0])
        rest = len(widths) - 1
        self.steps, self.enters = (*(after.steps,) * rest, after.last), after.enters
        strides = [stride, *[1] * rest]
        self.convs = nn.ModuleList(
            convolution(dims, c, width, stride=s, **options)
            for c, width, s in zip((channels, *widths), widths, strides, strict=False)
        )
        rows = zip(widths, self.steps, strict=True)
        self.norms = nn.ModuleList(after.norm(width) for width, steps in rows if "norm" in steps)
        self.activations = nn.ModuleList(
            after.activation() for steps in self.steps if "activation" in steps
        )
        self.dropout = after.dropout

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """The block of `x` (B, channels, …) under the embedding (B, taking.width)."""
        for i, steps in enumerate(self.steps):
            x = self.convs[i](x)
            for step in steps:
                taken = None
                if embedding is not None and step == self.enters:
                    taken, embedding = spread(self.embedding(embedding), x), None
                if step == "dropout":
                    x = functional.dropout(x, self.dropout) if self.training else x
                elif step == "activation":
                    x = self.activations[i](x)
                    x = x if taken is None else self.modulate(_same, x, taken)
                elif taken is None:
                    x = self.norms[i](x)
                else:
                    x = self.modulate(self.norms[i], x, taken)
        return x


def _same(x: Tensor) -> Tensor:
    return x


class Shortcut(nn.Module):
    """What a residual block adds, brought to the shape of its branch.

    Arguments:
        pool: Shrinks it first; None where it keeps its size.
        conv: Brings it to the width, and maybe the size, of the branch; None where both are right.
        norm: After the convolution; None for none.
    """

    def __init__(
        self, pool: nn.Module | None, conv: nn.Module | None, norm: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.pool, self.conv, self.norm = pool, conv, norm

    def forward(self, x: Tensor) -> Tensor:
        for step in (self.pool, self.conv, self.norm):
            x = x if step is None else step(x)
        return x

    @classmethod
    def pooled(
        cls, channels: int, width: int, strides: tuple[int, ...], norm: nn.Module | None
    ) -> Shortcut:
        """The mean of each window, then a 1×1 convolution and a norm where the width changes.

        References:
            | Bag of Tricks for Image Classification with Convolutional Neural Networks
              (He et al., 2018), ResNet-D
            | https://arxiv.org/abs/1812.01187
        """
        pool = average_pool(strides) if max(strides) > 1 else None
        if channels == width:
            return cls(pool, None)
        return cls(pool, convolution(len(strides), channels, width, 1, bias=False), norm)


class ResidualBlock(nn.Module):
    """A branch, added to its input: (B, C, …) → (B, width, …).

    References:
        | Deep Residual Learning for Image Recognition (He et al., 2015)
        | https://arxiv.org/abs/1512.03385

    Arguments:
        branch: Takes the input, and the embedding or None.
        shortcut: Brings the input to the shape of the branch; None where it has it.
        activation: Of the sum; None for none.
    """

    def __init__(
        self, branch: nn.Module, shortcut: nn.Module | None, activation: nn.Module | None
    ) -> None:
        super().__init__()
        self.branch, self.shortcut, self.activation = branch, shortcut, activation

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """The block of `x` (B, C, …) under the embedding (B, E), if its branch takes one."""
        out: Tensor = self.branch(x, embedding)
        out = out + (x if self.shortcut is None else self.shortcut(x))
        return out if self.activation is None else self.activation(out)


class UpConvolution(nn.Module):
    """A transposed convolution, norm, activation: (B, C, …) → (B, width, …).

    Arguments:
        conv: The transposed convolution.
        norm, activation: What follows it.
        steps: The words ``norm``, ``activation`` and ``dropout`` in the order they run.
        dropout: Share of values dropped, while training.
    """

    def __init__(
        self,
        conv: nn.Module,
        norm: nn.Module,
        activation: nn.Module,
        steps: tuple[str, ...],
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.conv, self.norm, self.activation = conv, norm, activation
        self.steps, self.dropout = steps, dropout

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        for step in self.steps:
            if step == "norm":
                x = self.norm(x)
            elif step == "activation":
                x = self.activation(x)
            elif self.training:
                x = functional.dropout(x, self.dropout)
        return x
