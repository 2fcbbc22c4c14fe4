"""The kinds of components, and the questions each of them answers.

A component that stands somewhere in a network is a Part. From the same Site it answers `infer`
(what comes out), `cost` (what it takes) and `build` (the module); only `build` may import torch.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from .costs import Cost
from .looks import Looks
from .shapes import KEEP, Shape, SizeMap, resized
from .site import Role as Role
from .site import Side as Side
from .site import Site as Site

if TYPE_CHECKING:
    from torch import nn


class Part(Looks):
    """A component that stands at a place in the network and becomes a node of the plan."""

    across: ClassVar[bool] = False
    """Whether it looks across the frames of a video, and so is given them all, as an axis in front;
    any other part is given each frame alone."""

    def reads(self, site: Site) -> tuple[str, ...]:
        """What its module takes, in order.

        ``x`` is the trunk, ``skip`` what a join merges, ``embedding`` the embedding of time and
        conditions, any other word a condition by its name.
        """
        return ("x",)

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        """How each spatial axis changes; unchanged unless a component says otherwise."""
        return (KEEP,) * site.dims

    def infer(self, site: Site) -> Shape:
        """What comes out; raises Misfit where this cannot stand. Pure, and without torch."""
        return Shape(site.width, resized(site.x.space, self.size_maps(site)))

    def cost(self, site: Site) -> Cost | None:
        """What it takes, on paper, and how far it looks; None means "not counted".

        A Cost of parameters and MACs alone is welcome: its memory is then taken to be its inputs
        and its output, and its reach is told as unknown.
        """
        return None

    def build(self, site: Site) -> nn.Module:
        """A fresh module whose `forward` takes what `reads` says, in that order."""
        raise NotImplementedError(f"{type(self).__name__} has no build()")


def cost_of_frames(part: Part, site: Site, frames: int) -> Cost | None:
    """What a part takes that is given each of so many frames alone; `site` is that of one."""
    cost = part.cost(site)
    if cost is None:
        return None
    # What is told of a video is repeated for each of its frames, and kept so.
    told = frozenset(part.reads(site)) - {"x", "skip"}
    each = cost.each(frames, site.dims).holding(frames * site.told(told))
    repeated = Cost(saved=frames * site.told(told & each.keeps))
    return replace(each, keeps=each.keeps - told) & repeated


class Block(Part):
    """The unit of a stage: takes the trunk, and the embedding if it wants it."""

    kind = "block"
    resamples: ClassVar[bool] = False
    """Whether it can pool or upsample inside itself (`site.resample`)."""
    strides: ClassVar[bool] = False
    """Whether its first convolution can stride (`site.stride`)."""


class Attention(Part):
    """Mixes positions, after a block."""

    kind = "attention"


class Resampler(Part):
    """Changes the sizes of the trunk."""

    def leaves(self, here: int, there: int) -> int:
        """How many channels leave when the stage at hand is `here` and the next `there` wide."""
        return here


class Pooling(Resampler):
    """Shrinks the trunk between two stages of the encoder."""

    kind = "pooling"
    by_next: ClassVar[bool] = False
    """Whether it is no node, because the first convolution of the next block does it."""


class Upsampling(Resampler):
    """Grows the trunk between two stages of the decoder."""

    kind = "upsampling"


class Skip(Part):
    """Merges what a skip connection brings into the trunk."""

    kind = "skip"

    def reads(self, site: Site) -> tuple[str, ...]:
        return ("x", "skip")

    def leaves(self, site: Site) -> int:
        """How many channels leave, whether or not the sizes fit."""
        return site.x.channels

    @property
    def reads_skip(self) -> bool:
        """Whether the skip is used at all; one that is not puts no bound on sizes."""
        return True

    def meet(self, x: int, skip: int) -> int | None:
        """The size of an axis after trunk and skip met; None where they cannot."""
        return x if x == skip else None


class Norm(Part):
    """Normalises activations; every other component asks for one by its channels."""

    kind = "norm"

    def infer(self, site: Site) -> Shape:
        return site.x


class Activation(Part):
    """A function of each value alone."""

    kind = "activation"

    def infer(self, site: Site) -> Shape:
        return site.x

    def cost(self, site: Site) -> Cost | None:
        return Cost.made(site.x.elements, keeps="x")


class Stem(Part):
    """The first node of the trunk."""

    kind = "stem"

    def leaves(self, first: int) -> int:
        """How many channels leave when the first stage is `first` wide."""
        return first


class Head(Part):
    """The last node of the trunk."""

    kind = "head"


Route = Literal[
    "embedding", "time", "input", "stem", "head", "context", "padding", "tokens", "taps"
]


class Time(Part):
    """Turns the time into a vector."""

    kind = "time"

    def reads(self, site: Site) -> tuple[str, ...]:
        """``t``; nothing where the network is not told the time."""
        return ("t",)

    def leaves(self, stem: int) -> int:
        """Width of the embedding of a network whose stem is `stem` wide."""
        return 4 * stem

    def features(self, stem: int) -> int:
        """Width of the features before the MLP, where `into: time` conditions are added."""
        return stem

    def joins(self) -> int:
        """Channels it adds to the input of the network, instead of being a vector."""
        return 0

    def route(self) -> Route:
        """Where the vector goes: ``embedding`` or ``tokens``."""
        return "embedding"


class Embedding(Part):
    """Makes one embedding out of the vectors of time and conditions."""

    kind = "embedding"

    def asks(self, own: int, time: int) -> int:
        """How wide the vector of a condition comes that is told `own` numbers."""
        return time

    def leaves(self, widths: Sequence[int]) -> int:
        """Width of the embedding of vectors so wide."""
        return widths[0]


class Condition(Part):
    """What else the network is told, and the way it takes into the network."""

    kind = "condition"
    takes_made: ClassVar[bool] = False
    """Whether it takes what the condition that `source` names makes, not that one's tensor; only
    what attention reads can be taken so."""

    @abstractmethod
    def route(self) -> Route:
        """Where it goes in."""

    @abstractmethod
    def takes(self, dims: int, space: tuple[int, ...]) -> Tensor:
        """The tensor it wants from the caller."""

    def source(self) -> str | None:
        """The condition whose tensor it takes, where that is another's."""
        return None

    def gathers(self) -> tuple[str, ...]:
        """What it takes instead of a tensor: names of conditions, or ``time``, for what they make.

        Its site has their shapes as contexts.
        """
        return ()

    def keeps_tokens(self) -> bool:
        """For a sequence: whether each of its tokens is one that it was told, so that padding among
        those is padding among these."""
        return False

    def pads(self) -> str | None:
        """Where it says which tokens of a sequence are padding: of which; None for that before."""
        return None

    def counted(self) -> int:
        """For a sequence: the number of tokens that costs are counted with; any number runs."""
        return 1

    def joins(self) -> int:
        """Channels it adds to the input of the network."""
        return 0


