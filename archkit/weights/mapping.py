"""The weights of another codebase by our names: its tables and a plan make the rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import partial

from torch import Tensor

from ..errors import WeightError
from ..importer import Codebase, Entry, Table
from ..module import UNet
from ..plans import Node
from .coordinates import Coordinates, walk
from .rules import Changed, Dropped, Ledger, Rule, account, stacked


class _Inside(Mapping[str, Tensor]):
    """The tensors whose names begin with a prefix, without it."""

    def __init__(self, whole: Mapping[str, Tensor], prefix: str) -> None:
        self._whole, self._prefix = whole, prefix
        self._names = [n.removeprefix(prefix) for n in whole if n.startswith(prefix)]

    def __getitem__(self, name: str) -> Tensor:
        return self._whole[self._prefix + name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def adopted(
    model: UNet, theirs: Mapping[str, Tensor], codebase: Codebase
) -> tuple[Changed, Ledger]:
    """The state dict of a model out of theirs, and what became of every foreign tensor.

    Raises WeightError unless all is accounted for. No number is touched before a tensor is asked
    for.

    Arguments:
        model: Ours; on the meta device will do.
        theirs: Their state dict; that of a larger checkpoint will do.
        codebase: How they name their tensors.
    """
    ours = model.state_dict()
    inside, outside = _unwrapped(theirs, codebase)
    dropped = (Dropped(pattern, because) for pattern, because in codebase.dropped.items())
    ledger = account(inside, ours, rules(model, codebase), dropped)
    told = Ledger(ledger.filled, (*ledger.dropped, *outside))
    return Changed(inside, ours, ledger), told


def rules(model: UNet, codebase: Codebase) -> list[Rule]:
    """Where each tensor of a model comes from; raises WeightError where the tables don't say.

    Arguments:
        model: Ours; on the meta device will do.
        codebase: Theirs.
    """
    return [rule for node, at in walk(model.plan) for rule in _of(node, at, model, codebase)]


def place(node: Node, at: Coordinates, codebase: Codebase) -> str | None:
    """Where a node is in theirs; None where the address table does not say."""
    keys = [node.path, node.name]
    if at.side != "conditioning":
        keys[1:1] = [f"{at.side}.{at.word}", at.word]
    found = next((codebase.places[key] for key in keys if key in codebase.places), None)
    return None if found is None else found.format(**asdict(at))


def _unwrapped(
    theirs: Mapping[str, Tensor], codebase: Codebase
) -> tuple[Mapping[str, Tensor], list[tuple[str, str]]]:
    """The tensors of the network inside a larger checkpoint, and what else is in it."""
    for prefix in codebase.inside:
        inside = _Inside(theirs, prefix)
        if inside:
            outside = [name for name in theirs if not name.startswith(prefix)]
            return inside, [(name, f"it does not belong to `{prefix}`") for name in outside]
    return theirs, []


def _of(node: Node, at: Coordinates, model: UNet, codebase: Codebase) -> Iterator[Rule]:
    module = model.get_submodule(node.path)
    tables = codebase.tables
    where, table = place(node, at, codebase), tables.get(node.path, tables.get(node.name))
    for name in module.state_dict():
        full = f"{node.path}.{name}"
        found = None if where is None or table is None else _find(table, name)
        if found is None or where is None:
            what = f"`{full}`, of a `{node.name}`"
            raise WeightError(f"the tables of {codebase.name} have no place for {what}")
        entry, stars, rest = found
        names = (_starred(their.format(**asdict(at)), stars) for their in _named(entry))
        theirs = tuple(_joined(where, name, rest) for name in names)
        if isinstance(entry, str):
            yield Rule(full, theirs)
        elif isinstance(entry, tuple):
            yield Rule(full, theirs, stacked, "stacked")
        else:
            yield Rule(full, theirs, partial(entry.make, module=module), entry.how)


def _named(entry: Entry) -> tuple[str, ...]:
    if isinstance(entry, str):
        return (entry,)
    return entry if isinstance(entry, tuple) else entry.names


def _find(table: Table, name: str) -> tuple[Entry, list[str], str] | None:
    """The entry of the longest module name that `name` begins with, what its stars are, and
    what of `name` is left."""
    parts = name.split(".")
    for end in range(len(parts), -1, -1):
        head = parts[:end]
        for key, entry in table.items():
            words = key.split(".") if key else []
            if len(words) == end and all(w in ("*", p) for w, p in zip(words, head, strict=True)):
                stars = [p for w, p in zip(words, head, strict=True) if w == "*"]
                return entry, stars, ".".join(parts[end:])
    return None


def _starred(name: str, stars: list[str]) -> str:
    for star in stars:
        name = name.replace("*", star, 1)
    return name


def _joined(*names: str) -> str:
    return ".".join(filter(None, names))
