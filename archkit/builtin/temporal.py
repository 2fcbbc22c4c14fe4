"""Attention across the frames of a video."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt

from archkit import Attention, Cost, Misfit, Norm, Op, Shape, Site, Slot, Window

from .attention import Share, heads, normed

if TYPE_CHECKING:
    from torch import nn


class TemporalAttention(Attention):
    """Transformer layers on the frames at each position alone.

    References:
        | AnimateDiff: Animate Your Personalized Text-to-Image Diffusion Models without Specific
          Tuning (Guo et al., 2023), for the numbers of frames
        | https://arxiv.org/abs/2307.04725
        | ModelScope Text-to-Video Technical Report (Wang et al., 2023)
        | https://arxiv.org/abs/2308.06571
    """

    short, group = "Temporal attn", "transformer"
    across: ClassVar[bool] = True
    dims: ClassVar[tuple[int, ...]] = (3,)
    type: Literal["temporal"] = "temporal"
    norm: Annotated[Norm, Slot("norm")] = Field(
        {"type": "group", "eps": 1e-6}, validate_default=True
    )
    """The norm before it, over all frames; by default the published one."""
    heads: PositiveInt | None = None
    """Number of heads; 8 where neither this nor `head_width` is given."""
    head_width: PositiveInt | None = None
    """Channels of a head, instead of `heads`."""
    width: PositiveInt | None = None
    """Channels of the tokens, all heads together; those of the trunk if left out."""
    depth: PositiveInt = 1
    """How many layers."""
    looks: PositiveInt = 2
    """How many self-attentions a layer has."""
    positions: Literal["none", "sinusoidal"] = "none"
    """Whether the number of each frame is told, as sines and cosines, before each look."""
    feed_forward: PositiveInt = 4
    """Width of the feed-forward, as a multiple of that of the tokens."""
    dropout: Share = 0.0
    """Share of values dropped inside the feed-forward, while training."""
    zero_init: bool = True
    """Start as the identity: the last projection is zero."""

    def infer(self, site: Site) -> Shape:
        self.count(site)
        if self.positions == "sinusoidal" and self.wide(site) % 2:
            what = f"{self.wide(site)} channels are not made of sines and cosines"
            raise Misfit(what, "use an even `width`", option=("positions",))
        normed(self.norm, site)
        return site.x

    def wide(self, site: Site) -> int:
        """Channels of the tokens."""
        return self.width or site.x.channels

    def count(self, site: Site) -> int:
        """The number of heads."""
        return heads(self.heads, self.head_width, self.wide(site), otherwise=8)

    def cost(self, site: Site) -> Cost | None:
        norm = self.norm.cost(site)
        if norm is None:
            return None
        x, wide, n = site.x, self.wide(site), site.x.positions
        told = wide * x.space[0] * (self.positions == "sinusoidal")
        layers = (layer(self, site) * self.depth).holding(told)
        enter = Cost.made(x.elements) + Cost.linear(x.channels, wide, tokens=n)
        leave = Cost.linear(wide, x.channels, tokens=n).holding(told)
        laid, added = Cost.made(x.elements), Cost.made(x.elements).holding(told)
        total = laid + norm + enter + layers + leave + added
        return replace(total, reach={"x": (along(site),)})

    def inside(self, site: Site) -> tuple[Op, ...]:
        c, wide, times = site.x.channels, self.wide(site), self.depth
        told = f"{self.count(site)} heads"
        told += ", numbered" if self.positions == "sinusoidal" else ""
        look = Op(f"LayerNorm · attention of frames, {told}", ("h",), "look", "attention", times)
        forward = f"LayerNorm · GEGLU {wide} → {self.feed_forward * wide} → {wide}"
        return (
            *self.norm.steps(site),
            Op(f"Linear · {c} → {wide}", name="h"),
            *(look, Op("+", ("look", "h"), "h", repeat=times)) * self.looks,
            Op(forward, ("h",), "feed-forward", repeat=times),
            Op("+", ("feed-forward", "h"), "h", repeat=times),
            Op(f"Linear · {wide} → {c}", name="branch"),
            Op("+", ("branch", "x")),
        )

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.temporal import TemporalLayer, TemporalTransformer

        wide, count = self.wide(site), self.count(site)
        layers = [
            TemporalLayer(wide, count, self.looks, self.feed_forward, self.dropout)
            for _ in range(self.depth)
        ]
        return TemporalTransformer(
            site.x.channels,
            wide,
            layers,
            self.norm.build(site),
            told=self.positions == "sinusoidal",
            zero_init=self.zero_init,
        )


def along(site: Site) -> tuple[Window, ...]:
    """All frames, at one position."""
    return (Window.whole(), *(Window(),) * (site.dims - 1))


def layer(part: TemporalAttention, site: Site) -> Cost:
    """One layer: self-attention a few times, and a feed-forward."""
    c, n, told = part.wide(site), site.x.positions, part.positions == "sinusoidal"
    norm = Cost.norm(c, positions=n, statistics=2 * n)
    added = Cost.made(c * n)
    one = look(c, site, part.count(site))
    looks = (norm + (added + one if told else one) + added) * part.looks
    return looks + (norm + forward(c, n, part.feed_forward, part.dropout) + added)


def look(channels: int, site: Site, count: int) -> Cost:
    """A self-attention of the frames at each position."""
    frames, n = site.x.space[0], site.x.positions
    rows = Cost.attention(channels, queries=frames, keys=frames, heads=count)
    attention = rows.each(n // frames, 1) + Cost.linear(channels, channels, tokens=n)
    return Cost.linear(channels, 3 * channels, tokens=n, bias=False) + attention


def forward(channels: int, tokens: int, times: int, dropout: float) -> Cost:
    """GEGLU, without its norm."""
    inner = times * channels * tokens
    gate = Cost.made(inner, keeps="x") + Cost.made(inner, keeps="x")
    gate += Cost.dropout(inner) if dropout else Cost()
    down = Cost.linear(times * channels, channels, tokens=tokens)
    return Cost.linear(channels, 2 * times * channels, tokens=tokens) + (gate + down)
