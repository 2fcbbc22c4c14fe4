"""Pooling by a convolution that a low-pass filter follows."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Literal

from pydantic import PositiveInt

from archkit import KEEP, Cost, Misfit, Op, PerAxis, Pooling, Shape, Site, SizeMap, Window

from .pooling import Taps, Width

if TYPE_CHECKING:
    from torch import nn


class ConvolutionBlurPooling(Pooling):
    """A convolution, then a FIR low-pass filter that strides; both are padded before the first.

    References:
        | Elucidating the Design Space of Diffusion-Based Generative Models (Karras et al., 2022),
          in the image pyramid of NCSN++
        | https://arxiv.org/abs/2206.00364
    """

    short = "Conv · blur"
    type: Literal["conv-blur"] = "conv-blur"
    stride: PerAxis = 2
    """How many times smaller; one number, or one for each axis."""
    kernel: PositiveInt = 3
    """Size of the convolution along each axis; odd."""
    taps: Taps = (1.0, 3.0, 3.0, 1.0)
    """The filter along each axis; it is divided by its sum."""
    width: Width = "keep"
    """Channels that leave: those that came, or those of the next stage."""

    def leaves(self, here: int, there: int) -> int:
        return there if self.width == "next" else here

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        k = len(self.taps)
        return tuple(
            SizeMap.convolution(k, s, (k - 1) // 2) if s > 1 else KEEP
            for s in site.per_axis(self.stride, "stride")
        )

    def infer(self, site: Site) -> Shape:
        if self.kernel % 2 == 0:
            what = f"a kernel of {self.kernel} can't keep the size"
            raise Misfit(what, f"use {self.kernel - 1} or {self.kernel + 1}", option=("kernel",))
        return super().infer(site)

    def cost(self, site: Site) -> Cost:
        k, strides, out = len(self.taps), site.per_axis(self.stride, "stride"), self.infer(site)
        more = tuple((k - 1) // 2 if s > 1 else 0 for s in strides)
        between = tuple(n + 2 * m for n, m in zip(site.x.space, more, strict=True))
        conv = Cost.convolution(
            site.x.channels,
            site.width,
            kernel=self.kernel,
            out=Shape(site.width, between),
            padding=tuple(self.kernel // 2 + m for m in more),
        )
        windows = tuple(Window.sliding(k, s) if s > 1 else Window() for s in strides)
        macs = out.elements * prod(k if s > 1 else 1 for s in strides)
        return conv + (Cost(0, macs) + Cost.made(out.elements, keeps="x", windows=windows))

    def inside(self, site: Site) -> tuple[Op, ...]:
        from archkit.builtin.insides import convolution

        conv = convolution(self.kernel, site.x.channels, site.width)
        return (conv, Op("Blur", group="down"))

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.resampling import blurred_convolution

        strides = site.per_axis(self.stride, "stride")
        return blurred_convolution(site.x.channels, site.width, self.kernel, self.taps, strides)
