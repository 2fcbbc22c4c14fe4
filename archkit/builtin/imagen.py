"""The block and the transformer of Imagen's Efficient U-Net."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from archkit import Activation, Attention, Block, Cost, Norm, Op, Shape, Site, Slot

from .attention import heads, normed
from .contexts import looking, named, one_width, padded

if TYPE_CHECKING:
    from torch import nn

Names = str | Annotated[tuple[str, ...], Field(strict=False)] | None


class ImagenBlock(Block):
    """norm, activation, convolution, twice, added to the input; the embedding modulates the second.

    Between the convolutions positions may look at sequences; after them a global context may weigh
    the channels.

    References:
        | Photorealistic Text-to-Image Diffusion Models with Deep Language Understanding
          (Saharia et al., 2022), appendix B, in the form of imagen-pytorch
        | https://arxiv.org/abs/2205.11487
    """

    method: ClassVar[str] = "scale-shift"

    short, group = "ResNet", "resnet"
    type: Literal["imagen"] = "imagen"
    norm: Annotated[Norm, Slot("norm")] = Field(
        {"type": "rms", "eps": 1e-24}, validate_default=True
    )
    """The norm before each convolution; the embedding scales and shifts what the second makes."""
    activation: Annotated[Activation, Slot("activation")] = Field("silu", validate_default=True)
    """The activation before each convolution."""
    context: Names = "none"
    """Names of the conditions to look at, ``none`` for none, null for all that are sequences."""
    heads: PositiveInt = 8
    """Number of heads that look."""
    inner: PositiveInt = 512
    """Channels of queries, keys and values, all heads together."""
    gate: bool = True
    """Whether each channel of the branch is weighed by a global context."""
    zero_init: bool = False
    """Start as the identity: the last convolution is zero."""

    def looks(self, site: Site) -> tuple[str, ...]:
        """The sequences that it looks at."""
        return named(self.context, site)

    def reads(self, site: Site) -> tuple[str, ...]:
        told = () if site.embedding is None else ("embedding",)
        return ("x", *told, *padded(self.looks(site), site))

    def infer(self, site: Site) -> Shape:
        for channels in (site.x.channels, site.width):
            normed(self.norm, site.at(channels))
        fitting(self, site)
        return super().infer(site)

    def cost(self, site: Site) -> Cost | None:
        from .imagen_costs import block

        return block(self, site)

    def inside(self, site: Site) -> tuple[Op, ...]:
        from .insides import convolution, taken

        c, width = site.x.channels, site.width
        ops = [*self.norm.steps(site.at(c)), *self.activation.steps(site)]
        ops.append(convolution(3, c, width, "conv1"))
        for name in self.looks(site):
            look = Op("cross-attention", ("conv1", f"keys of {name}"), "looked", "transformer")
            ops += [
                Op(f"keys, values → 2 × {self.inner}", (name,), f"keys of {name}"),
                *looking(look, (name,), site),
                Op("+", ("conv1", "looked"), "conv1"),
            ]
        method = "none" if site.embedding is None else self.method
        ops += [*taken(method, self.norm, site, 2 * width), *self.activation.steps(site)]
        ops.append(convolution(3, width, width, "branch"))
        if self.gate:
            ops.append(Op("global context", ("branch",), "gate", "attention"))
            ops.append(Op("×", ("branch", "gate"), "branch"))
        shortcut = "x"
        if c != width:
            ops.append(convolution(1, c, width, "projected", ("x",)))
            shortcut = "projected"
        return (*ops, Op("+", ("branch", shortcut)))

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.imagen import CrossAttention, ImagenBlock, Making

        looked = [site.contexts[name].channels for name in self.looks(site)]
        sizes = (self.heads, self.inner // self.heads)
        making = Making(
            norm=lambda channels: self.norm.build(site.at(channels)),
            activation=lambda channels: self.activation.build(site.at(channels)),
            embedding=site.embedding,
            cross=(lambda: CrossAttention(site.width, looked[0], *sizes)) if looked else None,
            gate=self.gate,
            zero_init=self.zero_init,
        )
        return ImagenBlock(site.dims, site.x.channels, site.width, making)


class ImagenAttention(Attention):
    """Transformer layers on the positions, which look at each other and at sequences at once.

    All heads share their keys and values; queries and keys have length one.

    References:
        | Photorealistic Text-to-Image Diffusion Models with Deep Language Understanding
          (Saharia et al., 2022), in the form of imagen-pytorch
        | https://arxiv.org/abs/2205.11487
        | Fast Transformer Decoding: One Write-Head is All You Need (Shazeer, 2019)
        | https://arxiv.org/abs/1911.02150
    """

    short, group = "Imagen attn", "transformer"
    type: Literal["imagen"] = "imagen"
    context: Names = None
    """Names of the conditions to look at: all that are sequences if left out, ``none`` for
    self-attention alone."""
    heads: PositiveInt = 8
    """Number of heads."""
    inner: PositiveInt = 512
    """Channels of queries, all heads together; keys and values have those of one head."""
    depth: PositiveInt = 1
    """How many layers."""
    expansion: PositiveFloat = 2.0
    """Width of the feed-forward, as a multiple of the channels."""

    def looks(self, site: Site) -> tuple[str, ...]:
        """The sequences that it looks at."""
        return named(self.context, site)

    def reads(self, site: Site) -> tuple[str, ...]:
        return ("x", *padded(self.looks(site), site))

    def hidden(self, site: Site) -> int:
        """Width of the feed-forward."""
        return max(1, int(self.expansion * site.x.channels))

    def infer(self, site: Site) -> Shape:
        fitting(self, site)
        return site.x

    def cost(self, site: Site) -> Cost:
        from .imagen_costs import transformer

        return transformer(self, site)

    def caption(self, site: Site) -> str:
        return self.short + (f" ×{self.depth}" if self.depth > 1 else "")

    def inside(self, site: Site) -> tuple[Op, ...]:
        c, times, told = site.x.channels, self.depth, self.looks(site)
        head, wide = self.inner // self.heads, self.hidden(site)
        ops = [Op("positions", name="h")]
        for name in told:
            keys = f"LayerNorm · keys, values → 2 × {head}"
            ops.append(Op(keys, (name,), f"keys of {name}", repeat=times))
        reads = ("h", *(f"keys of {name}" for name in told))
        look = f"LayerNorm · attention, {self.heads} heads"
        *before, last = looking(Op(look, reads, "looked", "attention", times), told, site)
        return (
            *ops,
            *before,
            replace(last, label=f"{last.label} · LayerNorm"),
            Op("+", ("looked", "h"), "h", repeat=times),
            Op(f"MLP {c} → {wide} → {c}", ("h",), "feed-forward", repeat=times),
            Op("+", ("feed-forward", "h"), "h", repeat=times),
        )

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.imagen import Transformer

        told = [site.contexts[name].channels for name in self.looks(site)]
        return Transformer(
            site.x.channels,
            told[0] if told else None,
            self.heads,
            self.inner // self.heads,
            hidden=self.hidden(site),
            depth=self.depth,
        )


def fitting(part: ImagenBlock | ImagenAttention, site: Site) -> None:
    """Raises Misfit where heads do not divide the width, or sequences differ in theirs."""
    heads(part.heads, None, part.inner)
    one_width(part.looks(site), site)
