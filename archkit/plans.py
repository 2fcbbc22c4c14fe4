"""A network on paper: nodes in the order they run, each with its inputs, component and shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from .costs import Cost
from .errors import SpecPath
from .parts import Part, Site, Tensor, cost_of_frames
from .proof import Axis
from .shapes import Shape, axis_names
from .spec import Spec


@dataclass(frozen=True)
class Node:
    """One step.

    Arguments:
        path: Its name everywhere: in errors, diagrams, reports and state dicts.
        component: What stands there.
        site: Where it stands.
        inputs: What it reads, in the order of its module's arguments: paths of nodes before it,
            or names of the network's inputs.
        shape: What comes out.
        at: The place in the spec that put it there.
        measured: What torch counts of it, where the component states no cost and it was asked.
        frames: How many frames of a video it is applied to, each alone, so that `site` is that of
            one frame; None where it is given all that comes.
    """

    path: str
    component: Part
    site: Site
    inputs: tuple[str, ...]
    shape: Shape
    at: SpecPath
    measured: Cost | None = None
    frames: int | None = None

    @property
    def x(self) -> Shape:
        """What reaches it along the trunk, all frames of a video together."""
        x = self.site.x
        return x if self.frames is None else Shape(x.channels, (self.frames, *x.space))

    @property
    def videos(self) -> tuple[bool, ...] | None:
        """Which of its inputs have frames, where it is applied to each frame alone."""
        if self.frames is None:
            return None
        return tuple(word in ("x", "skip") for word in self.component.reads(self.site))

    @property
    def name(self) -> str:
        """Kind and name of the component, such as ``block.resnet``."""
        return f"{self.component.kind}.{self.component.type}"

    def differs(self, other: Node) -> bool:
        """Whether it has another component, other options, inputs or shapes than `other`."""
        told = ("component", "shape", "inputs")
        if any(getattr(self, key) != getattr(other, key) for key in told):
            return True
        if (self.site.x, self.site.skip) != (other.site.x, other.site.skip):
            return True
        # An embedding of another width shows in nothing else.
        mine, others = ((c.parameters, c.macs) if c else None for c in (self.cost, other.cost))
        return mine != others

    @cached_property
    def cost(self) -> Cost | None:
        """What it costs, on paper; None where a plugin's component does not say."""
        if self.frames is None:
            return self.component.cost(self.site) or self.measured
        return cost_of_frames(self.component, self.site, self.frames) or self.measured


@dataclass(frozen=True)
class Link:
    """One skip connection.

    Arguments:
        level: The stage it belongs to, 0 the finest.
        source: The node whose output is kept.
        target: The node that merges it.
        shape: What travels along.
        mode: How it is merged: the name of the skip component.
    """

    level: int
    source: str
    target: str
    shape: Shape
    mode: str


@dataclass(frozen=True)
class Plan:
    """A whole network: what it takes, its nodes, its skips, and what is proven of its sizes.

    Arguments:
        spec: What was declared.
        inputs: What a caller passes, by name, in the order of `forward`.
        nodes: Every step; each reads only inputs and nodes before it.
        links: The skip connections.
        axes: For each spatial axis, the sizes it may have.
        space: The spatial size the shapes are for; with `fit: pad`, after padding.
        offers: Where the network answers what it offers instead of a prediction: the paths of the
            nodes, by the names of their places.
    """

    spec: Spec
    inputs: Mapping[str, Tensor]
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    axes: tuple[Axis, ...]
    space: tuple[int, ...]
    offers: Mapping[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __getitem__(self, path: str) -> Node:
        return self._by_path[path]

    @cached_property
    def _by_path(self) -> dict[str, Node]:
        return {node.path: node for node in self.nodes}

    @property
    def axis_names(self) -> tuple[str, ...]:
        """What the axes are called."""
        return axis_names(len(self.axes), self.spec.input.frames is not None)

    @property
    def output(self) -> Shape:
        """What leaves the last node."""
        return self.nodes[-1].shape

    @cached_property
    def cost(self) -> Cost:
        """Parameters and MACs of all nodes that are counted; for the rest, see `archkit.report`."""
        counted = [node.cost for node in self.nodes if node.cost]
        return Cost(sum(c.parameters for c in counted), sum(c.macs for c in counted))

    @property
    def uncounted(self) -> tuple[str, ...]:
        """Paths of nodes whose component states no cost."""
        return tuple(node.path for node in self.nodes if node.cost is None)

    @property
    def conditions(self) -> tuple[str, ...]:
        """Names of the inputs beside the sample and the time."""
        return tuple(name for name in self.inputs if name not in ("x", "t"))

    @cached_property
    def arguments(self) -> dict[str, tuple[str, ...]]:
        """What a caller passes, by its word, and the inputs it becomes: several for residuals."""
        words: dict[str, tuple[str, ...]] = {}
        for name in self.inputs:
            word = name.partition(".")[0]
            words[word] = (*words.get(word, ()), name)
        return words

    @property
    def outputs(self) -> tuple[str, ...]:
        """Paths of the nodes whose output leaves the network."""
        return tuple(self.offers.values()) or (self.nodes[-1].path,)

    def tokens(self, name: str) -> int:
        """How many tokens costs are counted with: of a sequence, or of one whose padding it is."""
        conditions, of = self.spec.conditioning.conditions, self.inputs[name].of
        told = of if of in conditions else name
        return conditions[told].counted() if told in conditions else 1

    def room(self, name: str, space: tuple[int, ...] = ()) -> tuple[int, ...]:
        """The spatial size of an image among the inputs; the sample's where it follows nothing.

        Arguments:
            space: The size of the sample; that of the plan if left out.
        """
        takes, sizes = self.inputs[name], space or self.space
        if takes.of != "x":
            step = self._resized(takes.of)
            walked = (axis.walk(n, step) for axis, n in zip(self.axes, sizes, strict=True))
            sizes = tuple(n for n in walked if isinstance(n, int))
        return tuple(takes.times * n for n in sizes)

    def _resized(self, path: str) -> str:
        """The last node before this one, or this, that changes sizes; ``x`` if there is none."""
        steps = {step.path for step in self.axes[0].steps}
        while path != "x" and path not in steps:
            path = self[path].inputs[0]
        return path

    def readers(self, value: str) -> tuple[str, ...]:
        """Paths of the nodes that a value reaches: an input of the network, or a node's output.

        What only carries it on (`conditioning.*`) is passed through, so that the readers of
        `t` are the blocks that use the time.
        """
        found: list[str] = []
        for node in self.nodes:
            if value in node.inputs:
                beside = node.path.startswith("conditioning.") and node.inputs[0] != "x"
                carries = beside or node.path == "precondition.time"
                found += self.readers(node.path) if carries else [node.path]
        return tuple(dict.fromkeys(found))

    @cached_property
    def last_reader(self) -> dict[str, str]:
        """For each value, the node after which it is no longer needed."""
        return {value: node.path for node in self.nodes for value in node.inputs}
