"""An attention gate for skips: its options, and what it is on paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from archkit import Cost, Misfit, Shape, Site, Skip, hookimpl
from pydantic import PositiveInt

if TYPE_CHECKING:
    from torch import nn


class AttentionGate(Skip):
    """What the skip brings is weighed, value by value, by what trunk and skip make of each other.

    References:
        | Attention Gated Networks: Learning to Leverage Salient Regions in Medical Images
          (Schlemper, Oktay, Schaap, Heinrich, Kainz, Glocker, Rueckert, 2019)
        | https://arxiv.org/abs/1808.08114
    """

    type: Literal["attention-gate"] = "attention-gate"
    weighs: Literal["channels", "positions"] = "channels"
    """One weight for each value of the skip, or for all channels of a position together."""
    reduction: PositiveInt = 2
    """How many times narrower than the skip the gate is inside."""
    then: Literal["concat", "add"] = "concat"
    """What happens to the weighed skip: it is put behind the trunk, or added to it."""

    def leaves(self, site: Site) -> int:
        skip = site.skip.channels if site.skip and self.then == "concat" else 0
        return site.x.channels + skip

    def hidden(self, skip: int) -> int:
        """Width of the gate inside."""
        return max(1, skip // self.reduction)

    def weights(self, skip: int) -> int:
        """Weights at each position."""
        return skip if self.weighs == "channels" else 1

    def infer(self, site: Site) -> Shape:
        skip = _skip(site)
        if skip.space != site.x.space:
            raise Misfit(
                f"a skip of {skip} does not meet a trunk of {site.x}",
                "choose sizes that every pooling divides",
            )
        if self.then == "add" and skip.channels != site.x.channels:
            raise Misfit(
                f"{skip.channels} channels of the skip can't be added to {site.x.channels}",
                "use `then: concat`, or stages of equal width",
                option=("then",),
            )
        return site.x.with_channels(self.leaves(site))

    def cost(self, site: Site) -> Cost:
        skip, x = _skip(site), site.x
        hidden, weights = self.hidden(skip.channels), self.weights(skip.channels)
        wide = x.with_channels(hidden)
        seen = Cost.convolution(x.channels, hidden, kernel=1, out=wide)
        kept = Cost.convolution(skip.channels, hidden, kernel=1, out=wide, bias=False)
        gate = (seen & kept.reading("skip")) + Cost.made(wide.elements, keeps="out")
        gate += Cost.convolution(hidden, weights, kernel=1, out=x.with_channels(weights))
        gate += Cost.made(weights * x.positions, keeps="out")
        weighed = gate + Cost.made(skip.elements, keeps="x")
        return (Cost() & weighed) + Cost.made(self.infer(site).elements)

    def build(self, site: Site) -> nn.Module:
        from .layers import AttentionGateModule

        skip = _skip(site).channels
        return AttentionGateModule(
            site.dims,
            site.x.channels,
            skip,
            hidden=self.hidden(skip),
            weights=self.weights(skip),
            add=self.then == "add",
        )


def _skip(site: Site) -> Shape:
    if site.skip is None:
        raise Misfit("there is no skip here to be gated")
    return site.skip


@hookimpl
def archkit_components() -> dict[str, type[AttentionGate]]:
    return {"skip.attention-gate": AttentionGate}


@hookimpl
def archkit_specs() -> list[Path]:
    return [Path(__file__).parent / "specs"]
