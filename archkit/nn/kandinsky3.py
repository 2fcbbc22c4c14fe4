"""The block and the attention of Kandinsky 3, whose norms are all modulated by the embedding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .adaptive import AdaptiveNorm
from .attention import attend, image, tokens
from .axes import convolution
from .contexts import Context, joined, paired

Make = Callable[[int], nn.Module]


@dataclass(frozen=True, slots=True)
class Before:
    """What stands before a convolution.

    Arguments:
        norm: Makes a norm that the embedding modulates, for a number of channels.
        activation: Makes an activation, for a number of channels.
    """

    norm: Callable[[int], AdaptiveNorm]
    activation: Make


class Bottleneck(nn.Module):
    """Four convolutions, 1, 3, 3 and 1 wide, each after norm and activation, added to the input.

    Where it upsamples, that is before the second; where it pools, after the third.

    References:
        | Large Scale GAN Training for High Fidelity Natural Image Synthesis (Brock, Donahue,
          Simonyan, 2019), BigGAN-deep
        | https://arxiv.org/abs/1809.11096

    Arguments:
        dims: Spatial axes.
        channels, inner, width: Channels that enter, of the convolutions between, that leave.
        before: What stands before each convolution.
        up, down: Make what upsamples or pools so many channels; None to keep the size.
    """

    def __init__(
        self,
        dims: int,
        channels: int,
        inner: int,
        width: int,
        before: Before,
        *,
        up: Make | None = None,
        down: Make | None = None,
    ) -> None:
        super().__init__()
        widths = (channels, inner, inner, inner, width)
        self.norms = nn.ModuleList(before.norm(c) for c in widths[:-1])
        self.activations = nn.ModuleList(before.activation(c) for c in widths[:-1])
        self.convs = nn.ModuleList(
            convolution(dims, widths[i], widths[i + 1], k, padding=k // 2)
            for i, k in enumerate((1, 3, 3, 1))
        )
        self.up, self.down = (make(inner) if make else None for make in (up, down))
        self.shortcut_up = up(channels) if up else None
        self.shortcut = None if channels == width else convolution(dims, channels, width, 1)
        self.shortcut_down = down(width) if down else None

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """The block of `x` (B, channels, …) under the embedding (B, E)."""
        h = x
        steps = zip(self.norms, self.activations, self.convs, strict=True)
        for index, (norm, activation, conv) in enumerate(steps):
            h = activation(norm(h, embedding))
            if index == 1 and self.up is not None:
                h = self.up(h)
            h = conv(h)
            if index == 2 and self.down is not None:
                h = self.down(h)
        for step in (self.shortcut_up, self.shortcut, self.shortcut_down):
            x = x if step is None else step(x)
        return x + h


class Kandinsky3Attention(nn.Module):
    """Attention to itself or to sequences, then a feed-forward, each after a norm and added.

    Arguments:
        dims: Spatial axes.
        channels, wide: C, and the width of the feed-forward.
        context: Channels of every sequence; None to look at itself.
        heads: Number of heads, which divides C.
        norm: Makes a norm that the embedding modulates.
        told: Whether there is an embedding; it is the first of what follows the image.
    """

    def __init__(
        self,
        dims: int,
        channels: int,
        wide: int,
        *,
        context: int | None,
        heads: int,
        norm: Callable[[int], AdaptiveNorm],
        told: bool,
    ) -> None:
        super().__init__()
        self.heads, self.told = heads, told
        self.norm1, self.norm2 = norm(channels), norm(channels)
        self.q = nn.Linear(channels, channels, bias=False)
        self.kv = nn.Linear(context or channels, 2 * channels, bias=False)
        self.out = nn.Linear(channels, channels, bias=False)
        self.up = convolution(dims, channels, wide, 1, bias=False)
        self.down = convolution(dims, wide, channels, 1, bias=False)

    def forward(self, x: Tensor, *told: Tensor) -> Tensor:
        """`x` (B, C, …) under the embedding (B, E) if told one, after looking at sequences.

        The padding (B, M) of a sequence that has any stands after it.
        """
        embedding, rest = (told[0], told[1:]) if self.told else (None, told)
        x = x + self._looked(self.norm1(x, embedding), paired(rest))
        out: Tensor = x + self.down(functional.silu(self.up(self.norm2(x, embedding))))
        return out

    def _looked(self, x: Tensor, contexts: list[Context]) -> Tensor:
        t = tokens(x).contiguous()
        sequences = [context.tokens for context in contexts]
        k, v = self.kv(torch.cat(sequences, dim=1) if sequences else t).chunk(2, dim=2)
        return image(self.out(attend(self.q(t), k, v, self.heads, joined(contexts))), x)


class Kandinsky3Block(nn.Module):
    """A bottleneck, attention to sequences, a bottleneck: (B, channels, …) → (B, width, …).

    Arguments:
        first, second: The bottlenecks.
        attention: What stands between them; None for nothing.
        told: Whether there is an embedding; it is the first of what follows the image.
    """

    def __init__(
        self,
        first: Bottleneck,
        attention: Kandinsky3Attention | None,
        second: Bottleneck,
        *,
        told: bool,
    ) -> None:
        super().__init__()
        self.first, self.attention, self.second, self.told = first, attention, second, told

    def forward(self, x: Tensor, *told: Tensor) -> Tensor:
        embedding = told[0] if self.told else None
        x = self.first(x, embedding)
        if self.attention is not None:
            x = self.attention(x, *told)
        out: Tensor = self.second(x, embedding)
        return out
