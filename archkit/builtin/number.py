"""A number as a condition, told like the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import NonNegativeFloat, PositiveFloat

from archkit import Condition, Cost, Misfit, Number, Route, Shape, Site, Tensor

if TYPE_CHECKING:
    from torch import nn


class NumberCondition(Condition):
    """A number, as sinusoids, that joins the embedding; (B,). Left out, it is zero.

    References:
        | SDXL: Improving Latent Diffusion Models for High-Resolution Image Synthesis
          (Podell et al., 2023), section 2.2, for numbers that are told as the time is
        | https://arxiv.org/abs/2307.01952
    """

    short = "sin/cos"
    type: Literal["number"] = "number"
    order: Literal["cos-sin", "sin-cos"] = "cos-sin"
    """Which half comes first: cosines or sines."""
    shift: NonNegativeFloat = 0.0
    """Taken from the number of frequencies in the exponent."""
    period: PositiveFloat = 10000.0
    """The longest period, over 2π."""
    scale: Number = 1.0
    """What the number is multiplied with first."""

    def route(self) -> Route:
        return "embedding"

    def takes(self, dims: int, space: tuple[int, ...]) -> Tensor:
        return Tensor((), null=0)

    def infer(self, site: Site) -> Shape:
        if site.width // 2 <= self.shift:
            what = f"{site.width} sinusoids are too few for a `shift` of {self.shift:g}"
            raise Misfit(what, "make the embedding wider", option=("shift",))
        return Shape(site.width)

    def cost(self, site: Site) -> Cost:
        return Cost.made(site.width)

    def caption(self, site: Site) -> str:
        return f"{self.short} {site.width}"

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.embeddings import Sinusoidal, TimeEmbedding

        waves = Sinusoidal(
            site.width,
            period=self.period,
            shift=self.shift,
            scale=self.scale,
            sin_first=self.order == "sin-cos",
        )
        return TimeEmbedding(waves, (site.width,))
