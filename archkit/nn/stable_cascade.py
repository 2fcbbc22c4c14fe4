"""The stage of Stable Cascade's networks: layers that may run several times."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .attention import attend, image, tokens
from .axes import convolution, spread
from .contexts import Context, joined, paired
from .norms import ChannelLayerNorm

_EPS = 1e-6


class ResponseNorm(nn.Module):
    """x · (1 + scale · response) + shift: (B, N, C) → (B, N, C).

    The response of a channel is its length over all positions, divided by the mean of the channels.

    References:
        | ConvNeXt V2: Co-designing and Scaling ConvNets with Masked Autoencoders (Woo et al., 2023)
        | https://arxiv.org/abs/2301.00808
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(channels))
        self.shift = nn.Parameter(torch.zeros(channels))

    def forward(self, t: Tensor) -> Tensor:
        length = torch.linalg.vector_norm(t, dim=1, keepdim=True)
        response = length / (length.mean(dim=2, keepdim=True) + _EPS)
        return torch.addcmul(self.shift, t, 1 + self.scale * response)


class ConvNeXt(nn.Module):
    """A depthwise convolution and a norm, then linear layers 4 · C wide, added to the input.

    Arguments:
        dims: Spatial axes.
        channels, skip: C, and the channels of a skip that joins before the layers.
        kernel: Of the convolution; odd.
        dropout: Share of values dropped between the layers, while training.
    """

    def __init__(self, dims: int, channels: int, skip: int, kernel: int, dropout: float) -> None:
        super().__init__()
        pad = kernel // 2
        self.conv = convolution(dims, channels, channels, kernel, padding=pad, groups=channels)
        self.norm = ChannelLayerNorm(channels, _EPS, affine=False)
        self.up = nn.Linear(channels + skip, 4 * channels)
        self.response = ResponseNorm(4 * channels)
        self.dropout = dropout
        self.down = nn.Linear(4 * channels, channels)

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        t = tokens(self.norm(self.conv(x)))
        if skip is not None:
            t = torch.cat((t, tokens(skip)), dim=2)
        t = self.response(functional.gelu(self.up(t)))
        if self.training and self.dropout:
            t = functional.dropout(t, self.dropout)
        return x + image(self.down(t), x)


class Modulation(nn.Module):
    """x · (1 + scale) + shift, from each vector of the embedding by a layer of its own.

    Arguments:
        channels: C.
        embedding: Width of all vectors together.
        vectors: How many they are, of one width.
    """

    def __init__(self, channels: int, embedding: int, vectors: int) -> None:
        super().__init__()
        each = embedding // vectors
        self.layers = nn.ModuleList(nn.Linear(each, 2 * channels) for _ in range(vectors))

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        parts = zip(self.layers, embedding.chunk(len(self.layers), dim=1), strict=True)
        made = [layer(vector) for layer, vector in parts]
        scale, shift = spread(torch.stack(made).sum(dim=0), x).chunk(2, dim=1)
        return torch.addcmul(shift, x, 1 + scale)


class TokenAttention(nn.Module):
    """Positions look at themselves and at sequences, all at once, added to the input.

    Arguments:
        channels, context: C, and the channels of every sequence; None for no sequence.
        heads: Number of heads.
    """

    def __init__(self, channels: int, context: int | None, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = ChannelLayerNorm(channels, _EPS, affine=False)
        self.context = nn.Linear(context, channels) if context else None
        self.q = nn.Linear(channels, channels)
        self.kv = nn.Linear(channels, 2 * channels)
        self.out = nn.Linear(channels, channels)

    def forward(self, x: Tensor, contexts: Sequence[Context] = ()) -> Tensor:
        t = tokens(self.norm(x))
        seen = t
        if self.context is not None:
            sequences = [context.tokens for context in contexts]
            told = self.context(functional.silu(torch.cat(sequences, dim=1)))
            seen = torch.cat((t, told), dim=1)
        k, v = self.kv(seen).chunk(2, dim=2)
        q, padding, before = self.q(t), joined(contexts), t.shape[1]
        return x + image(self.out(attend(q, k, v, self.heads, padding, before=before)), x)


class CascadeLayer(nn.Module):
    """A ConvNeXt block, a modulation and an attention, one after the other.

    Arguments:
        block: The first.
        modulation: The second; None for none.
        attention: The third; None for none.
    """

    def __init__(
        self, block: ConvNeXt, modulation: Modulation | None, attention: TokenAttention | None
    ) -> None:
        super().__init__()
        self.block, self.modulation, self.attention = block, modulation, attention

    def forward(
        self, x: Tensor, skip: Tensor | None, embedding: Tensor | None, contexts: Sequence[Context]
    ) -> Tensor:
        x = self.block(x, skip)
        if self.modulation is not None:
            assert embedding is not None
            x = self.modulation(x, embedding)
        return x if self.attention is None else self.attention(x, contexts)


class CascadeStage(nn.Module):
    """Layers that run one or more times, with a 1×1 convolution between: (B, C + S, …) → (B, C, …).

    Arguments:
        dims: Spatial axes.
        channels: C; what comes beyond is a skip, which the first layer reads every time.
        layers: The layers.
        repeats: How often all of them run.
    """

    def __init__(
        self, dims: int, channels: int, layers: list[CascadeLayer], repeats: int = 1
    ) -> None:
        super().__init__()
        self.channels = channels
        self.layers = nn.ModuleList(layers)
        self.between = nn.ModuleList(
            convolution(dims, channels, channels, 1) for _ in range(repeats - 1)
        )
        self.told = layers[0].modulation is not None

    def forward(self, x: Tensor, *told: Tensor) -> Tensor:
        """The stage of `x`; the embedding is the first of what it is told, if it takes one.

        Then come sequences (B, M, context), each before its padding (B, M) if it has any.
        """
        embedding, rest = (told[0], told[1:]) if self.told else (None, told)
        contexts = paired(rest)
        skip = x[:, self.channels :] if x.shape[1] > self.channels else None
        x = x[:, : self.channels]
        for between in (None, *self.between):
            if between is not None:
                x = between(x)
            for layer in self.layers:
                x = layer(x, skip if layer is self.layers[0] else None, embedding, contexts)
        return x
