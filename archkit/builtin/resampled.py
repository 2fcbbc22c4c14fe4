"""What a network is told, as tokens and as one vector: Imagen's way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from archkit import Condition, Cost, Misfit, Op, Route, Shape, Site, Tensor

from .attention import heads
from .imagen_costs import gain, unit

if TYPE_CHECKING:
    from torch import nn


class Resampled(Condition):
    """A text (B, n, channels) of any length, as a fixed number of tokens that look at it.

    Tokens of zeros stand for those that a text lacks: a learned token replaces them. A text that
    is left out is nothing but these; it is what guidance goes away from, as ``negative``.

    References:
        | Photorealistic Text-to-Image Diffusion Models with Deep Language Understanding
          (Saharia et al., 2022), in the form of imagen-pytorch
        | https://arxiv.org/abs/2205.11487
        | Flamingo: a Visual Language Model for Few-Shot Learning (Alayrac et al., 2022)
        | https://arxiv.org/abs/2204.14198
    """

    short, group = "Resampler", "sequence"
    type: Literal["resampled"] = "resampled"
    channels: PositiveInt = 768
    """Channels of each token of the text."""
    tokens: PositiveInt = 256
    """How many tokens are looked at: a longer text is cut, a shorter one filled up."""
    width: PositiveInt = 512
    """Channels of each token that comes out."""
    depth: NonNegativeInt = 2
    """Layers of the resampler; with none, all tokens come out."""
    latents: PositiveInt = 32
    """How many tokens come out that are learned, and look at the text."""
    means: PositiveInt = 4
    """How many come out besides, made of the mean of the text, that look at it too."""
    heads: PositiveInt = 8
    """Number of heads."""
    inner: PositiveInt = 512
    """Channels of queries, keys and values, all heads together."""
    positions: PositiveInt = 512
    """How many places have a learned position; at least as many as tokens are looked at."""

    def route(self) -> Route:
        return "context"

    def takes(self, dims: int, space: tuple[int, ...]) -> Tensor:
        return Tensor((None, self.channels), null=0)

    def counted(self) -> int:
        return self.tokens

    def infer(self, site: Site) -> Shape:
        heads(self.heads, None, self.inner)
        if self.depth and self.positions < self.tokens:
            what = f"{self.tokens} tokens have more places than {self.positions}"
            raise Misfit(what, f"use `positions: {self.tokens}`", option=("positions",))
        return Shape(self.width, (self.latents + self.means if self.depth else self.tokens,))

    def cost(self, site: Site) -> Cost:
        n, m, w = site.x.positions, self.tokens, self.width
        told = Cost.made(2 * m, spare=site.x.elements)
        text = Cost.linear(site.x.channels, w, tokens=n) + Cost.made(m * w)
        filled = replace(Cost.made(m * w, saved=2 * m, spare=2 * m * w), parameters=m * w)
        total = (text & told) + filled
        return total + self._resampler() if self.depth else total

    def _resampler(self) -> Cost:
        m, w, count = self.tokens, self.width, self.latents + self.means
        mean = Cost.made(w) + gain(w, 1) + Cost.linear(w, self.means * w)
        latents = mean + replace(Cost.made(count * w), parameters=self.latents * w)
        placed = replace(Cost.made(m * w), parameters=self.positions * w, saved=m * w)
        forward = gain(w, count) + Cost.linear(w, 4 * w, tokens=count, bias=False)
        forward += Cost.made(4 * w * count, keeps="x") + gain(4 * w, count)
        forward += Cost.linear(4 * w, w, tokens=count, bias=False)
        added = Cost.made(w * count)
        layer = (self._attention() + added) + (forward + added)
        return latents + (replace(placed, out=None) + (layer * self.depth).holding(m * w))

    def _attention(self) -> Cost:
        m, w, wide, count = self.tokens, self.width, self.inner, self.latents + self.means
        head, keys = wide // self.heads, m + count
        # The text is kept once for all layers.
        norm = replace(Cost.norm(w, positions=m, statistics=2 * m), keeps=frozenset(), reach={})
        kv = norm + Cost.made(w * keys) + Cost.linear(w, 2 * wide, tokens=keys, bias=False)
        kv = kv + unit(self.heads * keys, head)
        q = Cost.linear(w, wide, tokens=count, bias=False) + unit(self.heads * count, head)
        look = Cost.attention(wide, queries=count, keys=keys, heads=self.heads)
        look += Cost.linear(wide, w, tokens=count, bias=False)
        look += Cost.norm(w, positions=count, statistics=2 * count)
        return Cost.norm(w, positions=count, statistics=2 * count) + ((q & kv) + look)

    def caption(self, site: Site) -> str:
        out = self.infer(site)
        return f"{self.short if self.depth else 'Linear'} {out.positions} × {out.channels}"

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.resampled import Resampled, Resampler

        resampler = None
        if self.depth:
            resampler = Resampler(
                self.width,
                self.heads,
                self.inner // self.heads,
                latents=self.latents,
                means=self.means,
                positions=self.positions,
                depth=self.depth,
            )
        return Resampled(site.x.channels, self.width, self.tokens, resampler)


class Averaged(Condition):
    """A sequence that joins the embedding: its mean, through a layer norm and an MLP.

    Of another condition it takes the tokens that are made there; where that is told nothing but
    zeros, a learned vector comes out.

    References:
        | Photorealistic Text-to-Image Diffusion Models with Deep Language Understanding
          (Saharia et al., 2022), in the form of imagen-pytorch
        | https://arxiv.org/abs/2205.11487
    """

    takes_made: ClassVar[bool] = True
    excuses: ClassVar[Mapping[str, str]] = {
        "gradients": "whether a text says anything at all is no number that could be learned"
    }

    short, group = "Mean", "sequence"
    type: Literal["averaged"] = "averaged"
    of: str | None = None
    """The condition whose tokens it takes; those of a sequence of its own if left out."""
    channels: PositiveInt = 768
    """Channels of each token of its own sequence."""
    tokens: PositiveInt = 77
    """How many tokens of its own sequence costs are counted with; any number runs."""

    def route(self) -> Route:
        return "embedding"

    def takes(self, dims: int, space: tuple[int, ...]) -> Tensor:
        return Tensor((None, self.channels), null=0)

    def source(self) -> str | None:
        return self.of

    def counted(self) -> int:
        return self.tokens

    def reads(self, site: Site) -> tuple[str, ...]:
        return ("x", "told")

    def infer(self, site: Site) -> Shape:
        if not site.x.space:
            what = "a vector has no mean as a sequence has"
            raise Misfit(what, "name a sequence, or use `projected`", option=("of",))
        return Shape(site.width)

    def cost(self, site: Site) -> Cost:
        c, width = site.x.channels, site.width
        norm = Cost.made(c) + Cost.norm(c, statistics=2)
        layers = Cost.linear(c, width) + Cost.made(width, keeps="x") + Cost.linear(width, width)
        return norm + layers + replace(Cost.made(width, saved=2), parameters=width)

    def caption(self, site: Site) -> str:
        return f"{self.short} · MLP {site.width}"

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.resampled import Averaged

        return Averaged(site.x.channels, site.width)


class Gathered(Condition):
    """What others have made, as one sequence: vectors become tokens; a layer norm for all.

    What it gathers is looked at through it alone. The time may be among them, by that name.

    References:
        | Photorealistic Text-to-Image Diffusion Models with Deep Language Understanding
          (Saharia et al., 2022), in the form of imagen-pytorch
        | https://arxiv.org/abs/2205.11487
    """

    short, group = "Tokens", "sequence"
    type: Literal["gathered"] = "gathered"
    of: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] = ("time",)
    """What it gathers: ``time``, and conditions that become vectors or sequences."""
    tokens: PositiveInt = 2
    """How many tokens each vector becomes."""
    width: PositiveInt | None = None
    """Channels of each token; those of the first sequence if left out, or of the first vector
    where there is none."""

    def route(self) -> Route:
        return "context"

    def takes(self, dims: int, space: tuple[int, ...]) -> Tensor:
        return Tensor(())

    def gathers(self) -> tuple[str, ...]:
        return self.of

    def reads(self, site: Site) -> tuple[str, ...]:
        return self.of

    def infer(self, site: Site) -> Shape:
        length, width = 0, self.wide(site)
        for name in self.of:
            shape = site.contexts[name]
            if shape.space and shape.channels != width:
                what = f"tokens of {shape.channels} channels can't join those of {width}"
                raise Misfit(what, "give all sequences one `width`", option=("of",))
            length += shape.positions if shape.space else self.tokens
        return Shape(width, (length,))

    def wide(self, site: Site) -> int:
        """Channels of each token."""
        shapes = [site.contexts[name] for name in self.of]
        sequences = [shape for shape in shapes if shape.space]
        return self.width or (sequences or shapes)[0].channels

    def cost(self, site: Site) -> Cost:
        out, total = self.infer(site), Cost(reach={})
        for name in self.of:
            shape = site.contexts[name]
            linear = Cost.linear(shape.channels, self.tokens * out.channels)
            total &= (Cost() if shape.space else linear).reading(name)
        norm = Cost.norm(out.channels, positions=out.positions, statistics=2 * out.positions)
        return total + (Cost.made(out.elements) + norm)

    def caption(self, site: Site) -> str:
        out = self.infer(site)
        return f"{out.positions} × {out.channels}"

    def inside(self, site: Site) -> tuple[Op, ...]:
        vectors = tuple(name for name in self.of if not site.contexts[name].space)
        sequences = tuple(name for name in self.of if name not in vectors)
        each = "Linear each" if len(vectors) > 1 else "Linear"
        linear = Op(f"{each} → {self.tokens} × {self.wide(site)}", vectors, "tokens")
        if not vectors:
            return (Op("concat", sequences), Op("LayerNorm"))
        return (linear, Op("concat", ("tokens", *sequences)), Op("LayerNorm"))

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.resampled import Gathered

        shapes = [site.contexts[name] for name in self.of]
        channels = [None if shape.space else shape.channels for shape in shapes]
        return Gathered(channels, self.wide(site), self.tokens)
