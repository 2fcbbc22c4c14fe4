"""Where each node stands in the walk: what foreign codebases number their modules by."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from ..plans import Node, Plan

_UNIT = re.compile(r"(?:encoder|decoder)\.\d+\.blocks\.(\d+)\.|bottleneck\.(\d+)\.")
_SIDES = ("", "input", "bottleneck", "output")
_WORDS = {"pooling": "down", "upsampling": "up"}


@dataclass(frozen=True, slots=True)
class Coordinates:
    """A node's place, counted along the walk; the words of an address table.

    Arguments:
        word: What it is: stem, block, attention, down, up, join, head, or the name of a
            condition; with the name of a register before it, where it is a step of one:
            ``image.down``.
        side: ``encoder``, ``bottleneck``, ``decoder``, … as in Site.
        level: The level it stands at, 0 the finest; a resampler's is the one it leaves.
        rise: The same, counted from the deepest.
        unit, nth: The unit within the stage, counted from 0 and from 1.
        tap, join: The last skip pushed and the last one popped, counted from 1 and from 0;
            registers are not counted, and what is offered counts as pushed.
        step: Nodes since the last tap or join.
        size: Of what comes out, along the last axis.
        before: Blocks and attentions of its stage before it.
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
    before: int = 0


def walk(plan: Plan) -> list[tuple[Node, Coordinates]]:
    """Every node with its coordinates, in the order they run."""
    tapped = {link.source for link in plan.links if not _register(link.target)}
    deepest = len(plan.spec.encoder) - 1
    found = []
    tap, join, step = 0, -1, 0
    stage: Counter[tuple[str, int]] = Counter()
    for node in plan.nodes:
        beside = node.site.side == "conditioning"
        word = _word(node.path, beside)
        if word == "join":
            join, step = join + 1, 0
        level = node.site.level + (word == "up")
        unit = _unit(node.path)
        size = node.shape.space[-1] if node.shape.space else 0
        side, before = node.site.side, stage[node.site.side, level]
        place = Coordinates(
            word, side, level, deepest - level, unit, unit + 1, tap, join, step, size, before
        )
        stage[side, level] += word in ("block", "attention")
        found.append((node, place))
        step += word != "join" and not beside
        if node.path in tapped or word == "offer":
            tap, step = tap + 1, 0
    return found


def _word(path: str, beside: bool) -> str:
    leaf = path.rpartition(".")[2]
    if beside:
        return leaf
    register = _register(path)
    word = _WORDS.get(leaf, leaf)
    return f"{register}.{word}" if register else word


def _register(path: str) -> str:
    """The register that a node is a step of; empty for one of the trunk."""
    *_, parent, _ = ("", *path.split("."))
    return "" if parent.isdigit() or parent in _SIDES else parent


def _unit(path: str) -> int:
    found = _UNIT.match(path)
    return int(found[1] or found[2]) if found else 0
