"""Stem, head, skip, time and embedding of EDM2, which keep magnitudes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import PositiveFloat, PositiveInt

from archkit import Cost, Embedding, Head, Misfit, Number, Op, Shape, Site, Skip, Stem, Time

from .magnitude import Balance, normalised, odd

if TYPE_CHECKING:
    from torch import nn


class MagnitudeStem(Stem):
    """A convolution of unit weights, which sees a channel of ones in place of a bias.

    References:
        | Analyzing and Improving the Training Dynamics of Diffusion Models (Karras et al., 2024)
        | https://arxiv.org/abs/2312.02696
    """

    short, group = "MP conv", "convolution"
    type: Literal["magnitude-preserving"] = "magnitude-preserving"
    channels: PositiveInt | None = None
    """Channels that leave; those of the first stage if left out."""
    kernel: PositiveInt = 3
    """Size along each axis; odd."""

    def leaves(self, first: int) -> int:
        return self.channels or first

    def infer(self, site: Site) -> Shape:
        odd(self.kernel)
        return super().infer(site)

    def cost(self, site: Site) -> Cost:
        x = site.x.with_channels(site.x.channels + 1)
        joined = Cost.made(x.elements, spare=site.x.positions)
        return joined + normalised(x, site.x.with_channels(site.width), self.kernel)

    def caption(self, site: Site) -> str:
        return f"{self.short} {self.kernel}"

    def inside(self, site: Site) -> tuple[Op, ...]:
        from archkit.builtin.insides import convolution

        conv = convolution(self.kernel, site.x.channels + 1, site.width)
        return (Op("join ones"), conv)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.magnitude import Stem

        return Stem(site.x.channels, site.width, (self.kernel,) * site.dims)


class MagnitudeHead(Head):
    """A convolution of unit weights, times a gain that is learned and starts at zero.

    References:
        | Analyzing and Improving the Training Dynamics of Diffusion Models (Karras et al., 2024)
        | https://arxiv.org/abs/2312.02696
    """

    short, group = "MP conv", "convolution"
    type: Literal["magnitude-preserving"] = "magnitude-preserving"
    kernel: PositiveInt = 3
    """Size along each axis; odd."""

    def infer(self, site: Site) -> Shape:
        odd(self.kernel)
        return super().infer(site)

    def cost(self, site: Site) -> Cost:
        return normalised(site.x, site.x.with_channels(site.width), self.kernel) + Cost(1)

    def caption(self, site: Site) -> str:
        return f"{self.short} {self.kernel}"

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.magnitude import Head

        return Head(site.x.channels, site.width, (self.kernel,) * site.dims)


class MagnitudeSkip(Skip):
    """The channels of trunk and skip one after the other, each weighed by its share.

    References:
        | Analyzing and Improving the Training Dynamics of Diffusion Models (Karras et al., 2024)
        | https://arxiv.org/abs/2312.02696
    """

    short = "MP concat"
    type: Literal["magnitude-preserving"] = "magnitude-preserving"
    balance: Balance = 0.5
    """The share of the skip."""

    def leaves(self, site: Site) -> int:
        assert site.skip is not None
        return site.x.channels + site.skip.channels

    def infer(self, site: Site) -> Shape:
        assert site.skip is not None
        if site.x.space != site.skip.space:
            raise Misfit(f"the trunk is {site.x} and the skip {site.skip}", code="size")
        return site.x.with_channels(self.leaves(site))

    def cost(self, site: Site) -> Cost:
        assert site.skip is not None
        weighed = Cost.made(site.x.elements) & Cost.made(site.skip.elements).reading("skip")
        return weighed + Cost.made(self.infer(site).elements)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.magnitude import Concat

        return Concat(self.balance)


class MagnitudeTime(Time):
    """Cosines of the time at random frequencies and phases that stay, through one linear layer.

    References:
        | Analyzing and Improving the Training Dynamics of Diffusion Models (Karras et al., 2024)
        | https://arxiv.org/abs/2312.02696
    """

    short = "MP Fourier"
    type: Literal["magnitude-preserving"] = "magnitude-preserving"
    channels: PositiveInt | None = None
    """Number of features; the width of the stem if left out."""
    width: PositiveInt | None = None
    """Width of the embedding; four times that of the stem if left out."""
    scale: Number = 1.0
    """What the time is multiplied with first."""
    std: PositiveFloat = 1.0
    """Standard deviation of the frequencies."""

    def leaves(self, stem: int) -> int:
        return self.width or 4 * stem

    def features(self, stem: int) -> int:
        return self.channels or stem

    def infer(self, site: Site) -> Shape:
        return Shape(site.width)

    def cost(self, site: Site) -> Cost:
        features = Cost.made(site.x.channels, spare=site.x.channels)
        return features + linear(site.x.channels, site.width)

    def caption(self, site: Site) -> str:
        return f"{self.short} {site.x.channels} · Linear {site.width}"

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.magnitude import Fourier, TimeEmbedding

        features = Fourier(site.x.channels, self.std, self.scale)
        return TimeEmbedding(features, site.x.channels, site.width)


class MagnitudeSum(Embedding):
    """The vectors of time and conditions, added one by one, and SiLU of unit variance.

    References:
        | Analyzing and Improving the Training Dynamics of Diffusion Models (Karras et al., 2024)
        | https://arxiv.org/abs/2312.02696
    """

    short = "MP sum"
    type: Literal["magnitude-preserving"] = "magnitude-preserving"
    balance: Balance = 0.5
    """The share of each vector that is added to those before it."""

    def infer(self, site: Site) -> Shape:
        return Shape(site.width)

    def cost(self, site: Site) -> Cost:
        n = site.x.channels
        return Cost.made(n, keeps="x") + Cost.made(n)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.magnitude import Sum

        return Sum(self.balance)


def linear(channels: int, width: int) -> Cost:
    """A linear layer whose output is scaled by the length of its rows."""
    return Cost.linear(channels, width, bias=False) + Cost.made(width, keeps="x")