@dataclass(frozen=True, slots=True)
class Tensor:
    """What a caller passes: a shape without the batch, and what kind of numbers.

    A size of None stands for any. Where `null` is a number, the tensor may be left out, and
    stands for "not told": the number is then passed instead. A tensor that `follows` has the
    spatial size of the value `of`, `times` over: the sample's, or that of a node. One that does
    not, and is `of` a sequence, is as long as that.
    """

    shape: tuple[int | None, ...]
    numbers: Literal["float", "int"] = "float"
    null: int | None = None
    follows: bool = False
    of: str = "x"
    times: int = 1


class Precondition(Part):
    """Wraps the network: what it does to the sample, to the time, and to the answer.

    One component stands at up to three places; `site.role` says at which.
    """

    kind = "precondition"
    roles: ClassVar[tuple[Role, ...]] = ("input", "time", "output")
    """The places where it has something to do."""
    levels: ClassVar[bool] = False
    """Whether it takes the time for a noise level σ, so that the path has to tell levels."""

    def reads(self, site: Site) -> tuple[str, ...]:
        """Sample and time; the time; sample, answer of the network and time."""
        return {"input": ("x", "t"), "time": ("t",), "output": ("x", "answer", "t")}[site.role]

    def infer(self, site: Site) -> Shape:
        return site.x

    def cost(self, site: Site) -> Cost | None:
        seen = Cost() & Cost().reading("answer") if site.role == "output" else Cost()
        return seen + Cost.made(site.x.elements)
