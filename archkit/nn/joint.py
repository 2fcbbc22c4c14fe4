"""Attention to an image and to sequences in one softmax."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .attention import attend, image, tokens
from .axes import zeroed
from .contexts import joined, paired


class JointAttention(nn.Module):
    """Every position looks at every other and at every token: (B, C, …) → (B, C, …).

    References:
        | Photorealistic Text-to-Image Diffusion Models with Deep Language Understanding
          (Saharia et al., 2022), in the form of DeepFloyd IF
        | https://arxiv.org/abs/2205.11487

    Arguments:
        channels: C.
        heads: Number of heads.
        norm: Applied to the input.
        contexts: Channels of the sequences.
        context_norms: Applied to each (B, context, M); None for none.
        bias: Whether queries, keys and values have one.
        zero_init: Start the last projection at zero.
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        norm: nn.Module,
        contexts: Sequence[int],
        context_norms: Sequence[nn.Module] = (),
        *,
        bias: bool = True,
        zero_init: bool = True,
    ) -> None:
        super().__init__()
        self.heads, self.norm = heads, norm
        self.qkv = nn.Linear(channels, 3 * channels, bias=bias)
        self.context_norms = nn.ModuleList(context_norms)
        self.kv = nn.ModuleList(nn.Linear(c, 2 * channels, bias=bias) for c in contexts)
        self.out = nn.Linear(channels, channels)
        if zero_init:
            zeroed(self.out)

    def forward(self, x: Tensor, *told: Tensor) -> Tensor:
        """`x` (B, C, …) after looking at itself and at each context (B, M, channels).

        The padding (B, M) of a context that has any stands after it.
        """
        contexts = paired(told)
        sequences = [context.tokens for context in contexts]
        if self.context_norms:
            pairs = zip(self.context_norms, sequences, strict=True)
            sequences = [norm(sequence.mT.contiguous()).mT for norm, sequence in pairs]
        both = [kv(s).chunk(2, dim=2) for kv, s in zip(self.kv, sequences, strict=True)]
        q, k, v = self.qkv(tokens(self.norm(x))).chunk(3, dim=2)
        positions = k.shape[1]
        if both:
            keys, values = zip(*both, strict=True)
            k, v = torch.cat((*keys, k), dim=1), torch.cat((*values, v), dim=1)
        padding = joined(contexts)
        return x + image(self.out(attend(q, k, v, self.heads, padding, after=positions)), x)
