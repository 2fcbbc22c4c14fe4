"""Convolutions in a row, and what follows each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveInt

from archkit import (
    Activation,
    Block,
    Component,
    Cost,
    Misfit,
    Norm,
    Op,
    PerAxis,
    Shape,
    Site,
    SizeMap,
    Slot,
    resized,
)

from .blocks import VECTORS, Method, Share, with_embedding

if TYPE_CHECKING:
    from torch import nn

Steps = tuple[str, ...]


class Followed(Component):
    """What follows a convolution: norm, activation and dropout, in some order."""

    norm: Annotated[Norm, Slot("norm")] = Field("group", validate_default=True)
    """The norm after each convolution."""
    activation: Annotated[Activation, Slot("activation")] = Field("silu", validate_default=True)
    """The activation after each norm."""
    bias: bool = True
    """Whether the convolutions have a bias."""
    dropout: Share = 0.0
    """Share of values dropped after each convolution, while training."""
    dropout_after: Literal["convolution", "norm", "activation"] = "convolution"
    """What dropout comes right after."""
    order: Literal["norm-activation", "activation-norm"] = "norm-activation"
    """Whether the norm or the activation comes first."""

    def follows(self) -> Steps:
        """What follows a convolution, step by step."""
        steps = self.order.split("-")
        if self.dropout:
            before = self.dropout_after != "convolution"
            steps.insert(steps.index(self.dropout_after) + 1 if before else 0, "dropout")
        return tuple(steps)

    def step(self, step: str, site: Site) -> Cost | None:
        """The cost of one of these steps at a site."""
        if step == "dropout":
            return Cost.dropout(site.x.elements)
        return self.norm.cost(site) if step == "norm" else self.activation.cost(site)

    def fitted(self, site: Site) -> None:
        """Raises Misfit where the norm can't stand at a site."""
        try:
            self.norm.infer(site)
        except Misfit as misfit:
            raise misfit.under("norm") from None


class ConvolutionRow(Followed, Block):
    """convolution, norm, activation, a few times."""

    group = "convolution"
    strides: ClassVar[bool] = True

    method: Method = "add"
    """How the embedding enters, around the first norm: ``add`` and ``multiply`` before it,
    ``scale-shift`` after it, or ``none``."""
    enters: Literal["norm", "activation"] = "norm"
    """Where it enters: around the first norm, or after the first activation (Diffuser)."""
    count: PositiveInt = 1
    """How many convolutions; the original U-Net has two."""
    kernel: PerAxis = 3
    """Size of each convolution: one number, or one for each axis; odd where the size stays."""

    def padded(self) -> bool:
        """Whether zeros around keep the size."""
        return True

    def ends(self) -> Steps:
        """What follows the last convolution."""
        return self.follows()

    def reads(self, site: Site) -> tuple[str, ...]:
        normed = self.count > 1 or self.enters in self.ends()
        takes = VECTORS[self.method] and site.embedding is not None and normed
        return ("x", "embedding") if takes else ("x",)

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        kernels, rest = site.per_axis(self.kernel, "kernel"), self.count - 1
        maps = []
        for k, s in zip(kernels, first_strides(site), strict=True):
            lost = 0 if self.padded() else rest * (k - 1)
            first = SizeMap.window(k, s, k - 1 if self.padded() else 0)
            maps.append(SizeMap(plus=first.plus - lost * s, over=s))
        return tuple(maps)

    def infer(self, site: Site) -> Shape:
        for k in site.per_axis(self.kernel, "kernel"):
            if self.padded() and k % 2 == 0:
                what = f"a kernel of {k} can't keep the size"
                raise Misfit(what, f"use {k - 1} or {k + 1}", option=("kernel",))
        if self.method == "adaln-zero" and site.embedding is not None:
            raise Misfit(
                f"`adaln-zero` gates a branch, which a `{self.type}` block does not",
                "use `method: scale-shift`, or `block: resnet`",
                option=("method",),
            )
        out = super().infer(site)
        for width in {site.inner or site.width} if self.count > 1 else ():
            self.fitted(site.at(width, out.space))
        if "norm" in self.ends():
            self.fitted(site.at(site.width, out.space))
        return out

    def cost(self, site: Site) -> Cost | None:
        kernels = site.per_axis(self.kernel, "kernel")
        takes = "embedding" in self.reads(site)
        total, shape, strides = Cost(), site.x, first_strides(site)
        for width, steps in self.rows(site):
            out = Shape(width, self._space(shape.space, strides, kernels))
            total += Cost.convolution(
                shape.channels,
                width,
                kernel=kernels,
                out=out,
                bias=self.bias,
                stride=strides,
                padding=None if self.padded() else (0,) * site.dims,
            )
            for step in steps:
                part = self.step(step, site.at(width, out.space))
                if part is None:
                    return None
                if step == self.enters and takes:
                    if step == "activation":
                        total, part = total + part, Cost()
                    part, takes = with_embedding(self, site, part, out), False
                total += part
            shape, strides = out, (1,) * site.dims
        return total

    def rows(self, site: Site) -> list[tuple[int, Steps]]:
        """The channels that leave each convolution, and what follows it."""
        inner = (site.inner or site.width, self.follows())
        return [*(inner,) * (self.count - 1), (site.width, self.ends())]

    def _space(
        self, space: tuple[int, ...], strides: tuple[int, ...], kernels: tuple[int, ...]
    ) -> tuple[int, ...]:
        """What one convolution makes of a size."""
        pads = [k - 1 if self.padded() else 0 for k in kernels]
        return resized(space, map(SizeMap.window, kernels, strides, pads))

    def caption(self, site: Site) -> str:
        from archkit.builtin.insides import sides

        return f"Conv {sides(self.kernel)}" + (f" ×{self.count}" if self.count > 1 else "")

    def inside(self, site: Site) -> tuple[Op, ...]:
        from archkit.builtin.insides import convolutions

        return convolutions(self, site, VECTORS[self.method] * self.rows(site)[0][0])

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.blocks import Taking
        from archkit.nn.convolutions import After, ConvolutionBlock

        here, kernels = site.at(site.width), site.per_axis(self.kernel, "kernel")
        after = After(
            lambda channels: self.norm.build(site.at(channels)),
            lambda: self.activation.build(here),
            self.dropout,
            self.follows(),
            self.ends(),
            self.enters,
        )
        takes = "embedding" in self.reads(site)
        options: dict[str, Any] = {"kernel": kernels, "bias": self.bias}
        return ConvolutionBlock(
            site.dims,
            site.x.channels,
            [width for width, _ in self.rows(site)],
            after=after,
            taking=Taking(self.method, site.embedding or 0) if takes else None,
            stride=first_strides(site),
            padding=tuple(k // 2 if self.padded() else 0 for k in kernels),
            **options,
        )


class Convolutions(ConvolutionRow):
    """convolution, norm, activation, a few times.

    References:
        | U-Net: Convolutional Networks for Biomedical Image Segmentation
          (Ronneberger, Fischer, Brox, 2015)
        | https://arxiv.org/abs/1505.04597
    """

    short = "Conv"
    type: Literal["conv"] = "conv"
    padding: Literal["same", "valid"] = "same"
    """Zeros around, so that the size stays; ``valid`` has none, and sizes shrink."""

    def padded(self) -> bool:
        return self.padding == "same"


def first_strides(site: Site) -> tuple[int, ...]:
    """The strides of a block's first convolution."""
    return site.stride or (1,) * site.dims
