"""A text as data that knows its places, so that a complaint can point at the line."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from .errors import Problem, Span, SpecPath

# Complaints that blame a key, not the value under it.
_ABOUT_KEYS = frozenset({"unknown-key", "duplicate-key", "missing-key", "unread-condition"})
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # the line breaks that YAML's parser counts
_LONGEST = 400


@lru_cache(maxsize=8)
def _starts(text: str) -> tuple[int, ...]:
    """Where the lines of a text begin; kept, as complaints come in crowds."""
    return (0, *(found.end() for found in _BREAK.finditer(text)))


@dataclass(frozen=True, slots=True)
class Text:
    """A text with a name; `before` stands on its first line and is no part of it, as in KEY=."""

    name: str
    text: str
    before: str = ""

    def line(self, number: int) -> str:
        """One line, counted from 0, without its break."""
        starts = (*_starts(self.text)[number : number + 2], len(self.text))
        return self.text[starts[0] : starts[1]].rstrip("\n\r\x85\u2028\u2029")

    def excerpt(self, number: int) -> str:
        """A line to show: what can't be printed is replaced, and a very long line is left out."""
        line = (self.before if number == 0 else "") + self.line(number)
        if len(line) > _LONGEST:
            return ""
        return "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in line)

    def index(self, line: int, column: int) -> int:
        """Where in the text a place is; both counted from 0."""
        return _starts(self.text)[line] + column

    def at(self, index: int) -> Place:
        """The place of one character."""
        starts = _starts(self.text)
        line = bisect_right(starts, index) - 1
        column = index - starts[line]
        return Place(self, line, column, line, column + 1)


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a Text: lines and columns counted from 0, the end exclusive."""

    text: Text
    line: int
    column: int
    end_line: int
    end_column: int

    def text_of(self, word: str) -> Place | None:
        """Where `word` stands without its quotes, if it is written here letter for letter."""
        shown = self.text.line(self.line)
        column = self.column + (shown[self.column : self.column + 1] in ("'", '"'))
        found = shown[column : column + len(word)] == word
        return Place(self.text, self.line, column, self.line, column + len(word)) if found else None

    def part(self, start: int, end: int) -> Place:
        """A part of one line, by its columns from the start of this place."""
        return replace(self, column=self.column + start, end_column=self.column + end)

    def tell(self, problem: Problem) -> Problem:
        """The problem, located here."""
        first, last = (len(self.text.before) * (n == 0) for n in (self.line, self.end_line))
        span = Span(
            self.text.name,
            self.line + 1,
            self.column + first + 1,
            self.end_line + 1,
            self.end_column + last + 1,
        )
        return replace(problem, span=span, excerpt=self.text.excerpt(self.line))


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
