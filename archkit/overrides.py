"""Overrides: one grammar for a spec's `set` and for the command line.

* ``encoder.0.channels=64`` or ``encoder[0].channels=64`` sets a value, read as YAML;
* ``encoder.-1.channels=64`` counts from the end, ``encoder.*.blocks=1`` is for every item;
* ``encoder.0.blocks+=conv`` appends to a list;
* ``~encoder.0.attention`` deletes.

In `set` the part before ``=`` is the key: ``{encoder.0.blocks+: conv, ~norm: null}``.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from typing import Any

from .composer import bounded, compose
from .document import Node, Place, Text
from .errors import Problem, SpecError, SpecPath, dotted
from .syntax import MAX_DEPTH

_STEP = re.compile(r"\.([^.\[\]\s=~+]+)|\[(-?\d+|\*)\]")
_INDEX = re.compile(r"-?\d{1,9}")
_EXAMPLE = "for example `encoder.0.channels=64`"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path: a key, an index, or ``*`` for all of them."""

    word: str
    place: Place | None = None

    @property
    def index(self) -> int | None:
        return int(self.word) if _INDEX.fullmatch(self.word) else None


@dataclass(frozen=True, slots=True)
class Override:
    """One change of a spec.

    Arguments:
        steps: The path to what changes.
        value: What stands there afterwards; None deletes it.
        append: Put the value at the end of the list instead.
        warnings: About the value.
    """

    steps: tuple[Step, ...]
    value: Node | None
    append: bool = False
    warnings: tuple[Problem, ...] = ()

    def __call__(self, root: Node) -> Node:
        """The changed tree; raises SpecError where the path leads nowhere."""
        return self._below(root, self.steps, ())

    def _below(self, node: Node, steps: tuple[Step, ...], path: SpecPath) -> Node:
        step, *rest = steps
        node = _entered(node, step, path)
        data: Any = list(node.data) if isinstance(node.data, tuple) else dict(node.data)
        keys = _keys(node, step, path)
        refused: list[SpecError] = []
        # Deleting goes from the end, so that it moves no item that is still to come.
        for key in keys if rest or self.value else reversed(keys):
            try:
                if rest:
                    below = node.child(key) or Node(None, step.place, step.place)
                    data[key] = self._below(below, tuple(rest), (*path, key))
                elif self.value is None:
                    _delete(data, key, step, path)
                else:
                    self._set(data, key, step, path)
            except SpecError as error:
                refused.append(error)
        # Deleting from every item is fine where only some have what is deleted.
        if refused and (self.value or len(refused) == len(keys)):
            raise SpecError(problem for error in refused for problem in error.problems)
        return replace(node, data=tuple(data) if isinstance(data, list) else data)

    def _set(self, data: Any, key: Any, step: Step, path: SpecPath) -> None:
        """Sets or appends in `data`, which is nobody else's."""
        value = replace(self.value or Node(None), key=step.place)
        here = data[key] if isinstance(data, list) else data.get(key)
        if self.append:
            item, value = value, value if here is None or here.data is None else here
            old = () if value is item else value.data
            if not isinstance(old, tuple):
                what = f"`{dotted((*path, key))}` is no list to append to"
                raise _refused(what, "set it as a whole, without the `+`", step, (*path, key))
            value = replace(value, data=(*old, item))
        elif key == "type" and here is not None and here.data != value.data:
            data.clear()  # its options were those of another type
        data[key] = value


def _delete(data: Any, key: Any, step: Step, path: SpecPath) -> None:
    if isinstance(data, dict) and key not in data:
        near = difflib.get_close_matches(key, data, 1)
        mend = f"did you mean `{near[0]}`?" if near else ""
        what = f"there is no `{dotted((*path, key))}` to delete"
        raise _refused(what, mend, step, (*path, key))
    del data[key]


