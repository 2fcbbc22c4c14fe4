"""YAML's parser events to Nodes: every value with its place, and bounds on what it may become."""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from typing import Any

import yaml

from .document import Node, Place, Text
from .errors import Problem, SpecError, SpecPath
from .scalars import MAX_DIGITS, scalar, surprise
from .syntax import MAX_DEPTH, broken, too_deep

MAX_CHARACTERS = 1_000_000
MAX_NODES = 20_000

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAG = re.compile(r"![^\s,\[\]{}]*")


def compose(text: Text, path: SpecPath = ()) -> tuple[Node | None, tuple[Problem, ...]]:
    """One value of any kind, None if there is nothing, and warnings; raises SpecError.

    Arguments:
        text: What to read.
        path: Where in the spec the value will stand.
    """
    bounded(text)
    composer = _Composer(text)
    try:
        root = composer.root(path)
    except (yaml.YAMLError, ValueError) as error:
        raise SpecError([*composer.found, broken(text, error)]) from None
    if any(problem.severity == "error" for problem in composer.found):
        raise SpecError(composer.found)
    return root, tuple(composer.found)


def bounded(text: Text) -> None:
    """Raises SpecError for a text that is too long, or holds what YAML may not."""
    if len(text.text) > MAX_CHARACTERS:
        what = f"`{text.name}` is longer than {MAX_CHARACTERS:,} characters"
        raise SpecError([text.at(0).tell(Problem("too-long", what, "is this file a spec?"))])
    if found := _UNPRINTABLE.search(text.text):
        what = f"the character U+{ord(found[0]):04X} may not stand in YAML"
        mend = "remove it, if this is meant to be a text file"
        raise SpecError([text.at(found.start()).tell(Problem("bad-character", what, mend))])


