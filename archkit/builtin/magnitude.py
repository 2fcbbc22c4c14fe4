"""The block and the attention of EDM2, which keep magnitudes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from archkit import KEEP, Attention, Block, Cost, Misfit, Op, Shape, Site, SizeMap

from .attention import heads, of_image
from .blocks import Share

if TYPE_CHECKING:
    from torch import nn

    from archkit.nn.magnitude_blocks import Adding

Balance = Annotated[float, Field(gt=0, lt=1)]


class MagnitudeBlock(Block):
    """Two convolutions of unit weights, the embedding times what is between, added to the input.

    In the encoder the input is first brought to the width, and normalised in each position; in
    the decoder its 1×1 convolution is beside the branch. What resamples comes before all.

    References:
        | Analyzing and Improving the Training Dynamics of Diffusion Models (Karras et al., 2024)
        | https://arxiv.org/abs/2312.02696
    """

    resamples: ClassVar[bool] = True

    short, group = "MP block", "resnet"
    type: Literal["magnitude-preserving"] = "magnitude-preserving"
    kernel: PositiveInt = 3
    """Size of both convolutions along each axis; odd."""
    dropout: Share = 0.0
    """Share of values dropped before the second convolution, while training."""
    balance: Balance = 0.3
    """The share of the branch in the sum."""
    clip: PositiveFloat | None = 256.0
    """Bound of what comes out, so that half precision can hold it; null for none."""

    def reads(self, site: Site) -> tuple[str, ...]:
        return ("x",) if site.embedding is None else ("x", "embedding")

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        return site.resample.size_maps(site) if site.resample else (KEEP,) * site.dims

    def infer(self, site: Site) -> Shape:
        odd(self.kernel)
        return super().infer(site)

    def cost(self, site: Site) -> Cost | None:
        out, channels = self.infer(site), site.x.channels
        inside = site.resample.cost(site.bared(channels)) if site.resample else Cost()
        if inside is None:
            return None
        x, enters, beside = out.with_channels(channels), Cost(), Cost.made(out.elements)
        if self.encodes(site):
            enters = pixels(out.elements, out.positions)
            enters = normalised(x, out, 1) + enters if x != out else enters
            x = out
        elif x != out:
            beside = normalised(x, out, 1)
        silu = Cost.made(out.elements, keeps="x")
        dropped = Cost.dropout(out.elements) if self.dropout else Cost()
        branch = Cost.made(x.elements, keeps="x") + raw(x, out, self.kernel)
        branch += self._told(site) + (silu + dropped)
        branch += raw(out, out, self.kernel)
        return added(inside + (enters + both(branch, beside)), out, self.clip)

    def _told(self, site: Site) -> Cost:
        """What the embedding scales the first convolution with."""
        n, out = site.width, self.infer(site).elements
        if site.embedding is None:
            return Cost.made(out, keeps="x")
        project = Cost.linear(site.embedding, n, bias=False).aside("embedding")
        return project + Cost(1) + Cost.made(out, keeps="x", saved=4 * n, spare=n)

    def encodes(self, site: Site) -> bool:
        """Whether it is an encoder's."""
        return site.side == "encoder"

    def inside(self, site: Site) -> tuple[Op, ...]:
        from archkit.builtin.insides import convolution

        channels, width, kernel = site.x.channels, site.width, self.kernel
        enters: tuple[Op, ...] = ()
        if site.resample:
            enters = site.resample.steps(site.bared(channels), "h")
        if self.encodes(site):
            here, channels = channels, width
            if here != width:
                start = "h" if enters else "x"
                enters = (*enters, convolution(1, here, width, "h", (start,)))
            enters = (*enters, Op("pixel norm", () if enters else ("x",), "h"))
        start = "h" if enters else "x"
        ops = (*enters, Op("MP SiLU", (start,)), convolution(kernel, channels, width, "conv1"))
        if site.embedding is not None:
            told = Op(f"1 + gain · Linear {site.embedding} → {width}", ("embedding",), "vectors")
            ops = (*ops, told, Op("×", ("conv1", "vectors")))
        ops = (*ops, Op("MP SiLU"), convolution(kernel, width, width, "branch"))
        if channels != width:
            ops = (*ops, convolution(1, channels, width, "projected", (start,)))
            start = "projected"
        return (*ops, Op("+", ("branch", start)))

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.magnitude_blocks import Block

        resample, channels = site.resample, site.x.channels
        return Block(
            channels,
            site.width,
            (self.kernel,) * site.dims,
            adding(self),
            embedding=site.embedding,
            encodes=self.encodes(site),
            dropout=self.dropout,
            resample=resample.build(site.bared(channels)) if resample else None,
        )


