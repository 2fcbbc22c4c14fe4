"""Broken YAML, in the words of somebody who only writes specs."""

from __future__ import annotations

import re

import yaml

from .document import Text
from .errors import Problem

# Above this length the parser in Python, which has the better words, takes too long.
_LONG = 100_000

# What the parser says, as a pattern: what is wrong, and what mends it.
_READABLE = {
    r"mapping values are not allowed": (
        "a `:` is not allowed here",
        "put text with a colon in quotes, or indent the line like those around it",
    ),
    r"found character '\\t' that|found a tab character": (
        "a tab can't indent",
        "indent with spaces",
    ),
    r"found character '(.)' that cannot start": (
        "a value can't begin with `{0}`",
        "put it in quotes",
    ),
    r"could not find expected ':'": ("there is no `:` after this key", "write `key: value`"),
    r"expected <block end>|did not find expected (?:key|'-' indicator)": (
        "this does not fit what stands before it",
        "check the indentation, and that text with quotes inside is quoted as a whole",
    ),
    r"expected ',' or '(.)', but got '?<stream end>": (
        "this is never closed",
        "close it with `{0}`",
    ),
    r"expected ',' or '(.)'": (
        "there should be a `,` or a `{0}` here",
        "separate with commas, and close what was opened",
    ),
    r"found unexpected end of stream": ("this quote is never closed", "close the quote"),
    r"found unknown escape character '(.)'": (
        "`\\{0}` means nothing in double quotes",
        "use single quotes, or write `\\\\`",
    ),
    r"sequence entries are not allowed": (
        "a list can't begin on this line",
        "begin it on the next line, or write it in brackets",
    ),
    r"found undefined tag handle": ("tags are refused", "write the value without a tag"),
}
_NEVER_CLOSED = ("<stream end>", "unexpected end of stream")


def broken(text: Text, error: yaml.YAMLError) -> Problem:
    """A syntax error as a Problem: what to mend, at the place where it went wrong."""
    error = _in_better_words(text, error)
    if not isinstance(error, yaml.MarkedYAMLError):
        return text.at(0).tell(Problem("broken-yaml", str(error).split("\n", 1)[0]))
    said = str(error.problem)
    opened = error.context_mark is not None and any(words in said for words in _NEVER_CLOSED)
    mark = error.context_mark if opened else error.problem_mark or error.context_mark
    what, mend = said, ""
    for pattern, words in _READABLE.items():
        if found := re.search(pattern, said):
            what, mend = (word.format(*found.groups()) for word in words)
            break
    place = text.at(mark.index) if mark else text.at(0)
    return place.tell(Problem("broken-yaml", what, mend))


def _in_better_words(text: Text, error: yaml.YAMLError) -> yaml.YAMLError:
    """What the parser in Python says of the same text; it names characters, and is slow."""
    if len(text.text) < _LONG:
        try:
            for _ in yaml.parse(text.text, Loader=yaml.SafeLoader):
                pass
        except yaml.MarkedYAMLError as better:
            return better
        except (yaml.YAMLError, ValueError):
            return error
    return error
