"""Activations: functions of each value alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import NonNegativeFloat

from archkit import Activation, Cost, Site

if TYPE_CHECKING:
    from torch import nn


class SiLU(Activation):
    """x · sigmoid(x), also called swish.

    References:
        | Sigmoid-Weighted Linear Units (Elfwing, Uchibe, Doya, 2018)
        | https://arxiv.org/abs/1702.03118
    """

    short = "SiLU"
    type: Literal["silu"] = "silu"

    def build(self, site: Site) -> nn.Module:
        from torch import nn

        return nn.SiLU()


class ReLU(Activation):
    """max(x, 0)."""

    short = "ReLU"
    type: Literal["relu"] = "relu"

    def cost(self, site: Site) -> Cost:
        return Cost.made(site.x.elements, keeps="out")

    def build(self, site: Site) -> nn.Module:
        from torch import nn

        return nn.ReLU()


class GELU(Activation):
    """x · Φ(x), with the distribution function of the normal distribution.

    References:
        | Gaussian Error Linear Units (Hendrycks, Gimpel, 2016)
        | https://arxiv.org/abs/1606.08415
    """

    short = "GELU"
    type: Literal["gelu"] = "gelu"
    approximate: Literal["none", "tanh"] = "none"
    """``tanh`` is the paper's approximation; it differs by some 1e-3."""

    def build(self, site: Site) -> nn.Module:
        from torch import nn

        return nn.GELU(self.approximate)


class LeakyReLU(Activation):
    """max(x, slope · x)."""

    short = "LeakyReLU"
    type: Literal["leaky-relu"] = "leaky-relu"
    slope: NonNegativeFloat = 0.01
    """Of negative values."""

    def build(self, site: Site) -> nn.Module:
        from torch import nn

        return nn.LeakyReLU(self.slope)


class PReLU(Activation):
    """max(x, slope · x), with a slope that is learned.

    References:
        | Delving Deep into Rectifiers: Surpassing Human-Level Performance on ImageNet
          Classification (He et al., 2015)
        | https://arxiv.org/abs/1502.01852
    """

    short = "PReLU"
    type: Literal["prelu"] = "prelu"
    slope: NonNegativeFloat = 0.25
    """Of negative values, at first; one for all channels."""

    def cost(self, site: Site) -> Cost:
        return Cost.made(site.x.elements, keeps="x") + Cost(1)

    def build(self, site: Site) -> nn.Module:
        from torch import nn

        return nn.PReLU(init=self.slope)


class Mish(Activation):
    """x · tanh(softplus(x)).

    References:
        | Mish: A Self Regularized Non-Monotonic Activation Function (Misra, 2019)
        | https://arxiv.org/abs/1908.08681
    """

    short = "Mish"
    type: Literal["mish"] = "mish"

    def build(self, site: Site) -> nn.Module:
        from torch import nn

        return nn.Mish()


class NoActivation(Activation):
    """x as it is."""

    type: Literal["none"] = "none"

    def cost(self, site: Site) -> Cost:
        return Cost()

    def build(self, site: Site) -> nn.Module:
        from torch import nn

        return nn.Identity()
