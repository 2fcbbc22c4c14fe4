"""A Mamba block: its options, and what it is on paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from archkit import Block, Cost, Misfit, Norm, Shape, Site, Slot, hookimpl
from pydantic import Field, PositiveInt

if TYPE_CHECKING:
    from torch import nn


class Mamba(Block):
    """A selective state space along the positions, added to the input; the embedding joins first.

    Positions are read row by row, forwards and, with the same weights, backwards. Where the width
    changes, the shortcut is a 1×1 convolution.

    References:
        | Mamba: Linear-Time Sequence Modeling with Selective State Spaces (Gu, Dao, 2023)
        | https://arxiv.org/abs/2312.00752
        | Vision Mamba: Efficient Visual Representation Learning with Bidirectional State Space
          Model (Zhu et al., 2024), for both directions
        | https://arxiv.org/abs/2401.09417
    """

    type: Literal["mamba"] = "mamba"
    norm: Annotated[Norm, Slot("norm")] = Field(
        {"type": "layer", "eps": 1e-5}, validate_default=True
    )
    """The norm before it."""
    state: PositiveInt = 16
    """Numbers that each channel remembers."""
    expansion: PositiveInt = 2
    """Width inside, as a multiple of the channels that leave."""
    kernel: PositiveInt = 4
    """Size of the causal convolution before the state space."""
    directions: Literal[1, 2] = 2
    """Whether positions are read forwards alone, or backwards too."""

    def reads(self, site: Site) -> tuple[str, ...]:
        return ("x",) if site.embedding is None else ("x", "embedding")

    def infer(self, site: Site) -> Shape:
        try:
            self.norm.infer(site.at(site.x.channels))
        except Misfit as misfit:
            raise misfit.under("norm") from None
        return super().infer(site)

    def cost(self, site: Site) -> Cost | None:
        channels, width, positions = site.x.channels, site.width, site.x.positions
        inner, rank = self.expansion * width, _rank(width)
        norm = self.norm.cost(site.at(channels))
        if norm is None:
            return None
        seen = Cost.linear(channels, 2 * inner, tokens=positions, bias=False)
        line = Cost.convolution(
            inner, inner, kernel=self.kernel, out=Shape(inner, (positions,)), groups=inner
        )
        steps = Cost.linear(inner, rank + 2 * self.state, tokens=positions, bias=False)
        steps += Cost.linear(rank, inner, tokens=positions)
        way = Cost(line.parameters, line.macs * self.directions, reach={"x": (None,)})
        way += Cost(steps.parameters, steps.macs * self.directions)
        way += Cost(inner * self.state + inner)
        total = norm + seen + way + Cost.linear(inner, width, tokens=positions, bias=False)
        if site.embedding is not None:
            total &= Cost.linear(site.embedding, channels).aside("embedding")
        if channels != width:
            total &= Cost.convolution(channels, width, kernel=1, out=self.infer(site))
        return total + Cost.made(self.infer(site).elements)

    def build(self, site: Site) -> nn.Module:
        from .layers import MambaModule

        return MambaModule(
            site.dims,
            site.x.channels,
            site.width,
            norm=self.norm.build(site.at(site.x.channels)),
            embedding=site.embedding,
            inner=(self.expansion * site.width, self.state, _rank(site.width)),
            kernel=self.kernel,
            both=self.directions == 2,
        )


def _rank(width: int) -> int:
    """Numbers that the step size of each position is made of."""
    return -(-width // 16)


@hookimpl
def archkit_components() -> dict[str, type[Mamba]]:
    return {"block.mamba": Mamba}


@hookimpl
def archkit_specs() -> list[Path]:
    return [Path(__file__).parent / "specs"]
