"""Conditions: what else the network is told, and where it goes in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from archkit import Activation, Condition, Cost, Misfit, Route, Shape, Site, Slot, Tensor

if TYPE_CHECKING:
    from torch import nn


class Label(Condition):
    """A class, as a learned vector that joins the embedding; (B,) whole numbers.

    References:
        | Classifier-Free Diffusion Guidance (Ho, Salimans, 2022)
        | https://arxiv.org/abs/2207.12598
    """

    short, group = "Embedding", "label"
    type: Literal["label"] = "label"
    classes: PositiveInt = 10
    """How many classes, numbered from 0."""
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    """For guidance: adds a null class after the others, which stands in where no label is given
    and, while training, for this share of the labels."""
    into: Literal["embedding", "time", "tokens"] = "embedding"
    """Where it goes: added to the embedding, or to the features of the time before their MLP; or
    before the tokens of a stem that makes some."""

    def route(self) -> Route:
        return self.into

    def takes(self, dims: int, space: tuple[int, ...]) -> Tensor:
        return Tensor((), "int", self.classes if self.dropout is not None else None)

    def infer(self, site: Site) -> Shape:
        return Shape(site.width)

    def cost(self, site: Site) -> Cost:
        rows = self.classes + (self.dropout is not None)
        # Where labels are dropped, others take their place, in int64: two elements of float32.
        drops = bool(self.dropout)
        made = Cost.made(site.width, keeps="" if drops else "x", saved=2 * drops)
        return Cost(rows * site.width) + made

    def caption(self, site: Site) -> str:
        return f"Embedding {self.classes} → {site.width}"

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.embeddings import Label

        return Label(self.classes, site.width, self.dropout)


class Vector(Condition):
    """A vector (B, channels), through an MLP, that joins the embedding.

    With `sizes`, so many further numbers stand after it; each becomes sinusoids beside it.

    References:
        | SDXL: Improving Latent Diffusion Models for High-Resolution Image Synthesis
          (Podell et al., 2023), section 2.2
        | https://arxiv.org/abs/2307.01952
    """

    short, group = "MLP", "vector"
    type: Literal["vector"] = "vector"
    channels: NonNegativeInt = 512
    """Numbers that are taken as they are; 0 where all are embedded."""
    sizes: NonNegativeInt = 0
    """Numbers after them that are embedded as sinusoids: sizes and crops of an image."""
    size_width: PositiveInt = 256
    """Sinusoids of each such number."""
    layers: Literal[0, 1, 2] = 2
    """Linear layers, with an activation between two; with none it has to have the width of what it
    joins."""
    bias: bool = True
    """Whether the layers have a bias."""
    activation: Annotated[Activation, Slot("activation")] = Field("silu", validate_default=True)
    """The activation between the layers."""
    into: Literal["embedding", "time", "tokens"] = "embedding"
    """Where it goes: added to the embedding, or to the features of the time before their MLP; or
    before the tokens of a stem that makes some."""

    def route(self) -> Route:
        return self.into

    def takes(self, dims: int, space: tuple[int, ...]) -> Tensor:
        return Tensor((self.channels + self.sizes,))

    def infer(self, site: Site) -> Shape:
        wide = self._wide()
        if not wide:
            raise Misfit("a vector of no numbers tells nothing", "say how many `channels` it has")
        if self.layers == 0 and wide != site.width:
            raise Misfit(
                f"a vector of {wide} can't join what is {site.width} wide without a layer",
                f"use `layers: 1`, or {site.width} `channels`",
                option=("layers",),
            )
        return Shape(site.width)

    def cost(self, site: Site) -> Cost | None:
        wide = self._wide()
        total = Cost.linear(wide, site.width, bias=self.bias) if self.layers else Cost()
        if self.sizes:
            total = Cost.made(wide) + total
        if self.layers < 2:
            return total
        activation = self.activation.cost(replace(site, x=Shape(site.width)))
        if activation is None:
            return None
        second = Cost.linear(site.width, site.width, bias=self.bias)
        return total + (activation + second)

    def _wide(self) -> int:
        return self.channels + self.sizes * self.size_width

    def caption(self, site: Site) -> str:
        return f"MLP {self._wide()} → {site.width}" if self.layers else ""

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.embeddings import Vector

        return Vector(
            self.channels,
            site.width,
            sizes=self.sizes,
            size_width=self.size_width,
            activation=self.activation.build(site) if self.layers == 2 else None,
            bias=self.bias,
            bare=self.layers == 0,
        )


class Sequence(Condition):
    """Tokens (B, n, channels) for cross-attention to look at, such as an encoded text."""

    group = "sequence"
    type: Literal["sequence"] = "sequence"
    channels: PositiveInt = 768
    """Channels of each token."""
    tokens: PositiveInt = 77
    """How many tokens costs are counted with; any number runs."""
    width: PositiveInt | None = None
    """Channels that a linear layer first makes of those of each token; no layer if left out."""

    def route(self) -> Route:
        return "context"

    def keeps_tokens(self) -> bool:
        return True

    def takes(self, dims: int, space: tuple[int, ...]) -> Tensor:
        return Tensor((None, self.channels))

    def counted(self) -> int:
        return self.tokens

    def infer(self, site: Site) -> Shape:
        return site.x.with_channels(self.width or site.x.channels)

    def cost(self, site: Site) -> Cost:
        if self.width is None:
            return Cost()
        return Cost.linear(site.x.channels, self.width, tokens=site.x.positions)

    def caption(self, site: Site) -> str:
        return f"Linear {site.x.channels} → {self.width}" if self.width else ""

    def build(self, site: Site) -> nn.Module:
        from torch import nn

        from archkit.nn.embeddings import Tokens

        return nn.Linear(site.x.channels, self.width) if self.width else Tokens()


class Padding(Condition):
    """Which tokens of a sequence are padding, (B, n): 1 where one is, 0 where it is not.

    Every attention and block that looks at sequences looks past them, and `attention-pooled` of the
    sequence does; where all are padding, it looks as if none were. None is, where this is not told.
    The norm of a sequence, a mean of it and `pooled` take all of its tokens.

    References:
        | Attention Is All You Need (Vaswani et al., 2017), section 3.2.3
        | https://arxiv.org/abs/1706.03762
    """

    group = "sequence"
    type: Literal["padding"] = "padding"
    of: str | None = None
    """The sequence; the one declared before it if left out."""

    def route(self) -> Route:
        return "padding"

    def takes(self, dims: int, space: tuple[int, ...]) -> Tensor:
        return Tensor((None,), "int", null=0)

    def pads(self) -> str | None:
        return self.of

    def infer(self, site: Site) -> Shape:
        return site.x

    def cost(self, site: Site) -> Cost:
        return Cost()

    def caption(self, site: Site) -> str:
        return ""

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.embeddings import Tokens

        return Tokens()


class Image(Condition):
    """An image (B, channels, *space) that joins the sample, the stem's output, or the last one.

    References:
        | Image Super-Resolution via Iterative Refinement (Saharia et al., 2021)
        | https://arxiv.org/abs/2104.07636
    """

    group = "image"
    type: Literal["image"] = "image"
    channels: PositiveInt = 3
    """Channels of the image."""
    of: str | None = None
    """The condition whose image it takes, to go in at another place; its own if left out."""
    into: Literal["input", "stem", "head"] = "input"
    """Where it goes in: beside the sample's channels, projected and added after the stem, or
    beside the channels that the head takes."""
    resize: Literal["none", "nearest", "linear"] = "none"
    """How an image of another size is brought to the sample's; ``none`` refuses it."""

    def route(self) -> Route:
        return self.into

    def takes(self, dims: int, space: tuple[int, ...]) -> Tensor:
        return Tensor((self.channels, *(None for _ in space)), follows=self.resize == "none")

    def source(self) -> str | None:
        return self.of

    def joins(self) -> int:
        return 0 if self.into == "stem" else self.channels

    def reads(self, site: Site) -> tuple[str, ...]:
        return ("x", "skip")

    def infer(self, site: Site) -> Shape:
        assert site.skip is not None
        if site.skip.channels != self.channels:
            what = f"`{self.of}` is told {site.skip.channels} channels, not {self.channels}"
            raise Misfit(what, f"use `channels: {site.skip.channels}`", option=("channels",))
        return site.x.with_channels(site.width)

    def cost(self, site: Site) -> Cost:
        made = Cost.made(self.infer(site).elements)
        if self.into != "stem":
            return (Cost() & Cost().reading("skip")) + made
        conv = Cost.convolution(self.channels, site.width, kernel=3, out=site.x)
        return (Cost() & conv.reading("skip")) + made

    def caption(self, site: Site) -> str:
        return "Conv 3 · add" if self.into == "stem" else "concat"

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.axes import convolution
        from archkit.nn.embeddings import AddImage, JoinImage

        linear = ("linear", "bilinear", "trilinear")[site.dims - 1]
        mode = {"none": None, "nearest": "nearest", "linear": linear}[self.resize]
        if self.into != "stem":
            return JoinImage(mode)
        return AddImage(convolution(site.dims, self.channels, site.width, 3, padding=1), mode)
