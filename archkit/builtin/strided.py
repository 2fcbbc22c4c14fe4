"""Resampling by convolutions: strided in the next block, or transposed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import PositiveInt

from archkit import Cost, Misfit, Op, PerAxis, Pooling, Shape, Site, SizeMap

from .convolutions import Followed
from .upsampling import Growing

if TYPE_CHECKING:
    from torch import nn


class FirstPooling(Pooling):
    """The first convolution of the next stage strides; this is no node of its own.

    References:
        | nnU-Net: a self-configuring method for deep learning-based biomedical image segmentation
          (Isensee et al., 2021)
        | https://doi.org/10.1038/s41592-020-01008-z
    """

    by_next: ClassVar[bool] = True

    short = "Stride"
    type: Literal["first"] = "first"
    stride: PerAxis = 2
    """How many times smaller; one number, or one for each axis."""

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        return tuple(SizeMap(plus=s - 1, over=s) for s in site.per_axis(self.stride, "stride"))

    def infer(self, site: Site) -> Shape:
        raise Misfit(
            "pooling `first` is done by the first convolution of a stage, and stands nowhere else",
            "use another pooling here, such as `conv`",
        )


class TransposedUpsampling(Growing):
    """A transposed convolution.

    References:
        | U-Net: Convolutional Networks for Biomedical Image Segmentation
          (Ronneberger, Fischer, Brox, 2015)
        | https://arxiv.org/abs/1505.04597
    """

    short = "Transposed"
    type: Literal["transposed"] = "transposed"
    kernel: PositiveInt | None = None
    """Size along each axis; that of the stride if left out, so that windows don't overlap."""
    width: Literal["keep", "next", "half"] = "next"
    """Channels that leave: those that came, those of the next stage, or half of those that came."""
    bias: bool = True
    """Whether it has a bias."""

    def leaves(self, here: int, there: int) -> int:
        return {"keep": here, "next": there, "half": max(1, here // 2)}[self.width]

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        kernels, strides, paddings = self._windows(site)
        return tuple(map(SizeMap.transposed, kernels, strides, paddings))

    def infer(self, site: Site) -> Shape:
        kernels, strides, _ = self._windows(site)
        for kernel, stride in zip(kernels, strides, strict=True):
            if kernel < stride or (kernel - stride) % 2:
                raise Misfit(
                    f"a kernel of {kernel} does not grow by exactly {stride}",
                    f"use {stride} or {stride + 2}",
                    option=("kernel",),
                )
        return super().infer(site)

    def cost(self, site: Site) -> Cost:
        kernels, strides, paddings = self._windows(site)
        out = self.infer(site)
        return Cost.transposed(
            kernels, strides, x=site.x, out=out, padding=paddings, bias=self.bias
        )

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.axes import transposed

        kernels, strides, paddings = self._windows(site)
        options = {"stride": strides, "padding": paddings, "bias": self.bias}
        return transposed(site.dims, site.x.channels, site.width, kernels, **options)

    def _windows(self, site: Site) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        strides = self.strides(site)
        kernels = tuple(self.kernel or s for s in strides)
        return kernels, strides, tuple((k - s) // 2 for k, s in zip(kernels, strides, strict=True))


class UpConvolution(Followed, Growing):
    """A transposed convolution, norm, activation.

    The kernel is odd; its centre falls on the first of the positions that each position becomes.

    References:
        | Attention U-Net: Learning Where to Look for the Pancreas (Oktay et al., 2018), in the
          form of MONAI
        | https://arxiv.org/abs/1804.03999
    """

    short = "Upconv"
    type: Literal["upconv"] = "upconv"
    kernel: PerAxis = 3
    """Size of the convolution: one number, or one for each axis; odd."""
    width: Literal["keep", "next"] = "next"
    """Channels that leave: those that came, or those of the next stage."""

    def leaves(self, here: int, there: int) -> int:
        return there if self.width == "next" else here

    def infer(self, site: Site) -> Shape:
        for k in site.per_axis(self.kernel, "kernel"):
            if k % 2 == 0:
                what = f"a kernel of {k} has no centre"
                raise Misfit(what, f"use {k - 1} or {k + 1}", option=("kernel",))
        out = super().infer(site)
        self.fitted(site.at(site.width, out.space))
        return out

    def cost(self, site: Site) -> Cost | None:
        kernels, out = site.per_axis(self.kernel, "kernel"), self.infer(site)
        there = site.at(site.width, out.space)
        pads, strides = tuple(k // 2 for k in kernels), self.strides(site)
        total = Cost.transposed(kernels, strides, x=site.x, out=out, padding=pads, bias=self.bias)
        for step in self.follows():
            part = self.step(step, there)
            if part is None:
                return None
            total += part
        return total

    def caption(self, site: Site) -> str:
        from archkit.builtin.insides import sides

        return f"{self.short} {sides(self.kernel)}"

    def inside(self, site: Site) -> tuple[Op, ...]:
        from archkit.builtin.insides import up_convolution

        return up_convolution(self, site)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.axes import transposed
        from archkit.nn.convolutions import UpConvolution

        kernels, strides = site.per_axis(self.kernel, "kernel"), self.strides(site)
        options: dict[str, Any] = {
            "stride": strides,
            "padding": tuple(k // 2 for k in kernels),
            "output_padding": tuple(s - 1 for s in strides),
            "bias": self.bias,
        }
        conv = transposed(site.dims, site.x.channels, site.width, kernels, **options)
        there = site.at(site.width)
        norm, activation = self.norm.build(there), self.activation.build(there)
        return UpConvolution(conv, norm, activation, self.follows(), self.dropout)
