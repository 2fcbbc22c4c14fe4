"""Tokens: the stem makes a row of them, one for each patch, and the head a sample again.

The row is the first axis of the trunk, whose other axes then have one position each.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveInt

from archkit import Cost, Head, Misfit, Norm, Op, PerAxis, Shape, Site, SizeMap, Slot, Stem

from .attention import normed
from .patches import odd_kernel, patched, unpatched

if TYPE_CHECKING:
    from torch import nn


class TokenStem(Stem):
    """Each patch of the sample becomes a token, and each place in their row has a learned vector.

    Time and conditions with ``into: tokens`` stand before the patches, the time next to them.

    References:
        | All are Worth Words: A ViT Backbone for Diffusion Models (Bao et al., 2023)
        | https://arxiv.org/abs/2209.12152
    """

    short, group = "Tokens", "convolution"
    type: Literal["tokens"] = "tokens"
    size: PerAxis = 2
    """Of a patch: one number, or one for each axis. It has to divide the size of the sample."""
    bias: bool = True
    """Whether the layer has a bias."""

    def reads(self, site: Site) -> tuple[str, ...]:
        return ("x", *site.tokens)

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        row = self.row(site)
        return tuple(map(SizeMap.constant, site.x.space, row))

    def row(self, site: Site) -> tuple[int, ...]:
        """The size of the trunk; Misfit where patches do not fill the sample."""
        patches = len(site.tokens) + prod(grid(self.size, site, site.x.space))
        return (patches, *(1,) * (site.dims - 1))

    def cost(self, site: Site) -> Cost:
        row = self.infer(site).elements
        taken = patched(site, site.per_axis(self.size, "size"), self.bias)
        placed = Cost.made(row) + Cost.made(row) + Cost(row)
        return replace(taken + placed, reach={"x": (None,)})

    def caption(self, site: Site) -> str:
        return f"Tokens {'×'.join(map(str, site.per_axis(self.size, 'size')))}"

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.patches import TokenStem

        sizes, row = site.per_axis(self.size, "size"), self.row(site)
        return TokenStem(site.x.channels, site.width, sizes, row, bias=self.bias)


class TokenHead(Head):
    """norm, and a linear layer that makes a patch of each token; maybe a convolution after it.

    Of a row of tokens, the last are those of the patches.

    References:
        | All are Worth Words: A ViT Backbone for Diffusion Models (Bao et al., 2023)
        | https://arxiv.org/abs/2209.12152
    """

    short, group = "Tokens", "convolution"
    type: Literal["tokens"] = "tokens"
    norm: Annotated[Norm, Slot("norm")] = Field("layer", validate_default=True)
    """The norm before it."""
    size: PerAxis = 2
    """Of a patch: one number, or one for each axis; that of the stem."""
    kernel: PositiveInt | None = 3
    """Size of the convolution after it; odd. None for none."""
    zero_init: bool = False
    """Start with an output of zero."""

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        return tuple(map(SizeMap.constant, site.x.space, site.sample))

    def infer(self, site: Site) -> Shape:
        patches = grid(self.size, site, site.sample)
        if set(site.x.space[1:]) - {1} or site.x.space[0] < prod(patches):
            raise Misfit(
                f"{site.x} is no row of {prod(patches)} tokens or more",
                "use `stem: tokens` with patches of the same `size`",
                option=("size",),
            )
        normed(self.norm, site)
        odd_kernel(self.kernel)
        return Shape(site.width, site.sample)

    def cost(self, site: Site) -> Cost | None:
        norm, c = self.norm.cost(site), site.x.channels
        if norm is None:
            return None
        patches, out = grid(self.size, site, site.sample), self.infer(site)
        n, each = prod(patches), out.elements // prod(patches)
        taken = Cost.made(n * c) if n < site.x.positions else Cost()
        made = taken + Cost.linear(c, each, tokens=n)
        made += Cost.made(out.elements)
        if self.kernel is not None:
            made += Cost.convolution(site.width, site.width, kernel=self.kernel, out=out)
        return replace(norm + made, reach={"x": (None,)})

    def caption(self, site: Site) -> str:
        return f"Tokens {'×'.join(map(str, site.per_axis(self.size, 'size')))}"

    def inside(self, site: Site) -> tuple[Op, ...]:
        return unpatched(self.norm, site, site.width, self.size, self.kernel)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.patches import TokenHead

        return TokenHead(
            site.x.channels,
            site.width,
            site.per_axis(self.size, "size"),
            grid(self.size, site, site.sample),
            self.norm.build(site),
            kernel=self.kernel,
            zero_init=self.zero_init,
        )


def grid(size: int | tuple[int, ...], site: Site, space: tuple[int, ...]) -> tuple[int, ...]:
    """How many patches fill a sample along each axis; Misfit where they do not."""
    sizes = site.per_axis(size, "size")
    if len(space) != site.dims or any(n % s for n, s in zip(space, sizes, strict=True)):
        told = "×".join(map(str, sizes))
        raise Misfit(
            f"patches of {told} do not fill a sample of {'×'.join(map(str, space))}",
            "use a `size` that divides that of the sample along each axis",
            option=("size",),
        )
    return tuple(n // s for n, s in zip(space, sizes, strict=True))
