"""An image, mapped to channels of the trunk."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from .axes import convolution
from .norms import ChannelLayerNorm

_LINEAR = ("linear", "bilinear", "trilinear")


class MappedImage(nn.Module):
    """An image is mapped and added: (B, C, …), (B, c, …) → (B, C, …).

    Arguments:
        dims: Spatial axes.
        channels, hidden, width: c, the width between the convolutions, and C.
        first: Whether the image is resized before it is mapped, or after.
    """

    def __init__(self, dims: int, channels: int, hidden: int, width: int, *, first: bool) -> None:
        super().__init__()
        self.conv1 = convolution(dims, channels, hidden, 1)
        self.conv2 = convolution(dims, hidden, width, 1)
        self.norm = ChannelLayerNorm(width, 1e-6, affine=False)
        self.first = first

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        if self.first:
            image = _resized(image, x)
        mapped: Tensor = self.norm(self.conv2(functional.gelu(self.conv1(image))))
        return x + _resized(mapped, x)


def _resized(image: Tensor, like: Tensor) -> Tensor:
    if image.shape[2:] == like.shape[2:]:
        return image
    mode = _LINEAR[like.ndim - 3]
    return functional.interpolate(image, size=like.shape[2:], mode=mode, align_corners=True)
