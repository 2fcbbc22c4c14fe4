"""Times and conditions as vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


def sinusoids(
    t: Tensor,
    channels: int,
    *,
    period: float = 10000.0,
    shift: float = 0.0,
    sin_first: bool = False,
) -> Tensor:
    """Sines and cosines of `t` (…) at geometric frequencies: (…, channels), in float32.

    References:
        | Attention Is All You Need (Vaswani et al., 2017), section 3.5
        | https://arxiv.org/abs/1706.03762

    Arguments:
        channels: How many features; an odd one gets a zero at its end.
        period: The longest period, over 2π.
        shift: Taken from the number of frequencies in the denominator of the exponent.
        sin_first: Sines before cosines.
    """
    half = channels // 2
    steps = torch.arange(half, dtype=torch.float32, device=t.device)
    frequencies = torch.exp(-math.log(period) * steps / (half - shift))
    angles = t.float()[..., None] * frequencies
    waves = (angles.sin(), angles.cos()) if sin_first else (angles.cos(), angles.sin())
    return functional.pad(torch.cat(waves, dim=-1), (0, channels % 2))


class Sinusoidal(nn.Module):
    """Sinusoids of a time, see `sinusoids`: (B,) → (B, channels)."""

    def __init__(
        self, channels: int, *, period: float, shift: float, scale: float, sin_first: bool
    ) -> None:
        super().__init__()
        self.channels, self.period, self.shift = channels, period, shift
        self.scale, self.sin_first = scale, sin_first

    def forward(self, t: Tensor) -> Tensor:
        t = t.float() * self.scale
        return sinusoids(
            t, self.channels, period=self.period, shift=self.shift, sin_first=self.sin_first
        )


class Fourier(nn.Module):
    """Cosines and sines of 2π·f·t at random frequencies that stay: (B,) → (B, channels).

    References:
        | Score-Based Generative Modeling through Stochastic Differential Equations
          (Song et al., 2021)
        | https://arxiv.org/abs/2011.13456
    """

    frequencies: Tensor

    def __init__(self, channels: int, *, std: float, scale: float, sin_first: bool) -> None:
        super().__init__()
        self.scale, self.sin_first = scale, sin_first
        self.register_buffer("frequencies", torch.randn(channels // 2) * std)

    def forward(self, t: Tensor) -> Tensor:
        angles = (2 * math.pi * self.scale) * t.float()[:, None] * self.frequencies.float()
        waves = (angles.sin(), angles.cos()) if self.sin_first else (angles.cos(), angles.sin())
        return torch.cat(waves, dim=1)


class LearnedFourier(nn.Module):
    """The time, then sines and cosines of 2π·f·t at learned frequencies: (B,) → (B, channels).

    References:
        | Learnable Fourier Features for Multi-Dimensional Spatial Positional Encoding
          (Li et al., 2021), in the form of denoising-diffusion-pytorch
        | https://arxiv.org/abs/2106.02795
    """

    def __init__(self, channels: int, *, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.frequencies = nn.Parameter(torch.randn((channels - 1) // 2))

    def forward(self, t: Tensor) -> Tensor:
        t = t.float()[:, None] * self.scale
        angles = (2 * math.pi) * t * self.frequencies.float()
        return torch.cat((t, angles.sin(), angles.cos()), dim=1)


class TimeEmbedding(nn.Module):
    """Features of the time, and linear layers, an activation between two: (B,) → (B, width).

    Arguments:
        features: The module that makes features of a time.
        widths: Of the features, and of what each layer makes.
        activation: Between two layers.
        bias: Whether they have one.
        then: What follows the last layer; None for nothing.
    """

    like: Tensor
    linear1: nn.Linear
    linear2: nn.Linear

    def __init__(
        self,
        features: nn.Module,
        widths: Sequence[int],
        activation: nn.Module | None = None,
        *,
        bias: bool = True,
        then: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.then = then
        self.features, self.activation, self.layers = features, activation, len(widths) - 1
        for i in range(self.layers):
            self.add_module(f"linear{i + 1}", nn.Linear(widths[i], widths[i + 1], bias=bias))
        # Tells the type of numbers; features are made in float32.
        self.register_buffer("like", torch.empty(0, device="cpu"), persistent=False)

    def forward(self, t: Tensor, *early: Tensor) -> Tensor:
        """The embedding of the times `t`; `early` vectors (B, channels) join the features."""
        # Weights of another type may have been assigned; they decide where there are any.
        like = self.linear1.weight if self.layers else self.like
        out: Tensor = self.features(t).to(like.dtype)
        for vector in early:
            out = out + vector
        if self.layers:
            out = self.linear1(out)
        if self.activation is not None:
            out = self.activation(out)
            out = self.linear2(out)
        return out if self.then is None else self.then(out)


class Label(nn.Module):
    """A vector for each class, and one for "not told": (B,) → (B, width).

    While training, a share `dropout` of the labels is replaced by the null class.

    References:
        | Classifier-Free Diffusion Guidance (Ho, Salimans, 2022)
        | https://arxiv.org/abs/2207.12598
    """

    def __init__(self, classes: int, width: int, dropout: float | None = None) -> None:
        super().__init__()
        self.classes, self.dropout = classes, dropout or 0.0
        self.table = nn.Embedding(classes + (dropout is not None), width)

    def forward(self, label: Tensor) -> Tensor:
        if self.training and self.dropout:
            dropped = torch.rand(label.shape, device=label.device) < self.dropout
            label = torch.where(dropped, self.classes, label)
        out: Tensor = self.table(label)
        return out


class OneHot(nn.Module):
    """A class as a one-hot vector, through a layer: (B,) → (B, width).

    The class after the last is "not told", a vector of zeros; while training, a share `dropout`
    of the labels is replaced by it.

    Arguments:
        classes: How many.
        layer: The layer; its weight tells the type of numbers.
        scale: What stands in the place of one.
        dropout: Share of the labels.
    """

    def __init__(
        self, classes: int, layer: nn.Module, scale: float, dropout: float | None = None
    ) -> None:
        super().__init__()
        self.classes, self.scale, self.dropout = classes, scale, dropout or 0.0
        self.layer = layer

    def forward(self, label: Tensor) -> Tensor:
        if self.training and self.dropout:
            dropped = torch.rand(label.shape, device=label.device) < self.dropout
            label = torch.where(dropped, self.classes, label)
        places = torch.arange(self.classes, device=label.device)
        weight: Tensor = self.layer.weight  # type: ignore[assignment]
        told = (label[:, None] == places).to(weight.dtype) * self.scale
        out: Tensor = self.layer(told)
        return out


class Vector(nn.Module):
    """A vector, the last of its numbers as sinusoids, through an MLP: (B, n) → (B, width).

    References:
        | SDXL: Improving Latent Diffusion Models for High-Resolution Image Synthesis
          (Podell et al., 2023), section 2.2
        | https://arxiv.org/abs/2307.01952

    Arguments:
        channels: Numbers that are taken as they are.
        sizes: Numbers after them, each of which becomes `size_width` sinusoids.
        width: What comes out.
        activation: Between the two layers; None for a single layer.
        bias: Whether the layers have one.
        bare: Whether there is no layer at all.
    """

    def __init__(
        self,
        channels: int,
        width: int,
        *,
        sizes: int = 0,
        size_width: int = 256,
        activation: nn.Module | None = None,
        bias: bool = True,
        bare: bool = False,
    ) -> None:
        super().__init__()
        self.channels, self.size_width, self.sizes = channels, size_width, sizes
        wide = channels + sizes * size_width
        self.linear1 = None if bare else nn.Linear(wide, width, bias=bias)
        self.activation = activation
        self.linear2 = nn.Linear(width, width, bias=bias) if activation is not None else None

    def forward(self, vector: Tensor) -> Tensor:
        if self.sizes:
            told, sizes = vector[:, : self.channels], vector[:, self.channels :]
            waves = sinusoids(sizes, self.size_width).flatten(1)
            vector = torch.cat((told, waves.to(told.dtype)), dim=1)
        if self.linear1 is None:
            return vector
        out: Tensor = self.linear1(vector)
        if self.linear2 is not None and self.activation is not None:
            out = self.activation(out)
            out = self.linear2(out)
        return out


class Tokens(nn.Module):
    """A sequence (B, tokens, channels) as it is."""

    def forward(self, sequence: Tensor) -> Tensor:
        return sequence


class JoinImage(nn.Module):
    """An image becomes more channels of the sample: (B, C, …), (B, c, …) → (B, C + c, …).

    Arguments:
        mode: How an image of another size is brought to that of the sample; None refuses.
    """

    def __init__(self, mode: str | None = None) -> None:
        super().__init__()
        self.mode = mode

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        return torch.cat((x, _sized(image, x, self.mode)), dim=1)


class AddImage(nn.Module):
    """An image is projected and added: (B, C, …), (B, c, …) → (B, C, …)."""

    def __init__(self, conv: nn.Module, mode: str | None = None) -> None:
        super().__init__()
        self.conv, self.mode = conv, mode

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        out: Tensor = x + self.conv(_sized(image, x, self.mode))
        return out


def _sized(image: Tensor, like: Tensor, mode: str | None) -> Tensor:
    if mode is None or image.shape[2:] == like.shape[2:]:
        return image
    return functional.interpolate(image, size=like.shape[2:], mode=mode)
