"""Complaints about a filled spec, brought to the places in the text that caused them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .document import Document, Node
from .errors import Problem, SpecPath
from .scalars import scalar

Origins = Mapping[SpecPath, SpecPath | None]
"""For places of a filled spec, the place in the text they were filled from; None for a default."""


def located(found: Iterable[Problem], document: Document, origins: Origins) -> list[Problem]:
    """Each complaint at the place in the text that caused it; one about a value is told once."""
    told: dict[Any, Problem] = {}
    for problem in found:
        key = (problem.code, _blamed(problem, origins))
        first = told.setdefault(key, _placed(_traced(problem, origins), document))
        if first.node and problem.node != first.node:
            told[key] = replace(first, more=first.more + 1)
    return in_reading_order(told.values())


def in_reading_order(problems: Iterable[Problem]) -> list[Problem]:
    """As one meets them in the text; those without a place come last."""

    def place(problem: Problem) -> tuple[Any, ...]:
        span = problem.span
        return (0, span.file, span.line, span.column) if span else (1,)

    return sorted(problems, key=place)


def _placed(problem: Problem, document: Document) -> Problem:
    if not problem.path:
        return problem
    found = document.locate(problem)
    # Where nothing on the way there is written, no line is to blame.
    return found if document.root.child(problem.path[0]) else replace(found, excerpt="")


def _traced(problem: Problem, origins: Origins) -> Problem:
    """The problem at the place its value came from; a default is told where it applies."""
    for path in _upwards(problem.path):
        origin = origins.get(path)
        if origin is not None:
            return replace(problem, path=(*origin, *problem.path[len(path) :]))
    return problem


def _blamed(problem: Problem, origins: Origins) -> SpecPath:
    """What tells one value from another: where it stands, or of a default, the option it fills."""
    known = next((path for path in _upwards(problem.path) if path in origins), None)
    if known is not None and origins[known] is None:
        return tuple(step for step in problem.path if isinstance(step, str))[-2:]
    return _traced(problem, origins).path


def _upwards(path: SpecPath) -> Iterator[SpecPath]:
    """A path, and those above it, without the root."""
    return (path[:end] for end in range(len(path), 0, -1))


def amended(document: Document, problems: Sequence[Problem]) -> Document | None:
    """The document where each complaint is mended by its one word; None where one needs more."""
    root = document.root
    for problem in problems:
        changed = _changed(root, problem.path, problem) if problem.instead else None
        if changed is None:
            return None
        root = changed
    return Document(root)


def _changed(node: Node, path: SpecPath, problem: Problem) -> Node | None:
    step, *below = path
    child = node.child(step)
    if child is None:
        return None
    if below:
        changed = _changed(child, tuple(below), problem)
    elif problem.code == "unknown-key":
        changed, step = child, problem.instead
        node = replace(node, data={k: v for k, v in node.data.items() if v is not child})
    else:
        changed = replace(child, data=scalar(problem.instead))
    if changed is None or (step in node.data and problem.code == "unknown-key" and not below):
        return None
    if isinstance(node.data, tuple):
        items = (changed if i == step else item for i, item in enumerate(node.data))
        return replace(node, data=tuple(items))
    return replace(node, data={**node.data, step: changed})
