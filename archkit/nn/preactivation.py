"""Convolutions in a row, each after a norm and an activation, added to their input."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from .axes import convolution, zeroed
from .blocks import Make


class PreActivation(nn.Module):
    """norm, activation, convolution, a few times, added: (B, channels, …) → (B, width, …).

    References:
        | Identity Mappings in Deep Residual Networks (He et al., 2016)
        | https://arxiv.org/abs/1603.05027

    Arguments:
        widths: The channels that enter, and those that leave each convolution.
        kernel: Of every convolution, one for each axis; odd.
        norm, activation: Make what comes before a convolution, for a number of channels.
        dropout: Share of values dropped before every convolution but the first, while training.
        zero_init: Start the last convolution at zero.
    """

    def __init__(
        self,
        widths: Sequence[int],
        kernel: tuple[int, ...],
        *,
        norm: Make,
        activation: Make,
        dropout: float = 0.0,
        zero_init: bool = True,
    ) -> None:
        super().__init__()
        dims, pad, rows = len(kernel), tuple(k // 2 for k in kernel), widths[:-1]
        self.norms = nn.ModuleList(map(norm, rows))
        self.activations = nn.ModuleList(map(activation, rows))
        self.convs = nn.ModuleList(
            convolution(dims, here, there, kernel, padding=pad)
            for here, there in zip(rows, widths[1:], strict=True)
        )
        self.dropout = dropout
        if zero_init:
            zeroed(self.convs[-1])
        wide = widths[0] != widths[-1]
        self.shortcut = convolution(dims, widths[0], widths[-1], 1) if wide else None

    def forward(self, x: Tensor) -> Tensor:
        h = x
        steps = zip(self.norms, self.activations, self.convs, strict=True)
        for i, (norm, activation, conv) in enumerate(steps):
            h = activation(norm(h))
            if i and self.training and self.dropout:
                h = functional.dropout(h, self.dropout)
            h = conv(h)
        out: Tensor = (x if self.shortcut is None else self.shortcut(x)) + h
        return out
