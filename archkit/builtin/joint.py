"""Attention to the image and to sequences in one softmax."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveInt

from archkit import Attention, Cost, Misfit, Norm, Op, Shape, Site, Slot

from .attention import heads, normed, of_image
from .contexts import looking, named, padded, past_padding

if TYPE_CHECKING:
    from torch import nn


class JointAttention(Attention):
    """Every position looks at every other and at the tokens of sequences, in one softmax.

    References:
        | Photorealistic Text-to-Image Diffusion Models with Deep Language Understanding
          (Saharia et al., 2022), in the form of DeepFloyd IF
        | https://arxiv.org/abs/2205.11487
    """

    short, group = "Joint attn", "transformer"
    type: Literal["joint"] = "joint"
    norm: Annotated[Norm, Slot("norm")] = Field("group", validate_default=True)
    """The norm before it."""
    context_norm: Annotated[Norm, Slot("norm")] = Field("none", validate_default=True)
    """The norm of each sequence, whose tokens it takes for positions."""
    heads: PositiveInt | None = None
    """Number of heads; 1 where neither this nor `head_width` is given."""
    head_width: PositiveInt | None = None
    """Channels of a head, instead of `heads`."""
    context: str | Annotated[tuple[str, ...], Field(strict=False)] | None = None
    """Names of the conditions to look at: all that are sequences if left out, ``none`` for
    self-attention alone."""
    bias: bool = True
    """Whether queries, keys and values have a bias."""
    zero_init: bool = True
    """Start as the identity: the last projection is zero."""

    def reads(self, site: Site) -> tuple[str, ...]:
        return ("x", *padded(named(self.context, site), site))

    def infer(self, site: Site) -> Shape:
        heads(self.heads, self.head_width, site.x.channels)
        normed(self.norm, site)
        for here in self._contexts(site):
            try:
                self.context_norm.infer(here)
            except Misfit as misfit:
                raise misfit.under("context_norm") from None
        return site.x

    def cost(self, site: Site) -> Cost | None:
        c, n, norm = site.x.channels, site.x.positions, self.norm.cost(site)
        told, names = self._told(site), named(self.context, site)
        if norm is None or told is None:
            return None
        tokens = sum(site.contexts[name].positions for name in names)
        keys, apart = 2 * c * (n + tokens) if names else 0, 2 * c * tokens
        count = heads(self.heads, self.head_width, c)
        look = Cost.attention(c, queries=n, keys=n + tokens, heads=count)
        look = past_padding(look, names, site, around=n) + Cost(saved=keys)
        look += Cost.linear(c, c, tokens=n)
        look += Cost.made(site.x.elements)
        own = (norm + of_image(site.x, 3 * c, self.bias)).holding(apart)
        return (told & own) + look.holding(keys + apart)

    def _told(self, site: Site) -> Cost | None:
        """The keys and values of the sequences."""
        total, width = Cost(), 2 * site.x.channels
        for name, here in zip(named(self.context, site), self._contexts(site), strict=True):
            norm = self.context_norm.cost(here)
            if norm is None:
                return None
            if self.context_norm.type == "none":
                project = Cost.linear(
                    here.x.channels, width, tokens=here.x.positions, bias=self.bias
                )
            else:
                project = Cost.made(here.x.elements) + norm + of_image(here.x, width, self.bias)
            total &= replace(project.reading(name), out=None)
        return total

    def _contexts(self, site: Site) -> list[Site]:
        """Where the norm of each sequence stands."""
        shapes = [site.contexts[name] for name in named(self.context, site)]
        return [replace(site, dims=1, x=shape, width=shape.channels) for shape in shapes]

    def inside(self, site: Site) -> tuple[Op, ...]:
        c, names = site.x.channels, named(self.context, site)
        count = heads(self.heads, self.head_width, c)
        told = "1 head" if count == 1 else f"{count} heads"
        ops = [*self.norm.steps(site), Op(f"Linear {c} → 3 × {c}", name="qkv")]
        for name, here in zip(names, self._contexts(site), strict=True):
            steps = self.context_norm.steps(here, f"normed {name}", (name,))
            ops += steps
            of = f"normed {name}" if steps else name
            ops.append(Op(f"keys, values {here.x.channels} → 2 × {c}", (of,), f"keys {name}"))
        reads = ("qkv", *(f"keys {name}" for name in names))
        return (
            *ops,
            *looking(Op(f"attention, {told}", reads, group="attention"), names, site),
            Op(f"Linear {c} → {c}", name="branch"),
            Op("+", ("branch", "x")),
        )

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.joint import JointAttention

        contexts = self._contexts(site)
        bare = self.context_norm.type == "none"
        return JointAttention(
            site.x.channels,
            heads(self.heads, self.head_width, site.x.channels),
            self.norm.build(site),
            [here.x.channels for here in contexts],
            () if bare else [self.context_norm.build(here) for here in contexts],
            bias=self.bias,
            zero_init=self.zero_init,
        )
