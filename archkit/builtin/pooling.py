"""Pooling: how the trunk shrinks between two stages of the encoder."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from archkit import (
    KEEP,
    Block,
    Cost,
    Misfit,
    Op,
    PerAxis,
    Pooling,
    Shape,
    Site,
    SizeMap,
    Slot,
    Window,
    resized,
)

if TYPE_CHECKING:
    from torch import nn

Width = Literal["keep", "next"]
Taps = Annotated[tuple[PositiveFloat, ...], Field(min_length=2, strict=False)]


class _Windows(Pooling):
    """Windows that do not overlap."""

    stride: PerAxis = 2
    """How many times smaller; one number, or one for each axis."""
    odd: Literal["floor", "refuse"] = "floor"
    """What happens to positions that fill no window: left out, or refused."""

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        strides, exact = site.per_axis(self.stride, "stride"), self.odd == "refuse"
        return tuple(SizeMap(over=s, exact=exact, least=s) for s in strides)

    def cost(self, site: Site) -> Cost:
        return _windowed(site.x, site.per_axis(self.stride, "stride"))


class MaxPooling(_Windows):
    """The largest value of each window.

    References:
        | U-Net: Convolutional Networks for Biomedical Image Segmentation
          (Ronneberger, Fischer, Brox, 2015)
        | https://arxiv.org/abs/1505.04597
    """

    short = "Max pool"
    type: Literal["max"] = "max"

    def cost(self, site: Site) -> Cost:
        # Where each value came from is kept as int64: two elements of float32.
        indices = 2 * self.infer(site).elements
        return super().cost(site).holding(indices) + Cost(saved=indices)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.axes import max_pool

        return max_pool(site.per_axis(self.stride, "stride"))


class AveragePooling(_Windows):
    """The mean of each window."""

    short = "Avg pool"
    type: Literal["avg"] = "avg"

    def cost(self, site: Site) -> Cost:
        return averaged(site.x, site.per_axis(self.stride, "stride"))

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.axes import average_pool

        return average_pool(site.per_axis(self.stride, "stride"))


def averaged(x: Shape, strides: tuple[int, ...]) -> Cost:
    """The mean of each window; of volumes, planes are pooled before depths."""
    total = _windowed(x, strides)
    planes = (total.out or 0) // (x.space[0] // strides[0]) * x.space[0]
    return replace(total.holding(planes), saved=planes) if len(strides) == 3 else total


def _windowed(x: Shape, strides: tuple[int, ...]) -> Cost:
    windows = tuple(map(Window.sliding, strides, strides))
    out = x.channels * prod(n // s for n, s in zip(x.space, strides, strict=True))
    return Cost.made(out, keeps="x", windows=windows)


class ConvolutionPooling(Pooling):
    """A convolution that strides.

    References:
        | Denoising Diffusion Probabilistic Models (Ho, Jain, Abbeel, 2020)
        | https://arxiv.org/abs/2006.11239
    """

    short = "Conv"
    type: Literal["conv"] = "conv"
    stride: PerAxis = 2
    """How many times smaller; one number, or one for each axis."""
    kernel: PositiveInt = 3
    """Size along each axis."""
    padding: Literal["both", "end"] = "both"
    """Zeros at both ends of each axis, or, as TensorFlow's SAME, at its end only (DDPM)."""
    width: Width = "keep"
    """Channels that leave: those that came, or those of the next stage."""

    def leaves(self, here: int, there: int) -> int:
        return there if self.width == "next" else here

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        around = self.kernel - 2 if self.padding == "end" else (self.kernel - 1) // 2 * 2
        strides = site.per_axis(self.stride, "stride")
        return tuple(SizeMap.window(self.kernel, s, around) for s in strides)

    def infer(self, site: Site) -> Shape:
        if self.padding == "end" and self.kernel < 2:
            what, mend = "a kernel of 1 has nothing to pad", "use `padding: both`"
            raise Misfit(what, mend, option=("padding",))
        return super().infer(site)

    def cost(self, site: Site) -> Cost:
        both = self.padding == "both"
        conv = Cost.convolution(
            site.x.channels,
            site.width,
            kernel=self.kernel,
            out=self.infer(site),
            stride=self.stride,
            padding=(self.kernel - 1) // 2 if both else 0,
        )
        if both:
            return conv
        around = (SizeMap(plus=self.kernel - 2),) * site.dims
        return Cost.made(site.x.channels * prod(resized(site.x.space, around))) + conv

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.resampling import pooling_convolution

        return pooling_convolution(
            site.dims,
            site.x.channels,
            site.width,
            kernel=self.kernel,
            strides=site.per_axis(self.stride, "stride"),
            end=self.padding == "end",
        )


class BlurPooling(Pooling):
    """A FIR low-pass filter that strides; it has no parameters.

    References:
        | Making Convolutional Networks Shift-Invariant Again (Zhang, 2019)
        | https://arxiv.org/abs/1904.11486
    """

    short = "Blur"
    type: Literal["blur"] = "blur"
    stride: PerAxis = 2
    """How many times smaller; one number, or one for each axis."""
    taps: Taps = (1.0, 3.0, 3.0, 1.0)
    """The filter along each axis; it is divided by its sum."""

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        k = len(self.taps)
        return tuple(
            SizeMap.convolution(k, s, (k - 1) // 2) if s > 1 else KEEP
            for s in site.per_axis(self.stride, "stride")
        )

    def cost(self, site: Site) -> Cost:
        k, strides = len(self.taps), site.per_axis(self.stride, "stride")
        out = self.infer(site)
        windows = tuple(Window.sliding(k, s, (k - 1) // 2) if s > 1 else Window() for s in strides)
        macs = out.elements * prod(k if s > 1 else 1 for s in strides)
        return Cost(0, macs) + Cost.made(out.elements, keeps="x", windows=windows)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.resampling import Blur

        return Blur(site.x.channels, self.taps, site.per_axis(self.stride, "stride"))


class BlockPooling(Pooling):
    """The stage's own block, which pools inside, on both of its branches.

    References:
        | Diffusion Models Beat GANs on Image Synthesis (Dhariwal, Nichol, 2021)
        | https://arxiv.org/abs/2105.05233
    """

    type: Literal["block"] = "block"
    block: Annotated[Block, Slot("block")] = Field("resnet", validate_default=True)
    """The block; that of the stage if left out."""
    by: Annotated[Pooling, Slot("pooling")] = Field("avg", validate_default=True)
    """What pools inside it."""

    def reads(self, site: Site) -> tuple[str, ...]:
        return self.block.reads(self._inside(site))

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        return self.by.size_maps(site)

    def infer(self, site: Site) -> Shape:
        if site.bare:
            raise Misfit("a block can't stand inside a block", "use another pooling")
        if not self.block.resamples:
            raise Misfit(
                f"a `{self.block.type}` block can't pool inside itself",
                "use `block: resnet`, or another pooling",
                option=("block",),
            )
        if self.by.by_next:
            what = f"pooling `{self.by.type}` has no module to stand inside a block"
            raise Misfit(what, "use `by: avg`, or another pooling", option=("by",))
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


class NoPooling(Pooling):
    """The trunk keeps its size."""

    type: Literal["none"] = "none"

    def infer(self, site: Site) -> Shape:
        return site.x

    def cost(self, site: Site) -> Cost:
        return Cost()

    def build(self, site: Site) -> nn.Module:
        from torch import nn

        return nn.Identity()
