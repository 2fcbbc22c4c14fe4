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


def crop_end(x: Tensor, skip: Tensor) -> tuple[Tensor, Tensor]:
    """Both cropped at their ends, to the smaller size along each axis."""
    for axis in range(2, x.ndim):
        least = min(x.shape[axis], skip.shape[axis])
        x, skip = x.narrow(axis, 0, least), skip.narrow(axis, 0, least)
    return x, skip


def pad(x: Tensor, skip: Tensor) -> tuple[Tensor, Tensor]:
    """Both padded with zeros at the ends, to the larger size along each axis."""
    for axis in range(2, x.ndim):
        most = max(x.shape[axis], skip.shape[axis])
        x, skip = (_longer(t, axis, most) for t in (x, skip))
    return x, skip


def _longer(t: Tensor, axis: int, size: int) -> Tensor:
    if t.shape[axis] == size:
        return t
    before = (0, 0) * (t.ndim - 1 - axis)
    return functional.pad(t, (*before, 0, size - t.shape[axis]))


def replicate(x: Tensor, skip: Tensor) -> tuple[Tensor, Tensor]:
    """Both padded with their last values at the ends, to the larger size along each axis."""
    for axis in range(2, x.ndim):
        most = max(x.shape[axis], skip.shape[axis])
        x, skip = (_repeated(t, axis, most) for t in (x, skip))
    return x, skip


def _repeated(t: Tensor, axis: int, size: int) -> Tensor:
    more = size - t.shape[axis]
    if more == 0:
        return t
    last = t.narrow(axis, t.shape[axis] - 1, 1)
    return torch.cat((t, last.repeat_interleave(more, axis)), dim=axis)


def resize(x: Tensor, skip: Tensor) -> tuple[Tensor, Tensor]:
    """The trunk at the size of the skip, by its nearest values."""
    if x.shape[2:] != skip.shape[2:]:
        x = functional.interpolate(x, size=skip.shape[2:], mode="nearest")
    return x, skip


MATCHES: dict[str, Match] = {
    "strict": strict,
    "crop": crop,
    "crop-end": crop_end,
    "pad": pad,
    "replicate": replicate,
    "resize": resize,
}


class Concat(nn.Module):
    """Channels of trunk and skip one after the other: (B, C, …), (B, S, …) → (B, C + S, …).

    Arguments:
        match: A word of MATCHES.
        skip_first: Whether the channels of the skip come first.
        scale: Of the skip.
        fuse: Applied to both together; None for nothing.
    """

    def __init__(
        self,
        match: str = "strict",
        skip_first: bool = False,
        scale: float = 1.0,
        fuse: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.fuse = fuse
        self.match, self.skip_first, self.scale = MATCHES[match], skip_first, scale

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x, skip = self.match(x, skip)
        if self.scale != 1.0:
            skip = skip * self.scale
        out = torch.cat((skip, x) if self.skip_first else (x, skip), dim=1)
        return out if self.fuse is None else self.fuse(out)


class Add(nn.Module):
    """(x + skip) · scale: (B, C, …), (B, C, …) → (B, C, …).

    Arguments:
        match: A word of MATCHES.
        scale: Of the sum.
        project: Brings the skip to the channels of the trunk first; None for nothing.
    """

    def __init__(
        self, match: str = "strict", scale: float = 1.0, project: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.project = project
        self.match, self.scale = MATCHES[match], scale

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x, skip = self.match(x, skip if self.project is None else self.project(skip))
        out = x + skip
        return out if self.scale == 1.0 else out * self.scale


class Gated(nn.Module):
    """The trunk decides which positions of the skip come through; both are then concatenated.

    References:
        | Attention U-Net: Learning Where to Look for the Pancreas (Oktay et al., 2018),
          equations 1 and 2
        | https://arxiv.org/abs/1804.03999

    Arguments:
        dims: Spatial axes.
        channels, skip: Channels of trunk and skip.
        width: Channels in which they are compared.
        norm: Makes the norm after each convolution, of a number of channels.
        skip_first: Whether the channels of the skip come first.
    """

    def __init__(
        self,
        dims: int,
        channels: int,
        skip: int,
        width: int,
        *,
        norm: Callable[[int], nn.Module],
        skip_first: bool = False,
    ) -> None:
        super().__init__()
        self.trunk = convolution(dims, channels, width, 1)
        self.trunk_norm = norm(width)
        self.skip = convolution(dims, skip, width, 1)
        self.skip_norm = norm(width)
        self.gate = convolution(dims, width, 1, 1)
        self.gate_norm = norm(1)
        self.skip_first = skip_first

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        both = self.trunk_norm(self.trunk(x)) + self.skip_norm(self.skip(skip))
        gate = torch.sigmoid(self.gate_norm(self.gate(torch.relu(both))))
        return torch.cat((skip * gate, x) if self.skip_first else (x, skip * gate), dim=1)


class Lerp(nn.Module):
    """skip + share · (x − skip): (B, C, …), (B, C, …) → (B, C, …).

    Arguments:
        share: Of the trunk, before anything is learned.
    """

    def __init__(self, share: float = 0.5) -> None:
        super().__init__()
        self.share = nn.Parameter(torch.tensor(share))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return torch.lerp(skip, x, self.share)
