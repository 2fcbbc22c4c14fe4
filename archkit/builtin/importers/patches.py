"""Layers on patches, whose numbers stand in another order than ours: channels, then positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Patches:
    """A layer on patches, whose channels stand inside each position of a patch.

    Arguments:
        name: Their tensor.
        size: Of a patch.
        apart: Whether it makes patches, and does not take them.
    """

    name: str
    size: tuple[int, ...]
    apart: bool = False
    how: str = "patches turned inside out"

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def make(self, theirs: Sequence[Tensor], module: nn.Module) -> Tensor:
        (tensor,) = theirs
        axis = 0 if self.apart else 1
        turned = tensor.unflatten(axis, (*self.size, -1)).movedim(axis + len(self.size), axis)
        ours: Tensor = turned.flatten(axis, axis + len(self.size))
        return ours


@dataclass(frozen=True, slots=True)
class Flat:
    """A convolution as large as its stride, (width, channels, *size), as a linear layer."""

    name: str
    how: str = "flattened"

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def make(self, theirs: Sequence[Tensor], module: nn.Module) -> Tensor:
        (tensor,) = theirs
        return tensor.flatten(1)
