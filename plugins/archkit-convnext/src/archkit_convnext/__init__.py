"""ConvNeXt blocks for archkit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from archkit import Activation, Block, Cost, Inherited, Misfit, Norm, Shape, Site, Slot, hookimpl

if TYPE_CHECKING:
    from torch import nn

VECTORS = {"add": 1, "scale-shift": 2, "multiply": 1, "none": 0}


class ConvNeXt(Block):
    """A depthwise convolution, a norm, and a bottleneck turned inside out, added to the input.

    The time and the conditions enter at the norm. Where the width changes, the shortcut is a 1×1
    convolution.

    References:
        | A ConvNet for the 2020s (Liu, Mao, Wu, Feichtenhofer, Darrell, Xie, 2022)
        | https://arxiv.org/abs/2201.03545
    """

    type: Literal["convnext"] = "convnext"
    norm: Annotated[Norm, Slot("norm")] = Field(
        {"type": "layer", "eps": 1e-6}, validate_default=True
    )
    """The norm after the depthwise convolution."""
    activation: Annotated[Activation, Slot("activation")] = Field("gelu", validate_default=True)
    """The activation inside the bottleneck."""
    method: Annotated[Literal["add", "scale-shift", "multiply", "none"], Inherited()] = (
        "scale-shift"
    )
    """How the embedding enters, around the norm: ``add`` and ``multiply`` before it,
    ``scale-shift`` after it, or ``none``."""
    kernel: PositiveInt = 7
    """Size of the depthwise convolution along each axis; odd."""
    expansion: PositiveInt = 4
    """Width of the bottleneck, as a multiple of the block's width."""
    layer_scale: PositiveFloat | None = 1e-6
    """What each channel of the branch is multiplied with at first; it is learned; ``null``
    for no such scale."""

    def reads(self, site: Site) -> tuple[str, ...]:
        takes = self.method != "none" and site.embedding is not None
        return ("x", "embedding") if takes else ("x",)

    def infer(self, site: Site) -> Shape:
        if self.kernel % 2 == 0:
            raise Misfit(
                f"a kernel of {self.kernel} can't keep the size",
                f"use {self.kernel - 1} or {self.kernel + 1}",
                option=("kernel",),
            )
        try:
            self.norm.infer(site.at(site.x.channels))
        except Misfit as misfit:
            raise misfit.under("norm") from None
        return super().infer(site)

    def cost(self, site: Site) -> Cost | None:
        channels, hidden, out = site.x.channels, self.expansion * site.width, self.infer(site)
        norm = self.norm.cost(site.at(channels))
        if norm is None:
            return None
        total = norm + Cost.convolution(
            channels, channels, kernel=self.kernel, out=out, groups=channels
        )
        total += Cost.convolution(channels, hidden, kernel=1, out=out)
        total += Cost.convolution(hidden, site.width, kernel=1, out=out)
        if self.layer_scale is not None:
            total += Cost(parameters=site.width)
        if channels != site.width:
            total += Cost.convolution(channels, site.width, kernel=1, out=out)
        if "embedding" in self.reads(site):
            total += Cost.linear(site.embedding or 0, VECTORS[self.method] * channels)
        return total

    def build(self, site: Site) -> nn.Module:
        from .block import ConvNeXtBlock

        takes = "embedding" in self.reads(site)
        return ConvNeXtBlock(
            site.dims,
            site.x.channels,
            site.width,
            norm=self.norm.build(site.at(site.x.channels)),
            activation=self.activation.build(site),
            embedding=(self.method, site.embedding or 0) if takes else None,
            kernel=self.kernel,
            expansion=self.expansion,
            layer_scale=self.layer_scale,
        )


@hookimpl
def archkit_components() -> dict[str, type[ConvNeXt]]:
    return {"block.convnext": ConvNeXt}


@hookimpl
def archkit_specs() -> list[Path]:
    return [Path(__file__).parent / "specs"]
