"""Two plans → what differs between them: in the words of their specs, and in numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import SpecPath, dotted
from ..plans import Plan
from .figures import Report
from .tally import tally

# What a row says of its own.
_ROW = ("channels", "times", "blocks", "attention")
# They say what a spec is called and expected to be, not what network it is.
LABELS = frozenset({"archkit", "name", "about", "reference", "parameters"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One place of the resolved specs that says something else.

    Arguments:
        path: The place.
        before, after: What stands there, as plain data; None for nothing.
        inherited: At how many places below the rows the same follows from it.
    """

    path: SpecPath
    before: Any
    after: Any
    inherited: int = 0

    def __str__(self) -> str:
        more = f" (and at {self.inherited} places that inherit it)" if self.inherited else ""
        return f"{dotted(self.path)}: {_told(self.before)} → {_told(self.after)}{more}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two networks side by side.

    Arguments:
        spec: Where their resolved specs differ, names and descriptions aside.
        before, after: Their reports.
        added, removed, changed: Paths of nodes; changed are those with another component, other
            options or another shape.
    """

    spec: tuple[Difference, ...]
    before: Report
    after: Report
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether both are the same network."""
        return not (self.spec or self.added or self.removed or self.changed)

    def numbers(self) -> dict[str, tuple[Any, Any]]:
        """The totals of both, by the keys of `Report.as_dict`."""
        before, after = self.before.as_dict(), self.after.as_dict()
        tables = ("stages", "nodes", "attention", "name", "time")
        return {key: (value, after[key]) for key, value in before.items() if key not in tables}

    def as_dict(self) -> dict[str, Any]:
        """Plain data for tools."""
        return {
            "same": self.same,
            "before": self.before.name,
            "after": self.after.name,
            "spec": [
                {
                    "path": dotted(d.path),
                    "before": d.before,
                    "after": d.after,
                    "inherited": d.inherited,
                }
                for d in self.spec
            ],
            "numbers": {
                key: {"before": before, "after": after}
                for key, (before, after) in self.numbers().items()
            },
            "nodes": {
                "added": list(self.added),
                "removed": list(self.removed),
                "changed": list(self.changed),
            },
        }


def compare(before: Plan, after: Plan, *, batch: int = 1, dtype: str = "float32") -> Comparison:
    """What differs between two plans."""
    old = {node.path: node for node in before}
    new = {node.path: node for node in after}
    found = list(_walk((), before.spec.data(), after.spec.data()))
    return Comparison(
        spec=tuple(_folded(found)),
        before=tally(before, batch=batch, dtype=dtype),
        after=tally(after, batch=batch, dtype=dtype),
        added=tuple(path for path in new if path not in old),
        removed=tuple(path for path in old if path not in new),
        changed=tuple(p for p, node in new.items() if p in old and node.differs(old[p])),
    )


def _walk(path: SpecPath, before: Any, after: Any) -> Iterator[Difference]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        if before.get("type") != after.get("type"):
            yield Difference(path, before, after)
            return
        for key in dict.fromkeys([*before, *after]):
            if path or key not in LABELS:
                yield from _walk((*path, key), before.get(key), after.get(key))
    elif isinstance(before, list) and isinstance(after, list) and _rows(before + after):
        for index in range(max(len(before), len(after))):
            pair = (items[index] if index < len(items) else None for items in (before, after))
            yield from _walk((*path, index), *pair)
    else:
        yield Difference(path, before, after)


def _rows(items: list[Any]) -> bool:
    return all(isinstance(item, dict) for item in items)


def _folded(found: list[Difference]) -> Iterator[Difference]:
    """The differences; what rows inherit from the top is told once, at the top."""
    top = [
        d for d in found if isinstance(d.path[-1], str) and d.path[0] not in ("encoder", "decoder")
    ]
    followers: dict[SpecPath, int] = {}
    for difference in found:
        heads = [d for d in top if _follows(difference, d)]
        if heads:
            head = min(heads, key=lambda d: len(d.path)).path
            followers[head] = followers.get(head, 0) + 1
        else:
            followers.setdefault(difference.path, 0)
    for difference in found:
        if difference.path in followers:
            d = difference
            yield Difference(d.path, d.before, d.after, followers[d.path])


def _follows(this: Difference, head: Difference) -> bool:
    inherits = len(this.path) > len(head.path) and this.path[-len(head.path) :] == head.path
    return inherits and (this.before, this.after) == (head.before, head.after)


def _told(value: Any) -> str:
    """A value in few words: a component by its name, a row by what it has of its own."""
    if isinstance(value, dict) and "type" in value:
        return str(value["type"])
    if isinstance(value, dict):
        short = {key: value[key] for key in _ROW if value.get(key) not in (None, False)}
        return "{" + ", ".join(f"{k}: {_told(v)}" for k, v in short.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_told, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return "nothing" if value is None else str(value)
