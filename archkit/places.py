"""Complaints about a filled spec, brought to the places in the text that caused them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .document import Document
from .errors import Problem, SpecPath

Origins = Mapping[SpecPath, SpecPath | None]
"""For places of a filled spec, the place in the text they were filled from; None for a default."""


def located(found: Iterable[Problem], document: Document, origins: Origins) -> list[Problem]:
    """Each complaint at the place in the text that caused it; one about a value is told once."""
    told: dict[Any, Problem] = {}
    for problem in found:
        key = (problem.code, _blamed(problem, origins))
        place = _traced(problem, origins)
        first = told.setdefault(key, document.locate(place) if place.path else place)
        if first.node and problem.node != first.node:
            told[key] = replace(first, more=first.more + 1)
    return in_reading_order(told.values())


def in_reading_order(problems: Iterable[Problem]) -> list[Problem]:
    """As one meets them in the text; those without a place come last."""

    def place(problem: Problem) -> tuple[Any, ...]:
        span = problem.span
        return (0, span.file, span.line, span.column) if span else (1,)

    return sorted(problems, key=place)


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


def amended(data: Any, problems: Sequence[Problem]) -> Any:
    """Plain data where each complaint is mended by its one word; None where one needs more."""
    for problem in problems:
        if not problem.instead:
            return None
        data = _changed(data, problem.path, problem)
    return data


def _changed(data: Any, path: SpecPath, problem: Problem) -> Any:
    step, *below = path
    if isinstance(data, tuple):
        items = list(data)
        items[int(step)] = _changed(items[int(step)], tuple(below), problem)
        return tuple(items)
    if below:
        return {**data, step: _changed(data[step], tuple(below), problem)}
    if problem.code == "unknown-key":
        return {problem.instead if key == step else key: value for key, value in data.items()}
    return {**data, step: problem.instead}
