"""A class as a one-hot vector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveInt

from archkit import Condition, Cost, Misfit, Route, Shape, Site, Tensor

if TYPE_CHECKING:
    from torch import nn


class OneHot(Condition):
    """A class, as a one-hot vector through a linear layer; (B,) whole numbers.

    Unlike `label`, not to be told the class is a vector of zeros, with nothing to learn.

    References:
        | Elucidating the Design Space of Diffusion-Based Generative Models (Karras et al., 2022)
        | https://arxiv.org/abs/2206.00364
        | Analyzing and Improving the Training Dynamics of Diffusion Models (Karras et al., 2024),
          for weights that are normalised
        | https://arxiv.org/abs/2312.02696
    """

    short, group = "One-hot", "label"
    type: Literal["one-hot"] = "one-hot"
    classes: PositiveInt = 10
    """How many classes, numbered from 0."""
    scaled: bool = True
    """Whether the vector is multiplied with the square root of `classes`, which gives its numbers
    unit variance."""
    bias: bool = True
    """Whether the layer has a bias."""
    normalised: bool = False
    """Whether the rows of its weights count as unit vectors (EDM2)."""
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    """For guidance: zeros stand in where no label is given and, while training, for this share of
    the labels."""
    into: Literal["embedding", "time"] = "embedding"
    """Where it is added: to the embedding, or to the features of the time before their MLP."""

    def route(self) -> Route:
        return self.into

    def takes(self, dims: int, space: tuple[int, ...]) -> Tensor:
        return Tensor((), "int", self.classes if self.dropout is not None else None)

    def infer(self, site: Site) -> Shape:
        if self.normalised and self.bias:
            what = "weights that are normalised stand without a bias"
            raise Misfit(what, "say `bias: false`", option=("bias",))
        return Shape(site.width)

    def cost(self, site: Site) -> Cost:
        told = Cost.made(self.classes)
        layer = Cost.linear(self.classes, site.width, bias=self.bias)
        scaled = Cost.made(site.width, keeps="x") if self.normalised else Cost()
        return told + layer + scaled

    def caption(self, site: Site) -> str:
        return f"One-hot {self.classes} → {site.width}"

    def build(self, site: Site) -> nn.Module:
        from torch import nn

        from archkit.nn.embeddings import OneHot
        from archkit.nn.magnitude import Normalised

        layer: nn.Module = Normalised(self.classes, site.width)
        if not self.normalised:
            layer = nn.Linear(self.classes, site.width, bias=self.bias)
        return OneHot(self.classes, layer, self.classes**0.5 if self.scaled else 1.0, self.dropout)
