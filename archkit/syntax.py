"""Broken YAML, in the words of somebody who only writes specs."""

from __future__ import annotations

import re

import yaml

from .document import Text
from .errors import Problem, SpecPath

MAX_DEPTH = 64
_NO_KEY = "there is no key before this `:`"
_NO_COLON = "there is no `:` after this key"
_SHALLOW = "a spec needs a few levels; is this one?"
_TOO_DEEP = f"this is nested deeper than {MAX_DEPTH} levels"

# What PyYAML's parsers say, the one in C and the one in Python, and the character it is about, as a
# pattern: what is wrong, and what mends it.
_READABLE = {
    r"mapping values are not allowed": (
        "a `:` is not allowed here",
        "put text with a colon in quotes, or indent the line like those around it",
    ),
    r"cannot start any token: \t|found a tab character": (
        "a tab can't indent",
        "indent with spaces",
    ),
    r"cannot start any token: (.)": (
        "a value can't begin with {0}",
        "put it in quotes",
    ),
    r"could not find expected ':'": (_NO_COLON, "write `key: value`"),
    r"expected ',' or '(.)'.*: \Z": ("this is never closed", "close it with `{0}`"),
    r"expected ',' or '(.)'": (
        "there should be a `,` or a `{0}` here",
        "separate with commas, and close what was opened",
    ),
    r"expected .*: :": (_NO_KEY, "write `key: value`"),
    r"expected (?:'?<(?:block end|document start)|key|'-' indicator)": (
        "this does not belong to what stands before it",
        "check the indentation, the brackets and the quotes",
    ),
    r"found unexpected end of stream": ("this quote is never closed", "close the quote"),
    r"found unknown escape character": (
        "this backslash means nothing in double quotes",
        "use single quotes, or write `\\\\`",
    ),
    r"invalid Unicode character escape": (
        "this escape stands for no character",
        "write the character",
    ),
    r"sequence entries are not allowed": (
        "a list can't begin on this line",
        "begin it on the next line, or write it in brackets",
    ),
    r"expected (?:the )?node content": ("there should be a value here", "write one, or null"),
    r"expected (?:chomping|comment or line break)": (
        "nothing may follow the `|` or `>` on its line",
        "begin the text on the next line",
    ),
    r"expected alphabetic or numeric": (
        "an anchor or an alias needs a name",
        "put text that begins with `&` or `*` in quotes",
    ),
    r"exceeded maximum nesting depth": (_TOO_DEEP, _SHALLOW),
    r"found undefined tag handle": (
        "tags are refused",
        "a spec is data: write the value without a tag",
    ),
}


# Complaints that are noticed late: the place where it began says more.
_BEGUN_BEFORE = ("this is never closed", "this quote is never closed", _NO_COLON)


def broken(text: Text, error: Exception) -> Problem:
    """What a parser refused as a Problem, at the place where it went wrong."""
    said, mark = str(error), None
    if isinstance(error, yaml.MarkedYAMLError):
        said, mark = str(error.problem), error.problem_mark or error.context_mark
    index = mark.index if mark else 0
    what, mend = said, ""
    for pattern, words in _READABLE.items():
        if found := re.search(pattern, f"{said}: {text.text[index : index + 1]}"):
            what, mend = (word.format(*found.groups()) for word in words)
            break
    if what in _BEGUN_BEFORE and isinstance(error, yaml.MarkedYAMLError) and error.context_mark:
        index = error.context_mark.index
    code = "yaml-depth" if what == _TOO_DEEP else "broken-yaml"
    return text.at(index).tell(Problem(code, what, mend))


def too_deep(path: SpecPath = ()) -> Problem:
    """The complaint about nesting without end."""
    return Problem("yaml-depth", _TOO_DEEP, _SHALLOW, path)
