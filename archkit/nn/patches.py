"""Patches of a sample as positions, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .attention import tokens
from .axes import convolution, zeroed
from .resampling import Shuffle, unshuffling


class PatchStem(nn.Module):
    """A linear layer on each patch, and a norm: (B, C, h·s, …) → (B, width, h, …).

    Arguments:
        channels, width: Of the sample, and what leaves.
        sizes: Of a patch, along each axis.
        bias: Whether the layer has one.
        norm: Applied to what leaves.
    """

    def __init__(
        self, channels: int, width: int, sizes: Sequence[int], *, bias: bool, norm: nn.Module
    ) -> None:
        super().__init__()
        self.patches = unshuffling(channels, width, sizes, bias)
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(self.patches(x))
        return out


class PatchHead(nn.Module):
    """norm, and a linear layer that makes a patch of each position: (B, C, …) → (B, width, …).

    Arguments:
        channels, width: Of the trunk, and what leaves.
        sizes: Of a patch, along each axis.
        norm: Applied first.
        bias: Whether the layer has one.
        kernel: Of a convolution after it; None for none.
        flat: Whether the last channel that leaves has one number for a whole patch.
        zero_init: Start with an output of zero.
    """

    def __init__(
        self,
        channels: int,
        width: int,
        sizes: Sequence[int],
        norm: nn.Module,
        *,
        bias: bool = True,
        kernel: int | None = None,
        flat: bool = False,
        zero_init: bool = True,
    ) -> None:
        super().__init__()
        dims, self.norm, patch = len(sizes), norm, math.prod(sizes)
        self.repeats = patch if flat else 1
        rows = (width - flat) * patch + flat
        self.linear = convolution(dims, channels, rows, 1, bias=bias)
        self.shuffle = Shuffle(sizes)
        self.conv = None
        if kernel is not None:
            self.conv = convolution(dims, width, width, kernel, padding=kernel // 2)
        if zero_init:
            zeroed(self.linear if self.conv is None else self.conv)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.shuffle(self._whole(self.linear(self.norm(x))))
        return out if self.conv is None else self.conv(out)

    def _whole(self, h: Tensor) -> Tensor:
        """With the last channel at every position of a patch."""
        if self.repeats == 1:
            return h
        last = h[:, -1:].expand(-1, self.repeats, *h.shape[2:])
        return torch.cat((h[:, :-1], last), dim=1)


class TokenStem(nn.Module):
    """A linear layer on each patch, with a learned place: (B, C, h·s, …) → (B, width, N, 1, …).

    References:
        | All are Worth Words: A ViT Backbone for Diffusion Models (Bao et al., 2023)
        | https://arxiv.org/abs/2209.12152

    Arguments:
        channels, width: Of the sample, and what leaves.
        sizes: Of a patch, along each axis.
        row: The size of what leaves: (N, 1, …), the tokens that stand first among them.
        bias: Whether the layer has one.
    """

    def __init__(
        self, channels: int, width: int, sizes: Sequence[int], row: Sequence[int], *, bias: bool
    ) -> None:
        super().__init__()
        self.row = tuple(row)
        self.patches = unshuffling(channels, width, sizes, bias)
        self.places = nn.Parameter(torch.empty(row[0], width))
        if not self.places.is_meta:
            nn.init.trunc_normal_(self.places, std=0.02)

    def forward(self, x: Tensor, *tokens: Tensor) -> Tensor:
        """The row of `x` (B, C, …); each of `tokens` (B, width) before it and the former ones."""
        first = [token[:, None] for token in reversed(tokens)]
        row = torch.cat((*first, self.patches(x).flatten(2).mT), dim=1)
        out: Tensor = (row + self.places).mT.unflatten(2, self.row)
        return out


class TokenHead(nn.Module):
    """norm, and a linear layer that makes a patch of each token: (B, C, N, 1, …) → (B, width, …).

    References:
        | All are Worth Words: A ViT Backbone for Diffusion Models (Bao et al., 2023)
        | https://arxiv.org/abs/2209.12152

    Arguments:
        channels, width: Of the trunk, and what leaves.
        sizes: Of a patch, along each axis.
        grid: How many patches there are along each axis; tokens before them are left out.
        norm: Applied first.
        kernel: Of a convolution after it; None for none.
        zero_init: Start with an output of zero.
    """

    def __init__(
        self,
        channels: int,
        width: int,
        sizes: Sequence[int],
        grid: Sequence[int],
        norm: nn.Module,
        *,
        kernel: int | None = None,
        zero_init: bool = False,
    ) -> None:
        super().__init__()
        dims, self.norm, self.grid = len(sizes), norm, tuple(grid)
        self.linear = nn.Linear(channels, width * math.prod(sizes))
        self.shuffle, self.conv = Shuffle(sizes), None
        if kernel is not None:
            self.conv = convolution(dims, width, width, kernel, padding=kernel // 2)
        if zero_init:
            zeroed(self.linear if self.conv is None else self.conv)

    def forward(self, x: Tensor) -> Tensor:
        patches = tokens(self.norm(x))[:, -math.prod(self.grid) :]
        out: Tensor = self.shuffle(self.linear(patches).mT.unflatten(2, self.grid))
        return out if self.conv is None else self.conv(out)
