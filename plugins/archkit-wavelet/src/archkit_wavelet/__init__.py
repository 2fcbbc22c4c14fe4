"""Haar pooling and upsampling: options, and what they are on paper."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from archkit import (
    Component,
    Cost,
    Misfit,
    PerAxis,
    Pooling,
    Site,
    SizeMap,
    Upsampling,
    Window,
    hookimpl,
)

if TYPE_CHECKING:
    from torch import nn

Width = Literal["keep", "next"]


class HaarPooling(Pooling):
    """Sums and differences of neighbours as channels, then a 1×1 convolution.

    The Haar wavelet loses nothing: what the convolution does not keep is its own choice.

    References:
        | Zur Theorie der orthogonalen Funktionensysteme (Haar, 1910)
        | https://doi.org/10.1007/BF01456326
        | Multi-level Wavelet-CNN for Image Restoration (Liu, Zhang, Zhang, Lin, Zuo, 2018)
        | https://arxiv.org/abs/1805.07071
    """

    type: Literal["haar"] = "haar"
    stride: PerAxis = 2
    """Which axes are halved: 2, or 1 or 2 for each axis. Their sizes have to be even."""
    width: Width = "keep"
    """Channels that leave: those that came, or those of the next stage."""

    def leaves(self, here: int, there: int) -> int:
        return there if self.width == "next" else here

    def strides(self, site: Site) -> tuple[int, ...]:
        """1 or 2 for each axis."""
        return _halving(site.per_axis(self.stride, "stride"))

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        return tuple(SizeMap(over=s, exact=True) for s in self.strides(site))

    def cost(self, site: Site) -> Cost:
        strides = self.strides(site)
        windows = tuple(Window.sliding(s, s) for s in strides)
        bands = Cost.made(site.x.elements, windows=windows)
        inner = site.x.channels * prod(strides)
        return bands + Cost.convolution(inner, site.width, kernel=1, out=self.infer(site))

    def build(self, site: Site) -> nn.Module:
        from .layers import pooling

        return pooling(site.x.channels, site.width, self.strides(site))


class HaarUpsampling(Upsampling):
    """A 1×1 convolution, then channels as the sums and differences of neighbours.

    References:
        | Zur Theorie der orthogonalen Funktionensysteme (Haar, 1910)
        | https://doi.org/10.1007/BF01456326
    """

    type: Literal["haar"] = "haar"
    stride: PerAxis | None = None
    """Which axes are doubled: 2, or 1 or 2 for each axis; those that the pooling halved if left
    out."""
    width: Width = "keep"
    """Channels that leave: those that came, or those of the next stage."""

    def leaves(self, here: int, there: int) -> int:
        return there if self.width == "next" else here

    def strides(self, site: Site) -> tuple[int, ...]:
        """1 or 2 for each axis."""
        if self.stride is not None:
            return _halving(site.per_axis(self.stride, "stride"))
        return _halving(site.stride or (2,) * site.dims)

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        return tuple(SizeMap(times=s) for s in self.strides(site))

    def cost(self, site: Site) -> Cost:
        strides = self.strides(site)
        windows = tuple(Window.growing(s) for s in strides)
        conv = Cost.convolution(site.x.channels, site.width * prod(strides), kernel=1, out=site.x)
        return conv + Cost.made(self.infer(site).elements, windows=windows)

    def build(self, site: Site) -> nn.Module:
        from .layers import upsampling

        return upsampling(site.x.channels, site.width, self.strides(site))


def _halving(strides: tuple[int, ...]) -> tuple[int, ...]:
    """The strides, if each is 1 or 2."""
    if wrong := [stride for stride in strides if stride > 2]:
        raise Misfit(
            f"a Haar wavelet halves or doubles an axis, and can't do it by {wrong[0]}",
            "use a stride of 2, or several stages",
            option=("stride",),
        )
    return strides


@hookimpl
def archkit_components() -> dict[str, type[Component]]:
    return {"pooling.haar": HaarPooling, "upsampling.haar": HaarUpsampling}


@hookimpl
def archkit_specs() -> list[Path]:
    return [Path(__file__).parent / "specs"]
