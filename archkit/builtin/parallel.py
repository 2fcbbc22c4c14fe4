"""Convolutions of several sizes side by side."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveInt

from archkit import Cost, Misfit, Op, Pooling, Shape, Site, Stem

from .insides import convolution
from .upsampling import Width

if TYPE_CHECKING:
    from torch import nn

Kernels = Annotated[tuple[PositiveInt, ...], Field(min_length=1, strict=False)]


class CrossEmbedding(Stem):
    """The sample seen at several scales: convolutions side by side, the smallest the widest.

    References:
        | CrossFormer: A Versatile Vision Transformer Hinging on Cross-scale Attention
          (Wang et al., 2021), in the form of imagen-pytorch
        | https://arxiv.org/abs/2108.00154
    """

    short, group = "Cross-embed", "convolution"
    type: Literal["cross-embed"] = "cross-embed"
    kernels: Kernels = (3, 7, 15)
    """Sizes of the convolutions; odd. Each makes half of the channels that are left."""

    def widths(self, width: int) -> dict[int, int]:
        """For the size of each convolution, the channels that it makes."""
        kernels = sorted(self.kernels)
        shares = [width // 2**i for i in range(1, len(kernels))]
        return dict(zip(kernels, (*shares, width - sum(shares)), strict=True))

    def infer(self, site: Site) -> Shape:
        _odd(self.kernels)
        if len(set(self.kernels)) < len(self.kernels):
            what = "two convolutions of one size are one"
            raise Misfit(what, "name each size once", option=("kernels",))
        least = 2 ** (len(self.kernels) - 1)
        if site.width < least:
            what = f"{site.width} channels are too few for {len(self.kernels)} convolutions"
            raise Misfit(what, f"use at least {least} channels", option=("kernels",))
        return super().infer(site)

    def cost(self, site: Site) -> Cost:
        c = site.x.channels
        convs = (
            Cost.convolution(c, width, kernel=kernel, out=site.x.with_channels(width))
            for kernel, width in self.widths(site.width).items()
        )
        return reduce(Cost.__and__, convs) + Cost.made(site.width * site.x.positions)

    def caption(self, site: Site) -> str:
        return f"Conv {', '.join(map(str, sorted(self.kernels)))}"

    def inside(self, site: Site) -> tuple[Op, ...]:
        widths = self.widths(site.width)
        names = tuple(f"by {kernel}" for kernel in widths)
        convs = (
            convolution(kernel, site.x.channels, width, f"by {kernel}", ("x",))
            for kernel, width in widths.items()
        )
        return (*convs, Op("concat", names))

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.parallel import Concatenated

        return Concatenated(site.dims, site.x.channels, self.widths(site.width))


class ParallelPooling(Pooling):
    """The sum of convolutions of several sizes, which keep the size and may change the width.

    imagen-pytorch ends its encoder so.

    References:
        | Going Deeper with Convolutions (Szegedy et al., 2014), for convolutions side by side
        | https://arxiv.org/abs/1409.4842
    """

    short = "Conv"
    type: Literal["parallel"] = "parallel"
    kernels: Kernels = (3, 1)
    """Sizes of the convolutions; odd."""
    width: Width = "keep"
    """Channels that leave: those that came, or those of the next stage."""

    def leaves(self, here: int, there: int) -> int:
        return there if self.width == "next" else here

    def infer(self, site: Site) -> Shape:
        _odd(self.kernels)
        return super().infer(site)

    def cost(self, site: Site) -> Cost:
        out = site.x.with_channels(site.width)
        convs = [
            Cost.convolution(site.x.channels, site.width, kernel=kernel, out=out)
            for kernel in self.kernels
        ]
        total = convs[0]
        for conv in convs[1:]:
            total = (total & conv) + Cost.made(out.elements)
        return total

    def caption(self, site: Site) -> str:
        return f"Conv {' + '.join(map(str, self.kernels))}"

    def inside(self, site: Site) -> tuple[Op, ...]:
        names = tuple(f"conv {i}" for i in range(len(self.kernels)))
        convs = (
            convolution(kernel, site.x.channels, site.width, name, ("x",))
            for name, kernel in zip(names, self.kernels, strict=True)
        )
        return (*convs, Op("+", names)) if len(names) > 1 else tuple(convs)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.parallel import Summed

        return Summed(site.dims, site.x.channels, site.width, self.kernels)


def _odd(kernels: tuple[int, ...]) -> None:
    for kernel in kernels:
        if kernel % 2 == 0:
            raise Misfit(
                f"a kernel of {kernel} can't keep the size",
                f"use {kernel - 1} or {kernel + 1}",
                option=("kernels",),
            )
