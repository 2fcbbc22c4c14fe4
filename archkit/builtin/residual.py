"""Convolutions in a row, added to their input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import PositiveInt

from archkit import Cost, Op, Shape, Site, SizeMap

from .convolutions import ConvolutionRow, Steps, first_strides
from .pooling import averaged

if TYPE_CHECKING:
    from torch import nn


class Residual(ConvolutionRow):
    """convolution, norm, activation, a few times, added to the input.

    References:
        | Left-Ventricle Quantification Using Residual U-Net (Kerfoot et al., 2018)
        | https://doi.org/10.1007/978-3-030-12029-0_40
        | Bag of Tricks for Image Classification with Convolutional Neural Networks
          (He et al., 2018), ResNet-D, for ``shortcut: avg``
        | https://arxiv.org/abs/1812.01187
    """

    short, group = "Residual", "resnet"
    type: Literal["residual"] = "residual"
    count: PositiveInt = 2
    """How many convolutions."""
    shortcut: Literal["conv", "avg"] = "conv"
    """How the input comes to the shape of the branch: by one convolution, which strides as the
    branch does and is 1×1 where it need not; or by average pooling, and a 1×1 convolution
    without bias and a norm where the width changes (ResNet-D)."""
    shortcut_bias: bool | None = None
    """Whether the convolution of ``shortcut: conv`` has a bias; as `bias` if left out."""
    last: Literal["all", "norm", "none"] = "all"
    """What follows the last convolution before the sum: ``all`` as after the others, ``norm`` that
    alone and the activation after the sum, or ``none`` of it."""

    def ends(self) -> Steps:
        return {"all": self.follows(), "norm": ("norm",), "none": ()}[self.last]

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        if self.shortcut == "avg":
            return tuple(SizeMap(over=s, exact=True) for s in first_strides(site))
        return super().size_maps(site)

    def cost(self, site: Site) -> Cost | None:
        out, branch = self.infer(site), super().cost(site)
        there = site.at(site.width, out.space)
        norm, activation = self.norm.cost(there), self.activation.cost(there)
        if branch is None or norm is None or activation is None:
            return None
        total = (branch & self._beside(site, norm, out)) + Cost.made(out.elements)
        return total + activation if self.last == "norm" else total

    def _beside(self, site: Site, norm: Cost, out: Shape) -> Cost:
        """The cost of the shortcut."""
        channels, width, strides = site.x.channels, site.width, first_strides(site)
        strided, project = max(strides) > 1, channels != width
        if self.shortcut == "conv":
            kernel = self.kernel if strided else 1
            conv = Cost.convolution(
                channels, width, kernel=kernel, out=out, bias=self._biased(), stride=strides
            )
            return conv if strided or project else Cost()
        total = averaged(site.x, strides) if strided else Cost()
        if project:
            total += Cost.convolution(channels, width, kernel=1, out=out, bias=False)
            total += norm
        return total

    def caption(self, site: Site) -> str:
        return f"Residual {super().caption(site).removeprefix('Conv ')}"

    def inside(self, site: Site) -> tuple[Op, ...]:
        from archkit.builtin.insides import residual

        return residual(self, site, super().inside(site))

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.convolutions import ResidualBlock

        activation = self.activation.build(site.at(site.width)) if self.last == "norm" else None
        return ResidualBlock(super().build(site), self._shortcut(site), activation)

    def _biased(self) -> bool:
        return self.bias if self.shortcut_bias is None else self.shortcut_bias

    def _shortcut(self, site: Site) -> nn.Module | None:
        from archkit.nn.axes import convolution
        from archkit.nn.convolutions import Shortcut

        channels, width, strides = site.x.channels, site.width, first_strides(site)
        strided = max(strides) > 1
        if not strided and channels == width:
            return None
        if self.shortcut == "avg":
            norm = self.norm.build(site.at(width)) if channels != width else None
            return Shortcut.pooled(channels, width, strides, norm)
        kernels = site.per_axis(self.kernel if strided else 1, "kernel")
        pads = tuple(k // 2 for k in kernels)
        options = {"stride": strides, "padding": pads, "bias": self._biased()}
        return Shortcut(None, convolution(site.dims, channels, width, kernels, **options))
