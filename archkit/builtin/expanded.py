"""A condition of vectors, each of which becomes tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import PositiveFloat, PositiveInt

from archkit import Condition, Cost, Route, Shape, Site, Tensor

if TYPE_CHECKING:
    from torch import nn


class Expanded(Condition):
    """Vectors (B, n, channels), each through a layer to one or more tokens, and a layer norm.

    Attention looks at the tokens of all of them, n · tokens. Where each becomes one, it may be
    padding.

    References:
        | Kandinsky 3.0 Technical Report (Arkhipkin et al., 2023)
        | https://arxiv.org/abs/2312.03511
        | Würstchen: An Efficient Architecture for Large-Scale Text-to-Image Diffusion Models
          (Pernias et al., 2023), in the form of Stable Cascade
        | https://arxiv.org/abs/2306.00637
    """

    short, group = "Tokens", "sequence"
    type: Literal["expanded"] = "expanded"
    channels: PositiveInt = 768
    """Channels of each vector."""
    vectors: PositiveInt = 1
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

    def keeps_tokens(self) -> bool:
        return self.tokens == 1

    def counted(self) -> int:
        return self.vectors

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
        return f"{self.channels} → {more}{self.width}"

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.projected import Expanded

        norm = {"eps": self.eps, "elementwise_affine": self.affine}
        return Expanded(self.channels, self.width, self.tokens, bias=self.bias, norm=norm)