class _Composer:
    """One reading of one text; `found` collects complaints and warnings on the way."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.events: Any = yaml.parse(text.text, Loader=_Loader)
        self.found: list[Problem] = []
        self.anchors: dict[str, Node | None] = {}
        self.nodes = 0
        self.depth = 0
        self.end = (0, 0)

    def root(self, path: SpecPath) -> Node | None:
        """The only document; None if there is none, or it is empty."""
        next(self.events)
        if isinstance(next(self.events), yaml.StreamEndEvent):
            return None
        event = next(self.events)
        node = self.node(event, path)
        next(self.events)
        after = next(self.events)
        if not isinstance(after, yaml.StreamEndEvent):
            what = "a second document begins here"
            self.complain("several-documents", what, "keep one spec in a file", path, after)
        nothing = isinstance(event, yaml.ScalarEvent) and event.implicit[0] and not event.value
        return None if nothing else node

    def node(self, event: Any, path: SpecPath) -> Node:
        """The value that begins with `event`."""
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event, path)
        is_scalar = isinstance(event, yaml.ScalarEvent)
        self.bound(1, 0 if is_scalar else 1, path, event)
        self.tag(event, path)
        if event.anchor:
            self.anchors[event.anchor] = None
        if is_scalar:
            node = Node(self.value(event, path), self.reach(event))
        else:
            node = self.collection(event, path)
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def collection(self, event: Any, path: SpecPath) -> Node:
        self.depth += 1
        is_list = isinstance(event, yaml.SequenceStartEvent)
        data = self.items(path) if is_list else self.mapping(path)
        self.depth -= 1
        line, column = event.start_mark.line, event.start_mark.column
        end = max(self.end, (line, column + 1))  # a list of nothing ends where it starts
        return Node(data, Place(self.text, line, column, *end))

    def items(self, path: SpecPath) -> tuple[Node, ...]:
        items: list[Node] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self.node(event, (*path, len(items))))
        self.reach(event)
        return tuple(items)

    def mapping(self, path: SpecPath) -> dict[str, Node]:
        own: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            name, key = self.key(event, path), self.place(event)
            first = keys.setdefault(name, key)
            if first is not key:
                what = (
                    f"`{name}` is given twice, on line {first.line + 1} and on line {key.line + 1}"
                )
                self.complain("duplicate-key", what, "remove one of them", (*path, name), event)
            value = self.node(next(self.events), (*path, name))
            if name == "<<" and event.implicit[0]:
                for source in self.sources(value, path):
                    merged = {**source, **merged}
            else:
                own[name] = Node(value.data, value.place, key)
        self.reach(event)
        return {**merged, **own}

    def key(self, event: Any, path: SpecPath) -> str:
        """The text of a key; complains of any other kind of key."""
        if not isinstance(event, yaml.ScalarEvent):
            self.node(event, path)
            what = "a key can't be a list, a mapping or an alias"
            self.complain("bad-key", what, "write a word", path, event)
            return ""
        self.tag(event, path)
        self.reach(event)
        word: str = event.value
        if event.anchor:
            self.anchors[event.anchor] = Node(word, self.place(event))
        if event.implicit[0] and not word:
            self.complain("bad-key", "there is no key here", "write `key: value`", path, event)
        elif not isinstance(self.resolved(event, path), str):
            mend = "put it in quotes if it is meant as a name"
            self.complain("bad-key", f"the key `{word}` is not text", mend, path, event)
        return word

    def sources(self, value: Node, path: SpecPath) -> list[dict[str, Node]]:
        """The mappings that ``<<`` names, the nearest first."""
        named = value.data if isinstance(value.data, tuple) else (value,)
        sources = [node.data for node in named if isinstance(node.data, dict)]
        if len(sources) < len(named):
            what = "`<<` takes a mapping, or a list of mappings"
            problem = Problem("bad-merge", what, "for example `<<: *base`", (*path, "<<"))
            self.found.append(value.tell(problem))
        return sources

    def alias(self, event: Any, path: SpecPath) -> Node:
        """What an anchor named; one that is not complete yet names nothing."""
        place = self.reach(event)
        name = event.anchor
        node = self.anchors.get(name)
        if node is None:
            if name in self.anchors:
                what, mend = f"`*{name}` stands inside `&{name}`", "nothing can contain itself"
            else:
                near = difflib.get_close_matches(name, self.anchors, 1)
                what = f"there is no `&{name}` above this"
                mend = f"did you mean `*{near[0]}`?" if near else f"name a value: `&{name} …`"
            self.complain("bad-alias", what, mend, path, event)
            return Node(None, place)
        self.bound(*_extent(node), path, event)
        return node

    def value(self, event: Any, path: SpecPath) -> Any:
        """What a scalar means, with a warning where YAML 1.1 would disagree."""
        if event.implicit[0] and (odd := surprise(event.value)):
            self.complain(*odd, path, event, severity="warning")
        return self.resolved(event, path)

    def resolved(self, event: Any, path: SpecPath) -> Any:
        word = event.value
        # Written with an escape, as "\x24{", it is text like any other.
        if "${" in word and "${" in self.text.text[event.start_mark.index : event.end_mark.index]:
            mend = 'use an anchor, &name and *name; as text, write it "\\x24{"'
            self.complain("interpolation", "`${` is reserved", mend, path, event)
        try:
            return scalar(word) if event.implicit[0] else word
        except OverflowError:
            what = f"this number has more than {MAX_DIGITS} digits"
            self.complain("long-number", what, "write it as 1e100", path, event)
            return 0

    def tag(self, event: Any, path: SpecPath) -> None:
        """Complains of a tag, and points at it."""
        if event.tag is None:
            return
        found = _TAG.search(self.text.text, event.start_mark.index)
        place, shown = self.place(event), event.tag
        if found:
            start = self.text.at(found.start())
            shown = found[0]
            place = replace(start, end_column=start.column + len(shown))
        mend = "a spec is data: write the value without a tag"
        self.found.append(
            place.tell(Problem("yaml-tag", f"the tag `{shown}` is refused", mend, path))
        )

    def bound(self, nodes: int, depth: int, path: SpecPath, event: Any) -> None:
        """Counts what the document becomes; raises SpecError where that is too much."""
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            what = f"this document unfolds to more than {MAX_NODES:,} values"
            self.complain("yaml-bomb", what, "use fewer aliases", path, event)
            raise SpecError(self.found)
        if self.depth + depth > MAX_DEPTH:
            raise SpecError([*self.found, self.place(event).tell(too_deep(path))])

    def complain(
        self, code: str, what: str, mend: str, path: SpecPath, event: Any, **more: Any
    ) -> None:
        self.found.append(self.place(event).tell(Problem(code, what, mend, path, **more)))

    def place(self, event: Any) -> Place:
        start, end = event.start_mark, event.end_mark
        return Place(self.text, start.line, start.column, end.line, end.column)

    def reach(self, event: Any) -> Place:
        """The place of an event that has width: the collections around it end there or later."""
        place = self.place(event)
        if event.end_mark.index > event.start_mark.index:
            self.end = (place.end_line, place.end_column)
        return place


def _extent(node: Node) -> tuple[int, int]:
    """How many values a node is when aliases are unfolded, and how deep they nest."""
    if not isinstance(node.data, dict | tuple):
        return 1, 0
    below = node.data.values() if isinstance(node.data, dict) else node.data
    extents = [_extent(child) for child in below]
    return 1 + sum(n for n, _ in extents), 1 + max((depth for _, depth in extents), default=0)
