"""Upsampling: how the trunk grows between two stages of the decoder.

Each grows by the strides of the pooling it undoes, unless it names its own.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveFloat

from archkit import (
    KEEP,
    Block,
    Cost,
    Misfit,
    Op,
    PerAxis,
    Shape,
    Site,
    SizeMap,
    Slot,
    Upsampling,
    Window,
    resized,
)

if TYPE_CHECKING:
    from torch import nn

Width = Literal["keep", "next"]
Taps = Annotated[tuple[PositiveFloat, ...], Field(min_length=2, strict=False)]


class Growing(Upsampling):
    """Grows by a whole number along each axis."""

    stride: PerAxis | None = None
    """How many times larger; the strides of the pooling it undoes if left out."""

    def strides(self, site: Site) -> tuple[int, ...]:
        """How many times larger each axis becomes."""
        if self.stride is not None:
            return site.per_axis(self.stride, "stride")
        return site.stride or (2,) * site.dims

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        return tuple(SizeMap(times=s) for s in self.strides(site))


class _Interpolation(Growing):
    """Interpolates, then convolves."""

    conv: bool = True
    """Whether a 3×3 convolution follows; inside a block none does."""
    width: Width = "keep"
    """Channels that leave the convolution: those that came, or those of the next stage."""

    def leaves(self, here: int, there: int) -> int:
        return there if self.width == "next" and self.conv else here

    def infer(self, site: Site) -> Shape:
        return Shape(site.width, resized(site.x.space, self.size_maps(site)))

    def cost(self, site: Site) -> Cost:
        out = self.infer(site)
        enlarged = Cost.made(site.x.channels * out.positions, windows=self._windows(site))
        if site.bare or not self.conv:
            return enlarged
        return enlarged + Cost.convolution(site.x.channels, site.width, kernel=3, out=out)

    def _windows(self, site: Site) -> tuple[Window, ...]:
        return tuple(Window.growing(s) for s in self.strides(site))

    def inside(self, site: Site) -> tuple[Op, ...]:
        from archkit.builtin.insides import interpolation

        return interpolation(self, site)

    def _built(self, site: Site, linear: bool) -> nn.Module:
        from archkit.nn.axes import convolution
        from archkit.nn.resampling import Enlarge, Then

        step = Enlarge(self.strides(site), linear)
        if site.bare or not self.conv:
            return step
        return Then(step, convolution(site.dims, site.x.channels, site.width, 3, padding=1))


class NearestUpsampling(_Interpolation):
    """Repeats each value, then convolves.

    References:
        | Deconvolution and Checkerboard Artifacts (Odena, Dumoulin, Olah, 2016)
        | https://doi.org/10.23915/distill.00003
    """

    short = "Nearest"
    type: Literal["nearest"] = "nearest"

    def build(self, site: Site) -> nn.Module:
        return self._built(site, linear=False)


class BilinearUpsampling(_Interpolation):
    """Interpolates linearly along every axis, then convolves."""

    short = "Bilinear"
    type: Literal["bilinear"] = "bilinear"

    def _windows(self, site: Site) -> tuple[Window, ...]:
        return tuple(Window.blending(s) for s in self.strides(site))

    def build(self, site: Site) -> nn.Module:
        return self._built(site, linear=True)


class BlurUpsampling(Growing):
    """The transpose of pooling by a FIR low-pass filter; it has no parameters.

    References:
        | Analyzing and Improving the Image Quality of StyleGAN (Karras et al., 2020)
        | https://arxiv.org/abs/1912.04958
    """

    short = "Blur"
    type: Literal["blur"] = "blur"
    taps: Taps = (1.0, 3.0, 3.0, 1.0)
    """The filter along each axis; it is divided by its sum."""

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        k = len(self.taps)
        return tuple(
            SizeMap.transposed(k, s, (k - 1) // 2) if s > 1 else KEEP for s in self.strides(site)
        )

    def cost(self, site: Site) -> Cost:
        k, strides = len(self.taps), self.strides(site)
        windows = tuple(
            Window.transposed(k, s, (k - 1) // 2) if s > 1 else Window() for s in strides
        )
        macs = site.x.elements * prod(k if s > 1 else 1 for s in strides)
        return Cost(0, macs) + Cost.made(self.infer(site).elements, keeps="x", windows=windows)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.resampling import Blur

        return Blur(site.x.channels, self.taps, self.strides(site), up=True)


class BlockUpsampling(Upsampling):
    """The stage's own block, which upsamples inside, on both of its branches.

    References:
        | Diffusion Models Beat GANs on Image Synthesis (Dhariwal, Nichol, 2021)
        | https://arxiv.org/abs/2105.05233
    """

    type: Literal["block"] = "block"
    block: Annotated[Block, Slot("block")] = Field("resnet", validate_default=True)
    """The block; that of the stage if left out."""
    by: Annotated[Upsampling, Slot("upsampling")] = Field("nearest", validate_default=True)
    """What upsamples inside it."""
    width: Width = "keep"
    """Channels that leave: those that came, or those of the next stage."""

    def leaves(self, here: int, there: int) -> int:
        return there if self.width == "next" else here

    def reads(self, site: Site) -> tuple[str, ...]:
        return self.block.reads(self._inside(site))

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        return self.by.size_maps(site)

    def infer(self, site: Site) -> Shape:
        if site.bare:
            raise Misfit("a block can't stand inside a block", "use another upsampling")
        if not self.block.resamples:
            raise Misfit(
                f"a `{self.block.type}` block can't upsample inside itself",
                "use `block: resnet`, or another upsampling",
                option=("block",),
            )
        try:
            self.by.infer(site.bared(site.x.channels))
        except Misfit as misfit:
            raise misfit.under("by") from None
        return self.block.infer(self._inside(site))

    def cost(self, site: Site) -> Cost | None:
        return self.block.cost(self._inside(site))

    def caption(self, site: Site) -> str:
        return self.block.caption(self._inside(site))

    def inside(self, site: Site) -> tuple[Op, ...]:
        return self.block.inside(self._inside(site))

    def build(self, site: Site) -> nn.Module:
        return self.block.build(self._inside(site))

    def _inside(self, site: Site) -> Site:
        return replace(site, resample=self.by)


class NoUpsampling(Upsampling):
    """The trunk keeps its size."""

    type: Literal["none"] = "none"

    def infer(self, site: Site) -> Shape:
        return site.x

    def cost(self, site: Site) -> Cost:
        return Cost()

    def build(self, site: Site) -> nn.Module:
        from torch import nn

        return nn.Identity()
