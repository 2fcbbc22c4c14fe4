"""What a plugin has to keep to: its version, its hooks, and what each of them may offer."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pluggy

from . import hooks, parts, predictions
from .component import Component
from .discovery import Candidate
from .errors import PluginError
from .importer import Importer
from .layouts import Layout

KINDS: dict[str, type[Component]] = {
    cls.kind: cls
    for cls in (*vars(parts).values(), *vars(predictions).values(), Layout, Importer)
    if isinstance(cls, type) and issubclass(cls, Component) and "kind" in vars(cls)
}
"""The kinds of components, each with the class that declares it."""

_KEY = re.compile(r"([a-z]+)\.([a-z0-9][a-z0-9._-]*)")
_WORD = re.compile(r"[a-z0-9][a-z0-9._-]*")
_IMPORT = re.compile(r"\w+(\.\w+)*:\w+")
_HOOKS = [name for name in vars(hooks) if name.startswith("archkit_")]


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that a plugin offers: itself, or the import string that leads to it.

    Arguments:
        kind: A kind of component, or ``spec``, ``writer`` or ``command``.
    """

    by: Candidate
    kind: str
    name: str
    target: Any

    @property
    def key(self) -> str:
        """How the hook named it."""
        return f"{self.kind}.{self.name}"

    def load(self) -> Any:
        """What is offered; raises Fault where it is not what its kind asks for."""
        found = self.target
        if isinstance(found, str):
            module, _, name = found.partition(":")
            found = getattr(import_module(module), name)
        return _held(self.kind, self.name, found)


class Fault(PluginError):
    """A breach of the contract, and the ``file:line`` of it."""

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(reason)
        self.where = where


def check_version(plugin: object) -> None:
    """Raises Fault for a plugin that was made for other hooks than these."""
    version = getattr(plugin, "ARCHKIT_API", hooks.API)
    if version != hooks.API:
        raise Fault(
            f"it was made for version {version!r} of the hooks, and this archkit has {hooks.API}",
            place(plugin, "ARCHKIT_API"),
        )


def check_hooks(plugin: object, manager: pluggy.PluginManager) -> None:
    """Raises Fault unless each hook is one, is marked, and takes what it is given.

    pluggy ignores what it does not know; a hook with a misspelt name would never be called.
    """
    marked = False
    for name in dir(plugin):
        member: Any = getattr(plugin, name, None)
        options = manager.parse_hookimpl_opts(plugin, name)
        if options is None and (not name.startswith("archkit_") or not inspect.isroutine(member)):
            continue
        hook = (options and options["specname"]) or name
        if hook not in _HOOKS:
            near = difflib.get_close_matches(hook, _HOOKS, 1) or _HOOKS
            raise Fault(f"`{hook}` is no hook; did you mean `{near[0]}`?", place(member))
        if options is None:
            raise Fault(f"the hook `{hook}` is not marked with `@hookimpl`", place(member))
        known = inspect.signature(getattr(hooks, hook)).parameters
        for argument in inspect.signature(member).parameters.values():
            if argument.name not in known and argument.default is argument.empty:
                raise Fault(f"the hook `{hook}` takes no `{argument.name}`", place(member))
        marked = True
    if not marked:
        what = f"it has no hook: no function `{_HOOKS[0]}` that is marked with `@hookimpl`"
        raise Fault(what, place(plugin))


def offered(plugin: object, manager: pluggy.PluginManager, found: Candidate) -> Iterator[Offer]:
    """What the hooks of a registered plugin offer; raises Fault where one breaks its promise."""
    for hook in _HOOKS:
        for implementation in getattr(manager.hook, hook).get_hookimpls():
            if implementation.plugin is plugin:
                given = implementation.function()
                try:
                    yield from _RETURNS[hook](found, given)
                except Fault as fault:
                    where = fault.where or place(implementation.function)
                    raise Fault(str(fault), where) from None


def components(found: Candidate, given: object) -> Iterator[Offer]:
    """The offers of a mapping from ``kind.name`` to components."""
    for key, target in _mapping(given, "archkit_components", "`kind.name` to a component"):
        match = _KEY.fullmatch(key) if isinstance(key, str) else None
        if match is None:
            raise Fault(f"{key!r} is no `kind.name`, such as `block.resnet`")
        kind, name = match.groups()
        if kind not in KINDS:
            near = difflib.get_close_matches(kind, KINDS, 1)
            mend = f"did you mean `{near[0]}`?" if near else f"kinds are {', '.join(KINDS)}"
            raise Fault(f"`{kind}` of `{key}` is no kind of component; {mend}")
        yield _offer(found, kind, name, target)


