"""Norms: every component that needs one asks for it by its number of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from archkit import Cost, Misfit, Norm, Shape, Site, near_divisor

if TYPE_CHECKING:
    from torch import nn


class GroupNorm(Norm):
    """Normalises groups of channels over all positions.

    References:
        | Group Normalization (Wu, He, 2018)
        | https://arxiv.org/abs/1803.08494
    """

    short = "GroupNorm"
    type: Literal["group"] = "group"
    groups: PositiveInt = 32
    """How many groups; it has to divide the channels."""
    min_width: PositiveInt | None = None
    """Channels that a group has at least: narrow layers get fewer groups (EDM: 4)."""
    width: PositiveInt | None = None
    """Channels of a group, instead of `groups` (k-diffusion: 32)."""
    eps: PositiveFloat = 1e-5
    """Added to the variance."""
    affine: bool = True
    """Whether it learns a scale and a shift for each channel."""

    def divided(self, channels: int) -> int:
        """The number of groups of so many channels."""
        if self.width is not None:
            return max(1, channels // self.width)
        if self.min_width is not None:
            return max(1, min(self.groups, channels // self.min_width))
        return self.groups

    def infer(self, site: Site) -> Shape:
        channels, groups = site.x.channels, self.divided(site.x.channels)
        if channels % groups:
            below, above = channels // groups * groups, -(-channels // groups) * groups
            near = " or ".join(str(n) for n in (below, above) if n)
            fewer = near_divisor(groups, channels)
            option, value = ("width", channels // fewer) if self.width else ("groups", fewer)
            raise Misfit(
                f"{groups} groups do not divide {channels} channels",
                f"use {near} channels, or `norm: {{{option}: {value}}}`",
                code="groups",
                option=(option,),
            )
        _several(channels // groups * site.x.positions, site)
        return site.x

    def cost(self, site: Site) -> Cost:
        return _cost(site, self.affine, 2 * self.divided(site.x.channels))

    def caption(self, site: Site) -> str:
        return f"GroupNorm {self.divided(site.x.channels)}"

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.norms import GroupNorm

        channels = site.x.channels
        return GroupNorm(self.divided(channels), channels, self.eps, self.affine)


class LayerNorm(Norm):
    """Normalises the channels of each position.

    References:
        | Layer Normalization (Ba, Kiros, Hinton, 2016)
        | https://arxiv.org/abs/1607.06450
    """

    short = "LayerNorm"
    type: Literal["layer"] = "layer"
    eps: PositiveFloat = 1e-5
    """Added to the variance."""
    affine: bool = True
    """Whether it learns a scale and a shift for each channel."""
    unbiased: bool = False
    """Whether the variance is divided by one less than the channels (azula)."""

    def infer(self, site: Site) -> Shape:
        if self.unbiased:
            _several(site.x.channels, site)
        return site.x

    def cost(self, site: Site) -> Cost:
        normed = _cost(site, self.affine, 2 * site.x.positions)
        if not self.unbiased:
            return normed
        scaled = site.x.channels  # the weight; or, where there is none, what comes out
        return normed + Cost(saved=scaled) if self.affine else normed + Cost.made(site.x.elements)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.norms import ChannelLayerNorm

        return ChannelLayerNorm(site.x.channels, self.eps, self.affine, self.unbiased)


class RMSNorm(Norm):
    """Divides the channels of each position by their root mean square.

    References:
        | Root Mean Square Layer Normalization (Zhang, Sennrich, 2019)
        | https://arxiv.org/abs/1910.07467
    """

    short = "RMSNorm"
    type: Literal["rms"] = "rms"
    eps: NonNegativeFloat = 1e-6
    """Added to the mean square."""
    affine: bool = True
    """Whether it learns a scale for each channel."""

    def cost(self, site: Site) -> Cost:
        channels, x, positions = site.x.channels, site.x.elements, site.x.positions
        root = Cost.made(x, keeps="x") + Cost.made(positions, saved=positions)
        scaled = root + Cost.made(x)
        return scaled + Cost.made(x, keeps="x") + Cost(channels) if self.affine else scaled

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.norms import ChannelRMSNorm

        return ChannelRMSNorm(site.x.channels, self.eps, self.affine)


class InstanceNorm(Norm):
    """Normalises each channel over all positions of one sample.

    References:
        | Instance Normalization: The Missing Ingredient for Fast Stylization
          (Ulyanov, Vedaldi, Lempitsky, 2016)
        | https://arxiv.org/abs/1607.08022
    """

    short = "InstanceNorm"
    type: Literal["instance"] = "instance"
    eps: PositiveFloat = 1e-5
    """Added to the variance."""
    affine: bool = True
    """Whether it learns a scale and a shift for each channel."""

    def infer(self, site: Site) -> Shape:
        _several(site.x.positions, site)
        return site.x

    def cost(self, site: Site) -> Cost:
        channels = site.x.channels
        return _cost(site, self.affine, (2 + self.affine) * channels).holding(channels)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.axes import instance_norm

        return instance_norm(site.dims, site.x.channels, eps=self.eps, affine=self.affine)


class BatchNorm(Norm):
    """Normalises each channel over all positions of the batch.

    References:
        | Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
          Shift (Ioffe, Szegedy, 2015)
        | https://arxiv.org/abs/1502.03167
    """

    short = "BatchNorm"
    type: Literal["batch"] = "batch"
    eps: PositiveFloat = 1e-5
    """Added to the variance."""
    momentum: PositiveFloat = 0.1
    """Share of each batch in the running mean and variance."""
    affine: bool = True
    """Whether it learns a scale and a shift for each channel."""

    def cost(self, site: Site) -> Cost:
        # It makes statistics while training only.
        statistics = 2 * site.x.channels
        return _cost(site, self.affine, 0) + Cost(saved=statistics)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.axes import batch_norm

        options = {"eps": self.eps, "momentum": self.momentum, "affine": self.affine}
        return batch_norm(site.dims, site.x.channels, **options)


class NoNorm(Norm):
    """No norm at all."""

    type: Literal["none"] = "none"

    def cost(self, site: Site) -> Cost:
        return Cost()

    def build(self, site: Site) -> nn.Module:
        from torch import nn

        return nn.Identity()


def _several(values: int, site: Site) -> None:
    if values == 1:
        raise Misfit(
            f"at {site.x} the norm would see one value at a time, and leave nothing of it",
            "use wider groups, fewer stages, or a larger size",
            code="norm-of-one",
        )


def _cost(site: Site, affine: bool, statistics: int) -> Cost:
    x = site.x
    return Cost.norm(x.channels, affine=affine, positions=x.positions, statistics=statistics)
