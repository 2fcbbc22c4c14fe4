"""Attention: every position looks at every other, or at the tokens of a condition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from archkit import Attention, Cost, Misfit, Norm, Number, Op, Shape, Site, Slot, near_divisor

from .contexts import named, padded, past_padding

if TYPE_CHECKING:
    from torch import nn

Share = Annotated[float, Field(ge=0, lt=1)]


class SelfAttention(Attention):
    """Every position looks at every other, after a norm, added to the input.

    References:
        | Denoising Diffusion Probabilistic Models (Ho, Jain, Abbeel, 2020)
        | https://arxiv.org/abs/2006.11239
    """

    short, group = "Self-attn", "attention"
    type: Literal["self"] = "self"
    norm: Annotated[Norm, Slot("norm")] = Field("group", validate_default=True)
    """The norm before it."""
    heads: PositiveInt | None = None
    """Number of heads; 1 where neither this nor `head_width` is given."""
    head_width: PositiveInt | None = None
    """Channels of a head, instead of `heads`."""
    width: PositiveInt | None = None
    """Channels of queries, keys and values, all heads together; those of the trunk if left out."""
    bias: bool = True
    """Whether queries, keys and values have a bias."""
    memory: NonNegativeInt = 0
    """Keys and values in each head that are learned, and looked at besides the positions."""
    scale: Number = 1.0
    """Of the sum of branch and input; ``sqrt(1/2)`` in NCSN++."""
    zero_init: bool = True
    """Start as the identity: the last projection is zero."""

    def infer(self, site: Site) -> Shape:
        heads(self.heads, self.head_width, self.wide(site))
        normed(self.norm, site)
        return site.x

    def wide(self, site: Site) -> int:
        """Channels of all heads together."""
        return self.width or site.x.channels

    def cost(self, site: Site) -> Cost | None:
        norm, wide, positions = self.norm.cost(site), self.wide(site), site.x.positions
        if norm is None:
            return None
        count, keys = heads(self.heads, self.head_width, wide), positions + self.memory
        look = Cost.attention(wide, queries=positions, keys=keys, heads=count)
        held = 2 * wide * keys if self.memory else 0
        if self.memory:
            look = remembering(look, wide, self.memory, keys)
        look += Cost.linear(wide, site.x.channels, tokens=positions).holding(held)
        added = Cost.made(site.x.elements)
        look += (added if self.scale == 1.0 else added + added).holding(held)
        return norm + of_image(site.x, 3 * wide, self.bias) + look

    def inside(self, site: Site) -> tuple[Op, ...]:
        from archkit.builtin.insides import self_attention

        return self_attention(self, site, heads(self.heads, self.head_width, self.wide(site)))

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.attention import SelfAttention

        return SelfAttention(
            site.x.channels,
            heads(self.heads, self.head_width, self.wide(site)),
            self.norm.build(site),
            width=self.width,
            bias=self.bias,
            memory=self.memory,
            scale=self.scale,
            zero_init=self.zero_init,
        )


class Transformer(Attention):
    """Transformer layers on the positions: self-attention, cross-attention, feed-forward.

    References:
        | High-Resolution Image Synthesis with Latent Diffusion Models (Rombach et al., 2022)
        | https://arxiv.org/abs/2112.10752
    """

    short, group = "Transformer", "transformer"
    type: Literal["transformer"] = "transformer"
    norm: Annotated[Norm, Slot("norm")] = Field(
        {"type": "group", "eps": 1e-6}, validate_default=True
    )
    """The norm before it; by default the published one, whatever the rest of the network has."""
    heads: PositiveInt | None = None
    """Number of heads; 8 where neither this nor `head_width` is given."""
    head_width: PositiveInt | None = None
    """Channels of a head, instead of `heads`."""
    depth: PositiveInt = 1
    """How many layers."""
    context: str | Annotated[tuple[str, ...], Field(strict=False)] | None = None
    """Names of the conditions to look at: all that are sequences if left out, ``none`` for
    self-attention alone, ``itself`` for a second self-attention instead (AudioLDM)."""
    first: Literal["self", "cross"] = "self"
    """What the first attention of a layer looks at: the positions themselves, or, as the second,
    the conditions (Stable Diffusion's x4 upscaler)."""
    feed_forward: PositiveInt = 4
    """Width of the feed-forward, as a multiple of the channels."""
    projection: Literal["conv", "linear"] = "conv"
    """How positions become tokens and back: 1×1 convolutions (Stable Diffusion 1) or linear
    layers (2, XL); the same numbers in other shapes."""
    dropout: Share = 0.0
    """Share of values dropped inside the feed-forward, while training."""
    zero_init: bool = True
    """Start as the identity: the last projection is zero."""

    def reads(self, site: Site) -> tuple[str, ...]:
        return ("x", *padded(self.looks_at(site), site))

    def infer(self, site: Site) -> Shape:
        if not self.looks_at(site) and self.first == "cross":
            what = "the first attention of a transformer looks at conditions, and there is none"
            raise Misfit(what, "say `first: self`, or name a `context`", option=("first",))
        heads(self.heads, self.head_width, site.x.channels, otherwise=8)
        normed(self.norm, site)
        return site.x

    def cost(self, site: Site) -> Cost | None:
        norm = self.norm.cost(site)
        if norm is None:
            return None
        c, n = site.x.channels, site.x.positions
        leave = Cost.linear(c, c, tokens=n)
        enter = of_image(site.x, c) if self.projection == "linear" else leave
        return norm + enter + self.layer(site) * self.depth + leave + Cost.made(c * n)

    def layer(self, site: Site) -> Cost:
        """The cost of one layer."""
        c, n = site.x.channels, site.x.positions
        count = heads(self.heads, self.head_width, c, otherwise=8)
        norm = Cost.norm(c, positions=n, statistics=2 * n)
        out, added = Cost.linear(c, c, tokens=n), Cost.made(c * n)
        own = Cost.linear(c, 3 * c, tokens=n, bias=False)
        own = own + (Cost.attention(c, queries=n, keys=n, heads=count) + out)
        crossing = self.crossing(site, count)
        layer = norm + (own if self.first == "self" else crossing) + added
        if crossing.out is not None:
            layer += norm + crossing + added
        inner = self.feed_forward * c * n
        gate = Cost.made(inner, keeps="x") + Cost.made(inner, keeps="x")
        gate += Cost.dropout(inner) if self.dropout else Cost()
        down = Cost.linear(self.feed_forward * c, c, tokens=n)
        forward = Cost.linear(c, 2 * self.feed_forward * c, tokens=n) + (gate + down)
        return layer + (norm + forward + added)

    def crossing(self, site: Site, count: int) -> Cost:
        """A cross-attention to each of the conditions."""
        c, n, crossing = site.x.channels, site.x.positions, Cost()
        out, query = Cost.linear(c, c, tokens=n), Cost.linear(c, c, tokens=n, bias=False)
        if self.context == "itself":
            both = Cost.linear(c, 2 * c, tokens=n, bias=False) & query
            return both + (Cost.attention(c, queries=n, keys=n, heads=count) + out)
        for name in self.looks_at(site):
            context = site.contexts[name]
            m = context.positions
            both = Cost.linear(context.channels, 2 * c, tokens=m, bias=False).reading(name) & query
            look = Cost.attention(c, queries=n, keys=m, heads=count)
            crossing &= both + (past_padding(look, (name,), site) + out)
        return crossing

    def caption(self, site: Site) -> str:
        return self.short + (f" ×{self.depth}" if self.depth > 1 else "")

    def inside(self, site: Site) -> tuple[Op, ...]:
        from archkit.builtin.insides import transformer

        count = heads(self.heads, self.head_width, site.x.channels, otherwise=8)
        return transformer(self, site, count, self.looks_at(site))

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.attention import Transformer, TransformerLayer

        channels = site.x.channels
        count = heads(self.heads, self.head_width, channels, otherwise=8)
        contexts = tuple(site.contexts[name].channels for name in self.looks_at(site))
        contexts = (channels,) if self.context == "itself" else contexts
        crosses = self.first == "cross"
        layers = [
            TransformerLayer(channels, count, contexts, self.feed_forward, self.dropout, crosses)
            for _ in range(self.depth)
        ]
        return Transformer(
            site.dims,
            channels,
            layers,
            self.norm.build(site),
            linear=self.projection == "linear",
            zero_init=self.zero_init,
        )

    def looks_at(self, site: Site) -> tuple[str, ...]:
        """The conditions that it looks at; Misfit where there is none."""
        if self.context == "itself":
            return ()
        found = named(self.context, site)
        if not found and self.context != "none":
            raise Misfit(
                "a transformer looks at a condition, and no condition is a sequence",
                "declare one, as in `conditioning: {text: {type: sequence, channels: 768}}`, "
                "or say `context: none`",
                code="missing-context",
            )
        return found


def of_image(x: Shape, width: int, bias: bool = True) -> Cost:
    """A linear layer on the positions of an image.

    Their channels do not lie side by side: torch copies them, and adds the bias afterwards.
    """
    project = Cost.linear(x.channels, width, tokens=x.positions, bias=False)
    made = Cost.made(x.elements) + project
    return made + Cost.made(width * x.positions) + Cost(width) if bias else made


def remembering(look: Cost, width: int, memory: int, keys: int) -> Cost:
    """An attention whose keys and values begin with a learned memory."""
    joined = 2 * width * keys
    return (look + Cost(2 * width * memory, saved=joined)).holding(joined)


def heads(count: int | None, width: int | None, channels: int, otherwise: int = 1) -> int:
    """The number of heads of so many channels; Misfit where it does not divide them."""
    if count is not None and width is not None:
        raise Misfit(
            "`heads` and `head_width` say the same thing twice",
            "keep one of them; `null` takes back one that is inherited",
            code="heads",
            option=("head_width",),
        )
    part, option = (width, "head_width") if width is not None else (count or otherwise, "heads")
    if channels % part:
        raise Misfit(
            f"`{option}: {part}` does not divide {channels} channels",
            f"use `{option}: {near_divisor(part, channels)}`",
            code="heads",
            option=(option,),
        )
    return channels // part if width is not None else part


def normed(norm: Norm, site: Site) -> None:
    """Raises Misfit where the norm can't stand at a site."""
    try:
        norm.infer(site)
    except Misfit as misfit:
        raise misfit.under("norm") from None
