"""Turning foreign tensors into ours, by rules that account for every tensor.

A rule says which of their tensors make which of ours, and how. Every foreign tensor matches
exactly one rule, or is dropped with a reason; each of ours is filled exactly once; shapes agree.
"""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import WeightError

Change = Callable[[Sequence[Tensor]], Tensor]


def only(theirs: Sequence[Tensor]) -> Tensor:
    """The tensor as it is."""
    (tensor,) = theirs
    return tensor


def stacked(theirs: Sequence[Tensor]) -> Tensor:
    """Several tensors one after the other along their first axis: q, k and v as one."""
    return torch.cat([squeezed([t]) for t in theirs])


def squeezed(theirs: Sequence[Tensor]) -> Tensor:
    """A 1×1 convolution (C, C', 1, …) as a linear layer (C, C')."""
    tensor = only(theirs)
    return tensor.flatten(1) if tensor.ndim > 2 else tensor


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A joint qkv whose rows stand in another order than ours, (3, heads, width).

    Arguments:
        heads: Number of heads.
        order: ``h3c`` (heads, 3, width), as in guided-diffusion; ``hc3`` (heads, width, 3), as
            in EDM.
    """

    heads: int
    order: str

    def __call__(self, theirs: Sequence[Tensor]) -> Tensor:
        tensor = squeezed(theirs)
        width = tensor.shape[0] // (3 * self.heads)
        if self.order == "h3c":
            split = tensor.reshape(self.heads, 3, width, *tensor.shape[1:]).transpose(0, 1)
        else:
            split = tensor.reshape(self.heads, width, 3, *tensor.shape[1:]).movedim(2, 0)
        return split.reshape(tensor.shape)


@dataclass(frozen=True, slots=True)
class Rule:
    """These tensors of theirs make this tensor of ours."""

    ours: str
    theirs: tuple[str, ...]
    change: Change = only


@dataclass(frozen=True, slots=True)
class Dropped:
    """Tensors of theirs that have no counterpart; `theirs` may hold wildcards."""

    theirs: str
    because: str


@dataclass(frozen=True)
class Ledger:
    """What became of every foreign tensor."""

    filled: tuple[Rule, ...]
    dropped: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        lines = [f"{' + '.join(rule.theirs)} → {rule.ours}" for rule in self.filled]
        lines += [f"{name} dropped, because {why}" for name, why in self.dropped]
        return "\n".join(lines)


def convert(
    theirs: Mapping[str, Tensor],
    ours: Mapping[str, Tensor],
    rules: Iterable[Rule],
    dropped: Iterable[Dropped] = (),
) -> tuple[dict[str, Tensor], Ledger]:
    """Our state dict out of theirs, and the ledger; raises WeightError unless all is accounted.

    Arguments:
        theirs: The foreign state dict.
        ours: Our state dict; only names and shapes are looked at, meta tensors will do.
        rules: Which of theirs make which of ours.
        dropped: Which of theirs are left out, and why.
    """
    rules, dropped = tuple(rules), tuple(dropped)
    _check_cover(theirs, ours, rules, dropped)
    state = {}
    for rule in rules:
        tensor = rule.change([theirs[name] for name in rule.theirs])
        wanted = ours[rule.ours].shape
        if tensor.numel() == wanted.numel() and tensor.shape != wanted:
            tensor = tensor.reshape(wanted) if _only_ones(tensor, wanted) else tensor
        if tensor.shape != wanted:
            made = " + ".join(rule.theirs)
            raise WeightError(
                f"{made} makes {tuple(tensor.shape)}, and {rule.ours} is {tuple(wanted)}"
            )
        state[rule.ours] = tensor
    left = [(name, d.because) for d in dropped for name in theirs if _matches(name, d)]
    return state, Ledger(rules, tuple(left))


def _matches(name: str, dropped: Dropped) -> bool:
    return fnmatch.fnmatchcase(name, dropped.theirs)


def _only_ones(tensor: Tensor, wanted: Sequence[int]) -> bool:
    """Whether two shapes differ by axes of length one only: 1×1 convolution against linear."""
    return [n for n in tensor.shape if n > 1] == [n for n in wanted if n > 1]


def _check_cover(
    theirs: Mapping[str, Tensor],
    ours: Mapping[str, Tensor],
    rules: tuple[Rule, ...],
    dropped: tuple[Dropped, ...],
) -> None:
    used = Counter(name for rule in rules for name in rule.theirs)
    used.update(name for d in dropped for name in theirs if _matches(name, d))
    filled = Counter(rule.ours for rule in rules)
    faults = {
        "no rule uses": sorted(set(theirs) - set(used)),
        "a rule wants, and they lack": sorted(n for n in used if n not in theirs),
        "several rules use": sorted(n for n, times in used.items() if times > 1),
        "nothing fills": sorted(set(ours) - set(filled)),
        "a rule fills, and we lack": sorted(n for n in filled if n not in ours),
        "several rules fill": sorted(n for n, times in filled.items() if times > 1),
    }
    told = [f"{what} {_few(names)}" for what, names in faults.items() if names]
    if told:
        raise WeightError("these weights are of another network: " + "; ".join(told))


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
