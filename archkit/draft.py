"""A plan while it is being drawn: nodes are put one by one, complaints are gathered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .component import Misfit
from .errors import Problem, SpecPath
from .parts import Block, Part, Pooling, Resampler, Side, Site, Skip, Tensor
from .plans import Link, Node
from .proof import Step
from .shapes import KEEP, Shape


@dataclass(frozen=True, slots=True)
class Flow:
    """What flows along an edge: the node (or input) it comes from, its shape and its level."""

    source: str
    shape: Shape
    level: int = 0


@dataclass(frozen=True, slots=True)
class Stand:
    """A place for a node: its path, the place in the spec that puts it there, side and level."""

    path: str
    at: SpecPath
    side: Side
    level: int = 0


@dataclass
class Draft:
    """Nodes so far, the flows that any node may read, and what went wrong."""

    dims: int
    frames: int | None = None
    """How many frames the sample has, where it is a video; the first of `dims`."""
    inputs: dict[str, Tensor] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    shared: dict[str, Flow] = field(default_factory=dict)
    contexts: dict[str, Shape] = field(default_factory=dict)
    padding: dict[str, str] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    paces: dict[str, str] = field(default_factory=lambda: {"x": "x"})
    waiting: tuple[Stand, Pooling, Site] | None = None
    """A pooling that the first convolution of the next block does, and where it would stand."""
    sound: bool = True
    """Whether sizes can be proven: not where skips are missing, or a stride is wrong."""

    def put(
        self, stand: Stand, part: Part, x: Flow, width: int, skip: Flow | None = None, **site: Any
    ) -> Flow:
        """A node on the trunk; returns what comes out of it, a guess if it does not fit."""
        embedding = self.shared.get("embedding")
        if self.waiting and isinstance(part, Block):
            site["stride"] = self._stride(part)
        place = self.site(
            part,
            x=x.shape,
            width=width,
            side=stand.side,
            level=stand.level,
            skip=skip.shape if skip else None,
            embedding=embedding.shape.channels if embedding else None,
            contexts=self.contexts,
            padding=self.padding,
            tokens=tuple(self.tokens),
            sample=self.shared["x"].shape.space,
            **site,
        )
        named: Mapping[str, Flow] = {**self.shared, "x": x, **({"skip": skip} if skip else {})}
        shape = self._infer(stand, part, place)
        inputs = tuple(named[word].source for word in self._reads(part, place) if word in named)
        frames = None if place.dims == self.dims else self.frames
        if frames is not None:
            shape = Shape(shape.channels, (frames, *shape.space))
        self.nodes.append(Node(stand.path, part, place, inputs, shape, stand.at, frames=frames))
        self._step(stand, part, place, x, skip)
        return Flow(stand.path, shape, stand.level)

    def dims_of(self, part: Part) -> int:
        """How many axes of what flows a part is given: not those of frames it looks across."""
        return self.dims - (self.frames is not None and not part.across)

    def site(self, part: Part, **told: Any) -> Site:
        """Where a part stands; where it is given each frame alone, the site of one frame."""
        site = Site(dims=self.dims, **told)
        return site if self.dims_of(part) == self.dims else site.frame()

    def note(
        self, stand: Stand, part: Part, site: Site, inputs: tuple[str, ...], level: int = 0
    ) -> Flow:
        """A node beside the trunk: its site and inputs are given as they are."""
        shape = self._infer(stand, part, site)
        self.nodes.append(Node(stand.path, part, site, inputs, shape, stand.at))
        return Flow(stand.path, shape, level)

    def complain(
        self, code: str, message: str, mend: str, stand: Stand, option: SpecPath = ()
    ) -> None:
        """A complaint about a place."""
        path = (*stand.at, *option)
        self.problems.append(Problem(code, message, mend, path, stand.path))

    def _infer(self, stand: Stand, part: Part, site: Site) -> Shape:
        if site.dims not in part.dims:
            served = " and ".join(f"{d}-D" for d in part.dims)
            name = f"{part.kind} `{part.type}`"
            self.complain(
                "dims",
                f"{name} serves {served}, and this network is {site.dims}-D",
                "choose another, see `archkit components`",
                stand,
            )
        try:
            return part.infer(site)
        except Misfit as misfit:
            if isinstance(part, Resampler) and misfit.code == "misfit":
                self.sound = False
            if misfit.code != "size":  # sizes are the proof's to tell, with axis and level
                self.complain(misfit.code, misfit.what, misfit.mend, stand, misfit.option)
            channels = part.leaves(site) if isinstance(part, Skip) and site.skip else site.width
            return Shape(channels, site.x.space)

    @staticmethod
    def _reads(part: Part, site: Site) -> tuple[str, ...]:
        try:
            return part.reads(site)
        except Misfit:  # told by infer; it may have meant any condition
            return ("x", *site.contexts, *site.padding.values())

    def _step(self, stand: Stand, part: Part, site: Site, x: Flow, skip: Flow | None) -> None:
        """What the node does to sizes, if anything."""
        here = self.paces[x.source]
        if isinstance(part, Skip) and skip is not None:
            join = Step(stand.path, stand.level, here, skip=self.paces[skip.source], join=part)
            self.steps.append(join)
            self.paces[stand.path] = stand.path
            return
        try:
            maps = part.size_maps(site)
        except Misfit:  # told by infer
            self.sound, maps = False, ()
        if site.dims < self.dims:
            maps = (KEEP, *maps)
        if all(m.free for m in maps):
            self.paces[stand.path] = here
            return
        self.paces[stand.path] = stand.path
        self.steps.append(Step(stand.path, stand.level, here, maps=maps))

    def leave_to_next(self, stand: Stand, pooling: Pooling, x: Flow, site: Site) -> Flow:
        """A pooling that is no node; the trunk, which is shrunk by the next block."""
        self.waiting = (stand, pooling, site)
        try:
            pooling.size_maps(site)
        except Misfit as misfit:
            self.sound = False
            self.complain(misfit.code, misfit.what, misfit.mend, stand, misfit.option)
        return replace(x, level=stand.level + 1)

    def block_is_next(self, word: str) -> None:
        """Complains of a word that comes between such a pooling and the block."""
        if self.waiting and word != "block":
            stand, pooling, _ = self.waiting
            what = f"the next block does pooling `{pooling.type}`, and `{word}` comes before it"
            self.complain("pooling-first", what, "use another pooling, or `layout: classic`", stand)
            self.waiting = None

    def _stride(self, block: Block) -> tuple[int, ...] | None:
        assert self.waiting
        (stand, pooling, site), self.waiting = self.waiting, None
        if not block.strides:
            what = f"a `{block.type}` block can't stride in its first convolution"
            mend = "use `block: conv` or `block: residual`, or another pooling"
            self.complain("pooling-first", what, mend, stand)
        return self.strides(pooling, site)

    def strides(self, pooling: Resampler, site: Site) -> tuple[int, ...] | None:
        """The strides of a pooling, for the upsampling that undoes it."""
        try:
            return tuple(max(1, m.over // m.times) for m in pooling.size_maps(site))
        except Misfit:
            return None
