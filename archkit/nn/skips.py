"""How the trunk and a skip become one tensor."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from .axes import convolution

Match = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def strict(x: Tensor, skip: Tensor) -> tuple[Tensor, Tensor]:
    """Both as they are."""
    return x, skip


def crop(x: Tensor, skip: Tensor) -> tuple[Tensor, Tensor]:
    """Both cropped about their centres, to the smaller size along each axis."""
    for axis in range(2, x.ndim):
        least = min(x.shape[axis], skip.shape[axis])
        x, skip = (t.narrow(axis, (t.shape[axis] - least) // 2, least) for t in (x, skip))
    return x, skip


def pad(x: Tensor, skip: Tensor) -> tuple[Tensor, Tensor]:
    """Both padded with zeros at the ends, to the larger size along each axis."""
    for axis in range(2, x.ndim):
        most = max(x.shape[axis], skip.shape[axis])
        x, skip = (_longer(t, axis, most) for t in (x, skip))
    return x, skip


def _longer(t: Tensor, axis: int, size: int) -> Tensor:
    before = (0, 0) * (t.ndim - 1 - axis)
    return functional.pad(t, (*before, 0, size - t.shape[axis]))


def resize(x: Tensor, skip: Tensor) -> tuple[Tensor, Tensor]:
    """The trunk at the size of the skip, by its nearest values."""
    if x.shape[2:] != skip.shape[2:]:
        x = functional.interpolate(x, size=skip.shape[2:], mode="nearest")
    return x, skip


MATCHES: dict[str, Match] = {"strict": strict, "crop": crop, "pad": pad, "resize": resize}


class Concat(nn.Module):
    """Channels of trunk and skip one after the other: (B, C, …), (B, S, …) → (B, C + S, …)."""

    def __init__(self, match: str = "strict", skip_first: bool = False, scale: float = 1.0) -> None:
        super().__init__()
        self.match, self.skip_first, self.scale = MATCHES[match], skip_first, scale

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x, skip = self.match(x, skip)
        if self.scale != 1.0:
            skip = skip * self.scale
        return torch.cat((skip, x) if self.skip_first else (x, skip), dim=1)


class Add(nn.Module):
    """(x + skip) · scale: (B, C, …), (B, C, …) → (B, C, …)."""

    def __init__(self, match: str = "strict", scale: float = 1.0) -> None:
        super().__init__()
        self.match, self.scale = MATCHES[match], scale

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x, skip = self.match(x, skip)
        out = x + skip
        return out if self.scale == 1.0 else out * self.scale


class Gated(nn.Module):
    """The trunk decides which positions of the skip come through; both are then concatenated.

    References:
        | Attention U-Net: Learning Where to Look for the Pancreas (Oktay et al., 2018),
          equations 1 and 2
        | https://arxiv.org/abs/1804.03999
    """

    def __init__(self, dims: int, channels: int, skip: int, width: int) -> None:
        super().__init__()
        self.trunk = convolution(dims, channels, width, 1)
        self.skip = convolution(dims, skip, width, 1)
        self.gate = convolution(dims, width, 1, 1)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        gate = torch.sigmoid(self.gate(torch.relu(self.trunk(x) + self.skip(skip))))
        return torch.cat((x, skip * gate), dim=1)
