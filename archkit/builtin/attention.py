"""Attention: every position looks at every other, or at the tokens of a condition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveInt

from archkit import Attention, Cost, Misfit, Norm, Number, Shape, Site, Slot, near_divisor

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
    scale: Number = 1.0
    """Of the sum of branch and input; ``sqrt(1/2)`` in NCSN++."""
    zero_init: bool = True
    """Start as the identity: the last projection is zero."""

    def infer(self, site: Site) -> Shape:
        heads(self.heads, self.head_width, site.x.channels)
        _normed(self.norm, site)
        return site.x

    def cost(self, site: Site) -> Cost | None:
        norm, channels, positions = self.norm.cost(site), site.x.channels, site.x.positions
        if norm is None:
            return None
        count = heads(self.heads, self.head_width, channels)
        # Positions become tokens by a copy, because their channels do not lie side by side.
        project = Cost.made(site.x.elements) + Cost.linear(channels, 3 * channels, tokens=positions)
        look = Cost.attention(channels, queries=positions, keys=positions, heads=count)
        look += Cost.linear(channels, channels, tokens=positions) + Cost.made(site.x.elements)
        total = norm + project + look
        return total if self.scale == 1.0 else total + Cost.made(site.x.elements)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.attention import SelfAttention

        channels = site.x.channels
        count = heads(self.heads, self.head_width, channels)
        return SelfAttention(channels, count, self.norm.build(site), self.scale, self.zero_init)


class Transformer(Attention):
    """Transformer layers on the positions: self-attention, cross-attention, feed-forward.

    References:
        | High-Resolution Image Synthesis with Latent Diffusion Models (Rombach et al., 2022)
        | https://arxiv.org/abs/2112.10752
    """

    short, group = "Transformer", "transformer"

    type: Literal["transformer"] = "transformer"
    norm: Annotated[Norm, Slot("norm")] = Field({"type": "group", "eps": 1e-6}, validate_default=True)
    """The norm before it; by default the published one, whatever the rest of the network has."""
    heads: PositiveInt | None = None
    """Number of heads; 8 where neither this nor `head_width` is given."""
    head_width: PositiveInt | None = None
    """Channels of a head, instead of `heads`."""
    depth: PositiveInt = 1
    """How many layers."""
    context: str | tuple[str, ...] | None = None
    """Names of the conditions to look at: all that are sequences if left out, ``none`` for
    self-attention alone."""
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
        return ("x", *self._contexts(site))

    def infer(self, site: Site) -> Shape:
        self._contexts(site)
        heads(self.heads, self.head_width, site.x.channels, otherwise=8)
        _normed(self.norm, site)
        return site.x

    def cost(self, site: Site) -> Cost | None:
        norm = self.norm.cost(site)
        if norm is None:
            return None
        c, n = site.x.channels, site.x.positions
        enter = leave = Cost.linear(c, c, tokens=n)
        if self.projection == "linear":
            enter = Cost.made(c * n) + enter
        layers = self._layer(site) * self.depth
        return norm + enter + layers + leave + Cost.made(c * n)

    def _layer(self, site: Site) -> Cost:
        c, n = site.x.channels, site.x.positions
        count = heads(self.heads, self.head_width, c, otherwise=8)
        norm = Cost.norm(c, positions=n, statistics=2 * n)
        out, added = Cost.linear(c, c, tokens=n), Cost.made(c * n)
        own = Cost.linear(c, 3 * c, tokens=n, bias=False)
        own = own + (Cost.attention(c, queries=n, keys=n, heads=count) + out)
        layer = norm + own + added
        crossing = Cost()
        for name in self._contexts(site):
            context = site.contexts[name]
            m = context.positions
            both = Cost.linear(context.channels, 2 * c, tokens=m, bias=False).reading(name)
            both &= Cost.linear(c, c, tokens=n, bias=False)
            look = both + (Cost.attention(c, queries=n, keys=m, heads=count) + out)
            crossing &= look
        if crossing.out is not None:
            layer = layer + (norm + crossing + added)
        inner = self.feed_forward * c * n
        gate = Cost.made(inner, keeps="x") + Cost.made(inner, keeps="x")
        gate += Cost.dropout(inner) if self.dropout else Cost()
        down = Cost.linear(self.feed_forward * c, c, tokens=n)
        forward = Cost.linear(c, 2 * self.feed_forward * c, tokens=n) + (gate + down)
        return layer + (norm + forward + added)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.attention import Transformer, TransformerLayer

        channels = site.x.channels
        count = heads(self.heads, self.head_width, channels, otherwise=8)
        contexts = tuple(site.contexts[name].channels for name in self._contexts(site))
        layers = [
            TransformerLayer(channels, count, contexts, self.feed_forward, self.dropout)
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

    def _contexts(self, site: Site) -> tuple[str, ...]:
        known = tuple(site.contexts)
        if self.context == "none":
            return ()
        named = known if self.context is None else self.context
        named = (named,) if isinstance(named, str) else named
        if not named:
            raise Misfit(
                "a transformer looks at a condition, and no condition is a sequence",
                "declare one, as in `conditioning: {text: {type: sequence, channels: 768}}`, "
                "or say `context: none`",
                code="missing-context",
            )
        for name in named:
            if name not in known:
                listed = ", ".join(f"`{k}`" for k in known) or "none"
                raise Misfit(
                    f"no condition that is a sequence is called `{name}`",
                    f"there is {listed}; declare it under `conditioning`",
                    code="missing-context",
                    option=("context",),
                )
        return named


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


def _normed(norm: Norm, site: Site) -> None:
    try:
        norm.infer(site)
    except Misfit as misfit:
        raise misfit.under("norm") from None
