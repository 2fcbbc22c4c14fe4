"""The residual block of diffusion networks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Protocol

from pydantic import Field

from archkit import (
    KEEP,
    Activation,
    Block,
    Cost,
    Inherited,
    Misfit,
    Norm,
    Number,
    Op,
    PerAxis,
    Shape,
    Site,
    SizeMap,
    Slot,
)

if TYPE_CHECKING:
    from torch import nn

Share = Annotated[float, Field(ge=0, lt=1)]
Method = Annotated[Literal["add", "scale-shift", "multiply", "adaln-zero", "none"], Inherited()]
VECTORS = {"add": 1, "scale-shift": 2, "multiply": 1, "adaln-zero": 3, "none": 0}


class ResNet(Block):
    """norm, activation, convolution, twice, added to the input.

    References:
        | Denoising Diffusion Probabilistic Models (Ho, Jain, Abbeel, 2020)
        | https://arxiv.org/abs/2006.11239
        | Diffusion Models Beat GANs on Image Synthesis (Dhariwal, Nichol, 2021), for
          scale-shift and for pooling inside
        | https://arxiv.org/abs/2105.05233
    """

    resamples: ClassVar[bool] = True

    short, group = "ResNet", "resnet"
    type: Literal["resnet"] = "resnet"
    norm: Annotated[Norm, Slot("norm")] = Field("group", validate_default=True)
    """The norm before each convolution."""
    activation: Annotated[Activation, Slot("activation")] = Field("silu", validate_default=True)
    """The activation before each convolution."""
    method: Method = "add"
    """How the embedding enters, around the second norm: ``add`` before it (DDPM), ``scale-shift``
    after it (ADM), ``multiply`` before it (EDM2), ``adaln-zero`` after it with a gate on the
    branch (DiT), or ``none``."""
    kernel: PerAxis = 3
    """Size of both convolutions: one number, or one for each axis; odd."""
    dropout: Share = 0.0
    """Share of values dropped before the second convolution, while training."""
    scale: Number = 1.0
    """Of the sum of branch and shortcut; ``sqrt(1/2)`` in NCSN++."""
    shortcut: Literal["width", "resample"] = "width"
    """When the shortcut is a 1×1 convolution: where the width changes, or also where the block
    resamples (EDM)."""
    zero_init: bool = True
    """Start as the identity: the last convolution, or the gate, is zero."""

    def reads(self, site: Site) -> tuple[str, ...]:
        takes = VECTORS[self.method] and site.embedding is not None
        return ("x", "embedding") if takes else ("x",)

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        return site.resample.size_maps(site) if site.resample else (KEEP,) * site.dims

    def infer(self, site: Site) -> Shape:
        odd(self.kernel, site)
        try:
            self.norm.infer(site.at(site.x.channels))
            self.norm.infer(site.at(site.width))
        except Misfit as misfit:
            raise misfit.under("norm") from None
        return super().infer(site)

    def cost(self, site: Site) -> Cost | None:
        channels, width, out = site.x.channels, site.width, self.infer(site)
        here, there = site.at(channels), site.at(width, out.space)
        resample = site.resample.cost(site.bared(channels)) if site.resample else Cost()
        parts = (
            *(self.norm.cost(here), self.activation.cost(here)),
            *(self.norm.cost(there), self.activation.cost(there), resample),
        )
        counted = [part for part in parts if part is not None]
        if len(counted) < len(parts):
            return None
        norm1, activation1, norm2, activation2, branch = counted
        embedded = "embedding" in self.reads(site)
        vectors = VECTORS[self.method] * width * embedded
        inside = [
            branch,
            Cost.convolution(channels, width, kernel=self.kernel, out=out),
            with_embedding(self, site, norm2, out),
            activation2.holding(vectors),
            Cost.dropout(out.elements) if self.dropout else Cost(),
            Cost.convolution(width, width, kernel=self.kernel, out=out).holding(vectors),
        ]
        if embedded and self.method == "adaln-zero":
            inside.append(Cost.made(out.elements, keeps="x").holding(vectors))
        total = norm1 + activation1
        for step in inside:  # meanwhile the shortcut, which resamples first, is held
            total += step.holding(branch.out or 0)
        shortcut, added = replace(branch, parameters=0), Cost.made(out.elements)  # the same module
        if self.projects(site):
            shortcut += Cost.convolution(channels, width, kernel=1, out=out)
        out_of_both = added if self.scale == 1.0 else added + added
        return (total & shortcut) + out_of_both.holding(vectors)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.blocks import Branch, ResNetBlock, Taking

        resample = site.resample
        takes = "embedding" in self.reads(site)
        branch = Branch(
            norm=lambda channels: self.norm.build(site.at(channels)),
            activation=lambda channels: self.activation.build(site.at(channels)),
            kernel=self.kernel,
            dropout=self.dropout,
            zero_init=self.zero_init,
        )
        return ResNetBlock(
            site.dims,
            site.x.channels,
            site.width,
            branch,
            taking=Taking(self.method, site.embedding or 0) if takes else None,
            scale=self.scale,
            project=self.projects(site),
            resample=(lambda: resample.build(site.bared(site.x.channels))) if resample else None,
        )

    def inside(self, site: Site) -> tuple[Op, ...]:
        from archkit.builtin.insides import resnet

        return resnet(self, site, VECTORS[self.method] * site.width)

    def projects(self, site: Site) -> bool:
        """Whether the shortcut is a convolution."""
        resampled = self.shortcut == "resample" and site.resample is not None
        return site.x.channels != site.width or resampled


class _Told(Protocol):
    """A block that may take the embedding."""

    @property
    def method(self) -> str: ...

    def reads(self, site: Site) -> tuple[str, ...]: ...


def with_embedding(block: _Told, site: Site, norm: Cost, out: Shape) -> Cost:
    """The norm around which a block takes the embedding, and the projection of that."""
    if "embedding" not in block.reads(site):
        return norm
    n, vectors = out.channels, VECTORS[block.method] * out.channels
    if block.method == "add":
        taken = Cost.made(out.elements) + norm
    elif block.method == "multiply":
        taken = Cost.made(out.elements, keeps="x", saved=n, spare=n) + norm
    else:
        taken = norm + Cost.made(out.elements, keeps="x", saved=n, spare=n)
    if block.method == "adaln-zero":
        taken += Cost(saved=vectors)
    project = Cost.linear(site.embedding or 0, vectors).aside("embedding")
    return project + taken.holding(vectors)


def odd(kernel: int | tuple[int, ...], site: Site) -> None:
    """Raises Misfit for the kernel of a convolution that can't keep the size."""
    for k in site.per_axis(kernel, "kernel"):
        if k % 2 == 0:
            what = f"a kernel of {k} can't keep the size"
            raise Misfit(what, f"use {k - 1} or {k + 1}", option=("kernel",))