def _entered(node: Node, step: Step, path: SpecPath) -> Node:
    """A value with an inside: bare names open, and nothing becomes a mapping."""
    where = f"`{dotted(path)}`"
    if isinstance(node.data, dict | tuple):
        return node
    if step.index is not None or step.word == "*":
        mend = f"set the list as a whole: `{dotted(path)}=[…]`"
        raise _refused(f"there is no list at {where}", mend, step, path)
    if isinstance(node.data, str):
        return node.opened()
    if node.data is None or isinstance(node.data, bool):
        return replace(node, data={})
    if isinstance(node.data, int | float):
        mend = f"set it: `{dotted(path)}=…`"
        raise _refused(f"{where} is {node.data} and has nothing inside", mend, step, path)
    what = f"{where} is an object of Python, whose inside overrides can't reach"
    raise _refused(what, f"set {where} as a whole", step, path)


def _keys(node: Node, step: Step, path: SpecPath) -> list[Any]:
    """The keys or indices that a step stands for."""
    where = f"`{dotted(path)}`" if path else "the spec"
    if step.word == "*":
        if not node.data:
            mend = f"set it as a whole: `{dotted(path)}=…`"
            raise _refused(f"{where} is empty: `*` stands for nothing", mend, step, path)
        return list(node.data) if isinstance(node.data, dict) else list(range(len(node.data)))
    if isinstance(node.data, dict):
        return [step.word]
    size, index, here = len(node.data), step.index, dotted(path)
    if index is None:
        mend = f"write `{here}.0`, `{here}.-1` or `{here}.*`"
        raise _refused(f"{where} is a list, and `{step.word}` is no index", mend, step, path)
    if not -size <= index < size:
        mend = f"{where} has {size} items: 0 to {size - 1}, or -1 to -{size} from the end"
        mend = mend if size else f"{where} is an empty list"
        raise _refused(f"`{here}.{index}` is out of range", mend, step, path)
    return [index % size]


def _refused(what: str, mend: str, step: Step, path: SpecPath) -> SpecError:
    problem = Problem("bad-override", what, mend, path)
    return SpecError([step.place.tell(problem) if step.place else problem])


def from_argument(argument: str, number: int) -> Override:
    """An override of the command line; raises SpecError if it is none.

    Arguments:
        argument: ``KEY=VALUE``, ``KEY+=VALUE`` or ``~KEY``.
        number: Which of them it is, from 1; complaints call it ``<override 1>``.
    """
    text = Text(f"<override {number}>", argument)
    bounded(text)
    key, equals, value = argument.partition("=")
    place = Place(text, 0, 0, 0, len(key))
    deletes = key.startswith("~")
    if deletes == bool(equals):
        what = "`~KEY` takes no value" if deletes else "an override is `KEY=VALUE`"
        raise SpecError([place.tell(Problem("bad-override", what, _EXAMPLE))])
    steps = _steps(key, place)
    if deletes:
        return Override(steps, None)
    written = Text(text.name, value, before=key + equals)
    path = tuple(step.word if step.index is None else step.index for step in steps)
    root, warnings = compose(written, path)
    return Override(steps, root or Node(None, written.at(0)), key.endswith("+"), warnings)


def from_setting(key: str, value: Node) -> Override:
    """An override of a spec's `set`; raises SpecError if it is none."""
    steps = _steps(key, value.key)
    if not key.startswith("~"):
        return Override(steps, value, key.endswith("+"))
    if value.data is not None:
        what = f"`{key}` deletes, and takes no value"
        raise SpecError([value.tell(Problem("bad-override", what, f"write `{key}: null`"))])
    return Override(steps, None)


def _steps(key: str, place: Place | None) -> tuple[Step, ...]:
    """The steps of a key, each with its own place."""
    start, end = int(key.startswith("~")), len(key) - key.endswith("+")
    path = "." + key[start:end]  # now every step begins with its mark
    here = place.text_of(key) if place else None
    steps: list[Step] = []
    at = 0
    while (found := _STEP.match(path, at)) and len(steps) < MAX_DEPTH:
        group = found.lastindex or 1
        first, last = (index + start - 1 for index in found.span(group))
        steps.append(Step(found[group], here.part(first, last) if here else place))
        at = found.end()
    if at < len(path):
        problem = Problem("bad-override", f"`{key}` is no path into a spec", _EXAMPLE)
        raise SpecError([place.tell(problem) if place else problem])
    if steps[0].word in ("extends", "set"):
        what = f"`{steps[0].word}` can't be overridden"
        raise _refused(what, "write it into the spec", steps[0], (steps[0].word,))
    return tuple(steps)
