"""A skip that is blended into the trunk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from archkit import Cost, Misfit, Shape, Site, Skip

if TYPE_CHECKING:
    from torch import nn


class Lerp(Skip):
    """The trunk and the skip, blended: skip + share · (trunk − skip), with a learned share.

    References:
        | Scalable High-Resolution Pixel-Space Image Synthesis with Hourglass Diffusion
          Transformers (Crowson et al., 2024)
        | https://arxiv.org/abs/2401.11605
    """

    type: Literal["lerp"] = "lerp"
    share: float = 0.5
    """Of the trunk, at first."""

    def infer(self, site: Site) -> Shape:
        assert site.skip is not None
        if site.skip.space != site.x.space:
            raise Misfit(f"the trunk is {site.x} and the skip {site.skip}", code="size")
        if site.skip.channels != site.x.channels:
            raise Misfit(
                f"{site.skip.channels} channels can't be blended into {site.x.channels}",
                "let the upsampling bring the trunk to the width of the stage: `width: next`",
                code="skip-channels",
            )
        return site.x

    def cost(self, site: Site) -> Cost:
        both = Cost(1) & Cost().reading("skip")
        return both + Cost.made(site.x.elements, keeps="x skip")

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.skips import Lerp

        return Lerp(self.share)