class MagnitudeAttention(Attention):
    """Every position looks at every other, queries, keys and values normalised in each head.

    References:
        | Analyzing and Improving the Training Dynamics of Diffusion Models (Karras et al., 2024)
        | https://arxiv.org/abs/2312.02696
    """

    short, group = "MP attention", "attention"
    type: Literal["magnitude-preserving"] = "magnitude-preserving"
    heads: PositiveInt | None = None
    """Number of heads; 1 where neither this nor `head_width` is given."""
    head_width: PositiveInt | None = None
    """Channels of a head, instead of `heads`; 64 in EDM2."""
    balance: Balance = 0.3
    """The share of the branch in the sum."""
    clip: PositiveFloat | None = 256.0
    """Bound of what comes out, so that half precision can hold it; null for none."""

    def infer(self, site: Site) -> Shape:
        heads(self.heads, self.head_width, site.x.channels)
        return site.x

    def cost(self, site: Site) -> Cost | None:
        x, c, n = site.x, site.x.channels, site.x.positions
        count = heads(self.heads, self.head_width, c)
        branch = of_image(x, 3 * c, bias=False) + Cost.made(3 * c * n, keeps="x")
        branch += pixels(3 * c * n, 3 * count * n)
        branch += Cost.attention(c, queries=n, keys=n, heads=count)
        branch += Cost.linear(c, c, tokens=n, bias=False)
        return added(both(branch, Cost.made(x.elements)), x, self.clip)

    def inside(self, site: Site) -> tuple[Op, ...]:
        c, count = site.x.channels, heads(self.heads, self.head_width, site.x.channels)
        return (
            Op(f"Linear {c} → 3 × {c}"),
            Op("pixel norm in each head"),
            Op(f"attention, {count} head{'s' if count > 1 else ''}", group="attention"),
            Op(f"Linear {c} → {c}", name="branch"),
            Op("+", ("branch", "x")),
        )

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.magnitude_blocks import Attention

        channels = site.x.channels
        return Attention(channels, heads(self.heads, self.head_width, channels), adding(self))


def adding(part: MagnitudeBlock | MagnitudeAttention) -> Adding:
    """How it adds its branch, for its module."""
    from archkit.nn.magnitude_blocks import Adding

    return Adding(part.balance, part.clip)


def raw(x: Shape, out: Shape, kernel: int) -> Cost:
    """A convolution without bias."""
    return Cost.convolution(x.channels, out.channels, kernel=kernel, out=out, bias=False)


def normalised(x: Shape, out: Shape, kernel: int) -> Cost:
    """A convolution whose output is scaled by the length of its rows; those vectors, which are
    the same for any batch, are left out."""
    return raw(x, out, kernel) + Cost.made(out.elements, keeps="x")


def pixels(elements: int, norms: int) -> Cost:
    """Each of so many vectors divided by its length."""
    return Cost.made(elements, keeps="x", saved=2 * norms, spare=2 * norms)


def both(branch: Cost, beside: Cost) -> Cost:
    """A branch, which autograd keeps, and what is beside it."""
    return replace(branch, keeps=branch.keeps | {"out"}) & beside


def added(terms: Cost, out: Shape, clip: float | None) -> Cost:
    """The weighed sum of two terms, which are held to the end."""
    total, held = terms + Cost.made(out.elements), 2 * out.elements
    return total if clip is None else total + Cost.made(out.elements, keeps="x").holding(held)


def odd(kernel: int) -> None:
    """Raises Misfit for a kernel that has no centre."""
    if kernel % 2 == 0:
        raise Misfit(
            f"a kernel of {kernel} can't keep the size",
            f"use {kernel - 1} or {kernel + 1}",
            option=("kernel",),
        )
