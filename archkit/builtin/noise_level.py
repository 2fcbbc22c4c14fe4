"""A noise level beside the time, as a vector."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveInt

from archkit import Activation, Condition, Cost, Misfit, Op, Route, Shape, Site, Slot, Tensor

if TYPE_CHECKING:
    from torch import nn


class NoiseLevel(Condition):
    """A noise level (B,), such as that of a small image to be enlarged, told as the time is.

    It, and sines and cosines of it at learned frequencies, through a layer.

    References:
        | Cascaded Diffusion Models for High Fidelity Image Generation
          (Ho et al., 2021), section 4.2
        | https://arxiv.org/abs/2106.15282
    """

    short, group = "learned Fourier", "vector"
    type: Literal["noise-level"] = "noise-level"
    channels: PositiveInt = 17
    """Number of features; odd: the level itself, and as many sines as cosines."""
    then: Annotated[Activation, Slot("activation")] = Field("silu", validate_default=True)
    """What follows the layer."""

    def route(self) -> Route:
        return "embedding"

    def takes(self, dims: int, space: tuple[int, ...]) -> Tensor:
        return Tensor(())

    def infer(self, site: Site) -> Shape:
        if self.channels % 2 == 0:
            raise Misfit(
                f"{self.channels} features are not the level and as many sines as cosines",
                f"use `channels: {self.channels + 1}`",
                option=("channels",),
            )
        return Shape(site.width)

    def cost(self, site: Site) -> Cost | None:
        then, waves = self.then.cost(replace(site, x=Shape(site.width))), (self.channels - 1) // 2
        if then is None:
            return None
        # Of learned frequencies autograd keeps the angles, and the level itself.
        features = replace(Cost.made(self.channels, saved=waves + bool(waves)), parameters=waves)
        return features + Cost.linear(self.channels, site.width) + then

    def caption(self, site: Site) -> str:
        return f"{self.short} {self.channels} · Linear"

    def inside(self, site: Site) -> tuple[Op, ...]:
        linear = Op(f"Linear {self.channels} → {site.width}")
        return (Op(f"{self.short} {self.channels}"), linear, *self.then.steps(site))

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.embeddings import LearnedFourier, TimeEmbedding

        then = None if self.then.type == "none" else self.then.build(site.at(site.width))
        waves = LearnedFourier(self.channels, scale=1.0)
        return TimeEmbedding(waves, (self.channels, site.width), then=then)
