"""A block whose norm is modulated by the embedding."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveInt

from archkit import Activation, Block, Cost, Misfit, Norm, Op, PerAxis, Shape, Site, Slot

from .blocks import Share

if TYPE_CHECKING:
    from torch import nn


class Modulated(Block):
    """A norm that the embedding modulates, two convolutions, gated, added to the input.

    References:
        | Scalable Diffusion Models with Transformers (Peebles, Xie, 2023), adaLN-Zero; here around
          convolutions, as in azula
        | https://arxiv.org/abs/2212.09748
    """

    short, group = "Modulated", "resnet"
    type: Literal["modulated"] = "modulated"
    norm: Annotated[Norm, Slot("norm")] = Field(
        {"type": "layer", "affine": False, "unbiased": True}, validate_default=True
    )
    """The norm; the embedding scales and shifts what comes out of it."""
    activation: Annotated[Activation, Slot("activation")] = Field("silu", validate_default=True)
    """The activation between the convolutions, and between the layers that the embedding passes."""
    kernel: PerAxis = 3
    """Size of both convolutions: one number, or one for each axis; odd."""
    expansion: PositiveInt = 1
    """Channels between the convolutions, as a multiple of those of the trunk."""
    dropout: Share = 0.0
    """Share of values dropped before the second convolution, while training."""

    def reads(self, site: Site) -> tuple[str, ...]:
        return ("x",) if site.embedding is None else ("x", "embedding")

    def infer(self, site: Site) -> Shape:
        if site.x.channels != site.width:
            raise Misfit(
                f"a `modulated` block can't turn {site.x.channels} channels into {site.width}",
                "let the pooling do it (`width: next`), and the skip (`fuse: 3`)",
                code="block-width",
            )
        for k in site.per_axis(self.kernel, "kernel"):
            if k % 2 == 0:
                what = f"a kernel of {k} can't keep the size"
                raise Misfit(what, f"use {k - 1} or {k + 1}", option=("kernel",))
        try:
            self.norm.infer(site)
        except Misfit as misfit:
            raise misfit.under("norm") from None
        return site.x

    def cost(self, site: Site) -> Cost | None:
        channels, x, wide = site.x.channels, site.x, self.expansion * site.x.channels
        kernels, middle = site.per_axis(self.kernel, "kernel"), x.with_channels(wide)
        norm, activation = self.norm.cost(site), self.activation.cost(site.at(wide))
        told = self._modulation(site)
        if norm is None or activation is None or told is None:
            return None
        scaled = Cost.made(x.elements, keeps="x", saved=channels, spare=channels)
        branch = (
            *(norm, scaled, Cost.convolution(channels, wide, kernel=kernels, out=middle)),
            *(activation, Cost.dropout(middle.elements) if self.dropout else Cost()),
            Cost.convolution(wide, channels, kernel=kernels, out=x)
            + Cost.made(x.elements, keeps="x"),
        )
        total = told
        for step in branch:
            total += step.holding(0 if site.embedding is None else 3 * channels)
        return total

    def _modulation(self, site: Site) -> Cost | None:
        """What makes the scale, the shift and the gate."""
        n, width = 3 * site.x.channels, site.embedding
        if width is None:
            return Cost(n)
        between = self.activation.cost(replace(site, x=Shape(width)))
        if between is None:
            return None
        layers = Cost.linear(width, width) + between + Cost.linear(width, n)
        return layers.aside("embedding") + Cost(saved=n)

    def inside(self, site: Site) -> tuple[Op, ...]:
        from archkit.builtin.insides import modulated

        return modulated(self, site)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.modulated import ModulatedBlock

        return ModulatedBlock(
            site.dims,
            site.x.channels,
            norm=self.norm.build(site),
            activation=lambda channels: self.activation.build(site.at(channels)),
            embedding=site.embedding,
            kernel=site.per_axis(self.kernel, "kernel"),
            expansion=self.expansion,
            dropout=self.dropout,
        )
