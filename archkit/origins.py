"""Where each value of a resolved spec came from: a line of a file, a flag, or a default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .document import Document, Node
from .errors import SpecPath, dotted
from .places import Origins
from .spec import Spec

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Origin:
    """One value.

    Arguments:
        path: Where it stands in the resolved spec, such as ``encoder.0.block.norm.eps``.
        value: A scalar, or a list of them.
        where: ``FILE:LINE``, the flag ``--set KEY=VALUE``, ``python``, or ``default``.
    """

    path: str
    value: Any
    where: str


def origins(spec: Spec, document: Document, filled: Origins) -> list[Origin]:
    """Every value of a spec, in the order of `archkit resolve`.

    Arguments:
        document: What it was made of.
        filled: The places of the document that its places were filled from.
    """
    return [
        Origin(dotted(path), value, _where(path, document, filled))
        for path, value in _leaves(spec.data(), ())
    ]


def _leaves(data: Any, path: SpecPath) -> Iterator[tuple[SpecPath, Any]]:
    below: Iterator[tuple[Any, Any]] | None = None
    if isinstance(data, Mapping) and data:
        below = iter(data.items())
    elif isinstance(data, list | tuple) and any(isinstance(v, Mapping | list) for v in data):
        below = iter(enumerate(data))
    if below is None:
        yield path, data
        return
    for step, value in below:
        yield from _leaves(value, (*path, step))


def _where(path: SpecPath, document: Document, filled: Origins) -> str:
    origin = filled.get(path)
    if origin is None:
        return DEFAULT
    node = document.root
    for step in origin:
        found = node.child(step)
        if found is None:  # a bare name, whose `type` is the name itself
            break
        node = found
    return _told(node)


def _told(node: Node) -> str:
    if node.place is None:
        return "python"
    text = node.place.text
    if text.name.startswith("<override"):
        return f"--set {text.before}{text.text}"
    return f"{text.name}:{node.place.line + 1}"
