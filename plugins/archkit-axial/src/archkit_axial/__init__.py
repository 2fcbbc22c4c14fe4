"""Axial attention: its options, and what it is on paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from archkit import Attention, Cost, Misfit, Norm, Shape, Site, Slot, hookimpl, near_divisor
from pydantic import Field, PositiveInt

if TYPE_CHECKING:
    from torch import nn


class AxialAttention(Attention):
    """Positions look at those of their own row and of their own column; all is added up.

    The attention itself is that of the package axial-attention.

    References:
        | Axial Attention in Multidimensional Transformers (Ho, Kalchbrenner, Weissenborn,
          Salimans, 2019)
        | https://arxiv.org/abs/1912.12180
    """

    type: Literal["axial"] = "axial"
    norm: Annotated[Norm, Slot("norm")] = Field("group", validate_default=True)
    """The norm before it."""
    heads: PositiveInt = 1
    """Number of heads; they share the channels."""

    def infer(self, site: Site) -> Shape:
        if site.x.channels % self.heads:
            near = near_divisor(self.heads, site.x.channels)
            raise Misfit(
                f"{self.heads} heads do not divide {site.x.channels} channels",
                f"use {near} heads",
                option=("heads",),
            )
        try:
            self.norm.infer(site)
        except Misfit as misfit:
            raise misfit.under("norm") from None
        return site.x

    def cost(self, site: Site) -> Cost | None:
        channels, positions = site.x.channels, site.x.positions
        norm = self.norm.cost(site)
        if norm is None:
            return None
        total = Cost(reach={"x": (None,)})
        for length in site.x.space:
            ends = Cost.linear(channels, 3 * channels, tokens=positions, bias=False)
            ends += Cost.linear(channels, channels, tokens=positions)
            # A product with nothing to add up is no multiply-accumulate.
            products = (channels > self.heads) + (length > 1)
            total &= ends + Cost(macs=products * positions * length * channels)
        return norm + total + Cost.made(site.x.elements)

    def build(self, site: Site) -> nn.Module:
        from .layers import AxialAttentionModule

        return AxialAttentionModule(
            site.dims, site.x.channels, self.heads, norm=self.norm.build(site)
        )


@hookimpl
def archkit_components() -> dict[str, type[AxialAttention]]:
    return {"attention.axial": AxialAttention}


@hookimpl
def archkit_specs() -> list[Path]:
    return [Path(__file__).parent / "specs"]
