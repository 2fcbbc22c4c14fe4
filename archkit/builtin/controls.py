"""What steers a network from beside: a hint, and the residuals that another network offers."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveInt

from archkit import Activation, Condition, Cost, Op, Route, Shape, Site, Slot, Tensor

if TYPE_CHECKING:
    from torch import nn

Widths = Annotated[tuple[PositiveInt, ...], Field(min_length=1, strict=False)]


class Residuals(Condition):
    """Tensors that are added to what every skip takes along and to what leaves the bottleneck.

    They are told as a mapping by the names of their places, as a network with `layout: controlnet`
    answers it; what is left out is zero.

    References:
        | Adding Conditional Control to Text-to-Image Diffusion Models
          (Zhang, Rao, Agrawala, 2023)
        | https://arxiv.org/abs/2302.05543
    """

    short, group = "+", "image"
    type: Literal["residuals"] = "residuals"

    def route(self) -> Route:
        return "taps"

    def takes(self, dims: int, space: tuple[int, ...]) -> Tensor:
        return Tensor((None, *(None for _ in space)), null=0, follows=True)

    def reads(self, site: Site) -> tuple[str, ...]:
        return ("x", "skip")

    def infer(self, site: Site) -> Shape:
        return site.x

    def cost(self, site: Site) -> Cost:
        return (Cost() & Cost().reading("skip")) + Cost.made(site.x.elements)

    def caption(self, site: Site) -> str:
        return "+"

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.controls import Residual

        return Residual()


class Hint(Condition):
    """An image (B, channels, *space) at many times the sample's size, encoded by convolutions.

    It is added to the stem's output, and starts as nothing: the last convolution is zero.

    References:
        | Adding Conditional Control to Text-to-Image Diffusion Models
          (Zhang, Rao, Agrawala, 2023), section 3.2
        | https://arxiv.org/abs/2302.05543
    """

    short, group = "Hint", "image"
    type: Literal["hint"] = "hint"
    channels: PositiveInt = 3
    """Channels of the image."""
    widths: Widths = (16, 32, 96, 256)
    """Channels after the first convolution and after each that halves the size: with four, the
    image is 8 times as large as the sample."""
    activation: Annotated[Activation, Slot("activation")] = Field("silu", validate_default=True)
    """The activation after every convolution but the last."""

    def route(self) -> Route:
        return "stem"

    def takes(self, dims: int, space: tuple[int, ...]) -> Tensor:
        free = (None for _ in space)
        return Tensor((self.channels, *free), follows=True, times=2 ** (len(self.widths) - 1))

    def reads(self, site: Site) -> tuple[str, ...]:
        return ("x", "skip")

    def infer(self, site: Site) -> Shape:
        return site.x.with_channels(site.width)

    def cost(self, site: Site) -> Cost | None:
        assert site.skip is not None
        total, here = Cost(), site.skip
        for channels, width, stride in self._steps():
            here = Shape(width, tuple(n // stride for n in here.space))
            activation = self.activation.cost(replace(site, x=here, width=width))
            if activation is None:
                return None
            total += Cost.convolution(channels, width, kernel=3, out=here, stride=stride)
            total += activation
        total += Cost.convolution(self.widths[-1], site.width, kernel=3, out=site.x)
        return (Cost() & total.aside("skip")) + Cost.made(self.infer(site).elements)

    def _steps(self) -> list[tuple[int, int, int]]:
        """Channels in and out, and the stride, of every convolution but the last."""
        steps = [(self.channels, self.widths[0], 1)]
        for here, there in pairwise(self.widths):
            steps += [(here, here, 1), (here, there, 2)]
        return steps

    def caption(self, site: Site) -> str:
        return f"{len(self._steps()) + 1} × Conv 3 · add"

    def inside(self, site: Site) -> tuple[Op, ...]:
        ops: list[Op] = []
        for channels, width, stride in self._steps():
            words = f"Conv 3{f' /{stride}' if stride > 1 else ''} · {channels} → {width}"
            ops += [Op(words, () if ops else ("skip",), group="convolution")]
            ops += self.activation.steps(site)
        last = f"Conv 3 · {self.widths[-1]} → {site.width}"
        return (*ops, Op(last, name="hint", group="convolution"), Op("+", ("hint", "x")))

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.controls import Hint

        activations = [
            self.activation.build(replace(site, width=width)) for _, width, _ in self._steps()
        ]
        return Hint(site.dims, self._steps(), site.width, activations)
