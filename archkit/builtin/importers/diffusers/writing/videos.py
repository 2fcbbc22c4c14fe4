"""What the configs of networks of videos have in common."""

from __future__ import annotations

from collections.abc import Callable

from ...rows import Says
from .seen import Seen

NARROW: Says = {"head_width": 1}
"""What stands for heads where a network has none: it divides every width."""


def stages(seen: Seen, kind: str, lit: str) -> Says:
    """The classes of the stages.

    Arguments:
        seen: The plan.
        kind: That of one without attention; braces stand for the way.
        lit: The type of the attention of those that look at a text.
    """
    classes = {"encoder": kind.format("Down"), "decoder": kind.format("Up")}
    found = {
        side: [_class(name, seen.attention(f"{side}.{i}"), lit) for i in seen.levels]
        for side, name in classes.items()
    }
    return {"down_block_types": found["encoder"], "up_block_types": found["decoder"][::-1]}


def _class(name: str, attention: Says, lit: str) -> str:
    return f"CrossAttn{name}" if attention.get("type") == lit else name


def each(seen: Seen, part: Callable[[Says], Says]) -> list[Says]:
    """A part of the attention of each level, from wherever the level has it.

    The last level shares its options with the bottleneck. Where a level has no such part, its
    options are of no account, and those of another level stand for them.
    """
    found = [
        part(seen.attention(f"encoder.{i}")) or part(seen.attention(f"decoder.{i}"))
        for i in seen.levels
    ]
    found[-1] = found[-1] or part(seen.attention("bottleneck"))
    some = next(filter(None, found), NARROW)
    return [says or some for says in found]


def text(seen: Seen, usual: int) -> int:
    """Channels of the text, or of what stands for it."""
    texts = (c["channels"] for c in seen.conditions.values() if c["type"] == "sequence")
    return int(next(texts, usual))


def blocks(seen: Seen) -> list[int]:
    """How many blocks each level has."""
    return [seen.count(f"encoder.{i}", "block") for i in seen.levels]
