"""A text as data that knows its places, so that a complaint can point at the line."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from .errors import Problem, Span, SpecPath

# Complaints that blame a key, not the value under it.
_ABOUT_KEYS = frozenset({"unknown-key", "duplicate-key", "missing-key", "unread-condition"})
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # the line breaks that YAML's parser counts
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Text:
    """A text with a name; `before` stands on its first line and is no part of it, as in KEY=."""

    name: str
    text: str
    before: str = ""

    def line(self, number: int) -> str:
        """One line, counted from 0; what can't be printed is replaced, column by column."""
        lines = _BREAK.split(self.before + self.text)
        shown = lines[number] if number < len(lines) else ""
        return "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in shown)

    def at(self, index: int) -> Place:
        """The place of one character."""
        *above, line = _BREAK.split(self.text[:index])
        return Place(self, len(above), len(line), len(above), len(line) + 1)


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a Text: lines and columns counted from 0, the end exclusive."""

    text: Text
    line: int
    column: int
    end_line: int
    end_column: int

    def part(self, word: str, start: int, end: int) -> Place:
        """Where ``word[start:end]`` stands, if `word` is written here as it is, or in quotes."""
        shown = self.text.line(self.line)[len(self.text.before) * (self.line == 0) :]
        column = self.column + (shown[self.column : self.column + 1] in ("'", '"'))
        if shown[column : column + len(word)] != word:
            return self
        return Place(self.text, self.line, column + start, self.line, column + end)

    def tell(self, problem: Problem) -> Problem:
        """The problem, located here; of a line that is too long nothing is shown."""
        first, last = (len(self.text.before) * (n == 0) for n in (self.line, self.end_line))
        span = Span(
            self.text.name,
            self.line + 1,
            self.column + first + 1,
            self.end_line + 1,
            self.end_column + last + 1,
        )
        line = self.text.line(self.line)
        return replace(problem, span=span, excerpt=line if len(line) <= _LONGEST else "")


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One value of a document.

    Arguments:
        data: A scalar, a dict of Nodes, a tuple of Nodes, or an object of Python.
        place: Where it stands; None if it came from Python.
        key: Where its key stands, if it has one.
    """

    data: Any
    place: Place | None = None
    key: Place | None = None

    def plain(self) -> Any:
        """The data without places: mappings as dict, lists as tuples."""
        if isinstance(self.data, dict):
            return {key: node.plain() for key, node in self.data.items()}
        if isinstance(self.data, tuple):
            return tuple(node.plain() for node in self.data)
        return self.data

    def opened(self) -> Node:
        """A bare name in its long form, a mapping with `type`."""
        if isinstance(self.data, str):
            return replace(self, data={"type": self})
        return self

    def child(self, step: str | int) -> Node | None:
        """The value under a key or an index; None where there is none."""
        if isinstance(self.data, dict):
            found: Node | None = self.data.get(step)
            return found
        if isinstance(self.data, tuple) and isinstance(step, int) and 0 <= step < len(self.data):
            item: Node = self.data[step]
            return item
        return None

    @property
    def below_its_key(self) -> bool:
        """Whether it is written on lines of its own, where the key says more than the value."""
        return bool(self.key and self.place and self.key.line != self.place.line)

    def tell(self, problem: Problem) -> Problem:
        """The problem, located where this value stands, if that is known."""
        return self.place.tell(problem) if self.place else problem


@dataclass(frozen=True, eq=False)
class Document:
    """What was read: `data`, `warnings` already located, and the place of everything."""

    root: Node
    warnings: tuple[Problem, ...] = ()

    @cached_property
    def data(self) -> Any:
        """Plain data: mappings as dict, lists as tuples."""
        return self.root.plain()

    def locate(self, problem: Problem) -> Problem:
        """The problem with its span and excerpt, from the nearest place known to the text.

        A complaint about a key points at the key, any other at the value. One that is located
        already, or is about something that stands in no text, comes back as it was.
        """
        if problem.span:
            return problem
        node, exact = self._nearest(problem.path)
        if exact:
            place = node.key if problem.code in _ABOUT_KEYS else None
        else:
            place = node.key if node.below_its_key else None
        place = place or node.place
        return place.tell(problem) if place else problem

    def _nearest(self, path: SpecPath) -> tuple[Node, bool]:
        """The deepest value on the way to `path`, and whether it is the one meant."""
        node = self.root
        for step in path:
            below = node.child(step)
            if below is None:
                return node, False
            node = below
        return node, True
