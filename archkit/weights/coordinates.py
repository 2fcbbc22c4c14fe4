"""Where each node stands in the walk: what foreign codebases number their modules by."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..plans import Node, Plan

_UNIT = re.compile(r"(?:encoder|decoder)\.\d+\.blocks\.(\d+)\.|bottleneck\.(\d+)\.")


@dataclass(frozen=True, slots=True)
class Coordinates:
    """A node's place, counted along the walk.

    Arguments:
        word: What it is: stem, block, attention, down, up, join, head, or conditioning.
        side: ``encoder``, ``bottleneck``, ``decoder``, … as in Site.
        i: Level, 0 the finest.
        j: Unit within the stage.
        n: Number of levels.
        tap, join: Skips pushed and popped so far.
        p: Position since the last tap or join.
    """

    word: str
    side: str
    i: int
    j: int
    n: int
    tap: int
    join: int
    p: int


_WORDS = {"pooling": "down", "upsampling": "up"}


def walk(plan: Plan) -> list[tuple[Node, Coordinates]]:
    """Every node with its coordinates, in the order they run."""
    tapped = {link.source for link in plan.links}
    levels = len(plan.spec.encoder)
    found = []
    tap = join = p = 0
    for node in plan.nodes:
        word = node.path.rpartition(".")[2]
        if node.site.side == "conditioning":
            word = "conditioning"
        word = _WORDS.get(word, word)
        if word == "join":
            join, p = join + 1, 0
        unit = _UNIT.match(node.path)
        j = int(unit[1] or unit[2]) if unit else 0
        place = Coordinates(word, node.site.side, node.site.level, j, levels, tap, join, p)
        found.append((node, place))
        if word not in ("join", "conditioning"):
            p += 1
        if node.path in tapped:
            tap, p = tap + 1, 0
    return found
