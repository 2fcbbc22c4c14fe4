"""Conditions on their way to the blocks: where each springs from, and the bus that carries it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..plans import Node, Plan
from ..shapes import Shape
from . import labels
from .palette import CONDITIONS

OUTSIDE = ("condition", "precondition", "time", "embedding")
"""Kinds of what stands around the network; those on the trunk stand in the row of the input."""


@dataclass(frozen=True)
class Spring:
    """A node of the conditioning and all that it reads, or an input of the network.

    Arguments:
        name: Path of the node, or name of the input.
        node: None for an input.
        words: What the picture calls it.
        feeds: What flows into it.
        ink: The colour of the condition.
    """

    name: str
    node: Node | None
    words: str
    feeds: tuple[Spring, ...]
    ink: str

    @property
    def rows(self) -> int:
        """How many inputs it springs from, one row each."""
        return sum(feed.rows for feed in self.feeds) or 1

    def __iter__(self) -> Iterator[Spring]:
        """Everything that flows into it, and itself."""
        for feed in self.feeds:
            yield from feed
        yield self


@dataclass(frozen=True)
class Bus:
    """What blocks read: the embedding of time and conditions, or a sequence.

    Arguments:
        id: The value: a node's path or an input's name.
        words: Its size: ``512``, ``77×768``.
        nodes: Paths of the nodes it comes through.
    """

    id: str
    words: str
    ink: str
    spring: Spring
    nodes: tuple[str, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the inputs it springs from."""
        return tuple(spring.name for spring in self.spring if spring.node is None)


def buses(plan: Plan) -> tuple[Bus, ...]:
    """Every value beside the trunk that a node of the trunk reads."""
    trunk = {"x"}
    read: list[str] = []
    for node in plan:
        if node.inputs[:1] and node.inputs[0] in trunk:
            trunk.add(node.path)
            if node.component.kind not in OUTSIDE or node.site.side != "conditioning":
                read += [bus(node, name) for name in node.inputs[1:]]
    colours = inks(plan)
    made: list[Bus] = []
    for value in dict.fromkeys(name for name in read if name not in trunk):
        one, taken = _bus(plan, value, colours), {other.ink for other in made}
        own = (spring.ink for spring in one.spring if spring.ink not in taken)
        made.append(replace(one, ink=next(own, one.ink)))
    return tuple(made)


def bus(node: Node, value: str) -> str:
    """The bus that brings a value to a node: of residuals there is one for all."""
    return value.partition(".")[0] if node.component.kind == "condition" else value


def _bus(plan: Plan, value: str, colours: dict[str, str]) -> Bus:
    spring = _spring(plan, value, colours)
    nodes = [name for name in _upstream(plan, value) if name not in plan.arguments]
    if nodes:
        out = plan[value].shape
        words = "×".join(map(str, (*out.space, out.channels)))
    else:
        words = pill(plan, value) or "1"
    return Bus(value, words, spring.ink, spring, tuple(nodes))


def _spring(plan: Plan, value: str, colours: dict[str, str]) -> Spring:
    if value in plan.arguments:
        return Spring(value, None, called(value), (), colours[value])
    node = plan[value]
    feeds = tuple(_spring(plan, name, colours) for name in node.inputs)
    words = node.component.caption(node.site)
    if node.component.kind == "embedding":
        words = (node.component.short or "+") if len(feeds) > 1 else ""
    if len(feeds) == 1 and not words:  # it passes on what it is told
        return feeds[0]
    return Spring(value, node, words, feeds, feeds[0].ink)


def _upstream(plan: Plan, value: str) -> Iterator[str]:
    """A value and everything it is made of."""
    if value not in plan.arguments:
        for name in plan[value].inputs:
            yield from _upstream(plan, name)
    yield value


def inks(plan: Plan) -> dict[str, str]:
    """A colour for each input beside the sample; two of a kind get two colours."""
    found: dict[str, str] = {}
    for name, inputs in plan.arguments.items():
        if name == "x":
            continue
        reader = next(node for node in plan if inputs[0] in node.inputs)
        wanted = reader.component.group
        left = [ink for ink in CONDITIONS if ink not in found.values()] or list(CONDITIONS)
        found[name] = wanted if wanted in left else left[0]
    return found


def called(name: str) -> str:
    """What an input is called."""
    return "timestep t" if name == "t" else name


def pill(plan: Plan, name: str) -> str:
    """The shape of an input, as its pill shows it."""
    if len(plan.arguments[name]) > 1:
        return f"{len(plan.arguments[name])} tensors"
    takes = plan.inputs[name]
    if takes.follows or len(takes.shape) == len(plan.space) + 1:
        return labels.shape(Shape(takes.shape[0] or 1, plan.room(name)))
    return "×".join(str(n or "n") for n in takes.shape)
