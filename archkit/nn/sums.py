"""Vectors as one: their sum."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class Sum(nn.Module):
    """The sum of vectors (B, width), and an activation.

    Arguments:
        activation: What is applied to the sum.
        width: Of the vectors.
        names: Of each vector that passes a linear layer of its own first; None for the others.
    """

    def __init__(
        self, activation: nn.Module, width: int = 0, names: Sequence[str | None] = ()
    ) -> None:
        super().__init__()
        self.activation, self.names = activation, tuple(names)
        for name in filter(None, names):
            self.add_module(f"linear_{name}", nn.Linear(width, width))

    def forward(self, *vectors: Tensor) -> Tensor:
        if self.names:
            pairs = zip(self.names, vectors, strict=True)
            vectors = tuple(self._modules[f"linear_{n}"](v) if n else v for n, v in pairs)  # type: ignore[misc]
        first, *others = vectors
        for other in others:
            first = first + other
        out: Tensor = self.activation(first)
        return out
