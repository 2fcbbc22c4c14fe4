"""Skips: how trunk and skip are merged."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveInt

from archkit import Cost, Misfit, Norm, Number, Op, Shape, Site, Skip, Slot, Window

if TYPE_CHECKING:
    from torch import nn

Match = Literal["strict", "crop", "crop-end", "pad", "replicate", "resize"]


def meeting(match: Match, x: int, skip: int) -> int | None:
    """The size of an axis where trunk and skip meet; None where they can't."""
    if match == "strict":
        return x if x == skip else None
    if match == "resize":
        return skip
    return min(x, skip) if match in ("crop", "crop-end") else max(x, skip)


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
    if match in ("pad", "replicate"):
        both = Cost() & Cost().reading("skip")
        for shape in (x, skip):
            both &= Cost.made(shape.channels * prod(space)) if shape.space != space else Cost()
        return both
    if match == "resize":
        larger = tuple(Window(times=n, over=m) for n, m in zip(x.space, space, strict=True))
        made = Cost.made(x.channels * prod(space), windows=larger)
        return made & Cost().reading("skip")
    over = 1 if match == "crop-end" else 2
    reach = {"x": (_cropped(x, space, over),), "skip": (_cropped(skip, space, over),)}
    return Cost(reach=reach)


def _cropped(shape: Shape, space: tuple[int, ...], over: int) -> tuple[Window, ...]:
    lost = (n - least for n, least in zip(shape.space, space, strict=True))
    starts = (n // 2 if over == 2 else 0 for n in lost)
    return tuple(Window(first=start, last=start) for start in starts)


def _joint(site: Site) -> int:
    """The channels of trunk and skip together."""
    assert site.skip is not None
    return site.x.channels + site.skip.channels


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
    """Where sizes differ by design: ``crop`` both to the smaller about their centres, or
    ``crop-end`` at their ends; ``pad`` both at their ends to the larger with zeros, or
    ``replicate`` their last values there; ``resize`` the trunk to the skip; ``strict`` refuses."""
    fuse: PositiveInt | None = None
    """Size of a convolution that follows and brings the channels to those of the stage; odd. No
    convolution if left out."""

    def meet(self, x: int, skip: int) -> int | None:
        return meeting(self.match, x, skip)

    def leaves(self, site: Site) -> int:
        return site.width if self.fuse else _joint(site)

    def infer(self, site: Site) -> Shape:
        if self.fuse is not None and self.fuse % 2 == 0:
            what = f"a kernel of {self.fuse} can't keep the size"
            raise Misfit(what, f"use {self.fuse - 1} or {self.fuse + 1}", option=("fuse",))
        return Shape(self.leaves(site), _space(self.match, site))

    def cost(self, site: Site) -> Cost:
        assert site.skip is not None
        out, joint = self.infer(site), _joint(site)
        scaled = Cost.made(site.skip.channels * out.positions) if self.scale != 1.0 else Cost()
        joined = Cost.made(joint * out.positions)
        if self.fuse is not None:
            joined += Cost.convolution(joint, site.width, kernel=self.fuse, out=out)
        return _met(self.match, site) + (scaled + joined)

    def caption(self, site: Site) -> str:
        return "concat" if self.fuse is None else f"concat · Conv {self.fuse}"

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.axes import convolution
        from archkit.nn.skips import Concat

        fuse = None
        if self.fuse is not None:
            pad = self.fuse // 2
            fuse = convolution(site.dims, _joint(site), site.width, self.fuse, padding=pad)
        return Concat(self.match, self.order == "skip-first", self.scale, fuse)


class Add(Skip):
    """The sum of trunk and skip, which have the same channels unless the skip is projected.

    References:
        | Score-Based Generative Modeling through Stochastic Differential Equations
          (Song et al., 2021), for a skip that is projected
        | https://arxiv.org/abs/2011.13456
    """

    type: Literal["add"] = "add"
    scale: Number = 1.0
    """Of the sum; ``sqrt(1/2)`` keeps the variance."""
    project: bool = False
    """Whether a 1×1 convolution brings the skip to the channels of the trunk first (NCSN++)."""
    match: Match = "strict"
    """Where sizes differ by design, as for `concat`."""

    def meet(self, x: int, skip: int) -> int | None:
        return meeting(self.match, x, skip)

    def infer(self, site: Site) -> Shape:
        assert site.skip is not None
        if site.x.channels != site.skip.channels and not self.project:
            raise Misfit(
                f"`skip: add` can't add {site.skip.channels} channels of the skip to "
                f"{site.x.channels} of the trunk",
                "use `skip: concat`, or stages of equal width",
                code="skip-channels",
            )
        return Shape(site.x.channels, _space(self.match, site))

    def cost(self, site: Site) -> Cost:
        assert site.skip is not None
        made = Cost.made(self.infer(site).elements)
        added = made if self.scale == 1.0 else made + made
        if not self.project:
            return _met(self.match, site) + added
        skip = site.skip.with_channels(site.x.channels)
        conv = Cost.convolution(site.skip.channels, skip.channels, kernel=1, out=skip)
        return (conv.reading("skip") & _met(self.match, replace(site, skip=skip))) + added

    def inside(self, site: Site) -> tuple[Op, ...]:
        from archkit.builtin.insides import addition

        return addition(self, site) if self.project else ()

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.axes import convolution
        from archkit.nn.skips import Add

        assert site.skip is not None
        project = None
        if self.project:
            project = convolution(site.dims, site.skip.channels, site.x.channels, 1)
        return Add(self.match, self.scale, project)


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
    gate_norm: Annotated[Norm, Slot("norm")] = Field("none", validate_default=True)
    """The norm after each convolution of the gate; that of MONAI has ``batch``."""
    order: Literal["trunk-first", "skip-first"] = "trunk-first"
    """Whose channels come first."""

    def leaves(self, site: Site) -> int:
        return _joint(site)

    def infer(self, site: Site) -> Shape:
        for channels in (self._width(site), 1):
            try:
                self.gate_norm.infer(site.at(channels))
            except Misfit as misfit:
                raise misfit.under("gate_norm") from None
        return Shape(self.leaves(site), _space("strict", site))

    def cost(self, site: Site) -> Cost | None:
        assert site.skip is not None
        width, x, skip = self._width(site), site.x, site.skip
        norm, last = self.gate_norm.cost(site.at(width)), self.gate_norm.cost(site.at(1))
        if norm is None or last is None:
            return None
        both = Cost.convolution(x.channels, width, kernel=1, out=x) + norm
        both &= (Cost.convolution(skip.channels, width, kernel=1, out=x) + norm).reading("skip")
        both += Cost.made(width * x.positions)
        gate = Cost.made(width * x.positions, keeps="out")
        gate += Cost.convolution(width, 1, kernel=1, out=x)
        gate += last
        gate += Cost.made(x.positions, keeps="out")
        through = Cost.made(skip.elements, keeps="x skip")
        return both + (gate + (through + Cost.made(x.elements + skip.elements)))

    def inside(self, site: Site) -> tuple[Op, ...]:
        from archkit.builtin.insides import gate

        return gate(self, site, self._width(site))

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.skips import Gated

        assert site.skip is not None
        return Gated(
            site.dims,
            site.x.channels,
            site.skip.channels,
            self._width(site),
            norm=lambda channels: self.gate_norm.build(site.at(channels)),
            skip_first=self.order == "skip-first",
        )

    def _width(self, site: Site) -> int:
        assert site.skip is not None
        return self.width or max(1, site.skip.channels // 2)
