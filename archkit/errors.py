"""What can go wrong, told to the person who can mend it.

* ArchkitError
  * SpecError     a spec does not describe a network; carries every Problem found
  * PluginError   a plugin broke the contract
  * ShapeError    a tensor does not fit the assembled network
  * WeightError   a weight file does not fit the assembled network
  * DiffusionError  a model can't be trained, or sampled from, in the way asked for
  * DrawingError  a picture can't be drawn or written in the way asked for
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

SpecPath = tuple[str | int, ...]


def dotted(path: SpecPath) -> str:
    """A path as one would point at it.

    Examples:
        >>> dotted(("encoder", 0, "blocks", 1, "dropout"))
        'encoder.0.blocks.1.dropout'
    """
    return ".".join(map(str, path))


def sole_match(word: str, known: Iterable[str]) -> str:
    """The one known word that is near; empty where there is none, or more than one.

    Examples:
        >>> sole_match("chanels", ["channels", "size"]), sole_match("blok", ["block", "blocks"])
        ('channels', '')
    """
    found = difflib.get_close_matches(word, list(known), 2, 0.7)
    return found[0] if len(found) == 1 else ""


def counted(number: int, noun: str) -> str:
    """A number of things.

    Examples:
        >>> counted(1, "row"), counted(2, "row")
        ('1 row', '2 rows')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text: 1-based lines and columns, the end exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One complaint: what is wrong, where, and what would mend it.

    Arguments:
        code: A stable word, such as ``unknown-component``.
        message: What is wrong, in one sentence without a full stop.
        mend: What to do about it; may be empty.
        path: The place in the spec.
        node: The place in the plan, such as ``encoder.0.blocks.1.block``; may be empty.
        severity: ``error`` or ``warning``.
        span: The place in the text, once a Document has located it.
        excerpt: The line of text at the span.
        more: How many further nodes have the same complaint, because the same value is to blame.
        instead: The word to write in place of the key or the name at `path`, where that mends it
            and no other word would.
    """

    code: str
    message: str
    mend: str = ""
    path: SpecPath = ()
    node: str = ""
    severity: Literal["error", "warning"] = "error"
    span: Span | None = None
    excerpt: str = ""
    more: int = 0
    instead: str = ""

    def __str__(self) -> str:
        """The complaint as text: place, sentence, caret and mend."""
        place = f"{self.span}: " if self.span else ""
        where = dotted(self.path)
        if self.node and self.node != where:
            node = f"{self.node} and {self.more} more" if self.more else self.node
            where = f"{where} ({node})" if where else node
        lines = [f"{place}{self.severity}[{self.code}]: {self.message}"]
        if self.span and self.excerpt:
            number = str(self.span.line)
            gutter = " " * len(number)
            lines += [f"  {number} | {self.excerpt}", f"  {gutter} | {self._caret()}"]
        if where:
            lines.append(f"  at {where}")
        if self.mend:
            lines.append(f"  mend: {self.mend}")
        return "\n".join(lines)

    def _caret(self) -> str:
        assert self.span
        start = self.span.column - 1
        end = len(self.excerpt) if self.span.end_line > self.span.line else self.span.end_column - 1
        indent = "".join("\t" if c == "\t" else " " for c in self.excerpt[:start])
        return indent + "^" * max(1, end - start)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for tools: the fields, with the span as ``range``."""
        span = self.span
        place = span and {
            "file": span.file,
            "start": {"line": span.line, "column": span.column},
            "end": {"line": span.end_line, "column": span.end_column},
        }
        return {
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "mend": self.mend,
            "instead": self.instead,
            "path": dotted(self.path),
            "node": self.node,
            "range": place,
        }


class ArchkitError(Exception):
    """Root of every error that archkit raises on purpose."""


class SpecError(ArchkitError):
    """A spec does not describe a network; `problems` holds every complaint, not the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problems,)


class PluginError(ArchkitError):
    """A plugin broke the contract; the message names the plugin."""


class ShapeError(ArchkitError, ValueError):
    """A tensor does not fit the assembled network; the message says which and what would."""


class WeightError(ArchkitError):
    """Weights do not fit a network, or a file of weights cannot be read."""


class DiffusionError(ArchkitError):
    """A model can't be trained, or sampled from, in the way asked for."""


class DrawingError(ArchkitError):
    """A picture can't be drawn or written in the way asked for."""
