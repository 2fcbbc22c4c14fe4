"""Time: how it becomes a vector, and how all vectors become one embedding."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from archkit import (
    Activation,
    Cost,
    Embedding,
    Misfit,
    Number,
    Op,
    Route,
    Shape,
    Site,
    Slot,
    Time,
)

if TYPE_CHECKING:
    from torch import nn


class _Features(Time):
    """Features of the time, then linear, activation, linear."""

    channels: PositiveInt | None = None
    """Number of features; the width of the stem if left out."""
    width: PositiveInt | None = None
    """Width of the embedding; four times that of the stem if left out."""
    hidden: PositiveInt | None = None
    """Width between the two layers; that of the embedding if left out."""
    scale: Number = 1.0
    """What the time is multiplied with first."""
    activation: Annotated[Activation, Slot("activation")] = Field("silu", validate_default=True)
    """The activation between the two layers."""
    layers: Literal[0, 1, 2] = 2
    """Linear layers after the features; with none, the features are the embedding."""
    bias: bool = True
    """Whether the layers have a bias."""
    then: Annotated[Activation, Slot("activation")] = Field("none", validate_default=True)
    """What follows the last layer; ``silu`` in Imagen, where more layers follow elsewhere."""
    into: Literal["embedding", "tokens"] = "embedding"
    """Where it goes: into the embedding, or before the tokens of a stem that makes some."""

    def route(self) -> Route:
        return self.into

    def leaves(self, stem: int) -> int:
        if not self.layers:
            return self.features(stem)
        return self.width or (4 * stem if self.into == "embedding" else stem)

    def features(self, stem: int) -> int:
        return self.channels or stem

    def infer(self, site: Site) -> Shape:
        if self.layers == 0 and self.then.type != "none":
            what, mend = "`then` follows a layer, and there is none", "say `layers: 1`"
            raise Misfit(what, mend, option=("then",))
        if self.layers == 0 and self.width not in (None, site.x.channels):
            raise Misfit(
                f"{site.x.channels} features can't become {self.width} without a layer",
                "leave `width` out, or say `layers: 2`",
                option=("width",),
            )
        return Shape(site.width)

    def cost(self, site: Site) -> Cost | None:
        channels, width = site.x.channels, site.width
        hidden = self.hidden or width
        activation = self.activation.cost(replace(site, x=Shape(hidden)))
        then = self.then.cost(replace(site, x=Shape(width)))
        if activation is None or then is None:
            return None
        learned = self.learned(channels)
        # Learned frequencies: autograd keeps the angles, and the time itself.
        features = Cost.made(channels, saved=learned + bool(learned)) + Cost(learned)
        if self.layers == 0:
            return features
        if self.layers == 1:
            return features + Cost.linear(channels, width, bias=self.bias) + then
        first = Cost.linear(channels, hidden, bias=self.bias)
        second = Cost.linear(hidden, width, bias=self.bias)
        return features + first + activation + second + then

    def learned(self, channels: int) -> int:
        """Parameters of the features themselves."""
        return 0

    @abstractmethod
    def module(self, channels: int, clock: float) -> Any:
        """The module that makes so many features of a time."""

    def caption(self, site: Site) -> str:
        mlp = ("", f" · Linear {site.width}", f" · MLP {site.width}")[self.layers]
        return f"{self.short} {site.x.channels}{mlp}"

    def inside(self, site: Site) -> tuple[Op, ...]:
        channels, hidden = site.x.channels, self.hidden or site.width
        waves = Op(f"{self.short} {channels}", self.reads(site))
        then = self.then.steps(site)
        if self.layers < 2:
            return (waves, *(Op(f"Linear {channels} → {site.width}"),) * self.layers, *then)
        return (
            waves,
            Op(f"Linear {channels} → {hidden}"),
            *self.activation.steps(site),
            Op(f"Linear {hidden} → {site.width}"),
            *then,
        )

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.embeddings import TimeEmbedding

        features = self.module(site.x.channels, site.clock)
        widths = (site.x.channels, self.hidden or site.width, site.width)
        return TimeEmbedding(
            features,
            widths if self.layers == 2 else (site.x.channels, site.width)[: 1 + self.layers],
            self.activation.build(site) if self.layers == 2 else None,
            bias=self.bias,
            then=None if self.then.type == "none" else self.then.build(site.at(site.width)),
        )


class Sinusoidal(_Features):
    """Sines and cosines of the time at geometric frequencies, through an MLP.

    The time is that of the path: a step (0 to 999), or for `velocity` a thousand times t.

    References:
        | Denoising Diffusion Probabilistic Models (Ho, Jain, Abbeel, 2020), appendix B
        | https://arxiv.org/abs/2006.11239
    """

    short = "sin/cos"
    type: Literal["sinusoidal"] = "sinusoidal"
    order: Literal["cos-sin", "sin-cos"] = "cos-sin"
    """Which half comes first: cosines (improved DDPM) or sines (DDPM)."""
    shift: NonNegativeFloat = 0.0
    """Taken from the number of frequencies in the exponent: 1 in DDPM, 0 in improved DDPM."""
    period: PositiveFloat = 10000.0
    """The longest period, over 2π."""

    def infer(self, site: Site) -> Shape:
        if site.x.channels // 2 <= self.shift:
            raise Misfit(
                f"{site.x.channels} features are too few for a `shift` of {self.shift:g}",
                "give it more `channels`",
                option=("channels",),
            )
        return super().infer(site)

    def module(self, channels: int, clock: float) -> Any:
        from archkit.nn.embeddings import Sinusoidal

        return Sinusoidal(
            channels,
            period=self.period,
            shift=self.shift,
            scale=self.scale * clock,
            sin_first=self.order == "sin-cos",
        )


class Fourier(_Features):
    """Cosines and sines of the time at random frequencies that stay, through an MLP.

    References:
        | Score-Based Generative Modeling through Stochastic Differential Equations
          (Song et al., 2021)
        | https://arxiv.org/abs/2011.13456
    """

    short = "Fourier"
    type: Literal["fourier"] = "fourier"
    std: PositiveFloat = 16.0
    """Standard deviation of the frequencies."""
    order: Literal["cos-sin", "sin-cos"] = "cos-sin"
    """Which half comes first."""

    def infer(self, site: Site) -> Shape:
        if site.x.channels % 2:
            raise Misfit(
                f"{site.x.channels} features are not as many sines as cosines",
                f"use `channels: {site.x.channels + 1}`",
                option=("channels",),
            )
        return super().infer(site)

    def module(self, channels: int, clock: float) -> Any:
        from archkit.nn.embeddings import Fourier

        sin_first = self.order == "sin-cos"
        return Fourier(channels, std=self.std, scale=self.scale, sin_first=sin_first)


class Learned(_Features):
    """The time, and sines and cosines of it at learned frequencies, through an MLP.

    References:
        | Learnable Fourier Features for Multi-Dimensional Spatial Positional Encoding
          (Li et al., 2021)
        | https://arxiv.org/abs/2106.02795
    """

    short = "learned Fourier"
    type: Literal["learned"] = "learned"

    def features(self, stem: int) -> int:
        return self.channels or 2 * (stem // 2) + 1

    def infer(self, site: Site) -> Shape:
        if site.x.channels % 2 == 0:
            raise Misfit(
                f"{site.x.channels} features are not the time and as many sines as cosines",
                f"use `channels: {site.x.channels + 1}`",
                option=("channels",),
            )
        return super().infer(site)

    def learned(self, channels: int) -> int:
        return (channels - 1) // 2

    def module(self, channels: int, clock: float) -> Any:
        from archkit.nn.embeddings import LearnedFourier

        return LearnedFourier(channels, scale=self.scale)


class NoTime(Time):
    """The network is not told the time; the model takes no t."""

    type: Literal["none"] = "none"
    width: PositiveInt | None = None
    """Width of the embedding of conditions; four times that of the stem if left out."""

    def leaves(self, stem: int) -> int:
        return self.width or 4 * stem

    def reads(self, site: Site) -> tuple[str, ...]:
        return ()


class Sum(Embedding):
    """The sum of the vectors of time and conditions, and an activation.

    Published networks apply the activation in every block; the numbers are the same.
    """

    type: Literal["sum"] = "sum"
    activation: Annotated[Activation, Slot("activation")] = Field("silu", validate_default=True)
    """What is applied to the sum; ``none`` in k-diffusion."""
    layers: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Which of the vectors, the ``time`` or conditions, pass a linear layer of their own first
    (Imagen)."""

    def infer(self, site: Site) -> Shape:
        for name in self.layers:
            if name not in site.contexts:
                known = ", ".join(f"`{each}`" for each in site.contexts)
                what = f"no vector that is summed is called `{name}`"
                raise Misfit(what, f"there are {known}", option=("layers",))
        return Shape(site.width)

    def cost(self, site: Site) -> Cost | None:
        activation = self.activation.cost(site)
        if activation is None or not self.layers:
            return activation
        linear = Cost.linear(site.width, site.width)
        return reduce(Cost.__and__, (linear,) * len(self.layers)) + activation

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.sums import Sum

        names = [name if name in self.layers else None for name in site.contexts]
        return Sum(self.activation.build(site), site.width, names if self.layers else ())
