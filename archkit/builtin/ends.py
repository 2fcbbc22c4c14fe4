"""Stems and heads: the first and the last node of the trunk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveInt

from archkit import Activation, Cost, Head, Misfit, Norm, Op, Shape, Site, Slot, Stem

if TYPE_CHECKING:
    from torch import nn


class ConvolutionStem(Stem):
    """A convolution from the channels of the sample to those of the first stage."""

    short, group = "Conv", "convolution"
    type: Literal["conv"] = "conv"
    channels: PositiveInt | None = None
    """Channels that leave; those of the first stage if left out."""
    kernel: PositiveInt = 3
    """Size along each axis; odd."""

    def leaves(self, first: int) -> int:
        return self.channels or first

    def infer(self, site: Site) -> Shape:
        _odd(self.kernel)
        return super().infer(site)

    def cost(self, site: Site) -> Cost:
        out = site.x.with_channels(site.width)
        return Cost.convolution(site.x.channels, site.width, kernel=self.kernel, out=out)

    def caption(self, site: Site) -> str:
        return f"Conv {self.kernel}"

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.axes import convolution

        pad = self.kernel // 2
        return convolution(site.dims, site.x.channels, site.width, self.kernel, padding=pad)


class NoStem(Stem):
    """The first stage takes the sample as it is."""

    type: Literal["none"] = "none"

    def infer(self, site: Site) -> Shape:
        return site.x

    def cost(self, site: Site) -> Cost:
        return Cost()

    def build(self, site: Site) -> nn.Module:
        from torch import nn

        return nn.Identity()


class ConvolutionHead(Head):
    """norm, activation, and a convolution to the channels of the output."""

    short, group = "Conv", "convolution"
    type: Literal["conv"] = "conv"
    norm: Annotated[Norm, Slot("norm")] = Field("group", validate_default=True)
    """The norm before it."""
    activation: Annotated[Activation, Slot("activation")] = Field("silu", validate_default=True)
    """The activation before it."""
    kernel: PositiveInt = 3
    """Size along each axis; odd."""
    zero_init: bool = True
    """Start with an output of zero."""

    def infer(self, site: Site) -> Shape:
        _odd(self.kernel)
        try:
            self.norm.infer(site.at(site.x.channels))
        except Misfit as misfit:
            raise misfit.under("norm") from None
        return super().infer(site)

    def cost(self, site: Site) -> Cost | None:
        norm = self.norm.cost(site.at(site.x.channels))
        if norm is None:
            return None
        out = site.x.with_channels(site.width)
        activation = self.activation.cost(site.at(site.x.channels))
        if activation is None:
            return None
        conv = Cost.convolution(site.x.channels, site.width, kernel=self.kernel, out=out)
        return norm + activation + conv

    def caption(self, site: Site) -> str:
        return ("" if self.norm.type == "none" else "Norm · ") + f"Conv {self.kernel}"

    def inside(self, site: Site) -> tuple[Op, ...]:
        conv = Op(f"Conv {self.kernel} · {site.x.channels} → {site.width}", group=self.group)
        return (*self.norm.steps(site.at(site.x.channels)), *self.activation.steps(site), conv)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.ends import Head

        return Head(
            site.dims,
            site.x.channels,
            site.width,
            norm=self.norm.build(site.at(site.x.channels)),
            activation=self.activation.build(site),
            kernel=self.kernel,
            zero_init=self.zero_init,
        )


class NoHead(Head):
    """What the last stage answers is the output."""

    type: Literal["none"] = "none"

    def infer(self, site: Site) -> Shape:
        return site.x

    def cost(self, site: Site) -> Cost:
        return Cost()

    def build(self, site: Site) -> nn.Module:
        from torch import nn

        return nn.Identity()


def _odd(kernel: int) -> None:
    if kernel % 2 == 0:
        raise Misfit(
            f"a kernel of {kernel} can't keep the size",
            f"use {kernel - 1} or {kernel + 1}",
            option=("kernel",),
        )
