"""Everything a spec is made of: what it extends, its own text, its `set`, and overrides.

Mappings merge deeply, lists and scalars replace. A mapping of another `type` replaces, one without
`type` refines, and a bare name that is refined opens to its long form.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .composer import MAX_CHARACTERS
from .document import Document, Node, Text
from .errors import Problem, Span, SpecError, SpecPath
from .overrides import Override, from_argument, from_setting
from .source import parse
from .syntax import MAX_DEPTH, too_deep

MAX_LEVELS = 16

_FOR_ONE = "for example `extends: ddpm-cifar10`"

# These describe one spec, not those that extend it.
_OWN = ("name", "about", "reference", "parameters")
_BYTES = 4 * MAX_CHARACTERS + 1  # what is longer than this is too long in any encoding


def load(
    source: str | os.PathLike[str] | Mapping[str, Any] | Text,
    *,
    overrides: Sequence[str] = (),
    library: Callable[[str], Path | None],
    known: Iterable[str] = (),
) -> Document:
    """The document behind a source, with `extends`, `set` and overrides applied.

    Raises SpecError with every complaint. An error in an inherited value is located in the file
    that says it, one in an override in the override.

    Arguments:
        source: A path, a mapping, YAML text (which has more than one line), ``-`` for stdin, or
            the Text of a file, as somebody is about to write it.
        overrides: As on the command line: ``encoder.0.channels=64``.
        library: The file of a shipped spec that `extends` may name.
        known: The names of shipped specs, for suggestions.
    """
    reading = _Reading(library, tuple(known))
    root = Node({})
    with reading.collecting():
        root = reading.root(source)
    for number, argument in enumerate(overrides, 1):
        root = reading.changed(root, from_argument, argument, number)
    found = tuple(dict.fromkeys(reading.found))
    if any(problem.severity == "error" for problem in found):
        raise SpecError(found)
    if overrides and not any(argument.startswith("parameters=") for argument in overrides):
        root = _without(root, "parameters")  # a changed network has another number of them
    return Document(root, found)


def files(source: Path, library: Callable[[str], Path | None]) -> set[Path]:
    """Every file that a spec is made of, whatever is wrong with it; and those that it lacks."""
    reading = _Reading(library, ())
    with reading.collecting():
        reading.root(source)
    return set(reading.sought)


def merged(base: Node, top: Node) -> Node:
    """What `top` says, over what `base` said."""
    below = base.opened()
    if not isinstance(top.data, dict) or not isinstance(below.data, dict):
        return top
    old, new = below.child("type"), top.child("type")
    if old and new and old.data != new.data:
        return top
    data = dict(below.data)
    for key, node in top.data.items():
        data[key] = merged(data[key], node) if key in data else node
    return Node(data, top.place or base.place, top.key or base.key)


def _without(node: Node, *keys: str) -> Node:
    return replace(node, data={k: v for k, v in node.data.items() if k not in keys})


@dataclass
class _Reading:
    """One loading; `found` collects complaints and warnings, `complete` says if all was there."""

    library: Callable[[str], Path | None]
    known: tuple[str, ...]
    found: list[Problem] = field(default_factory=list)
    complete: bool = True
    files: dict[Path, tuple[Node, int]] = field(default_factory=dict)
    sought: list[Path] = field(default_factory=list)

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """For reading: what fails is noted, and that something is missing."""
        try:
            yield
        except SpecError as error:
            self.found += error.problems
            self.complete = False

    def changed(self, root: Node, override: Callable[..., Override], *given: Any) -> Node:
        """The tree as an override leaves it; of half a tree, complaints would only mislead."""
        try:
            change = override(*given)
            self.found += change.warnings
            return change(root) if self.complete else root
        except SpecError as error:
            self.found += error.problems
            return root

    def root(self, source: str | os.PathLike[str] | Mapping[str, Any] | Text) -> Node:
        """The tree of the source, whatever that is."""
        if isinstance(source, Text):
            path = Path(source.name)
            document = parse(source.text, source.name)
            return self.tree(document, path.parent, (path.resolve(),))[0]
        if isinstance(source, Mapping):
            document = Document(_from_python(source))
            return self.tree(document, Path(), (Path("<data>"),))[0]
        if isinstance(source, str) and (source == "-" or "\n" in source):
            name = "<stdin>" if source == "-" else "<text>"
            text = sys.stdin.buffer.read(_BYTES) if source == "-" else source
            return self.tree(parse(text, name), Path(), (Path(name),))[0]
        path = Path(source)
        try:
            return self.file(path, ())[0]
        except SpecError as error:
            start = Span(str(path), 1, 1, 1, 1)
            raise SpecError(
                p if p.span else replace(p, span=start) for p in error.problems
            ) from None

    def file(self, path: Path, chain: tuple[Path, ...]) -> tuple[Node, int]:
        """The tree of a file, and over how many levels it inherits."""
        text = self.contents(path)
        place = path.resolve()
        if place not in self.files:
            self.files[place] = self.tree(parse(text, str(path)), path.parent, (*chain, place))
        return self.files[place]

    def contents(self, path: Path) -> bytes:
        self.sought.append(path)
        try:
            with path.open("rb") as file:
                return file.read(_BYTES)
        except (FileNotFoundError, ValueError):
            what, mend = f"there is no file `{path}`", self.near(path) or "check the path"
            raise SpecError([Problem("missing-file", what, mend)]) from None
        except IsADirectoryError:
            what, mend = f"`{path}` is a folder", "name a file in it"
            raise SpecError([Problem("not-a-file", what, mend)]) from None
        except OSError as error:
            what = f"`{path}` can't be read: {error.strerror}"
            mend = "check the path and its permissions"
            raise SpecError([Problem("unreadable-file", what, mend)]) from None

    def near(self, path: Path) -> str:
        """A suggestion, from the files beside a path and the shipped specs."""
        with suppress(OSError, ValueError):
            files = [file.name for file in path.parent.glob("*.yaml")]
            full = [f"{path.name}.yaml"] if f"{path.name}.yaml" in files else []
            if near := full or difflib.get_close_matches(path.name, [*self.known, *files], 1):
                return f"did you mean `{near[0]}`?"
        return ""

    def tree(self, document: Document, folder: Path, chain: tuple[Path, ...]) -> tuple[Node, int]:
        """A document over what it extends, with its `set` applied, and its levels."""
        self.found += document.warnings
        own = {k: v for k, v in document.root.data.items() if not k.startswith("x-")}
        extends, settings = own.pop("extends", None), own.pop("set", None)
        tree, levels = replace(document.root, data=own), 0
        base: Node | None = None
        for path, name in _listed(extends):
            with self.collecting():
                below, above = self.base(name, path, folder, chain)
                base = merged(base, below) if base else below
                levels = max(levels, above + 1)
        if base:
            tree = merged(_without(base, *_OWN), tree)
        return self.settled(tree, settings), levels

    def settled(self, tree: Node, settings: Node | None) -> Node:
        """The tree with a spec's `set` applied."""
        if settings is None or settings.data is None:
            return tree
        if not isinstance(settings.data, dict):
            what, mend = "`set` is a mapping of keys to values", "as in `encoder.0.channels: 64`"
            problem = Problem("bad-override", what, mend, ("set",))
            self.found.append(settings.tell(problem))
            return tree
        for key, value in settings.data.items():
            tree = self.changed(tree, from_setting, key, value)
        return tree

    def base(
        self, name: Node, path: SpecPath, folder: Path, chain: tuple[Path, ...]
    ) -> tuple[Node, int]:
        """The tree that a name in `extends` stands for, and its levels."""

        def refused(code: str, what: str, mend: str) -> SpecError:
            return SpecError([name.tell(Problem(code, what, mend, path))])

        if not isinstance(name.data, str):
            raise refused("bad-extends", "`extends` takes a name, or a list of names", _FOR_ONE)
        found = self.find(name.data, folder)
        if found is None:
            what = f"`{name.data}` is no file, and no spec that ships with archkit"
            path_meant = folder / name.data
            mend = self.near(path_meant) or f"looked in `{path_meant.parent}`"
            raise refused("missing-extends", what, mend)
        place = found.resolve()
        if place in chain:
            circle = " → ".join(step.name for step in (*chain[chain.index(place) :], place))
            what, mend = f"`extends` goes in a circle: {circle}", "remove one of these `extends`"
            raise refused("extends-circle", what, mend)
        if len(chain) <= MAX_LEVELS:
            try:
                tree, levels = self.file(found, chain)
            except SpecError as error:
                raise SpecError(p if p.span else name.tell(p) for p in error.problems) from None
            if len(chain) + levels <= MAX_LEVELS:
                return tree, levels
        what = f"more than {MAX_LEVELS} levels of `extends`"
        raise refused("extends-depth", what, "extend a spec that is nearer to the first")

    def find(self, name: str, folder: Path) -> Path | None:
        """A file beside the spec, or a shipped spec."""
        with suppress(OSError):
            path = folder / name
            self.sought.append(path)
            return path if path.is_file() else self.library(name)
        return None


def _listed(extends: Node | None) -> list[tuple[SpecPath, Node]]:
    """The names in `extends`, with their paths."""
    if extends is None or extends.data is None:
        return []
    if isinstance(extends.data, tuple):
        return [(("extends", number), name) for number, name in enumerate(extends.data)]
    return [(("extends",), extends)]


def _from_python(data: Any, path: SpecPath = ()) -> Node:
    """Data of Python as Nodes without places; what is no mapping or list stays as it is."""
    if len(path) > MAX_DEPTH:
        raise SpecError([too_deep()])
    if isinstance(data, Mapping):
        for key in data:
            if not isinstance(key, str):
                mend = "keys are text"
                raise SpecError([Problem("bad-key", f"the key `{key!r}` is not text", mend, path)])
        return Node({key: _from_python(value, (*path, key)) for key, value in data.items()})
    if isinstance(data, list | tuple):
        return Node(tuple(_from_python(item, (*path, i)) for i, item in enumerate(data)))
    return Node(data)
