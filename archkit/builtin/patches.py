"""Patches: the stem makes one position of each, the head takes them apart again."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveInt

from archkit import Cost, Head, Misfit, Norm, Op, PerAxis, Shape, Site, SizeMap, Slot, Stem, Window

from .attention import normed

if TYPE_CHECKING:
    from torch import nn


class PatchStem(Stem):
    """Each patch of the sample becomes one position, by a linear layer and maybe a norm.

    References:
        | An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale
          (Dosovitskiy et al., 2020)
        | https://arxiv.org/abs/2010.11929
    """

    short, group = "Patches", "convolution"
    type: Literal["patch"] = "patch"
    channels: PositiveInt | None = None
    """Channels that leave; those of the first stage if left out."""
    size: PerAxis = 2
    """Of a patch: one number, or one for each axis. It has to divide the size of the sample."""
    bias: bool = True
    """Whether the layer has a bias."""
    out_norm: Annotated[Norm, Slot("norm")] = Field("none", validate_default=True)
    """The norm of what comes out of it."""

    def leaves(self, first: int) -> int:
        return self.channels or first

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        return tuple(SizeMap(over=s, exact=True) for s in site.per_axis(self.size, "size"))

    def infer(self, site: Site) -> Shape:
        out = super().infer(site)
        try:
            self.out_norm.infer(site.at(out.channels, out.space))
        except Misfit as misfit:
            raise misfit.under("out_norm") from None
        return out

    def cost(self, site: Site) -> Cost | None:
        out, sizes = self.infer(site), site.per_axis(self.size, "size")
        norm = self.out_norm.cost(site.at(out.channels, out.space))
        if norm is None:
            return None
        return patched(site, sizes, self.bias) + norm

    def caption(self, site: Site) -> str:
        return f"Patches {'×'.join(map(str, site.per_axis(self.size, 'size')))}"

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.patches import PatchStem

        out = self.infer(site)
        return PatchStem(
            site.x.channels,
            site.width,
            site.per_axis(self.size, "size"),
            bias=self.bias,
            norm=self.out_norm.build(site.at(out.channels, out.space)),
        )


class PatchHead(Head):
    """norm, and a linear layer that makes a patch of each position; maybe a convolution after it.

    References:
        | An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale
          (Dosovitskiy et al., 2020), reversed
        | https://arxiv.org/abs/2010.11929
    """

    short, group = "Patches", "convolution"
    type: Literal["patch"] = "patch"
    norm: Annotated[Norm, Slot("norm")] = Field("layer", validate_default=True)
    """The norm before it."""
    size: PerAxis = 2
    """Of a patch: one number, or one for each axis."""
    bias: bool = True
    """Whether the layer has a bias."""
    kernel: PositiveInt | None = None
    """Size of the convolution after it; odd. None if left out."""
    flat: bool = False
    """Whether the last of the channels that leave has one number for a whole patch: enough for
    ``variance: per-sample``."""
    zero_init: bool = True
    """Start with an output of zero."""

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        return tuple(SizeMap(times=s) for s in site.per_axis(self.size, "size"))

    def infer(self, site: Site) -> Shape:
        normed(self.norm, site)
        odd_kernel(self.kernel)
        return super().infer(site)

    def cost(self, site: Site) -> Cost | None:
        norm = self.norm.cost(site)
        if norm is None:
            return None
        sizes, out = site.per_axis(self.size, "size"), self.infer(site)
        linear = self._linear(site, prod(sizes))
        whole = Cost.made(out.elements, windows=tuple(map(Window.growing, sizes)))
        total = norm + linear + (whole if prod(sizes) > 1 else Cost())
        if self.kernel is None:
            return total
        return total + Cost.convolution(site.width, site.width, kernel=self.kernel, out=out)

    def _linear(self, site: Site, patch: int) -> Cost:
        """The linear layer; where its last row is repeated over a patch, that as well."""
        repeats = self.flat * (patch - 1)
        rows = site.width * patch - repeats
        linear = Cost.convolution(site.x.channels, rows, kernel=1, out=site.x, bias=self.bias)
        return linear + Cost.made((rows + repeats) * site.x.positions) if repeats else linear

    def caption(self, site: Site) -> str:
        return f"Patches {'×'.join(map(str, site.per_axis(self.size, 'size')))}"

    def inside(self, site: Site) -> tuple[Op, ...]:
        return unpatched(self.norm, site, site.width, self.size, self.kernel, flat=self.flat)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.patches import PatchHead

        return PatchHead(
            site.x.channels,
            site.width,
            site.per_axis(self.size, "size"),
            self.norm.build(site),
            bias=self.bias,
            kernel=self.kernel,
            flat=self.flat,
            zero_init=self.zero_init,
        )


def patched(site: Site, sizes: tuple[int, ...], bias: bool) -> Cost:
    """A linear layer on each patch."""
    inner, space = site.x.channels * prod(sizes), zip(site.x.space, sizes, strict=True)
    out = Shape(site.width, tuple(n // s for n, s in space))
    windows = tuple(map(Window.sliding, sizes, sizes))
    moved = Cost.made(site.x.elements, windows=windows) if max(sizes) > 1 else Cost()
    if out.positions == 1:  # a view
        moved = Cost(reach=moved.reach)
    return moved + Cost.convolution(inner, site.width, kernel=1, out=out, bias=bias)


def odd_kernel(kernel: int | None) -> None:
    """Raises Misfit for the kernel of a convolution that can't keep the size."""
    if kernel is not None and kernel % 2 == 0:
        what = f"a kernel of {kernel} can't keep the size"
        raise Misfit(what, f"use {kernel - 1} or {kernel + 1}", option=("kernel",))


def unpatched(
    norm: Norm,
    site: Site,
    width: int,
    size: int | tuple[int, ...],
    kernel: int | None,
    flat: bool = False,
) -> tuple[Op, ...]:
    """The steps of a head that takes patches apart."""
    sizes = site.per_axis(size, "size")
    flat = flat and prod(sizes) > 1
    told = " · ".join([f"Linear {site.x.channels} → {width - flat}", *map(str, sizes)])
    last = (Op("repeat the last"),) if flat else ()
    linear = Op(f"{told} + 1" if flat else told)
    steps = (
        *norm.steps(site),
        linear,
        *last,
        Op(f"shuffle {'×'.join(map(str, sizes))}", group="up"),
    )
    if kernel is None:
        return steps
    return (*steps, Op(f"Conv {kernel} · {width} → {width}", group="convolution"))
