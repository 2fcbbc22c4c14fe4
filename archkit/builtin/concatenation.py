"""Time and conditions beside one another, instead of their sum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from archkit import Activation, Cost, Embedding, Shape, Site, Slot

if TYPE_CHECKING:
    from torch import nn


class Concatenation(Embedding):
    """The vectors of time and conditions one after another, and an activation.

    A vector without layers (``layers: 0``) joins as it is; a label is as wide as the time.

    References:
        | Diffusion Policy: Visuomotor Policy Learning via Action Diffusion (Chi et al., 2023)
        | https://arxiv.org/abs/2303.04137
        | AudioLDM: Text-to-Audio Generation with Latent Diffusion Models (Liu et al., 2023)
        | https://arxiv.org/abs/2301.12503
    """

    short = "Concat"
    type: Literal["concat"] = "concat"
    activation: Annotated[Activation, Slot("activation")] = Field("silu", validate_default=True)
    """What is applied to all of it."""
    conditions: Literal["own", "time"] = "own"
    """How wide each condition comes: as many numbers as it is told, or as wide as the time
    (AudioLDM)."""

    def asks(self, own: int, time: int) -> int:
        return own if self.conditions == "own" else time

    def leaves(self, widths: Sequence[int]) -> int:
        return sum(widths)

    def infer(self, site: Site) -> Shape:
        return Shape(site.width)

    def cost(self, site: Site) -> Cost | None:
        activation = self.activation.cost(site.at(site.width, ()))
        return None if activation is None else Cost.made(site.width) + activation

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.concatenation import Concatenation

        return Concatenation(self.activation.build(site))
