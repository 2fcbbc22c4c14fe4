"""A plan and the tables of a codebase, made into rules: one for each tensor of ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial

from ..errors import WeightError
from ..importer import Codebase, Entry, Table
from ..module import UNet
from ..plans import Node
from .coordinates import Coordinates, walk
from .rules import Dropped, Rule, stacked


def rules(model: UNet, codebase: Codebase) -> list[Rule]:
    """Where each tensor of a model comes from; raises WeightError where the tables don't say.

    Arguments:
        model: Ours; on the meta device will do.
        codebase: Theirs.
    """
    return [rule for node, at in walk(model.plan) for rule in _of(node, at, model, codebase)]


def dropped(codebase: Codebase) -> list[Dropped]:
    """What of theirs has no counterpart."""
    return [Dropped(pattern, because) for pattern, because in codebase.dropped.items()]


def place(node: Node, at: Coordinates, codebase: Codebase) -> str | None:
    """Where a node is in theirs; None where the address table does not say."""
    keys = [node.path, node.name]
    if at.side != "conditioning":
        keys[1:1] = [f"{at.side}.{at.word}", at.word]
    found = next((codebase.places[key] for key in keys if key in codebase.places), None)
    return None if found is None else found.format(**asdict(at))


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
        theirs = tuple(_joined(where, _starred(their, stars), rest) for their in _named(entry))
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
