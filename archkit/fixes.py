"""Mends what is safe to mend in the text of a spec, and touches nothing else in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from .document import Text
from .errors import Problem

_ROUNDS = 20
_WORD = re.compile(r"(['\"]?)[^\s'\"{}\[\],:#&*!|>%@`]+\1")
_WORSE = frozenset({"duplicate-key", "broken-yaml"})


@dataclass(frozen=True, slots=True)
class _Edit:
    """A word to write in place of a stretch of the text."""

    start: int
    end: int
    word: str


def fixed(text: Text, check: Callable[[Text], Sequence[Problem]]) -> Text:
    """The text where each misspelt word that can only mean one other is that one.

    So is a word that YAML 1.1 took for a switch, where a switch belongs. A word mended may reveal
    what was hidden by it, so it goes on until nothing is left to mend.

    Arguments:
        text: Of one file; complaints about others are not its to mend.
        check: What is wrong with a text.
    """
    problems = check(text)
    for _ in range(_ROUNDS):
        before = text
        for edit in sorted(set(_edits(text, problems)), key=lambda e: e.start, reverse=True):
            changed = replace(
                text, text=f"{text.text[: edit.start]}{edit.word}{text.text[edit.end :]}"
            )
            if not any(problem.code in _WORSE for problem in check(changed)):
                text = changed
        if text == before:
            break
        problems = check(text)
    return text


def _edits(text: Text, problems: Sequence[Problem]) -> Iterator[_Edit]:
    """What the complaints would have written; places that hold more than one word are left."""
    for problem in problems:
        span = problem.span
        if not (problem.instead and span and span.file == text.name):
            continue
        start = text.index(span.line - 1, span.column - 1)
        end = text.index(span.end_line - 1, span.end_column - 1)
        if found := _WORD.fullmatch(text.text[start:end]):
            quote = "" if problem.instead in ("true", "false") else found[1]
            yield _Edit(start, end, f"{quote}{problem.instead}{quote}")
