"""Convolutions in a row, each after a norm and an activation, added to their input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveInt

from archkit import Activation, Block, Cost, Norm, Op, PerAxis, Shape, Site, Slot

from .attention import normed
from .blocks import Share, odd

if TYPE_CHECKING:
    from torch import nn


class PreActivation(Block):
    """norm, activation, convolution, a few times, added to the input.

    References:
        | Identity Mappings in Deep Residual Networks (He et al., 2016)
        | https://arxiv.org/abs/1603.05027
        | ModelScope Text-to-Video Technical Report (Wang et al., 2023), four along the frames
        | https://arxiv.org/abs/2308.06571
    """

    short, group = "Pre-act", "resnet"
    type: Literal["pre-activation"] = "pre-activation"
    norm: Annotated[Norm, Slot("norm")] = Field("group", validate_default=True)
    """The norm before each convolution."""
    activation: Annotated[Activation, Slot("activation")] = Field("silu", validate_default=True)
    """The activation before each convolution."""
    count: PositiveInt = 2
    """How many convolutions."""
    kernel: PerAxis = 3
    """Size of each convolution: one number, or one for each axis; odd."""
    dropout: Share = 0.0
    """Share of values dropped before every convolution but the first, while training."""
    zero_init: bool = True
    """Start as the identity: the last convolution is zero."""

    def infer(self, site: Site) -> Shape:
        odd(self.kernel, site)
        for channels in {site.x.channels, site.width}:
            normed(self.norm, site.at(channels))
        return super().infer(site)

    def widths(self, site: Site) -> tuple[int, ...]:
        """The channels that enter, and those that leave each convolution."""
        return (site.x.channels, *(site.width,) * self.count)

    def cost(self, site: Site) -> Cost | None:
        total, out = Cost(), site.x.with_channels(site.width)
        widths = self.widths(site)
        for i, channels in enumerate(widths[:-1]):
            here = site.at(channels)
            norm, activation = self.norm.cost(here), self.activation.cost(here)
            if norm is None or activation is None:
                return None
            total += norm + activation
            total += Cost.dropout(here.x.elements) if i and self.dropout else Cost()
            total += Cost.convolution(channels, site.width, kernel=self.kernel, out=out)
        wide = site.x.channels != site.width
        shortcut = Cost.convolution(site.x.channels, site.width, kernel=1, out=out)
        return (total & (shortcut if wide else Cost())) + Cost.made(out.elements)

    def inside(self, site: Site) -> tuple[Op, ...]:
        from archkit.builtin.insides import convolution

        ops: tuple[Op, ...] = ()
        for channels in self.widths(site)[:-1]:
            here = site.at(channels)
            ops += (*self.norm.steps(here), *self.activation.steps(here))
            ops += (convolution(self.kernel, channels, site.width, "branch"),)
        if site.x.channels == site.width:
            return (*ops, Op("+", ("branch", "x")))
        projected = convolution(1, site.x.channels, site.width, "projected", ("x",))
        return (*ops, projected, Op("+", ("branch", "projected")))

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.preactivation import PreActivation

        return PreActivation(
            self.widths(site),
            site.per_axis(self.kernel, "kernel"),
            norm=lambda channels: self.norm.build(site.at(channels)),
            activation=lambda channels: self.activation.build(site.at(channels)),
            dropout=self.dropout,
            zero_init=self.zero_init,
        )
