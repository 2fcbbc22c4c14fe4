"""What changed between two plans, node by node."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from ..plans import Link, Node, Plan
from ..shapes import Shape

Mark = Literal["", "added", "removed", "changed"]
SIGNS: dict[str, str] = {"added": "+", "removed": "−", "changed": "≠"}


@dataclass(frozen=True)
class Changes:
    """A plan, and what it was before; nothing is marked where there is no before."""

    after: Plan
    before: Plan | None = None

    @cached_property
    def _old(self) -> dict[str, Node]:
        return {node.path: node for node in self.before} if self.before else {}

    @cached_property
    def _new(self) -> dict[str, Node]:
        return {node.path: node for node in self.after}

    def node(self, path: str) -> Node:
        """A node of the plan, or of the one before."""
        return self._new.get(path) or self._old[path]

    def mark(self, path: str) -> Mark:
        """What happened to a node: other options, inputs or shapes count as changed."""
        old, new = self._old.get(path), self._new.get(path)
        if self.before is None or (old and new and not new.differs(old)):
            return ""
        return "changed" if old and new else "added" if new else "removed"

    def was(self, path: str) -> Shape | None:
        """The shape a node had before, where it has another."""
        old, new = self._old.get(path), self._new.get(path)
        return old.shape if old and new and old.shape != new.shape else None

    def told(self, name: str) -> Mark:
        """What happened to a node or an input of the conditioning."""
        if self.before is None or name not in self.after.arguments:
            return self.mark(name)
        return "" if name in self.before.arguments else "added"

    @property
    def untold(self) -> tuple[str, ...]:
        """Inputs beside the sample that are told no more."""
        names = self.before.arguments if self.before else {}
        return tuple("time" if n == "t" else n for n in names if n not in self.after.arguments)

    def woven(self, nodes: Iterable[Node]) -> list[Node]:
        """Nodes of the plan, with those that are gone before the next that stayed."""
        woven = list(nodes)
        at = len(woven)
        for node in reversed(self._old.values()):
            places = {kept.path: i for i, kept in enumerate(woven)}
            if node.path in places:
                at = places[node.path]
            elif node.path not in self._new and not node.path.startswith("conditioning."):
                woven.insert(at, node)
        return woven

    @property
    def links(self) -> tuple[Link, ...]:
        """The skips, and those that are gone."""
        kept = {link.target for link in self.after.links}
        gone = self.before.links if self.before else ()
        return (*self.after.links, *(link for link in gone if link.target not in kept))

    def link_mark(self, link: Link) -> Mark:
        """What happened to a skip."""
        if self.before is None or not link.target:
            return ""
        old = next((k for k in self.before.links if k.target == link.target), None)
        if link not in self.after.links and link == old:
            return "removed"
        if old is None:
            return "added"
        return "" if old == link else "changed"
