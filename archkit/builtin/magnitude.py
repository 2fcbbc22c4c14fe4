"""The block and the attention of EDM2, which keep magnitudes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from archkit import KEEP, Attention, Block, Cost, Misfit, Op, Shape, Site, SizeMap

from .attention import heads
from .blocks import Share

if TYPE_CHECKING:
    from torch import nn

    from archkit.nn.magnitude_blocks import Adding

Balance = Annotated[float, Field(gt=0, lt=1)]


class MagnitudeBlock(Block):
    """Two convolutions of unit weights, the embedding times what is between, added to the input.

    In the encoder the input is first brought to the width, and normalised in each position; in
    the decoder its 1×1 convolution is beside the branch. What resamples comes before all.

    References:
        | Analyzing and Improving the Training Dynamics of Diffusion Models (Karras et al., 2024)
        | https://arxiv.org/abs/2312.02696
    """

    resamples: ClassVar[bool] = True

    short, group = "Magnitude", "resnet"
    type: Literal["magnitude-preserving"] = "magnitude-preserving"
    kernel: PositiveInt = 3
    """Size of both convolutions along each axis; odd."""
    dropout: Share = 0.0
    """Share of values dropped before the second convolution, while training."""
    balance: Balance = 0.3
    """The share of the branch in the sum."""
    clip: PositiveFloat | None = 256.0
    """Bound of what comes out, so that it fits into half precision; null for none."""

    def reads(self, site: Site) -> tuple[str, ...]:
        return ("x",) if site.embedding is None else ("x", "embedding")

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        return site.resample.size_maps(site) if site.resample else (KEEP,) * site.dims

    def infer(self, site: Site) -> Shape:
        odd(self.kernel)
        return super().infer(site)

    def cost(self, site: Site) -> Cost | None:
        width, out = site.width, self.infer(site)
        resample = site.resample.cost(site.bared(site.x.channels)) if site.resample else Cost()
        if resample is None:
            return None
        x = out.with_channels(site.x.channels)
        shortcut = Cost() if x == out else convolved(x, out, 1)
        silu, twice = Cost.made(out.elements, keeps="x"), Cost.made(out.elements)
        enters = Cost()
        if self.encodes(site):
            enters = (shortcut + normed(x, out) if x != out else pixels(out)) 
            x = out
        vectors, told = self._told(site)
        first = Cost.made(x.elements, keeps="x") + raw(x, out, self.kernel) + told
        first += Cost.made(out.elements, keeps="x", saved=vectors)
        branch = first + silu + (Cost.dropout(out.elements) if self.dropout else Cost())
        branch += raw(out, out, self.kernel)
        return resample + (enters + branch + twice)

    def encodes(self, site: Site) -> bool:
        """Whether it is an encoder's."""
        return site.side == "encoder"

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.magnitude_blocks import Block

        resample, channels = site.resample, site.x.channels
        return Block(
            channels,
            site.width,
            (self.kernel,) * site.dims,
            adding(self),
            embedding=site.embedding,
            encodes=self.encodes(site),
            dropout=self.dropout,
            resample=resample.build(site.bared(channels)) if resample else None,
        )
