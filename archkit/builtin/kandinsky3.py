"""The block and the attention of Kandinsky 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt

from archkit import (
    KEEP,
    Activation,
    Attention,
    Block,
    Cost,
    Misfit,
    Norm,
    Op,
    Shape,
    Site,
    SizeMap,
    Slot,
)

from .attention import heads, normed
from .contexts import named, one_width, padded

if TYPE_CHECKING:
    from torch import nn

    from archkit.nn import kandinsky3 as modules
    from archkit.nn.adaptive import AdaptiveNorm

_NORM = {"type": "group", "affine": False}


class Kandinsky3Attention(Attention):
    """Self- or cross-attention and a feed-forward, each after a norm that the embedding modulates.

    Where it looks at sequences, it does not look at the image itself.

    References:
        | Kandinsky 3.0 Technical Report (Arkhipkin et al., 2023)
        | https://arxiv.org/abs/2312.03511
    """

    short, group = "Kandinsky attn", "transformer"
    type: Literal["kandinsky3"] = "kandinsky3"
    norm: Annotated[Norm, Slot("norm")] = Field(_NORM, validate_default=True)
    """The norm before each branch; the embedding scales and shifts what comes out of it."""
    heads: PositiveInt | None = None
    """Number of heads; one for every 64 channels where neither this nor `head_width` is given."""
    head_width: PositiveInt | None = None
    """Channels of a head, instead of `heads`."""
    context: str | Annotated[tuple[str, ...], Field(strict=False)] | None = "none"
    """Names of the conditions to look at; ``none`` for the image itself."""
    expansion: PositiveInt = 4
    """Width of the feed-forward, as a multiple of the channels."""

    def reads(self, site: Site) -> tuple[str, ...]:
        told = () if site.embedding is None else ("embedding",)
        return ("x", *told, *padded(named(self.context, site), site))

    def infer(self, site: Site) -> Shape:
        count(self, site.x.channels)
        normed(self.norm, site)
        one_width(named(self.context, site), site)
        return site.x

    def cost(self, site: Site) -> Cost | None:
        from archkit.builtin.kandinsky3_costs import attention

        return attention(self, site, named(self.context, site))

    def inside(self, site: Site) -> tuple[Op, ...]:
        from archkit.builtin.kandinsky3_insides import attention

        return attention(self, site, named(self.context, site))

    def build(self, site: Site) -> nn.Module:
        return attention(self, site, named(self.context, site))


class Kandinsky3Block(Block):
    """A bottleneck of four convolutions, attention to sequences, and another bottleneck.

    It pools in the second bottleneck and upsamples in the first. On the way down and at the bottom
    the first changes the width, on the way up the second.

    References:
        | Kandinsky 3.0 Technical Report (Arkhipkin et al., 2023)
        | https://arxiv.org/abs/2312.03511
        | Large Scale GAN Training for High Fidelity Natural Image Synthesis (Brock, Donahue,
          Simonyan, 2019), BigGAN-deep
        | https://arxiv.org/abs/1809.11096
    """

    resamples: ClassVar[bool] = True

    short, group = "Kandinsky", "resnet"
    type: Literal["kandinsky3"] = "kandinsky3"
    norm: Annotated[Norm, Slot("norm")] = Field(_NORM, validate_default=True)
    """The norm before everything; the embedding scales and shifts what comes out of it."""
    activation: Annotated[Activation, Slot("activation")] = Field("silu", validate_default=True)
    """The activation before each convolution."""
    compression: PositiveInt = 2
    """By how much the bottlenecks are narrower than the wider of their ends."""
    heads: PositiveInt | None = None
    """Number of heads; one for every 64 channels where neither this nor `head_width` is given."""
    head_width: PositiveInt | None = None
    """Channels of a head, instead of `heads`."""
    context: str | Annotated[tuple[str, ...], Field(strict=False)] | None = None
    """Names of the conditions to look at: all that are sequences if left out, ``none`` for no
    attention."""
    expansion: PositiveInt = 4
    """Width of the feed-forward, as a multiple of the channels."""

    def reads(self, site: Site) -> tuple[str, ...]:
        told = () if site.embedding is None else ("embedding",)
        return ("x", *told, *padded(named(self.context, site), site))

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        return site.resample.size_maps(site) if site.resample else (KEEP,) * site.dims

    def between(self, site: Site) -> int:
        """Channels between the bottlenecks."""
        if site.side == "decoder":
            return site.x.channels
        return site.inner or site.width

    def infer(self, site: Site) -> Shape:
        middle = self.between(site)
        for widths in ((site.x.channels, middle), (middle, site.width)):
            inner = max(widths) // self.compression
            if inner < 1:
                what = f"a bottleneck {self.compression} times narrower than {max(widths)} is none"
                raise Misfit(what, "use a smaller `compression`", option=("compression",))
            for channels in (widths[0], inner):
                normed(self.norm, site.at(channels))
        if looked := named(self.context, site):
            count(self, middle)
            one_width(looked, site)
        return super().infer(site)

    def cost(self, site: Site) -> Cost | None:
        from archkit.builtin.kandinsky3_costs import block

        return block(self, site, named(self.context, site))

    def inside(self, site: Site) -> tuple[Op, ...]:
        from archkit.builtin.kandinsky3_insides import block

        return block(self, site, named(self.context, site))

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.kandinsky3 import Before, Bottleneck, Kandinsky3Block

        c, middle, width = site.x.channels, self.between(site), site.width
        looked, grows = named(self.context, site), site.side == "decoder"
        before = Before(
            lambda channels: _norm(self, site, channels),
            lambda channels: self.activation.build(site.at(channels)),
        )
        resample = None
        if (inside := site.resample) is not None:
            resample = lambda channels: inside.build(site.bared(channels))  # noqa: E731
        return Kandinsky3Block(
            Bottleneck(
                *(site.dims, c, max(c, middle) // self.compression, middle, before),
                up=resample if grows else None,
            ),
            attention(self, site.at(middle), looked) if looked else None,
            Bottleneck(
                *(site.dims, middle, max(middle, width) // self.compression, width, before),
                down=None if grows else resample,
            ),
            told=site.embedding is not None,
        )


def attention(
    part: Kandinsky3Attention | Kandinsky3Block, site: Site, looked: tuple[str, ...]
) -> modules.Kandinsky3Attention:
    """The module that looks at these sequences, or at itself."""
    from archkit.nn.kandinsky3 import Kandinsky3Attention

    c = site.x.channels
    return Kandinsky3Attention(
        *(site.dims, c, part.expansion * c),
        context=site.contexts[looked[0]].channels if looked else None,
        heads=count(part, c),
        norm=lambda channels: _norm(part, site, channels),
        told=site.embedding is not None,
    )


def count(part: Kandinsky3Attention | Kandinsky3Block, channels: int) -> int:
    """The number of heads of so many channels."""
    usual = max(1, channels // 64)
    return heads(part.heads, part.head_width, channels, otherwise=usual)


def _norm(part: Kandinsky3Attention | Kandinsky3Block, site: Site, channels: int) -> AdaptiveNorm:
    from archkit.nn.adaptive import AdaptiveNorm

    return AdaptiveNorm(part.norm.build(site.at(channels)), channels, site.embedding)
