"""Conditions of Stable Cascade: numbers told like the time, longer sequences, mapped images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from archkit import Condition, Cost, Misfit, Number, Op, Route, Shape, Site, Tensor

if TYPE_CHECKING:
    from torch import nn


class ToldNumber(Condition):
    """A number, as sinusoids, that joins the embedding; (B,). Left out, it is zero.

    References:
        | SDXL: Improving Latent Diffusion Models for High-Resolution Image Synthesis
          (Podell et al., 2023), section 2.2, for numbers that are told as the time is
        | https://arxiv.org/abs/2307.01952
    """

    short = "sin/cos"
    type: Literal["number"] = "number"
    order: Literal["cos-sin", "sin-cos"] = "cos-sin"
    """Which half comes first: cosines or sines."""
    shift: NonNegativeFloat = 0.0
    """Taken from the number of frequencies in the exponent."""
    period: PositiveFloat = 10000.0
    """The longest period, over 2π."""
    scale: Number = 1.0
    """What the number is multiplied with first."""

    def route(self) -> Route:
        return "embedding"

    def takes(self, dims: int, space: tuple[int, ...]) -> Tensor:
        return Tensor((), null=0)

    def infer(self, site: Site) -> Shape:
        if site.width // 2 <= self.shift:
            what = f"{site.width} sinusoids are too few for a `shift` of {self.shift:g}"
            raise Misfit(what, "make the embedding wider", option=("shift",))
        return Shape(site.width)

    def cost(self, site: Site) -> Cost:
        return Cost.made(site.width)

    def caption(self, site: Site) -> str:
        return f"{self.short} {site.width}"

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.embeddings import Sinusoidal, TimeEmbedding

        waves = Sinusoidal(
            site.width,
            period=self.period,
            shift=self.shift,
            scale=self.scale,
            sin_first=self.order == "sin-cos",
        )
        return TimeEmbedding(waves, (site.width,))


class Expanded(Condition):
    """Vectors (B, n, channels), each through a layer to one or more tokens, and a layer norm.

    References:
        | Würstchen: An Efficient Architecture for Large-Scale Text-to-Image Diffusion Models
          (Pernias et al., 2023), in the form of Stable Cascade
        | https://arxiv.org/abs/2306.00637
    """

    short, group = "Tokens", "sequence"
    type: Literal["expanded"] = "expanded"
    channels: PositiveInt = 768
    """Channels of each vector."""
    count: PositiveInt = 1
    """How many vectors costs are counted with; any number runs."""
    tokens: PositiveInt = 1
    """How many tokens each becomes."""
    width: PositiveInt = 768
    """Channels of each token."""
    bias: bool = True
    """Whether the layer has a bias."""
    affine: bool = False
    """Whether the norm learns a scale and a shift for each channel."""
    eps: PositiveFloat = 1e-6
    """Added to the variance in the norm."""

    def route(self) -> Route:
        return "context"

    def takes(self, dims: int, space: tuple[int, ...]) -> Tensor:
        return Tensor((None, self.channels))

    def counted(self) -> int:
        return self.count

    def infer(self, site: Site) -> Shape:
        return Shape(self.width, (self.tokens * site.x.positions,))

    def cost(self, site: Site) -> Cost:
        n, wide = site.x.positions, self.width * self.tokens
        m = n * self.tokens
        linear = Cost.linear(self.channels, wide, tokens=n, bias=self.bias)
        norm = Cost.norm(self.width, affine=self.affine, positions=m, statistics=2 * m)
        return linear + norm

    def caption(self, site: Site) -> str:
        more = f"{self.tokens} × " if self.tokens > 1 else ""
        return f"Linear {self.channels} → {more}{self.width} · LayerNorm"

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.told import Expanded

        norm = {"eps": self.eps, "elementwise_affine": self.affine}
        return Expanded(self.channels, self.width, self.tokens, bias=self.bias, norm=norm)


class MappedImage(Condition):
    """An image, through two 1×1 convolutions and a layer norm, added after the stem.

    An image of another size is resized along every axis, corner to corner.

    References:
        | Würstchen: An Efficient Architecture for Large-Scale Text-to-Image Diffusion Models
          (Pernias et al., 2023), in the form of Stable Cascade
        | https://arxiv.org/abs/2306.00637
    """

    group = "image"
    type: Literal["mapped-image"] = "mapped-image"
    channels: PositiveInt = 3
    """Channels of the image."""
    resized: Literal["first", "last"] = "first"
    """Whether it is resized before the convolutions or after the norm."""
    expansion: PositiveInt = 4
    """Channels between the convolutions, as a multiple of those of the stem."""
    optional: bool = False
    """Whether it may be left out, and is an image of zeros then."""
    size: PositiveInt = 8
    """The size along each axis that costs are counted with; any size runs."""

    def counted(self) -> int:
        return self.size

    def route(self) -> Route:
        return "stem"

    def takes(self, dims: int, space: tuple[int, ...]) -> Tensor:
        shape = (self.channels, *(None for _ in space))
        return Tensor(shape, null=0 if self.optional else None)

    def reads(self, site: Site) -> tuple[str, ...]:
        return ("x", "skip")

    def infer(self, site: Site) -> Shape:
        return site.x

    def cost(self, site: Site) -> Cost:
        assert site.skip is not None
        x, c = site.x, site.x.channels
        at = x if self.resized == "first" else Shape(c, site.skip.space)
        n, wide = at.positions, at.with_channels(self.expansion * c)
        first = Cost.convolution(self.channels, wide.channels, kernel=1, out=at)
        gelu = Cost.made(wide.elements, keeps="x")
        second = Cost.convolution(wide.channels, c, kernel=1, out=at)
        norm = Cost.norm(c, affine=False, positions=n, statistics=2 * n)
        mapped = first + gelu + second + norm
        return (Cost() & mapped.reading("skip")) + Cost.made(x.elements)

    def caption(self, site: Site) -> str:
        return "Conv 1 · Conv 1 · add"

    def inside(self, site: Site) -> tuple[Op, ...]:
        c, wide = site.x.channels, self.expansion * site.x.channels
        return (
            Op(f"Conv 1 · {self.channels} → {wide} · GELU", ("skip",), group="convolution"),
            Op(f"Conv 1 · {wide} → {c} · LayerNorm", name="mapped", group="convolution"),
            Op("+", ("x", "mapped")),
        )

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.told import MappedImage

        wide, first = self.expansion * site.x.channels, self.resized == "first"
        return MappedImage(site.dims, self.channels, wide, site.x.channels, first=first)
