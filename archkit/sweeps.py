"""Every combination of a grid as a spec that extends a base, checked and counted on paper."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import api
from .composer import compose
from .document import Text
from .errors import Problem, SpecError
from .plans import Plan
from .registry import Registry
from .reports.figures import Report
from .reports.tally import tally
from .source import dump

Grid = Mapping[str, Sequence[Any]]
_OPEN, _CLOSED = "[{(", "]})"


@dataclass(frozen=True, slots=True)
class Combination:
    """One point of a grid.

    Arguments:
        name: Of the spec, and of its file without the suffix.
        settings: What it sets, by key.
        text: The spec.
    """

    name: str
    settings: Mapping[str, Any]
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What paper says of a combination: its plan and its numbers, or what is wrong with it."""

    combination: Combination
    report: Report | None
    problems: tuple[Problem, ...] = ()
    plan: Plan | None = None


def axis(argument: str, number: int = 1) -> tuple[str, list[Any]]:
    """A key and its values; raises SpecError if it is none. Commas in brackets separate nothing.

    Examples:
        >>> axis("width=32,64"), axis("pooling=max,{type: conv, padding: end}")[1][1]
        (('width', [32, 64]), {'type': 'conv', 'padding': 'end'})
    """
    text = Text(f"<grid {number}>", argument)
    key, equals, values = argument.partition("=")
    if not (key and equals and values):
        mend = "for example `--grid width=32,64,128`"
        what = "a grid is `KEY=VALUE,VALUE,…`"
        raise SpecError([text.at(0).tell(Problem("bad-override", what, mend))])
    found = []
    for part in _split(values):
        node, _ = compose(Text(text.name, part, before=f"{key}="))
        found.append(node.plain() if node else None)
    return key, found


def _split(values: str) -> Iterator[str]:
    """The parts between commas that stand in no brackets and no quotes."""
    depth, start, quote = 0, 0, ""
    for place, character in enumerate(values):
        if quote or character in "'\"":
            quote = character if not quote else quote * (character != quote)
            continue
        depth += (character in _OPEN) - (character in _CLOSED)
        if character == "," and not depth:
            yield values[start:place]
            start = place + 1
    yield values[start:]


def combinations(base: str, stem: str, grid: Grid) -> list[Combination]:
    """Every combination of a grid, in its order; the last key changes fastest.

    Arguments:
        base: What they extend: a path from where they will lie, or the name of a shipped spec.
        stem: What their names begin with.
    """
    found: dict[str, Combination] = {}
    for values in itertools.product(*grid.values()):
        settings = dict(zip(grid, values, strict=True))
        name = first = "-".join([stem, *(_word(key, value) for key, value in settings.items())])
        for number in itertools.count(2):
            if name not in found:
                break
            name = f"{first}-{number}"
        spec = {"archkit": 1, "name": name, "extends": base, "set": settings}
        found[name] = Combination(name, settings, dump(spec))
    return list(found.values())


def _word(key: str, value: Any) -> str:
    """A setting as a part of a file's name."""
    short = [step for step in key.split(".") if step != "*"]
    shown = value.get("type", "") if isinstance(value, Mapping) else value
    shown = "x".join(map(str, shown)) if isinstance(shown, tuple | list) else str(shown)
    return re.sub(r"[^\w.-]+", "", "-".join([*short, shown])).lower()


def tried(combination: Combination, folder: Path, registry: Registry) -> Outcome:
    """What paper says of a combination, as it will lie in a folder, which has to exist."""
    text = Text(str(folder / f"{combination.name}.yaml"), combination.text)
    try:
        document = api.read(text, registry=registry)
        plan = api.plan_document(document, None, registry)
        return Outcome(combination, tally(plan), plan=plan)
    except SpecError as error:
        return Outcome(combination, None, error.problems)


def idle(outcomes: Sequence[Outcome]) -> list[str]:
    """The keys that change nothing: whatever they say, the others decide which network it is.

    Arguments:
        outcomes: Of all combinations of a grid; those that do not fit tell nothing.
    """
    kept = [(outcome.combination.settings, outcome.plan) for outcome in outcomes if outcome.plan]
    found = []
    for key in kept[0][0] if kept else ():
        groups: dict[str, list[Plan]] = {}
        for settings, plan in kept:
            others = repr([(k, v) for k, v in settings.items() if k != key])
            groups.setdefault(others, []).append(plan)
        pairs = [(first, plan) for first, *rest in groups.values() for plan in rest]
        if pairs and all(_same(*pair) for pair in pairs):
            found.append(key)
    return found


def _same(a: Plan, b: Plan) -> bool:
    """Whether two plans are one network, which learns the same."""
    return _network(a) == _network(b)


def _network(plan: Plan) -> Sequence[object]:
    spec = plan.spec
    nodes = [(node.path, node.component, node.site, node.inputs) for node in plan.nodes]
    says = spec.input, spec.output, spec.prediction, spec.fit
    return *says, plan.inputs, plan.outputs, nodes
