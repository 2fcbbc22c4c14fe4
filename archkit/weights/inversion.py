"""The tensors of another codebase out of ours: the rules of its importer, run backwards."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from ..errors import WeightError
from ..importer import Constant
from .rules import Rule, same

Shapes = Mapping[str, tuple[int, ...]]


class Undone(Mapping[str, Tensor]):
    """Theirs out of ours; each is made when it is asked for, and not kept.

    Arguments:
        ours: Our state dict.
        rules: Which of theirs make which of ours.
        shapes: The shape of every tensor of theirs. Raises WeightError where these are not the
            tensors that the rules take, and the constants.
        constants: What makes those of theirs that no rule takes, by their names; ``*`` stands for
            anything.
    """

    def __init__(
        self,
        ours: Mapping[str, Tensor],
        rules: Sequence[Rule],
        shapes: Shapes,
        constants: Mapping[str, Constant] | None = None,
    ) -> None:
        self._ours, self._shapes = ours, shapes
        self._rules = {name: rule for rule in rules for name in rule.theirs}
        self._constants = {
            name: make
            for pattern, make in (constants or {}).items()
            for name in shapes
            if name not in self._rules and fnmatch.fnmatchcase(name, pattern)
        }
        self._names = (*self._rules, *self._constants)
        # Constants have the type of the rest.
        self._dtype = next((t.dtype for t in ours.values() if t.is_floating_point()), None)
        if apart := sorted(set(self._names) ^ set(shapes)):
            raise WeightError(f"the tables and the network do not both have `{apart[0]}`")

    def __getitem__(self, name: str) -> Tensor:
        if make := self._constants.get(name):
            return make(self._shapes[name]).to(dtype=self._dtype)
        rule = self._rules[name]
        return undone(rule, self._ours[rule.ours], self._shapes)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def outlines(self) -> dict[str, Tensor]:
        """All of them on the meta device: shapes and types, no numbers."""
        types = {name: self._ours[rule.ours].dtype for name, rule in self._rules.items()}
        return {
            name: torch.empty(self._shapes[name], dtype=types.get(name, self._dtype), device="meta")
            for name in self._names
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
