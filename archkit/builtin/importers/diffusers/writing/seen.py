"""What a plan has at which place, as plain options."""

from __future__ import annotations

from functools import cached_property

from archkit import Node, Plan, Spec

from ...rows import Says


class Seen:
    """A plan, as those see it who write a config.

    Arguments:
        plan: The plan.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._nodes = {node.path: node for node in plan.nodes}

    def __call__(self, path: str) -> Says:
        """The options of a node; none where no node is."""
        return self._nodes[path].component.model_dump() if path in self._nodes else {}

    @property
    def spec(self) -> Spec:
        return self.plan.spec

    @property
    def levels(self) -> range:
        """The levels, the finest first."""
        return range(len(self.spec.encoder))

    @cached_property
    def conditions(self) -> dict[str, Says]:
        """The options of each condition, by its name."""
        return {n: c.model_dump() for n, c in self.spec.conditioning.conditions.items()}

    def has(self, name: str) -> bool:
        """Whether a component is anywhere, by its kind and type (``block.resnet``)."""
        return any(node.name == name for node in self.plan.nodes)

    def count(self, side: str, word: str) -> int:
        """How many nodes below a path are called so."""
        return sum(p.startswith(f"{side}.") and p.endswith(f".{word}") for p in self._nodes)

    def first(self, side: str) -> Node | None:
        """The first attention below a path."""
        places = (n for p, n in self._nodes.items() if p.startswith(f"{side}."))
        return next((n for n in places if n.path.endswith(".attention")), None)

    def attention(self, side: str) -> Says:
        """The options of the first attention below a path; none where there is none."""
        node = self.first(side)
        return node.component.model_dump() if node else {}
