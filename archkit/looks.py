"""How a component looks in a diagram: its short name, its colour, and its inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from .component import Component

if TYPE_CHECKING:
    from .parts import Site


_OF_KIND = {
    "norm": "plain",
    "activation": "plain",
    "skip": "plain",
    "pooling": "down",
    "upsampling": "up",
}


@dataclass(frozen=True, slots=True)
class Op:
    """One step inside a component, for the picture of its inside.

    Arguments:
        label: What is written on it; ``+`` and ``×`` are drawn as small circles.
        reads: Where its inputs come from: names of ops before it, or what the component itself
            reads (``x``, ``skip``, ``embedding``, a condition). Left out, it is the op before it,
            and for the first one ``x``.
        name: What later ops call it.
        group: Its colour, as `Looks.group`.
        repeat: How often it runs; neighbours with the same number above 1 repeat together.
    """

    label: str
    reads: tuple[str, ...] = ()
    name: str = ""
    group: str = "plain"
    repeat: int = 1


class Looks(Component):
    """What a diagram asks of every part."""

    short: ClassVar[str] = ""
    """What it is called in a diagram, in a word; its name in a spec if left out."""
    group: ClassVar[str] = ""
    """What it has its colour in common with: ``convolution``, ``resnet``, ``attention``,
    ``transformer``, ``down``, ``up``, ``plain``, or a word of its own. Left out, resamplers, norms,
    activations and skips go with their kind, and everything else is ``custom``."""

    def grouped(self) -> str:
        """Its group, or that of its kind."""
        return self.group or _OF_KIND.get(self.kind, "custom")

    def caption(self, site: Site) -> str:
        """What is written on it at a site."""
        return self.short or self.type

    def inside(self, site: Site) -> tuple[Op, ...]:
        """Its steps in the order they run, the last one is what comes out; empty: not told."""
        return ()

    def steps(self, site: Site, name: str = "", reads: tuple[str, ...] = ()) -> tuple[Op, ...]:
        """It as one op in the inside of another; nothing where its type is ``none``."""
        if self.type == "none":
            return ()
        return (Op(self.caption(site), reads, name, self.grouped()),)
