"""A mapping network between the vectors of time and conditions and the embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from archkit import Condition, Cost, Embedding, Op, Route, Shape, Site, Tensor

from .attention import Share
from .norms import RMSNorm

if TYPE_CHECKING:
    from torch import nn


class Mapping(Embedding):
    """The sum of the vectors of time and conditions, through gated feed-forwards between norms.

    References:
        | A Style-Based Generator Architecture for Generative Adversarial Networks (Karras, Laine,
          Aila, 2019)
        | https://arxiv.org/abs/1812.04948
        | Scalable High-Resolution Pixel-Space Image Synthesis with Hourglass Diffusion
          Transformers (Crowson et al., 2024)
        | https://arxiv.org/abs/2401.11605
    """

    short = "Mapping"
    type: Literal["mapping"] = "mapping"
    depth: NonNegativeInt = 2
    """How many feed-forwards, each after a norm and added."""
    expansion: PositiveFloat = 3.0
    """Width of a feed-forward, as a multiple of that of the embedding."""
    eps: NonNegativeFloat = 1e-6
    """Added to the mean square in the norms."""
    dropout: Share = 0.0
    """Share of values dropped inside the feed-forwards, while training."""
    zero_init: bool = True
    """Start every feed-forward at zero."""

    def hidden(self, site: Site) -> int:
        """Width of a feed-forward."""
        return max(1, round(self.expansion * site.width))

    def infer(self, site: Site) -> Shape:
        return Shape(site.width)

    def cost(self, site: Site) -> Cost | None:
        from archkit.builtin.transformer_costs import gated

        c, wide = site.width, self.hidden(site)
        norm = RMSNorm(eps=self.eps).cost(site)
        dropout = Cost.dropout(wide) if self.dropout else Cost()
        forward = gated(c, wide, 1, Cost.made(wide, keeps="x"), dropout, bias=False)
        return norm + (norm + forward + Cost.made(c)) * self.depth + norm

    def inside(self, site: Site) -> tuple[Op, ...]:
        c, times = site.width, self.depth
        layer = (
            Op(f"RMSNorm · GEGLU {c} → {self.hidden(site)} → {c}", ("h",), "branch", repeat=times),
            Op("+", ("branch", "h"), "h", repeat=times),
        )
        return (Op("RMSNorm", name="h"), *(layer if times else ()), Op("RMSNorm", ("h",)))

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.mapping import Mapping

        return Mapping(
            site.width,
            self.depth,
            self.hidden(site),
            eps=self.eps,
            dropout=self.dropout,
            zero_init=self.zero_init,
        )


class Fourier(Condition):
    """A vector, as cosines and sines of random projections that stay, through a layer.

    Left out, it is a vector of zeros.

    References:
        | Fourier Features Let Networks Learn High Frequency Functions in Low Dimensional Domains
          (Tancik et al., 2020)
        | https://arxiv.org/abs/2006.10739
        | Elucidating the Design Space of Diffusion-Based Generative Models (Karras et al., 2022),
          appendix F.2, for the nine numbers of an augmentation
        | https://arxiv.org/abs/2206.00364
    """

    short, group = "Fourier", "vector"
    type: Literal["fourier"] = "fourier"
    channels: PositiveInt = 9
    """Numbers of the vector; nine tell how an image was augmented."""
    std: PositiveFloat = 1.0
    """Standard deviation of the projections."""
    bias: bool = True
    """Whether the layer has a bias."""
    into: Literal["embedding", "tokens"] = "embedding"
    """Where it goes: into the embedding, or before the tokens of a stem that makes some."""

    def route(self) -> Route:
        return self.into

    def takes(self, dims: int, space: tuple[int, ...]) -> Tensor:
        return Tensor((self.channels,), null=0)

    def infer(self, site: Site) -> Shape:
        return Shape(site.width)

    def cost(self, site: Site) -> Cost:
        waves, width = site.width // 2, site.width
        projected = Cost(0, self.channels * waves) + Cost.made(2 * waves, spare=3 * waves)
        return projected + Cost.linear(2 * waves, width, bias=self.bias)

    def caption(self, site: Site) -> str:
        return f"Fourier {self.channels} → {site.width}"

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.mapping import FourierVector

        return FourierVector(self.channels, site.width, self.std, self.bias)