def _words(kind: str, what: str) -> Callable[[Candidate, object], Iterator[Offer]]:
    """Reads a mapping from words to things of one kind."""

    def offers(found: Candidate, given: object) -> Iterator[Offer]:
        for key, target in _mapping(given, f"archkit_{kind}s", what):
            if not isinstance(key, str) or not _WORD.fullmatch(key):
                raise Fault(f"{key!r} has to be lower-case letters, digits, `-`, `_` and `.`")
            yield _offer(found, kind, key, target)

    return offers


def _specs(found: Candidate, given: object) -> Iterator[Offer]:
    if isinstance(given, str) or not isinstance(given, list | tuple):
        raise Fault(f"`archkit_specs` returned {_a(given)}, and not a list of folders")
    for folder in map(Path, given):
        if not folder.is_dir():
            raise Fault(f"`archkit_specs`: there is no folder {str(folder)!r}")
        for path in sorted(folder.glob("*.yaml")):
            yield Offer(found, "spec", path.stem, path)


def _mapping(given: object, hook: str, what: str) -> Iterator[tuple[object, object]]:
    if not isinstance(given, Mapping):
        raise Fault(f"`{hook}` returned {_a(given)}, and not a mapping from {what}")
    yield from given.items()


def _offer(found: Candidate, kind: str, name: str, target: object) -> Offer:
    key = f"{kind}.{name}"
    if isinstance(target, str):
        if not _IMPORT.fullmatch(target):
            raise Fault(f"`{key}`: {target!r} is no `package.module:Class`")
        return Offer(found, kind, name, target)
    try:
        return Offer(found, kind, name, _held(kind, name, target))
    except Fault as fault:
        raise Fault(f"`{key}`: {fault}", fault.where) from None


def _held(kind: str, name: str, found: Any) -> Any:
    """What was offered, held to what its kind asks for."""
    if kind in KINDS:
        return _component(kind, name, found)
    if kind == "command":
        import click

        if not isinstance(found, click.Command):
            raise Fault(f"{_a(found)} is no command of click")
    if kind == "writer" and not callable(found):
        raise Fault(f"{_a(found)} is no function of a drawing")
    return found


def _component(kind: str, name: str, found: Any) -> type[Component]:
    if not isinstance(found, type) or not issubclass(found, Component):
        raise Fault(f"{_a(found)} is no component class")
    base = KINDS[kind]
    info = found.model_fields["type"]
    if not issubclass(found, base):
        fault = f"does not derive from `{base.__name__}`"
    elif get_origin(info.annotation) is not Literal or get_args(info.annotation) != (info.default,):
        fault = f'does not declare `type: Literal["{name}"] = "{name}"`'
    elif found.name() != name:
        fault = f"calls itself `{found.name()}`"
    elif missing := _missing(kind, found):
        fault = "has no " + " and no ".join(f"`{word}`" for word in missing)
    else:
        return found
    raise Fault(f"`{found.__name__}` {fault}", place(found))


def _missing(kind: str, found: type[Component]) -> list[str]:
    """What every component of its kind has to answer, and this one does not."""
    words = sorted(getattr(found, "__abstractmethods__", ()))
    # What becomes no node builds nothing: `time: none`, and a pooling that the next block does.
    idle = kind == "time" or getattr(found, "by_next", False)
    if issubclass(found, parts.Part) and found.build is parts.Part.build and not idle:
        words.append("build")
    if issubclass(found, Importer) and found.config is not Importer.config:
        words += ["outlines"] if found.outlines is Importer.outlines else []
    return words


def place(thing: Any, word: str = "") -> str:
    """Where a function, class or module is written, as ``file:line``; empty if nobody knows.

    Arguments:
        thing: The function, class or module.
        word: Of a module: the line that begins with it.
    """
    try:
        file = inspect.getsourcefile(thing)
        lines, first = inspect.getsourcelines(thing)
    except TypeError:
        return ""
    except OSError:  # an empty file has no lines
        lines, first = [], 1
    starts = (i for i, line in enumerate(lines) if line.startswith(word))
    return f"{file}:{max(first, 1) + next(starts, 0)}" if file else ""


def _a(thing: object) -> str:
    """`thing` by the name of its class, or by its own if it is a class."""
    name = type(thing).__name__
    article = "an" if name[0] in "aeiou" else "a"
    return f"`{thing.__name__}`" if isinstance(thing, type) else f"{article} {name}"


_RETURNS: dict[str, Callable[[Candidate, object], Iterator[Offer]]] = {
    "archkit_components": components,
    "archkit_specs": _specs,
    "archkit_writers": _words("writer", "a suffix to a function"),
    "archkit_commands": _words("command", "a name to a command"),
}
