"""The stack program of a U-Net, as data: which tensors are kept, merged and resized, and when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from .component import Component

WORDS = ("stem", "tap", "offer", "block", "narrow", "attention", "down", "up", "join", "head")
PARTS = ("enter", "encode", "descend", "middle", "ascend", "decode", "leave")
_TOKEN = re.compile(r"(?:keep|join|use)=[a-z][a-z-]*|(?:down|up|head)@[a-z][a-z-]*|[a-z]+")
_GROUP = re.compile(
    r"\s*(?:\((?P<unit>[^()]*)\)(?:\*(?P<times>\d+|n|\(n[+-]\d+\)))?"
    r"|(?P<word>[a-z]+(?:[=@][a-z-]+)?))"
)


_SAMPLE = "for example `(join block attention)*(n+1)`, see `archkit explain layout`"


@dataclass(frozen=True, slots=True)
class Word:
    """One step of a template, and the register it names, if any."""

    does: str
    register: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Steps that belong together, repeated ``blocks · n + plus`` times."""

    words: tuple[Word, ...]
    unit: bool
    blocks: int
    plus: int

    def repeats(self, n: int) -> int:
        return max(0, self.blocks * n + self.plus)


@cache
def parse(template: str) -> tuple[Group, ...]:
    """The groups of a template; ValueError says what cannot be read.

    Examples:
        >>> parse("stem tap")[1].words
        (Word(does='tap', register=''),)
        >>> parse("(join block attention)*(n+1)")[0].repeats(2)
        3
    """
    groups, at = [], 0
    while template[at:].strip():
        found = _GROUP.match(template, at)
        if not found:
            raise ValueError(f"`{template[at:].strip()}` cannot be read")
        at = found.end()
        words = tuple(_word(w) for w in (found["unit"] or found["word"] or "").split())
        blocks, plus = _times(found["times"])
        groups.append(Group(words, found["unit"] is not None, blocks, plus))
    return tuple(groups)


def _word(text: str) -> Word:
    does, _, register = text.replace("@", "=").partition("=")
    if not _TOKEN.fullmatch(text) or does not in (*WORDS, *(("keep", "use") if register else ())):
        listed = ", ".join(WORDS)
        raise ValueError(
            f"`{text}` is no word of a layout: {listed}, keep=, join=, use=, down@, up@, head@"
        )
    return Word(does, register)


def _times(text: str | None) -> tuple[int, int]:
    if text is None:
        return 0, 1
    if text.isdigit():
        return 0, int(text)
    return 1, int(text.strip("(n)") or 0)


class Layout(Component):
    """A stack program: which tensors are kept, merged and resized, and when.

    Each option is the template of one part of the walk, a row of words:

    * ``stem``, ``block``, ``attention``, ``down``, ``up``, ``head``: a node that the trunk passes;
    * ``narrow``: a block that leaves with the width of the next finer stage of the decoder;
    * ``tap``: push the trunk on the stack of skips; ``join``: pop a skip and merge it;
    * ``offer``: what a head makes of the trunk is an output of the network, named after its place;
    * ``keep=NAME``: keep the trunk in a register; ``join=NAME``: merge that register into the
      trunk; ``use=NAME``: the trunk becomes what the register holds;
    * ``down@NAME``, ``up@NAME``: the register passes the node instead of the trunk; ``head@NAME``:
      what a head makes of the trunk is merged into the register, or is the first that it holds;
    * ``(...)``: a unit, numbered in the paths of its nodes; ``(...)*n``, ``*(n+1)``, ``*2``:
      repeated, where `n` is the number of blocks of the stage.
    """

    kind = "layout"

    enter: str
    """Once, before the first stage."""
    encode: str
    """In every stage of the encoder, the finest first."""
    descend: str
    """Between a stage of the encoder and the next."""
    middle: str
    """At the bottom, after the deepest stage."""
    ascend: str
    """Between a stage of the decoder and the next finer one."""
    decode: str
    """In every stage of the decoder, the deepest first."""
    leave: str
    """Once, after the last stage."""
    deepest: Literal["stage", "bottleneck"] = "stage"
    """Whether the deepest row decodes like every stage, or is the bottleneck itself."""
    finest: Literal["stage", "stem"] = "stage"
    """What the finest `narrow` leaves with: the width of its stage, or that of the stem."""

    @property
    def joins_small(self) -> bool:
        """Whether the decoder joins a stage's skips before the trunk grows to that stage.

        A skip tapped after the pooling of a stage then belongs to it, not to the next.
        """
        words = [word.does for group in parse(self.ascend) for word in group.words]
        return "up" in words and "join" in words[: words.index("up")]

    @model_validator(mode="after")
    def _readable(self) -> Layout:
        for part in PARTS:
            try:
                parse(getattr(self, part))
            except ValueError as error:
                raise _unreadable(str(error), part, _SAMPLE) from None
        if self.offers and (part := self._with("head")):
            what = "a layout that offers what it taps has no head of its own"
            raise _unreadable(what, part, "drop `head`, or every `offer`")
        return self

    @property
    def offers(self) -> bool:
        """Whether its outputs are what it offers, for another network to take in."""
        return bool(self._with("offer"))

    def _with(self, does: str) -> str:
        """The first part of the walk with a word that does this; empty where there is none."""
        return next((part for part in PARTS if does in _steps(getattr(self, part))), "")


def _steps(template: str) -> list[str]:
    return [word.does for group in parse(template) for word in group.words]


def _unreadable(what: str, part: str, mend: str) -> PydanticCustomError:
    context = {"message": what, "at": (part,), "mend": mend}
    return PydanticCustomError("bad-layout", "{message}", context)
