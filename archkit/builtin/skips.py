"""Skips: how trunk and skip are merged."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Literal

from pydantic import PositiveInt

from archkit import Cost, Misfit, Number, Shape, Site, Skip, Window

if TYPE_CHECKING:
    from torch import nn

Match = Literal["strict", "crop", "pad", "resize"]


def meeting(match: Match, x: int, skip: int) -> int | None:
    """The size of an axis where trunk and skip meet; None where they can't."""
    if match == "strict":
        return x if x == skip else None
    return {"crop": min(x, skip), "pad": max(x, skip), "resize": skip}[match]


def _space(match: Match, site: Site) -> tuple[int, ...]:
    assert site.skip is not None
    sizes = [meeting(match, x, s) for x, s in zip(site.x.space, site.skip.space, strict=True)]
    if None in sizes:
        raise Misfit(f"the trunk is {site.x} and the skip {site.skip}", code="size")
    return tuple(size for size in sizes if size is not None)


def _met(match: Match, site: Site) -> Cost:
    """What it takes to bring trunk and skip to one size, and where an output then looks."""
    assert site.skip is not None
    x, skip, space = site.x, site.skip, _space(match, site)
    if x.space == skip.space or match == "strict":
        return Cost() & Cost().reading("skip")
    if match == "pad":
        both = Cost.made(x.channels * prod(space)) & Cost.made(skip.channels * prod(space))
        return both & Cost().reading("skip")
    if match == "resize":
        larger = tuple(Window(times=n, over=m) for n, m in zip(x.space, space, strict=True))
        made = Cost.made(x.channels * prod(space), windows=larger)
        return made & Cost().reading("skip")
    return Cost(reach={"x": (_cropped(x, space),), "skip": (_cropped(skip, space),)})


def _cropped(shape: Shape, space: tuple[int, ...]) -> tuple[Window, ...]:
    starts = ((n - least) // 2 for n, least in zip(shape.space, space, strict=True))
    return tuple(Window(first=start, last=start) for start in starts)


class Concat(Skip):
    """The channels of trunk and skip, one after the other.

    References:
        | U-Net: Convolutional Networks for Biomedical Image Segmentation
          (Ronneberger, Fischer, Brox, 2015)
        | https://arxiv.org/abs/1505.04597
    """

    type: Literal["concat"] = "concat"
    order: Literal["trunk-first", "skip-first"] = "trunk-first"
    """Whose channels come first."""
    scale: Number = 1.0
    """Of the skip; ``sqrt(1/2)`` in Imagen."""
    match: Match = "strict"
    """Where sizes differ by design: ``crop`` both to the smaller about their centres, ``pad``
    both with zeros to the larger, ``resize`` the trunk to the skip; ``strict`` refuses."""

    def meet(self, x: int, skip: int) -> int | None:
        return meeting(self.match, x, skip)

    def infer(self, site: Site) -> Shape:
        assert site.skip is not None
        return Shape(site.x.channels + site.skip.channels, _space(self.match, site))

    def cost(self, site: Site) -> Cost:
        assert site.skip is not None
        out = self.infer(site)
        scaled = Cost.made(site.skip.channels * out.positions) if self.scale != 1.0 else Cost()
        return _met(self.match, site) + (scaled + Cost.made(out.elements))

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.skips import Concat

        return Concat(self.match, self.order == "skip-first", self.scale)


class Add(Skip):
    """The sum of trunk and skip, which have the same channels."""

    type: Literal["add"] = "add"
    scale: Number = 1.0
    """Of the sum; ``sqrt(1/2)`` keeps the variance."""
    match: Match = "strict"
    """Where sizes differ by design, as for `concat`."""

    def meet(self, x: int, skip: int) -> int | None:
        return meeting(self.match, x, skip)

    def infer(self, site: Site) -> Shape:
        assert site.skip is not None
        if site.x.channels != site.skip.channels:
            raise Misfit(
                f"`skip: add` can't add {site.skip.channels} channels of the skip to "
                f"{site.x.channels} of the trunk",
                "use `skip: concat`, or stages of equal width",
                code="skip-channels",
            )
        return Shape(site.x.channels, _space(self.match, site))

    def cost(self, site: Site) -> Cost:
        made = Cost.made(self.infer(site).elements)
        return _met(self.match, site) + (made if self.scale == 1.0 else made + made)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.skips import Add

        return Add(self.match, self.scale)


class NoSkip(Skip):
    """The trunk as it is: an encoder and decoder without skips."""

    type: Literal["none"] = "none"

    @property
    def reads_skip(self) -> bool:
        return False

    def reads(self, site: Site) -> tuple[str, ...]:
        return ("x",)

    def meet(self, x: int, skip: int) -> int | None:
        return x

    def infer(self, site: Site) -> Shape:
        return site.x

    def cost(self, site: Site) -> Cost:
        return Cost()

    def build(self, site: Site) -> nn.Module:
        from torch import nn

        return nn.Identity()


class Gated(Skip):
    """The trunk decides which positions of the skip come through; both are then concatenated.

    References:
        | Attention U-Net: Learning Where to Look for the Pancreas (Oktay et al., 2018)
        | https://arxiv.org/abs/1804.03999
    """

    short = "attention gate"

    type: Literal["gated"] = "gated"
    width: PositiveInt | None = None
    """Channels in which trunk and skip are compared; half of the skip's if left out."""

    def infer(self, site: Site) -> Shape:
        assert site.skip is not None
        return Shape(site.x.channels + site.skip.channels, _space("strict", site))

    def cost(self, site: Site) -> Cost:
        assert site.skip is not None
        width, x, skip = self._width(site), site.x, site.skip
        gate = Cost.convolution(x.channels, width, kernel=1, out=x)
        gate &= Cost.convolution(skip.channels, width, kernel=1, out=x).reading("skip")
        gate += Cost.made(width * x.positions)
        gate += Cost.made(width * x.positions, keeps="out")
        gate += Cost.convolution(width, 1, kernel=1, out=x)
        gate += Cost.made(x.positions, keeps="out")
        through = Cost.made(skip.elements, keeps="x skip")
        return gate + (through + Cost.made(x.elements + skip.elements))

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.skips import Gated

        assert site.skip is not None
        return Gated(site.dims, site.x.channels, site.skip.channels, self._width(site))

    def _width(self, site: Site) -> int:
        assert site.skip is not None
        return self.width or max(1, site.skip.channels // 2)
