"""Where each node stands in the walk: what foreign codebases number their modules by."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..plans import Node, Plan

_UNIT = re.compile(r"(?:encoder|decoder)\.\d+\.blocks\.(\d+)\.|bottleneck\.(\d+)\.")
_WORDS = {"pooling": "down", "upsampling": "up"}


@dataclass(frozen=True, slots=True)
class Coordinates:
    """A node's place, counted along the walk; the words of an address table.

    Arguments:
        word: What it is: stem, block, attention, down, up, join, head, or the name of a
            condition.
        side: ``encoder``, ``bottleneck``, ``decoder``, … as in Site.
        level: The level it stands at, 0 the finest; a resampler's is the one it leaves.
        rise: The same, counted from the deepest.
        unit, nth: The unit within the stage, counted from 0 and from 1.
        tap, join: The last skip pushed and the last one popped, counted from 1 and from 0.
        step: Nodes since the last tap or join.
        size: Of what comes out, along the last axis.
    """

    word: str
    side: str
    level: int
    rise: int
    unit: int
    nth: int
    tap: int
    join: int
    step: int
    size: int


def walk(plan: Plan) -> list[tuple[Node, Coordinates]]:
    """Every node with its coordinates, in the order they run."""
    tapped = {link.source for link in plan.links}
    deepest = len(plan.spec.encoder) - 1
    found = []
    tap, join, step = 0, -1, 0
    for node in plan.nodes:
        beside = node.site.side == "conditioning"
        word = node.path.rpartition(".")[2]
        word = word if beside else _WORDS.get(word, word)
        if word == "join":
            join, step = join + 1, 0
        level = node.site.level + (word == "up")
        unit = _unit(node.path)
        size = node.shape.space[-1] if node.shape.space else 0
        place = Coordinates(
            word, node.site.side, level, deepest - level, unit, unit + 1, tap, join, step, size
        )
        found.append((node, place))
        step += word != "join" and not beside
        if node.path in tapped:
            tap, step = tap + 1, 0
    return found


def _unit(path: str) -> int:
    found = _UNIT.match(path)
    return int(found[1] or found[2]) if found else 0
