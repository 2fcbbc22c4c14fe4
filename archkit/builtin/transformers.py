"""The block of a vision transformer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from archkit import Activation, Block, Cost, Misfit, Norm, Op, Shape, Site, SizeMap, Slot

from .attention import Share, heads, normed

if TYPE_CHECKING:
    from torch import nn


class TransformerBlock(Block):
    """norm, attention of all positions to each other, norm, feed-forward, each branch added.

    Where there is an embedding, it scales what comes out of both norms.

    References:
        | An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale
          (Dosovitskiy et al., 2020)
        | https://arxiv.org/abs/2010.11929
        | Scalable High-Resolution Pixel-Space Image Synthesis with Hourglass Diffusion
          Transformers (Crowson et al., 2024), for ``gated``, ``cosine`` and ``axial``
        | https://arxiv.org/abs/2401.11605
    """

    short, group = "Transformer", "transformer"
    type: Literal["transformer"] = "transformer"
    norm: Annotated[Norm, Slot("norm")] = Field("layer", validate_default=True)
    """The norm before each branch."""
    activation: Annotated[Activation, Slot("activation")] = Field("gelu", validate_default=True)
    """The activation of the feed-forward."""
    heads: PositiveInt | None = None
    """Number of heads; one for every 64 channels where neither this nor `head_width` is given."""
    head_width: PositiveInt | None = None
    """Channels of a head, instead of `heads`."""
    similarity: Literal["product", "cosine"] = "product"
    """How queries and keys are compared: by their product over the root of their width, or by the
    cosine of their angle, times a number that each head learns."""
    positions: Literal["none", "axial"] = "none"
    """Whether queries and keys are turned by where they are, half of each head (RoPE)."""
    area: Literal["everywhere", "neighbours", "windows"] = "everywhere"
    """Where a position looks: everywhere, at the nearest, or in windows side by side. The
    neighbours' keys and values are laid out, as many times as a neighbourhood has positions."""
    size: PositiveInt = 7
    """Positions of a neighbourhood or window along each axis."""
    shift: NonNegativeInt = 0
    """By how many positions the windows are moved; Swin moves those of every other block by half
    their size."""
    expansion: PositiveFloat = 4.0
    """Width of the feed-forward, as a multiple of the channels."""
    gated: bool = False
    """Whether half of the first layer of the feed-forward gates the other (GEGLU)."""
    bias: bool = False
    """Whether queries, keys and values have a bias."""
    linear_bias: bool = True
    """Whether all other linear layers have one."""
    dropout: Share = 0.0
    """Share of values dropped inside the feed-forward, while training."""
    zero_init: bool = True
    """Start as the identity: the last layer of both branches is zero."""

    def reads(self, site: Site) -> tuple[str, ...]:
        return ("x",) if site.embedding is None else ("x", "embedding")

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        one = {
            "everywhere": SizeMap(),
            "neighbours": SizeMap(least=self.size),
            "windows": SizeMap(multiple=self.size),
        }[self.area]
        return (one,) * site.dims

    def infer(self, site: Site) -> Shape:
        if site.x.channels != site.width:
            raise Misfit(
                f"a `transformer` block can't turn {site.x.channels} channels into {site.width}",
                "let the pooling do it (`width: next`), and the skip (`fuse: 1`)",
                code="block-width",
            )
        width = site.width // self.count(site)
        if self.positions == "axial" and width < 4 * site.dims:
            raise Misfit(
                f"a head of {width} channels is too narrow to turn by {site.dims} axes",
                f"use a `head_width` of {4 * site.dims} or more, or `positions: none`",
                option=("positions",),
            )
        if self.shift >= self.size:
            what = f"windows of {self.size} moved by {self.shift} are those moved by less"
            raise Misfit(what, f"use `shift: {self.shift % self.size}`", option=("shift",))
        normed(self.norm, site)
        return site.x

    def count(self, site: Site) -> int:
        """The number of heads."""
        usual = max(1, site.x.channels // 64)
        return heads(self.heads, self.head_width, site.x.channels, otherwise=usual)

    def hidden(self, site: Site) -> int:
        """Width of the feed-forward."""
        return max(1, round(self.expansion * site.x.channels))

    def cost(self, site: Site) -> Cost | None:
        from archkit.builtin.transformer_costs import attention, feed_forward, scaled

        norm = scaled(self.norm, site, self.linear_bias)
        activation = self.activation.cost(site.at(self.hidden(site)))
        if norm is None or activation is None:
            return None
        added = Cost.made(site.x.elements)
        look = norm + attention(self, site) + added
        return added + look + (norm + feed_forward(self, site, activation) + added)

    def inside(self, site: Site) -> tuple[Op, ...]:
        from archkit.builtin.transformer_insides import block

        return block(self, site)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn import transformers

        channels, bias = site.width, self.linear_bias
        looking = transformers.Looking(
            self.count(site),
            self.similarity == "cosine",
            self.positions == "axial",
            self.area,
            self.size,
            self.shift,
        )
        hidden = self.hidden(site)
        return transformers.TransformerBlock(
            lambda: transformers.ScaledNorm(self.norm.build(site), channels, site.embedding, bias),
            transformers.PositionAttention(channels, looking, self.bias, bias),
            transformers.MLP(
                channels,
                hidden,
                self.activation.build(replace(site, x=site.x.with_channels(hidden))),
                gated=self.gated,
                bias=bias,
                dropout=self.dropout,
            ),
            self.zero_init,
        )
