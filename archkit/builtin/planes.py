"""Time as further channels of the sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import PositiveFloat, PositiveInt

from archkit import Cost, Misfit, Number, Shape, Site, Time

if TYPE_CHECKING:
    from torch import nn


class Planes(Time):
    """Cosines and sines of the time at random frequencies that stay, one channel each.

    They join the sample: every position is told the same, and no block is told anything.

    References:
        | Dance Diffusion (Evans, 2022), after Fourier Features Let Networks Learn High Frequency
          Functions in Low Dimensional Domains (Tancik et al., 2020)
        | https://arxiv.org/abs/2006.10739
    """

    short, group = "Fourier planes", "image"
    type: Literal["planes"] = "planes"
    channels: PositiveInt = 16
    """How many planes; as many cosines as sines."""
    std: PositiveFloat = 1.0
    """Standard deviation of the frequencies."""
    scale: Number = 1.0
    """What the time is multiplied with first."""
    order: Literal["cos-sin", "sin-cos"] = "cos-sin"
    """Which half comes first."""

    def reads(self, site: Site) -> tuple[str, ...]:
        return ("x", "t")

    def joins(self) -> int:
        return self.channels

    def infer(self, site: Site) -> Shape:
        if self.channels % 2:
            raise Misfit(
                f"{self.channels} planes are not as many sines as cosines",
                f"use `channels: {self.channels + 1}`",
                option=("channels",),
            )
        return site.x.with_channels(site.x.channels + self.channels)

    def cost(self, site: Site) -> Cost:
        features = Cost.made(self.channels).aside("t")
        return features + Cost.made(self.infer(site).elements).holding(self.channels)

    def caption(self, site: Site) -> str:
        return f"{self.short} {self.channels} · concat"

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.embeddings import Fourier
        from archkit.nn.planes import Planes

        sin_first = self.order == "sin-cos"
        return Planes(Fourier(self.channels, std=self.std, scale=self.scale, sin_first=sin_first))
