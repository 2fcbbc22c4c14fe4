"""A block and an attention whose norms are all modulated by the embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveInt

from archkit import Activation, Attention, Block, Cost, Misfit, Norm, Op, Shape, Site, Slot

from .attention import heads, normed, of_image
from .blocks import Share
from .contexts import named, padded, past_padding

if TYPE_CHECKING:
    from torch import nn

    from archkit.nn.adaptive import AdaptiveNorm

_NORM = {"type": "group", "width": 32, "affine": False}


class AdaptiveBlock(Block):
    """norm, activation, convolution, twice, added to the input; the embedding modulates both norms.

    References:
        | Elucidating the Design Space of Diffusion-Based Generative Models (Karras et al., 2022),
          in the form of k-diffusion's image_v1
        | https://arxiv.org/abs/2206.00364
    """

    short, group = "Adaptive", "resnet"
    type: Literal["adaptive"] = "adaptive"
    norm: Annotated[Norm, Slot("norm")] = Field(_NORM, validate_default=True)
    """The norm before each convolution; the embedding scales and shifts what comes out of it."""
    activation: Annotated[Activation, Slot("activation")] = Field("gelu", validate_default=True)
    """The activation before each convolution."""
    kernel: PositiveInt = 3
    """Size of both convolutions along each axis; odd."""
    dropout: Share = 0.0
    """Share of values dropped before the second convolution, while training."""
    shortcut_bias: bool = False
    """Whether the 1×1 convolution of the shortcut, where the width changes, has a bias."""
    zero_init: bool = True
    """Start as the identity: the last convolution is zero."""

    def reads(self, site: Site) -> tuple[str, ...]:
        return ("x",) if site.embedding is None else ("x", "embedding")

    def infer(self, site: Site) -> Shape:
        if self.kernel % 2 == 0:
            what = f"a kernel of {self.kernel} can't keep the size"
            raise Misfit(what, f"use {self.kernel - 1} or {self.kernel + 1}", option=("kernel",))
        for channels in (site.x.channels, site.inner or site.width):
            normed(self.norm, site.at(channels))
        return super().infer(site)

    def cost(self, site: Site) -> Cost | None:
        channels, width, x = site.x.channels, site.width, site.x
        inner = site.inner or width
        middle, out = x.with_channels(inner), x.with_channels(width)
        norms = [modulated(self.norm, site.at(c)) for c in (channels, inner)]
        activations = [self.activation.cost(site.at(c)) for c in (channels, inner)]
        branch: list[Cost | None] = [
            *(norms[0], activations[0]),
            Cost.convolution(channels, inner, kernel=self.kernel, out=middle),
            *(norms[1], activations[1]),
            Cost.dropout(middle.elements) if self.dropout else Cost(),
            Cost.convolution(inner, width, kernel=self.kernel, out=out),
        ]
        total, shortcut = Cost(), Cost()
        for step in branch:
            if step is None:
                return None
            total += step
        if channels != width:
            bias = self.shortcut_bias
            shortcut = Cost.convolution(channels, width, kernel=1, out=out, bias=bias)
        return (total & shortcut) + Cost.made(out.elements)

    def inside(self, site: Site) -> tuple[Op, ...]:
        from archkit.builtin.adaptive_insides import block

        return block(self, site)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.adaptive import AdaptiveBlock
        from archkit.nn.blocks import Branch

        branch = Branch(
            norm=lambda channels: self.norm.build(site.at(channels)),
            activation=lambda channels: self.activation.build(site.at(channels)),
            kernel=self.kernel,
            dropout=self.dropout,
            zero_init=self.zero_init,
        )
        return AdaptiveBlock(
            site.dims,
            site.x.channels,
            site.inner or site.width,
            site.width,
            branch,
            embedding=site.embedding,
            bias=self.shortcut_bias,
        )


class AdaptiveAttention(Attention):
    """Self-attention, then cross-attention, each after a norm that the embedding modulates.

    The tokens of a sequence are normalised too, each by itself.

    References:
        | Elucidating the Design Space of Diffusion-Based Generative Models (Karras et al., 2022),
          in the form of k-diffusion's image_v1
        | https://arxiv.org/abs/2206.00364
    """

    short, group = "Adaptive attn", "attention"
    type: Literal["adaptive"] = "adaptive"
    norm: Annotated[Norm, Slot("norm")] = Field(_NORM, validate_default=True)
    """The norm before each attention; the embedding scales and shifts what comes out of it."""
    heads: PositiveInt | None = None
    """Number of heads; one for every 64 channels where neither this nor `head_width` is given."""
    head_width: PositiveInt | None = None
    """Channels of a head, instead of `heads`."""
    itself: bool = True
    """Whether positions look at each other."""
    context: str | Annotated[tuple[str, ...], Field(strict=False)] | None = None
    """Names of the conditions to look at: all that are sequences if left out, ``none`` for
    self-attention alone."""
    bias: bool = True
    """Whether queries, keys and values have a bias."""
    zero_init: bool = True
    """Start as the identity: every last projection is zero."""

    def reads(self, site: Site) -> tuple[str, ...]:
        told = () if site.embedding is None else ("embedding",)
        return ("x", *told, *padded(named(self.context, site), site))

    def count(self, site: Site) -> int:
        """The number of heads."""
        usual = max(1, site.x.channels // 64)
        return heads(self.heads, self.head_width, site.x.channels, otherwise=usual)

    def infer(self, site: Site) -> Shape:
        if not named(self.context, site) and not self.itself:
            raise Misfit(
                "an attention without itself looks at a condition, and there is none to look at",
                "say `itself: true`, or declare a sequence, as in `conditioning: {text: sequence}`",
                code="missing-context",
                option=("itself",),
            )
        self.count(site)
        normed(self.norm, site)
        return site.x

    def cost(self, site: Site) -> Cost | None:
        c, n, count, total = site.x.channels, site.x.positions, self.count(site), Cost()
        norm = modulated(self.norm, site)
        if norm is None:
            return None
        added = Cost.made(site.x.elements)
        out = Cost.linear(c, c, tokens=n)
        if self.itself:
            look = Cost.attention(c, queries=n, keys=n, heads=count) + out
            total += norm + of_image(site.x, 3 * c, self.bias) + look + added
        for name in named(self.context, site):
            context, m = site.contexts[name].channels, site.contexts[name].positions
            tokens = Cost.norm(context, positions=m, statistics=2 * m)
            both = (tokens + Cost.linear(context, 2 * c, tokens=m, bias=self.bias)).reading(name)
            both &= norm + of_image(site.x, c, self.bias)
            look = Cost.attention(c, queries=n, keys=m, heads=count)
            total += both + (past_padding(look, (name,), site) + out) + added
        return total

    def inside(self, site: Site) -> tuple[Op, ...]:
        from archkit.builtin.adaptive_insides import attention

        return attention(self, site, named(self.context, site))

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.adaptive import AdaptiveAttention, AdaptiveCross, AdaptiveSelf

        c, count = site.x.channels, self.count(site)
        own = AdaptiveSelf(c, count, self._norm(site), self.bias) if self.itself else None
        names = named(self.context, site)
        widths = [site.contexts[name].channels for name in names]
        cross = [AdaptiveCross(c, w, count, self._norm(site), self.bias) for w in widths]
        return AdaptiveAttention(
            own,
            cross,
            zero_init=self.zero_init,
            told=site.embedding is not None,
        )

    def _norm(self, site: Site) -> AdaptiveNorm:
        from archkit.nn.adaptive import AdaptiveNorm

        return AdaptiveNorm(self.norm.build(site), site.x.channels, site.embedding)


def modulated(norm: Norm, site: Site) -> Cost | None:
    """A norm, and the projection of the embedding that scales and shifts it."""
    counted, n = norm.cost(site), site.x.channels
    if counted is None or site.embedding is None:
        return counted
    project = Cost.linear(site.embedding, 2 * n).aside("embedding")
    scaled = counted + Cost.made(site.x.elements, keeps="x", saved=n, spare=n)
    return project + scaled.holding(2 * n)
