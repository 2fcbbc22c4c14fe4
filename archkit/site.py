"""Where a component stands: everything it may know of the network around it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from .component import Misfit
from .shapes import Shape

if TYPE_CHECKING:
    from .parts import Resampler

Side = Literal["input", "encoder", "bottleneck", "decoder", "output", "conditioning"]
Role = Literal["input", "time", "output"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a component stands: everything it may know of the network around it.

    Arguments:
        dims: Spatial dimensions of the network, 1 to 3.
        x: What reaches it along the trunk.
        width: How many channels should leave.
        side, level: Which part of the network, and how deep (0 is the finest).
        skip: At a join, what comes along the skip.
        embedding: Width of the embedding of time and conditions, if there is one.
        contexts: The sequences that attention may read, by the name of their condition.
        padding: For those with padding among their tokens, the condition that says which.
        resample: The pooling or upsampling that a block has to do inside itself.
        bare: For a resampler: it stands inside a block, which brings the convolutions.
        stride: For an upsampling: the strides of the pooling that it undoes. For a block: those
            of its first convolution, where the pooling before it is left to it.
        clock: What times are multiplied with before they are embedded.
        role: For a precondition, and an image that joins: which of its places this is.
        tokens: The vectors that go before the tokens of a stem that makes some, each as wide.
        sample: The size of the sample.
        inner: For a block that leaves with another width than its stage has: that of the stage.
    """

    dims: int
    x: Shape
    width: int
    side: Side = "encoder"
    level: int = 0
    skip: Shape | None = None
    embedding: int | None = None
    contexts: Mapping[str, Shape] = field(default_factory=dict)
    padding: Mapping[str, str] = field(default_factory=dict)
    resample: Resampler | None = None
    bare: bool = False
    stride: tuple[int, ...] | None = None
    clock: float = 1.0
    role: Role = "input"
    inner: int | None = None
    tokens: tuple[str, ...] = ()
    sample: tuple[int, ...] = ()

    def per_axis(self, value: int | tuple[int, ...], option: str) -> tuple[int, ...]:
        """One number for each spatial axis, from one for all or a list; Misfit if they differ."""
        if isinstance(value, int):
            return (value,) * self.dims
        if len(value) != self.dims:
            raise Misfit(
                f"`{option}` names {len(value)} axes, and this network has {self.dims}",
                "give one number for every axis, or one for each",
                option=(option,),
            )
        return value

    def at(self, channels: int, space: tuple[int, ...] | None = None) -> Site:
        """This site further inside, where another number of channels arrives and leaves."""
        x = Shape(channels, self.x.space if space is None else space)
        return replace(self, x=x, width=channels, skip=None)

    def frame(self) -> Site:
        """The site of one frame: without the first axis."""
        skip = self.skip and Shape(self.skip.channels, self.skip.space[1:])
        x = Shape(self.x.channels, self.x.space[1:])
        return replace(self, dims=self.dims - 1, x=x, skip=skip, sample=self.sample[1:])

    def told(self, words: Collection[str]) -> int:
        """How many numbers conditions and their embedding have, as far as `words` name them."""
        contexts = (shape.elements for name, shape in self.contexts.items() if name in words)
        # Padding is int64: two elements of float32 for each token.
        padding = (2 * self.contexts[of].positions for of, n in self.padding.items() if n in words)
        return sum(contexts) + sum(padding) + (self.embedding or 0) * ("embedding" in words)

    def bared(self, channels: int) -> Site:
        """Where a block's own resampler stands, with so many channels."""
        return replace(self.at(channels), resample=None, bare=True)
