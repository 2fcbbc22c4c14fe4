"""The ways a block takes the embedding of time and conditions, around its norm.

Each takes the norm, the activations h (B, C, …) and the projected embedding e (B, k·C, 1, …).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Modulate = Callable[[Callable[[Tensor], Tensor], Tensor, Tensor], Tensor]


def add(norm: Callable[[Tensor], Tensor], h: Tensor, e: Tensor) -> Tensor:
    """norm(h + e), as in DDPM (Ho, Jain, Abbeel, 2020)."""
    return norm(h + e)


def scale_shift(norm: Callable[[Tensor], Tensor], h: Tensor, e: Tensor) -> Tensor:
    """norm(h) · (1 + scale) + shift: FiLM (Perez et al., 2018), as in iDDPM and ADM."""
    scale, shift = e.chunk(2, dim=1)
    return torch.addcmul(shift, norm(h), 1 + scale)


def multiply(norm: Callable[[Tensor], Tensor], h: Tensor, e: Tensor) -> Tensor:
    """norm(h · (1 + e)), as in EDM2 (Karras et al., 2024)."""
    return norm(h * (1 + e))


METHODS: dict[str, tuple[int, Modulate]] = {
    "add": (1, add),
    "scale-shift": (2, scale_shift),
    "multiply": (1, multiply),
    "adaln-zero": (2, scale_shift),
}
"""For each method: how many vectors of width C it takes from the embedding, and the function.

`adaln-zero` (Peebles, Xie, 2023) takes one more, the gate of the branch, and starts at zero.
"""
