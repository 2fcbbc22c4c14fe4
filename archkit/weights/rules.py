"""Turning foreign tensors into ours, by rules that account for every tensor.

A rule says which of their tensors make which of ours, and how. Every foreign tensor is used by
exactly one rule, or dropped with a reason; each of ours is filled exactly once; shapes agree.
All of that is known before any number is touched.
"""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from ..errors import WeightError

Change = Callable[[Sequence[Tensor]], Tensor]


def same(theirs: Sequence[Tensor]) -> Tensor:
    """The tensor as it is."""
    (tensor,) = theirs
    return tensor


def stacked(theirs: Sequence[Tensor]) -> Tensor:
    """Several tensors one after the other along their first axis: q, k and v as one."""
    rows, rest = sum(len(t) for t in theirs), theirs[0].shape[1:]
    if not all(t.is_meta and t.shape[1:] == rest for t in theirs):
        return torch.cat(list(theirs))
    # On the meta device torch.cat would import torch's compiler, which takes seconds.
    dtype = reduce(torch.promote_types, (t.dtype for t in theirs))
    return torch.empty(rows, *rest, dtype=dtype, device="meta")


@dataclass(frozen=True, slots=True)
class Rule:
    """These tensors of theirs make this tensor of ours; `how` says what is done to them."""

    ours: str
    theirs: tuple[str, ...]
    change: Change = same
    how: str = ""

    def __str__(self) -> str:
        return f"{' + '.join(self.theirs)} → {self.ours}{self.how and f', {self.how}'}"


@dataclass(frozen=True, slots=True)
class Dropped:
    """Tensors of theirs that have no counterpart; `theirs` may hold wildcards."""

    theirs: str
    because: str

    def takes(self, name: str) -> bool:
        """Whether it drops a tensor of that name."""
        return fnmatch.fnmatchcase(name, self.theirs)


@dataclass(frozen=True)
class Ledger:
    """What became of every foreign tensor; it prints, one line for each."""

    filled: tuple[Rule, ...]
    dropped: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        lines = [*map(str, self.filled)]
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
    ledger = account(theirs, ours, rules, dropped)
    return dict(Changed(theirs, ours, ledger)), ledger


def account(
    theirs: Mapping[str, Tensor],
    ours: Mapping[str, Tensor],
    rules: Iterable[Rule],
    dropped: Iterable[Dropped] = (),
) -> Ledger:
    """The ledger of a conversion, before any number is touched; raises WeightError."""
    rules, dropped = tuple(rules), tuple(dropped)
    faults = _faults(theirs, ours, rules, dropped)
    if told := [f"{what} {_grouped(names)}" for what, names in faults if names]:
        raise WeightError("these weights are of another network: " + "; ".join(told))
    if misfits := list(_misfits(theirs, ours, rules)):
        raise WeightError("these weights are of another network: " + _few(misfits, "; "))
    left = [(name, d.because) for d in dropped for name in theirs if d.takes(name)]
    return Ledger(rules, tuple(left))


class Changed(Mapping[str, Tensor]):
    """Ours out of theirs, after `account` found all in order; made when asked for, not kept.

    Arguments:
        theirs: The foreign state dict.
        ours: Our state dict; only names and shapes are looked at.
        ledger: Which of theirs make which of ours.
    """

    def __init__(
        self, theirs: Mapping[str, Tensor], ours: Mapping[str, Tensor], ledger: Ledger
    ) -> None:
        self._theirs, self._ours = theirs, ours
        self._rules = {rule.ours: rule for rule in ledger.filled}

    def __getitem__(self, name: str) -> Tensor:
        rule = self._rules[name]
        made = rule.change([self._theirs[their] for their in rule.theirs])
        return made.reshape(self._ours[name].shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def outlines(self) -> dict[str, Tensor]:
        """All of them on the meta device: shapes and types, no numbers."""
        return {
            name: rule.change(blanks(rule, self._theirs)).reshape(self._ours[name].shape)
            for name, rule in self._rules.items()
        }


def blanks(rule: Rule, theirs: Mapping[str, Tensor]) -> list[Tensor]:
    """What a rule takes, on the meta device."""
    return [torch.empty_like(theirs[name], device="meta") for name in rule.theirs]


def _faults(
    theirs: Mapping[str, Tensor],
    ours: Mapping[str, Tensor],
    rules: tuple[Rule, ...],
    dropped: tuple[Dropped, ...],
) -> Iterator[tuple[str, list[str]]]:
    used = Counter(name for rule in rules for name in rule.theirs)
    used.update(name for d in dropped for name in theirs if d.takes(name))
    filled = Counter(rule.ours for rule in rules)
    yield "no rule uses", [n for n in theirs if n not in used]
    yield "they lack", [n for n in used if n not in theirs]
    yield "several rules use", [n for n, times in used.items() if times > 1]
    yield "nothing fills", [n for n in ours if n not in filled]
    yield "we lack", [n for n in filled if n not in ours]
    yield "several rules fill", [n for n, times in filled.items() if times > 1]


def _misfits(
    theirs: Mapping[str, Tensor], ours: Mapping[str, Tensor], rules: tuple[Rule, ...]
) -> Iterator[str]:
    for rule in rules:
        made, wanted = _outline(rule, theirs), tuple(ours[rule.ours].shape)
        if made != wanted and not _squeezes(made, wanted):
            shapes = " + ".join(str(tuple(theirs[name].shape)) for name in rule.theirs)
            yield f"{' + '.join(rule.theirs)} is {shapes}, and {rule.ours} is {wanted}"


def _outline(rule: Rule, theirs: Mapping[str, Tensor]) -> tuple[int, ...] | None:
    """The shape that a rule makes; None where it can make nothing of theirs."""
    try:
        return tuple(rule.change(blanks(rule, theirs)).shape)
    except RuntimeError:
        return None


def _squeezes(made: tuple[int, ...] | None, wanted: tuple[int, ...]) -> bool:
    """Whether two shapes are one but for axes of length one: 1×1 convolution against linear."""
    if made is None or len(made) == len(wanted):
        return False
    return [n for n in made if n > 1] == [n for n in wanted if n > 1]


def _few(names: Sequence[str], between: str = ", ") -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return between.join(names[:3]) + more


def _grouped(names: Sequence[str]) -> str:
    """Names; where there are many, the modules that they are in, as deep as a few can say."""
    if len(names) <= 3:
        return ", ".join(names)
    split = [name.split(".") for name in names]
    groups: Counter[str] = Counter()
    for depth in range(1, max(map(len, split)) + 1):
        deeper = Counter(".".join(parts[:depth]) for parts in split)
        if groups and len(deeper) > 4:
            break
        groups = deeper
    told = [f"{group}.* ({count})" if count > 1 else group for group, count in groups.items()]
    return _few(told)
