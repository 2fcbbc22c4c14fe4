"""Transformer layers that look inside each frame and across the frames in turn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt

from archkit import Attention, Cost, Norm, Op, Shape, Site, Slot

from .attention import Transformer, heads, normed, of_image
from .contexts import named, padded
from .temporal import forward, look

if TYPE_CHECKING:
    from torch import nn


class SpatioTemporalTransformer(Attention):
    """Transformer layers inside each frame, each blended with one across the frames.

    References:
        | Stable Video Diffusion: Scaling Latent Video Diffusion Models to Large Datasets
          (Blattmann et al., 2023)
        | https://arxiv.org/abs/2311.15127
    """

    short, group = "Spatio-temporal", "transformer"
    across: ClassVar[bool] = True
    dims: ClassVar[tuple[int, ...]] = (3,)
    type: Literal["spatio-temporal"] = "spatio-temporal"
    norm: Annotated[Norm, Slot("norm")] = Field(
        {"type": "group", "eps": 1e-6}, validate_default=True
    )
    """The norm before it, of each frame; by default the published one."""
    heads: PositiveInt | None = None
    """Number of heads; 8 where neither this nor `head_width` is given."""
    head_width: PositiveInt | None = None
    """Channels of a head, instead of `heads`."""
    depth: PositiveInt = 1
    """How many layers of either kind."""
    context: str | Annotated[tuple[str, ...], Field(strict=False)] | None = None
    """Names of the conditions to look at: all that are sequences if left out, ``none`` for
    self-attention alone."""
    feed_forward: PositiveInt = 4
    """Width of the feed-forwards, as a multiple of the channels."""
    zero_init: bool = True
    """Start as the identity: the last projection is zero."""

    def reads(self, site: Site) -> tuple[str, ...]:
        return self._inside().reads(site)

    def infer(self, site: Site) -> Shape:
        named(self.context, site)
        self._inside().looks_at(site)
        self.count(site)
        normed(self.norm, site.frame())
        return site.x

    def count(self, site: Site) -> int:
        """The number of heads."""
        return heads(self.heads, self.head_width, site.x.channels, otherwise=8)

    def _inside(self) -> Transformer:
        """The transformer whose layers those inside a frame are."""
        return Transformer(
            heads=self.heads,
            head_width=self.head_width,
            context=self.context,
            feed_forward=self.feed_forward,
        )

    def cost(self, site: Site) -> Cost | None:
        frame, frames = site.frame(), site.x.space[0]
        norm = self.norm.cost(frame)
        if norm is None:
            return None
        c, n = site.x.channels, site.x.positions
        names = self._inside().looks_at(site)
        told, held = (frames * site.told(words) for words in (names, padded(names, site)))
        held += frames * c
        total = (norm + of_image(frame.x, c)).each(frames, frame.dims)
        inside, mixed = self._layer(site)
        for _ in range(self.depth):  # what came before is gone when frames are looked across
            total = total + inside + mixed
        total += Cost.linear(c, c, tokens=n)
        total = (total + Cost.made(c * n)).holding(held)
        whole = (self._places(c, frames) + total) & Cost(1, saved=(told + 1) * self.depth)
        return replace(whole, reach={"x": (None,)})

    def _places(self, c: int, frames: int) -> Cost:
        """The numbers of the frames through an MLP."""
        first = Cost.linear(c, 4 * c, tokens=frames) + Cost.made(4 * c * frames, keeps="x")
        told = Cost.made(c * frames) + first + Cost.linear(4 * c, c, tokens=frames)
        return replace(told, out=None, reach={})

    def _layer(self, site: Site) -> tuple[Cost, Cost]:
        """A layer inside each frame; one across them, and the blend of both."""
        part, names, count = self._inside(), self._inside().looks_at(site), self.count(site)
        c, n, frames = site.x.channels, site.x.positions, site.x.space[0]
        inside = part.layer(site.frame()).each(frames, site.dims - 1)
        inside = replace(inside, keeps=inside.keeps - set(names))  # repeated, and kept so
        norm = Cost.norm(c, positions=n, statistics=2 * n)
        made, feed = Cost.made(c * n), forward(c, n, self.feed_forward, 0.0)
        across = (norm + feed + made) + (norm + look(c, site, count) + made)
        if names:
            across += norm + part.crossing(site, count) + made
        across += norm + feed + made
        # Both are kept: the share is learned by how they differ.
        mixed = made + made + across + Cost.made(c * n, keeps="x")
        return inside, replace(mixed, keeps=mixed.keeps | {"x"})

    def inside(self, site: Site) -> tuple[Op, ...]:
        from archkit.builtin.spatiotemporal_insides import transformer

        return transformer(self, site, self._inside().looks_at(site))

    def build(self, site: Site) -> nn.Module:
        from archkit.nn import spatiotemporal
        from archkit.nn.attention import TransformerLayer

        c, count = site.x.channels, self.count(site)
        contexts = tuple(site.contexts[name].channels for name in self._inside().looks_at(site))
        each = (c, count, contexts, self.feed_forward)
        return spatiotemporal.SpatioTemporalTransformer(
            c,
            [TransformerLayer(*each) for _ in range(self.depth)],
            [spatiotemporal.FrameLayer(*each) for _ in range(self.depth)],
            self.norm.build(site.frame()),
            self.zero_init,
        )
