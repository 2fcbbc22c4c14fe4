"""Space into channels, and channels into space: nothing is lost."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from archkit import Activation, Cost, PerAxis, Pooling, Site, SizeMap, Slot, Window

from .upsampling import Growing, Width

if TYPE_CHECKING:
    from torch import nn


class UnshufflePooling(Pooling):
    """Space into channels, then a 1×1 convolution: nothing is lost.

    References:
        | Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
          Convolutional Neural Network (Shi et al., 2016)
        | https://arxiv.org/abs/1609.05158
    """

    short = "Unshuffle"
    type: Literal["unshuffle"] = "unshuffle"
    stride: PerAxis = 2
    """How many times smaller; one number, or one for each axis. It has to divide the size."""
    width: Width = "keep"
    """Channels that leave: those that came, or those of the next stage."""
    bias: bool = True
    """Whether the convolution has a bias."""

    def leaves(self, here: int, there: int) -> int:
        return there if self.width == "next" else here

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        return tuple(SizeMap(over=s, exact=True) for s in site.per_axis(self.stride, "stride"))

    def cost(self, site: Site) -> Cost:
        strides = site.per_axis(self.stride, "stride")
        windows = tuple(map(Window.sliding, strides, strides))
        moved = Cost.made(site.x.elements, windows=windows) if max(strides) > 1 else Cost()
        inner = site.x.channels * prod(strides)
        out = self.infer(site)
        return moved + Cost.convolution(inner, site.width, kernel=1, out=out, bias=self.bias)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.resampling import unshuffling

        strides = site.per_axis(self.stride, "stride")
        return unshuffling(site.x.channels, site.width, strides, self.bias)


class ShuffleUpsampling(Growing):
    """A 1×1 convolution, then channels into space.

    References:
        | Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
          Convolutional Neural Network (Shi et al., 2016)
        | https://arxiv.org/abs/1609.05158
    """

    short = "Shuffle"
    type: Literal["shuffle"] = "shuffle"
    width: Width = "keep"
    """Channels that leave: those that came, or those of the next stage."""
    bias: bool = True
    """Whether the convolution has a bias."""
    then: Annotated[Activation, Slot("activation")] = Field("none", validate_default=True)
    """The activation after the convolution; ``silu`` in Imagen."""

    def leaves(self, here: int, there: int) -> int:
        return there if self.width == "next" else here

    def cost(self, site: Site) -> Cost | None:
        strides = self.strides(site)
        windows = tuple(Window.growing(s) for s in strides)
        out = self.infer(site).elements
        moved = Cost.made(out, windows=windows) if prod(strides) > 1 else Cost()
        inner = site.width * prod(strides)
        conv = Cost.convolution(site.x.channels, inner, kernel=1, out=site.x, bias=self.bias)
        activation = self.then.cost(site.at(inner))
        return None if activation is None else conv + (activation + moved)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.resampling import shuffling

        strides = self.strides(site)
        plain = self.then.type == "none"
        then = None if plain else self.then.build(site.at(site.width * prod(strides)))
        return shuffling(site.x.channels, site.width, strides, self.bias, then)
