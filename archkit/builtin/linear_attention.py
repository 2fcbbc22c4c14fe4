"""Attention whose cost grows with the number of positions, not with its square."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from archkit import Attention, Cost, Norm, Op, Shape, Site, Slot

from .attention import heads, normed, of_image

if TYPE_CHECKING:
    from torch import nn


class LinearAttention(Attention):
    """Positions write into a small table and read from it, after a norm, added to the input.

    References:
        | Efficient Attention: Attention with Linear Complexities (Shen et al., 2018)
        | https://arxiv.org/abs/1812.01243
    """

    short, group = "Linear attn", "attention"
    type: Literal["linear"] = "linear"
    norm: Annotated[Norm, Slot("norm")] = Field("group", validate_default=True)
    """The norm before it."""
    out_norm: Annotated[Norm, Slot("norm")] = Field("none", validate_default=True)
    """The norm of what is added; denoising-diffusion-pytorch has that of the input again."""
    heads: PositiveInt | None = None
    """Number of heads; 4 where neither this nor `head_width` is given."""
    head_width: PositiveInt | None = None
    """Channels of a head, instead of `heads`."""
    width: PositiveInt | None = None
    """Channels of queries, keys and values, all heads together; those of the trunk if left out."""
    bias: bool = False
    """Whether queries, keys and values have a bias."""
    memory: NonNegativeInt = 0
    """Keys and values in each head that are learned, and looked at besides the positions."""
    zero_init: bool = True
    """Start as the identity: the last projection is zero."""

    def infer(self, site: Site) -> Shape:
        self._count(site)
        normed(self.norm, site)
        normed(self.out_norm, site)
        return site.x

    def wide(self, site: Site) -> int:
        """Channels of all heads together."""
        return self.width or site.x.channels

    def _count(self, site: Site) -> int:
        return heads(self.heads, self.head_width, self.wide(site), otherwise=4)

    def cost(self, site: Site) -> Cost | None:
        norm, last = self.norm.cost(site), self.out_norm.cost(site)
        if norm is None or last is None:
            return None
        wide, n, memory = self.wide(site), site.x.positions, self.memory
        head, keys = wide // self._count(site), n + memory
        table, joined = wide * head, 2 * wide * keys if memory else 0
        look = Cost(
            2 * wide * memory,
            table * (keys + n),
            wide * n,
            joined + table + max(wide * keys, 2 * wide * n),
            wide * keys * (1 + bool(memory)) + table + 2 * wide * n,
            frozenset() if memory else frozenset({"x"}),
            {"x": (None,)},
        )
        out = Cost.linear(wide, site.x.channels, tokens=n)
        for step in (out, last, Cost.made(site.x.elements)):
            look += step.holding(joined + table + wide * n)
        return norm + of_image(site.x, 3 * wide, self.bias) + look

    def inside(self, site: Site) -> tuple[Op, ...]:
        from archkit.builtin.insides import linear_attention

        return linear_attention(self, site, self._count(site))

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.linear_attention import LinearAttention

        return LinearAttention(
            site.x.channels,
            self._count(site),
            self.norm.build(site),
            self.out_norm.build(site),
            width=self.width,
            bias=self.bias,
            memory=self.memory,
            zero_init=self.zero_init,
        )
