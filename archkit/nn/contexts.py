"""Sequences that attention looks at, and which of their tokens are padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

_PADDED = -10_000.0
"""What is added to the scores of padding: finite, so that a sequence of nothing else is legal."""


class Context(NamedTuple):
    """A sequence (B, M, C), and its padding (B, M): 1 where a token is none, 0 elsewhere."""

    tokens: Tensor
    padding: Tensor | None = None


def paired(told: Sequence[Tensor]) -> list[Context]:
    """The sequences that a part is told, each with the padding that stands right after it."""
    found: list[Context] = []
    for tensor in told:
        if tensor.ndim == 2:
            found[-1] = found[-1]._replace(padding=tensor)
        else:
            found.append(Context(tensor))
    return found


def joined(several: Sequence[Context]) -> Tensor | None:
    """The padding (B, M) of sequences one after another; None where none of them has any."""
    told = [context.padding for context in several]
    if len(told) < 2 or all(padding is None for padding in told):
        return told[0] if told else None
    each = [
        tokens.new_zeros(tokens.shape[:2]) if padding is None else padding.to(tokens.dtype)
        for tokens, padding in several
    ]
    return torch.cat(each, dim=1)


def lowered(padding: Tensor | None, q: Tensor, before: int = 0, after: int = 0) -> Tensor | None:
    """What is added to scores, so that they leave out padding (B, M): (B, 1, 1, keys).

    Arguments:
        q: The queries that scores are made of.
        before, after: How many keys stand around the sequence; none of them is padding.
    """
    if padding is None:
        return None
    numbers = padding[:, None, None].to(q.dtype) * _PADDED
    return functional.pad(numbers, (before, after)) if before or after else numbers
