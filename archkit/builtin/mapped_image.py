"""An image as a condition, mapped to the width of the stem."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import PositiveInt

from archkit import Condition, Cost, Op, Route, Shape, Site, Tensor

if TYPE_CHECKING:
    from torch import nn


class MappedImage(Condition):
    """An image, through two 1×1 convolutions and a layer norm, added after the stem.

    An image of another size is resized along every axis, corner to corner; costs are counted with
    one of the sample's size.

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
        from archkit.nn.mapped_image import MappedImage

        wide, first = self.expansion * site.x.channels, self.resized == "first"
        return MappedImage(site.dims, self.channels, wide, site.x.channels, first=first)
