"""The tensors of another codebase out of ours: the rules of its importer, run backwards."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from ..errors import WeightError
from .rules import Rule, same

Shapes = Mapping[str, tuple[int, ...]]


class Undone(Mapping[str, Tensor]):
    """Theirs out of ours; each is made when it is asked for, and not kept.

    Arguments:
        ours: Our state dict.
        rules: Which of theirs make which of ours.
        shapes: The shape of every tensor of theirs. Raises WeightError where these are not the
            tensors that the rules take.
    """

    def __init__(self, ours: Mapping[str, Tensor], rules: Sequence[Rule], shapes: Shapes) -> None:
        self._ours, self._shapes = ours, shapes
        self._rules = {name: rule for rule in rules for name in rule.theirs}
        if apart := sorted(set(self._rules) ^ set(shapes)):
            raise WeightError(f"the tables and the network do not both have `{apart[0]}`")

    def __getitem__(self, name: str) -> Tensor:
        rule = self._rules[name]
        return undone(rule, self._ours[rule.ours], self._shapes)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def outlines(self) -> dict[str, Tensor]:
        """All of them on the meta device: shapes and types, no numbers."""
        return {
            name: torch.empty(self._shapes[name], dtype=self._ours[rule.ours].dtype, device="meta")
            for name, rule in self._rules.items()
        }


def undone(rule: Rule, tensor: Tensor, shapes: Shapes) -> dict[str, Tensor]:
    """What a rule takes to make this tensor of ours.

    The rule is run on positions instead of numbers, which says where each number came from.
    Raises WeightError for a rule that does more than rearrange numbers.

    Examples:
        >>> from archkit.weights.rules import stacked
        >>> rule = Rule("qk", ("q", "k"), stacked)
        >>> undone(rule, torch.tensor([1, 2, 3]), {"q": (1,), "k": (2,)})
        {'q': tensor([1]), 'k': tensor([2, 3])}
    """
    if rule.change is same:
        (name,) = rule.theirs
        return {name: tensor.reshape(shapes[name])}
    sizes = [math.prod(shapes[name]) for name in rule.theirs]
    positions = torch.arange(sum(sizes)).split(sizes)
    shaped = [p.reshape(shapes[n]) for n, p in zip(rule.theirs, positions, strict=True)]
    came_from = rule.change(shaped).flatten()
    used = torch.zeros(sum(sizes), dtype=torch.bool)
    if came_from.dtype == torch.int64 and len(came_from) == tensor.numel() == sum(sizes):
        used[came_from] = True
    if not used.all():
        raise WeightError(f"there is no way back: {rule}")
    flat = torch.empty_like(tensor.flatten())
    flat[came_from] = tensor.flatten()
    parts = zip(rule.theirs, flat.split(sizes), strict=True)
    return {name: part.reshape(shapes[name]) for name, part in parts}
