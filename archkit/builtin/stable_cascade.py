"""The stage of Stable Cascade's networks, as one block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveInt

from archkit import Block, Cost, Misfit, Op, Shape, Site

from .attention import Share, heads
from .contexts import named, one_width, padded
from .patches import odd_kernel

if TYPE_CHECKING:
    from torch import nn


class StableCascade(Block):
    """Layers of a ConvNeXt block, a modulation by the embedding and attention, maybe repeated.

    Where more channels come than the stage has, those beyond are a skip (``skip: concat``), which
    the first layer takes inside. Attention looks at positions and at all sequences at once.

    References:
        | Würstchen: An Efficient Architecture for Large-Scale Text-to-Image Diffusion Models
          (Pernias et al., 2023), in the form of Stable Cascade
        | https://arxiv.org/abs/2306.00637
        | ConvNeXt V2: Co-designing and Scaling ConvNets with Masked Autoencoders (Woo et al., 2023)
        | https://arxiv.org/abs/2301.00808
    """

    short, group = "Cascade", "resnet"
    type: Literal["stable-cascade"] = "stable-cascade"
    depth: PositiveInt = 1
    """How many layers."""
    repeats: PositiveInt = 1
    """How often all of them run, the same weights each time, with a 1×1 convolution between."""
    heads: PositiveInt | None = None
    """Number of heads of the attention in every layer; no attention if left out."""
    context: str | Annotated[tuple[str, ...], Field(strict=False)] | None = None
    """Names of the conditions to look at: all that are sequences if left out, ``none`` for
    positions alone."""
    vectors: PositiveInt = 1
    """How many vectors stand side by side in the embedding; each goes through a layer of its
    own."""
    kernel: PositiveInt = 3
    """Size of the depthwise convolution along each axis; odd."""
    dropout: Share = 0.0
    """Share of values dropped inside the ConvNeXt blocks, while training."""

    def reads(self, site: Site) -> tuple[str, ...]:
        told = () if site.embedding is None else ("embedding",)
        return ("x", *told, *padded(self.looks(site), site))

    def looks(self, site: Site) -> tuple[str, ...]:
        """The sequences that are looked at."""
        return named(self.context, site) if self.heads else ()

    def infer(self, site: Site) -> Shape:
        c, embedding = site.width, site.embedding
        if site.x.channels < c:
            raise Misfit(
                f"a `stable-cascade` block can't turn {site.x.channels} channels into {c}",
                "let the pooling or the upsampling do it (`width: next`)",
                code="block-width",
            )
        if embedding is not None and embedding % self.vectors:
            what = f"an embedding of {embedding} is not {self.vectors} vectors of one width"
            mend = "say with `vectors` how many stand in it, as `embedding: concat` makes it"
            raise Misfit(what, mend, option=("vectors",))
        if self.heads:
            heads(self.heads, None, c)
        one_width(self.looks(site), site)
        odd_kernel(self.kernel)
        return Shape(c, site.x.space)

    def cost(self, site: Site) -> Cost:
        from archkit.builtin.stable_cascade_costs import stage

        return stage(self, site)

    def caption(self, site: Site) -> str:
        times = (f" ×{n}" for n in (self.depth, self.repeats) if n > 1)
        return f"{self.short}{''.join(times)}"

    def inside(self, site: Site) -> tuple[Op, ...]:
        from archkit.builtin.stable_cascade_insides import stage

        return stage(self, site)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn import stable_cascade as modules

        c, skip, told = site.width, site.x.channels - site.width, site.embedding
        contexts = [site.contexts[name].channels for name in self.looks(site)]

        def layer(skip: int) -> modules.CascadeLayer:
            modulation = modules.Modulation(c, told, self.vectors) if told else None
            look = None
            if self.heads:
                look = modules.TokenAttention(c, contexts[0] if contexts else None, self.heads)
            block = modules.ConvNeXt(site.dims, c, skip, self.kernel, self.dropout)
            return modules.CascadeLayer(block, modulation, look)

        layers = [layer(skip if index == 0 else 0) for index in range(self.depth)]
        return modules.CascadeStage(site.dims, c, layers, self.repeats)
