"""YAML text to Document, and data to YAML text.

YAML is read as YAML 1.2 (``1e-4`` is a number, ``no`` is text), with anchors and ``<<``. A spec is
data: tags are refused, and so is what would grow without bounds.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from typing import Any

from .composer import compose
from .document import Document, Text
from .errors import Problem, SpecError
from .scalars import written

__all__ = ["Document", "dump", "parse"]

WIDTH = 100
_COLLECTIONS = (Mapping, list, tuple)


def parse(text: str | bytes, name: str) -> Document:
    """A document whose top is a mapping; raises SpecError with every complaint.

    Arguments:
        text: YAML 1.2, in UTF-8 (or UTF-16 with a byte order mark) if bytes.
        name: What complaints call it; a path, usually.

    Examples:
        >>> parse("input: {channels: 3, size: [32, 48]}", "tiny.yaml").data
        {'input': {'channels': 3, 'size': (32, 48)}}
    """
    source = Text(name, _decoded(text, name).removeprefix("\ufeff"))
    root, found = compose(source)
    if root is None:
        empty = Problem("empty-file", f"`{name}` is empty", "a spec starts with `archkit: 1`")
        raise SpecError([*found, source.at(0).tell(empty)])
    if not isinstance(root.data, dict):
        what = "a list" if isinstance(root.data, tuple) else "a single value"
        what = f"a spec is a mapping of keys to values, not {what}"
        wrong = Problem("not-a-mapping", what, "a spec starts with `archkit: 1`")
        raise SpecError([*found, root.tell(wrong)])
    return Document(root, found)


def _decoded(text: str | bytes, name: str) -> str:
    if isinstance(text, str):
        return text
    wide = text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if wide else "utf-8"
    try:
        return text.decode(encoding)
    except UnicodeDecodeError as error:
        before = text[: error.start].decode(encoding, "ignore")
        what = f"byte 0x{text[error.start]:02x} is not {encoding.upper()}"
        problem = Problem("bad-encoding", what, "save the file as UTF-8")
        shown = Text(name, text.decode(encoding, "replace"))
        raise SpecError([shown.at(len(before)).tell(problem)]) from None


def dump(data: Mapping[str, Any]) -> str:
    """Plain data as YAML that `parse` reads back as the same; raises TypeError for objects.

    Keys keep their order. A list or mapping of scalars stands on one line where it fits.

    Examples:
        >>> print(dump({"name": "no", "norm": {"type": "group", "eps": 1e-06}}), end="")
        name: "no"
        norm: {type: group, eps: 1.0e-06}
    """
    return "".join(f"{line}\n" for line in _block(data, 0)) if data else "{}\n"


def _block(value: Any, indent: int) -> Iterator[str]:
    """The lines of a mapping or a list, without the indentation they will get."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _entry(f"{written(key, enclosed=True)}:", below, indent, apart=True)
    else:
        for below in value:
            yield from _entry("-", below, indent, apart=False)


def _entry(head: str, value: Any, indent: int, *, apart: bool) -> Iterator[str]:
    """One entry of a mapping, or of a list, whose items begin beside the dash."""
    has_entries = isinstance(value, _COLLECTIONS) and len(value) > 0
    if not has_entries or _nesting(value) <= (1 if apart else 2):
        line = f"{head} {_line(value, enclosed=False)}"
        if not has_entries or indent + len(line) <= WIDTH:
            yield line
            return
    lines = _block(value, indent + 2)
    yield head if apart else f"{head} {next(lines)}"
    yield from (f"  {line}" for line in lines)


def _nesting(value: Any) -> int:
    """How deep collections nest; a list of scalars counts as one of them."""
    if not isinstance(value, _COLLECTIONS):
        return 0
    below = value.values() if isinstance(value, Mapping) else value
    deepest = max(map(_nesting, below), default=0)
    return deepest + (isinstance(value, Mapping) or any(isinstance(v, _COLLECTIONS) for v in below))


def _line(value: Any, *, enclosed: bool = True) -> str:
    if isinstance(value, Mapping):
        pairs = (f"{written(key, enclosed=True)}: {_line(below)}" for key, below in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_line, value))}]"
    return written(value, enclosed=enclosed)
