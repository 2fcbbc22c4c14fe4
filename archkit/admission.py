"""Candidate → Plugin: each is loaded alone and held to the contract; a broken one harms nobody."""

from __future__ import annotations

import difflib
import inspect
import os
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pluggy

from . import hooks, parts
from .component import Component
from .discovery import BUILT_IN, Candidate, forget
from .errors import PluginError
from .importer import Importer
from .layouts import Layout

KINDS: dict[str, type[Component]] = {
    cls.kind: cls
    for cls in (*vars(parts).values(), Layout, Importer)
    if isinstance(cls, type) and issubclass(cls, Component) and "kind" in vars(cls)
}
"""The kinds of components, each with the class that declares it."""

_NAME = re.compile(r"\w[\w.-]*")
_KEY = re.compile(r"([a-z]+)\.([a-z0-9][a-z0-9._-]*)")
_IMPORT = re.compile(r"\w+(\.\w+)*:\w+")
_HOOKS = [name for name in vars(hooks) if name.startswith("archkit_")]
SLOW = "imports torch when it is loaded, which slows `archkit check`"


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin as `archkit plugins` lists it.

    Arguments:
        name: What stands before the slash in ``plugin/name``.
        source: Its distribution, its file, or ``built-in``.
        version: The version of its distribution; empty for a file.
        components: What it offers, as ``kind.name``; nothing if it is broken.
        error: What is wrong with it, in one sentence; empty if nothing is.
        where: The line of its own code that is to blame, as ``file:line``.
        notes: What is worth knowing, such as names that others offer too.
    """

    name: str
    source: str
    version: str = ""
    components: tuple[str, ...] = ()
    error: str = ""
    where: str = ""
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join(filter(None, (self.source, self.version)))


@dataclass(frozen=True, slots=True)
class Offer:
    """One component of a plugin: the class, or the import string that leads to it."""

    by: Candidate
    kind: str
    name: str
    target: type[Component] | str

    @property
    def key(self) -> str:
        """How the hook named it."""
        return f"{self.kind}.{self.name}"


class Fault(PluginError):
    """A breach of the contract, and the ``file:line`` of it."""

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(reason)
        self.where = where


class Admission:
    """Loads candidates one by one.

    A broken plugin is listed with its reason and leaves nothing behind; with the environment
    variable ``ARCHKIT_STRICT=1`` it raises PluginError instead.
    """

    def __init__(self) -> None:
        self.manager = pluggy.PluginManager("archkit")
        self.manager.add_hookspecs(hooks)
        self.plugins: list[Plugin] = []
        self.offers: list[Offer] = []

    def admit(self, found: Candidate) -> None:
        """Lists one more plugin, and what it offers if it keeps the contract."""
        torch = "torch" in sys.modules
        try:
            offers = self._offers(found)
        except BaseException as error:  # SystemExit too: a plugin must not end archkit
            forget(found)
            self.plugins.append(_broken(found, error))
            return
        notes = (SLOW,) if "torch" in sys.modules and not torch else ()
        keys = tuple(offer.key for offer in offers)
        self.plugins.append(Plugin(found.name, found.source, found.version, keys, notes=notes))
        self.offers += offers

    def _offers(self, found: Candidate) -> list[Offer]:
        if not _NAME.fullmatch(found.name):
            raise Fault("the name of a plugin has only letters, digits, `-`, `_` and `.`")
        for taken in self.plugins:
            if taken.name == found.name and not taken.error:
                raise Fault(f"the name `{found.name}` is taken by {taken}")
        plugin = found.load()
        if twin := self.manager.get_name(plugin):
            raise Fault(f"it is the plugin `{twin}` by another name")
        _check_version(plugin)
        _check_hooks(plugin, self.manager)
        self.manager.register(plugin, found.name)
        try:
            return list(self._offered(plugin, found))
        except BaseException:
            self.manager.unregister(plugin)
            raise

    def _offered(self, plugin: object, found: Candidate) -> Iterator[Offer]:
        for hook in self.manager.hook.archkit_components.get_hookimpls():
            if hook.plugin is not plugin:
                continue
            offered = hook.function()
            if not isinstance(offered, Mapping):
                raise Fault(
                    f"`archkit_components` returned {_a(offered)}, "
                    "and not a mapping from `kind.name` to a component",
                    place(hook.function),
                )
            for key, target in offered.items():
                yield _offer(found, key, target, hook.function)


def _check_version(plugin: object) -> None:
    version = getattr(plugin, "ARCHKIT_API", hooks.API)
    if version != hooks.API:
        raise Fault(
            f"it was made for version {version!r} of the hooks, and this archkit has {hooks.API}",
            place(plugin, "ARCHKIT_API"),
        )


def _check_hooks(plugin: object, manager: pluggy.PluginManager) -> None:
    """pluggy ignores what it does not know; a hook with a misspelt name would never be called."""
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


def _offer(found: Candidate, key: object, target: object, hook: object) -> Offer:
    match = _KEY.fullmatch(key) if isinstance(key, str) else None
    if match is None:
        raise Fault(f"{key!r} is no `kind.name`, such as `block.resnet`", place(hook))
    kind, name = match.groups()
    if kind not in KINDS:
        near = difflib.get_close_matches(kind, KINDS, 1)
        mend = f"did you mean `{near[0]}`?" if near else f"kinds are {', '.join(KINDS)}"
        raise Fault(f"`{kind}` of `{key}` is no kind of component; {mend}", place(hook))
    if isinstance(target, str):
        if not _IMPORT.fullmatch(target):
            raise Fault(f"`{key}`: {target!r} is no `package.module:Class`", place(hook))
        return Offer(found, kind, name, target)
    try:
        return Offer(found, kind, name, _marked(_component(kind, name, target), found))
    except Fault as fault:
        raise Fault(f"`{key}`: {fault}", fault.where or place(hook)) from None


def load(offer: Offer) -> type[Component] | Plugin:
    """The class that was offered; the row of a broken plugin if it cannot be had."""
    if not isinstance(offer.target, str):
        return offer.target
    module, _, name = offer.target.partition(":")
    try:
        cls = _component(offer.kind, offer.name, getattr(import_module(module), name))
        return _marked(cls, offer.by)
    except BaseException as error:
        return _broken(offer.by, error)


def _marked(cls: type[Component], found: Candidate) -> type[Component]:
    """The class, which now knows the plugin that offers it, and so which word finds it again."""
    if found.name != BUILT_IN:
        cls.plugin = found.name
    return cls


def _component(kind: str, name: str, found: Any) -> type[Component]:
    """What was offered as ``kind.name``, if it is a component of that kind and name."""
    if not isinstance(found, type) or not issubclass(found, Component):
        raise Fault(f"{_a(found)} is no component class")
    base = KINDS[kind]
    info = found.model_fields["type"]
    # What becomes no node builds nothing: `time: none`, and a pooling that the next block does.
    idle = kind == "time" or getattr(found, "by_next", False)
    if not issubclass(found, base):
        fault = f"does not derive from `{base.__name__}`"
    elif get_origin(info.annotation) is not Literal or get_args(info.annotation) != (info.default,):
        fault = f'does not declare `type: Literal["{name}"] = "{name}"`'
    elif found.name() != name:
        fault = f"calls itself `{found.name()}`"
    elif issubclass(found, parts.Part) and found.build is parts.Part.build and not idle:
        fault = "has no `build`"
    else:
        return found
    raise Fault(f"`{found.__name__}` {fault}", place(found))


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


def _broken(found: Candidate, error: BaseException) -> Plugin:
    """The row of a plugin that failed; raises PluginError where ARCHKIT_STRICT is set.

    Whoever interrupts a plugin that hangs is told which.
    """
    if isinstance(error, KeyboardInterrupt):
        error.add_note(f"while the plugin `{found.name}` ({found.source}) was loading")
        raise error
    name = found.name if _NAME.fullmatch(found.name) else ascii(found.name)
    where = error.where if isinstance(error, Fault) else _blamed(error, found.home())
    plugin = Plugin(name, found.source, found.version, error=_reason(error), where=where)
    if os.environ.get("ARCHKIT_STRICT", "0") not in ("", "0"):
        at = f", at {where}" if where else ""
        what = f"the plugin `{name}` ({plugin}{at}) is broken: {plugin.error}"
        raise PluginError(what) from error
    return plugin


def _reason(error: BaseException) -> str:
    """What went wrong, in one line that a terminal can print."""
    try:
        text = "".join(c if c.isprintable() else " " for c in str(error))
    except Exception:  # an error of the plugin's own making need not print
        text = ""
    kind = "" if isinstance(error, PluginError) else type(error).__name__
    return ": ".join(filter(None, (kind, " ".join(text.split()))))


def _blamed(error: BaseException, home: Path | None) -> str:
    """The last line of the plugin's own that ran, however deep in others it failed."""
    lines = [(f.filename, f.lineno) for f in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        lines.append((error.filename or "", error.lineno))
    own = [line for line in lines if home and Path(line[0]).is_relative_to(home)]
    return f"{own[-1][0]}:{own[-1][1]}" if own else ""
