"""Plan → what is alive while it runs, and what autograd keeps: tensors as the module frees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from ..costs import Cost
from ..plans import Node, Plan

Costs = Mapping[str, Cost | None]


@dataclass(frozen=True, slots=True)
class Use:
    """The memory of one node, in elements and for a batch of one.

    Arguments:
        alive: The most that is alive at once while it runs, inputs of the network and skips that
            wait included.
        kept: What it makes and autograd keeps for the backward pass.
        assumed: Whether its component does not say; it is then taken to make its output and no
            more, and autograd to keep that and its inputs.
    """

    alive: int
    kept: int
    assumed: bool


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory of a network.

    Arguments:
        uses: Of each node, by its path.
        inputs: Elements of what the caller passes, alive the whole time.
        kept_inputs: Those of them that autograd keeps.
    """

    uses: Mapping[str, Use]
    inputs: int
    kept_inputs: int


def memory(plan: Plan, costs: Costs) -> Memory:
    """The memory of every node; `costs` are theirs by path, None where nobody knows."""
    sizes = dict(_inputs(plan))
    inputs = sum(sizes.values())
    owner = {name: name for name in sizes}
    for node in plan:
        passes = _passes(node, costs[node.path])
        owner[node.path] = owner[node.inputs[0]] if passes else node.path
        sizes[node.path] = node.shape.elements
    kept = {owner[value] for node in plan for value in _kept(node, costs[node.path])}
    order = {node.path: index for index, node in enumerate(plan)}
    last = {owner[path]: len(plan.nodes) for path in plan.outputs}
    for value, reader in plan.last_reader.items():
        last[owner[value]] = max(last.get(owner[value], 0), order[reader])
    uses: dict[str, Use] = {}
    held = inputs
    ends: dict[int, int] = {}
    for index, node in enumerate(plan):
        cost, own = costs[node.path], sizes[node.path]
        assumed = not says_memory(node, cost)
        saved = 0 if assumed or cost is None else cost.saved
        inside = own if assumed or cost is None else cost.peak
        mine = owner[node.path] == node.path
        uses[node.path] = Use(
            held + inside, saved + (own if mine and node.path in kept else 0), assumed
        )
        if mine and node.path in last:
            held += own
            end = last[node.path]
            ends[end] = ends.get(end, 0) + own
        held -= ends.pop(index, 0)
    return Memory(uses, inputs, sum(n for name, n in _inputs(plan) if name in kept))


def says_memory(node: Node, cost: Cost | None) -> bool:
    """Whether a cost tells the memory of its node: what comes out is what the plan says."""
    return cost is not None and (cost.out == node.shape.elements or _passes(node, cost))


def _passes(node: Node, cost: Cost | None) -> bool:
    """Whether a node hands on what it was given."""
    if cost is None or cost.out is not None or cost.parameters or cost.macs:
        return False
    return node.shape.elements == node.x.elements


def _kept(node: Node, cost: Cost | None) -> list[str]:
    """The values that autograd keeps for a node, among what it reads and gives."""
    if cost is None or not says_memory(node, cost):
        return [*node.inputs, node.path]
    words = dict(zip(node.component.reads(node.site), node.inputs, strict=False))
    words |= {"x": words.get("x", node.inputs[0]), "out": node.path}
    return [words[word] for word in cost.keeps if word in words]


def _inputs(plan: Plan) -> list[tuple[str, int]]:
    """Elements of each input; a free axis of a sequence is as long as its condition counts."""
    found = []
    for name, takes in plan.inputs.items():
        if len(takes.shape) == len(plan.space) + 1 and None in takes.shape[1:]:
            found.append((name, (takes.shape[0] or 1) * prod(plan.room(name))))
        else:
            numbers = prod(plan.tokens(name) if n is None else n for n in takes.shape)
            # Whole numbers are int64: two elements of float32.
            found.append((name, numbers * (2 if takes.numbers == "int" else 1)))
    return found
