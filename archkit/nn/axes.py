"""Layers by the number of spatial axes, and vectors spread over space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_INSTANCE = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
_BATCH = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_MAX = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)


def convolution(dims: int, channels: int, width: int, kernel: Any, **options: Any) -> nn.Module:
    """A convolution over `dims` axes; options are torch's."""
    made: nn.Module = _CONVOLUTIONS[dims - 1](channels, width, kernel, **options)
    return made


def transposed(dims: int, channels: int, width: int, kernel: Any, **options: Any) -> nn.Module:
    """A transposed convolution over `dims` axes; options are torch's."""
    made: nn.Module = _TRANSPOSED[dims - 1](channels, width, kernel, **options)
    return made


def instance_norm(dims: int, channels: int, **options: Any) -> nn.Module:
    """Instance normalisation over `dims` axes; options are torch's."""
    return _INSTANCE[dims - 1](channels, **options)


def batch_norm(dims: int, channels: int, **options: Any) -> nn.Module:
    """Batch normalisation over `dims` axes; options are torch's."""
    return _BATCH[dims - 1](channels, **options)


def max_pool(strides: Sequence[int]) -> nn.Module:
    """The largest value of each window; windows do not overlap."""
    return _MAX[len(strides) - 1](tuple(strides))


def average_pool(strides: Sequence[int]) -> nn.Module:
    """The mean of each window; windows do not overlap."""
    windows: Any = tuple(strides)
    return (nn.AvgPool1d, nn.AvgPool2d, AveragePool3d)[len(strides) - 1](windows)


class AveragePool3d(nn.Module):
    """nn.AvgPool3d, which knows no bfloat16 on CPUs, as planes and then depths: (B, C, D, H, W).

    Arguments:
        strides: Sizes of the windows, which do not overlap.
    """

    def __init__(self, strides: tuple[int, ...]) -> None:
        super().__init__()
        self.strides = strides

    def forward(self, x: Tensor) -> Tensor:
        planes = functional.avg_pool2d(x.flatten(1, 2), self.strides[1:])
        lines = planes.unflatten(1, x.shape[1:3]).flatten(3)
        means: Tensor = functional.avg_pool2d(lines, (self.strides[0], 1))
        return means.unflatten(3, planes.shape[2:])  # type: ignore[no-any-return]


def spread(vector: Tensor, like: Tensor) -> Tensor:
    """(B, C) as (B, C, 1, …), with as many axes as `like`."""
    return vector.reshape(*vector.shape, *(1,) * (like.ndim - 2))


def zeroed(module: nn.Module) -> nn.Module:
    """The module with all its parameters at zero, so that a branch begins as nothing."""
    for parameter in module.parameters():
        if not parameter.is_meta:
            nn.init.zeros_(parameter)
    return module
