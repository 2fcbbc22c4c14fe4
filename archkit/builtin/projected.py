"""Conditions that turn a sequence into a vector, or a vector into a sequence.

Each may take the tensor of another condition, which is then told once and read twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import PositiveInt

from archkit import Condition, Cost, Misfit, Op, Route, Shape, Site, Tensor, near_divisor

from .attention import heads
from .contexts import looking, past_padding

if TYPE_CHECKING:
    from torch import nn


class Projected(Condition):
    """A vector, through a layer and a layer norm, that joins the embedding or becomes tokens.

    References:
        | Kandinsky: an Improved Text-to-Image Synthesis with Image Prior and Latent Diffusion
          (Razzhigaev et al., 2023), version 2.2
        | https://arxiv.org/abs/2310.03502
    """

    short, group = "Projected", "vector"
    type: Literal["projected"] = "projected"
    of: str | None = None
    """The condition whose vector it takes; one of its own if left out."""
    channels: PositiveInt = 768
    """Numbers of its own vector."""
    tokens: PositiveInt | None = None
    """How many tokens it becomes, for attention to look at; none, and it joins the embedding."""
    width: PositiveInt = 768
    """Channels of each token; what joins the embedding is as wide as that."""

    def route(self) -> Route:
        return "context" if self.tokens else "embedding"

    def takes(self, dims: int, space: tuple[int, ...]) -> Tensor:
        return Tensor((self.channels,))

    def source(self) -> str | None:
        return self.of

    def infer(self, site: Site) -> Shape:
        if site.x.space:
            what = "a sequence can't be projected as if it were a vector"
            raise Misfit(what, "name a vector, or use `pooled`", option=("of",))
        return Shape(self.width, (self.tokens,)) if self.tokens else Shape(site.width)

    def cost(self, site: Site) -> Cost:
        out = self.infer(site)
        m = out.positions
        norm = Cost.norm(out.channels, positions=m, statistics=2 * m)
        return Cost.linear(site.x.channels, out.elements) + norm

    def caption(self, site: Site) -> str:
        tokens = f"{self.tokens} × " if self.tokens else ""
        return f"Linear {site.x.channels} → {tokens}{self.infer(site).channels} · LayerNorm"

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.projected import Projected

        return Projected(site.x.channels, self.infer(site).channels, self.tokens)


class Pooled(Condition):
    """A sequence that joins the embedding, as what its mean sees in it.

    References:
        | Learning Transferable Visual Models From Natural Language Supervision (Radford et al.,
          2021), in the form of DeepFloyd IF
        | https://arxiv.org/abs/2103.00020
    """

    short, group = "Attention pool", "sequence"
    type: Literal["pooled"] = "pooled"
    of: str | None = None
    """The condition whose sequence it takes; one of its own if left out."""
    channels: PositiveInt = 768
    """Channels of each token of its own sequence."""
    tokens: PositiveInt = 77
    """How many tokens of its own sequence costs are counted with; any number runs."""
    heads: PositiveInt = 1
    """Number of heads."""

    def route(self) -> Route:
        return "embedding"

    def takes(self, dims: int, space: tuple[int, ...]) -> Tensor:
        return Tensor((None, self.channels))

    def source(self) -> str | None:
        return self.of

    def counted(self) -> int:
        return self.tokens

    def infer(self, site: Site) -> Shape:
        if not site.x.space:
            what = "a vector can't be pooled as if it were a sequence"
            raise Misfit(what, "name a sequence, or use `projected`", option=("of",))
        if site.x.channels % self.heads:
            fewer = near_divisor(self.heads, site.x.channels)
            what = f"`heads: {self.heads}` does not divide {site.x.channels} channels"
            raise Misfit(what, f"use `heads: {fewer}`", code="heads", option=("heads",))
        return Shape(site.width)

    def cost(self, site: Site) -> Cost:
        c, m = site.x.channels, site.x.positions
        norm = Cost.norm(c, positions=m, statistics=2 * m)
        mean = Cost(c) + Cost.made(c, spare=c)
        joined = Cost.made(c * (m + 1)) + Cost.linear(c, 2 * c, tokens=m + 1)
        look = Cost.attention(c, queries=1, keys=m + 1, heads=self.heads)
        out = Cost.linear(c, site.width) + Cost.norm(site.width, statistics=2)
        both = (Cost.linear(c, c) & joined).holding(c)
        return norm + mean.holding(0) + both.holding(0) + (look + out).holding(c * (m + 2))

    def caption(self, site: Site) -> str:
        return f"{self.short} · Linear {site.x.channels} → {site.width}"

    def inside(self, site: Site) -> tuple[Op, ...]:
        c = site.x.channels
        told = "1 head" if self.heads == 1 else f"{self.heads} heads"
        return (
            Op("LayerNorm", (self.of,) if self.of else (), "told"),
            Op("mean + learned", ("told",), "mean"),
            Op(f"keys, values {c} → 2 × {c}", ("told",), "keys"),
            Op(f"attention, {told}", ("mean", "keys"), group="attention"),
            Op(f"Linear {c} → {site.width}"),
            Op("LayerNorm"),
        )

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.projected import Pooled

        return Pooled(site.x.channels, site.width, self.heads)


class AttentionPooled(Condition):
    """A sequence that joins the embedding, as what its mean sees in it: no norms, no biases.

    Of another condition it takes what that makes: tokens that are already projected. The mean is of
    all of them, padding too, and looks past the padding.

    References:
        | Kandinsky 3.0 Technical Report (Arkhipkin et al., 2023)
        | https://arxiv.org/abs/2312.03511
    """

    takes_made: ClassVar[bool] = True

    short, group = "Attention pool", "sequence"
    type: Literal["attention-pooled"] = "attention-pooled"
    of: str | None = None
    """The condition whose tokens it takes; those of a sequence of its own if left out."""
    channels: PositiveInt = 768
    """Channels of each token of its own sequence."""
    tokens: PositiveInt = 77
    """How many tokens of its own sequence costs are counted with; any number runs."""
    heads: PositiveInt | None = None
    """Number of heads; one for every 64 channels of the embedding where neither this nor
    `head_width` is given."""
    head_width: PositiveInt | None = None
    """Channels of a head, instead of `heads`."""

    def route(self) -> Route:
        return "embedding"

    def takes(self, dims: int, space: tuple[int, ...]) -> Tensor:
        return Tensor((None, self.channels))

    def source(self) -> str | None:
        return self.of

    def counted(self) -> int:
        return self.tokens

    def reads(self, site: Site) -> tuple[str, ...]:
        return ("x", *site.padding.values())

    def count(self, site: Site) -> int:
        """The number of heads."""
        usual = max(1, site.width // 64)
        return heads(self.heads, self.head_width, site.width, otherwise=usual)

    def infer(self, site: Site) -> Shape:
        if not site.x.space:
            what = "a vector can't be pooled as if it were a sequence"
            raise Misfit(what, "name a sequence, or use `projected`", option=("of",))
        self.count(site)
        return Shape(site.width)

    def cost(self, site: Site) -> Cost:
        c, m, width = site.x.channels, site.x.positions, site.width
        keys = Cost.linear(c, 2 * width, tokens=m, bias=False)
        mean = Cost.made(c) + Cost.linear(c, width, bias=False)
        look = Cost.attention(width, queries=1, keys=m, heads=self.count(site))
        look = past_padding(look, tuple(site.padding), site)
        return (keys & mean) + (look + Cost.linear(width, width, bias=False))

    def caption(self, site: Site) -> str:
        return f"{self.short} · {site.x.channels} → {site.width}"

    def inside(self, site: Site) -> tuple[Op, ...]:
        c, width, count = site.x.channels, site.width, self.count(site)
        told = "1 head" if count == 1 else f"{count} heads"
        reads = (self.of,) if self.of else ()
        look = Op(f"attention, {told}", ("mean", "keys"), group="attention")
        return (
            Op("mean", reads, "mean"),
            Op(f"keys, values {c} → 2 × {width}", reads, "keys"),
            *looking(look, tuple(site.padding), site),
            Op(f"Linear {width} → {width}"),
        )

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.projected import AttentionPool

        return AttentionPool(site.x.channels, site.width, self.count(site))
