"""A block as the last node of the trunk."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from archkit import Block, Cost, Head, Op, Shape, Site, Slot

if TYPE_CHECKING:
    from torch import nn


class BlockHead(Head):
    """A block, the last one of the network, that leaves with the channels of the output.

    References:
        | Dance Diffusion (Evans, 2022)
        | https://github.com/Harmonai-org/sample-generator
    """

    group = "resnet"
    type: Literal["block"] = "block"
    block: Annotated[Block, Slot("block")] = Field("resnet", validate_default=True)
    """The block; that of the top if left out."""

    def reads(self, site: Site) -> tuple[str, ...]:
        return self.block.reads(self._inside(site))

    def infer(self, site: Site) -> Shape:
        return self.block.infer(self._inside(site))

    def cost(self, site: Site) -> Cost | None:
        return self.block.cost(self._inside(site))

    def caption(self, site: Site) -> str:
        return self.block.caption(self._inside(site))

    def inside(self, site: Site) -> tuple[Op, ...]:
        return self.block.inside(self._inside(site))

    def build(self, site: Site) -> nn.Module:
        return self.block.build(self._inside(site))

    def _inside(self, site: Site) -> Site:
        return replace(site, inner=site.x.channels)
