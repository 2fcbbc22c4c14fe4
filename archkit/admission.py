"""Candidate → Plugin: each is loaded alone and held to the contract; a broken one harms nobody."""

from __future__ import annotations

import os
import re
import sys
import traceback
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pluggy

from . import hooks
from .component import Component
from .contract import KINDS as KINDS
from .contract import Fault, Offer, check_hooks, check_version, offered
from .discovery import BUILT_IN, Candidate, forget, unwritten
from .errors import PluginError

_NAME = re.compile(r"\w[\w.-]*")
SLOW = "imports torch when it is loaded, which slows `archkit check`"


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin as `archkit plugins` lists it.

    Arguments:
        name: What stands before the slash in ``plugin/name``.
        source: Its distribution, its file, or ``built-in``.
        version: The version of its distribution; empty for a file.
        components: What it offers to specs, as ``kind.name``; nothing if it is broken.
        extras: What else it offers, as ``spec.name``, ``writer.suffix`` and ``command.name``.
        error: What is wrong with it, in one sentence; empty if nothing is.
        where: The line of its own code that is to blame, as ``file:line``.
        notes: What is worth knowing, such as names that others offer too.
    """

    name: str
    source: str
    version: str = ""
    components: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    error: str = ""
    where: str = ""
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join(filter(None, (self.source, self.version)))


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
        self.plugins.append(row(found, offers, slow="torch" in sys.modules and not torch))
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
        check_version(plugin)
        check_hooks(plugin, self.manager)
        self.manager.register(plugin, found.name)
        try:
            offers = list(offered(plugin, self.manager, found))
        except BaseException:
            self.manager.unregister(plugin)
            raise
        for offer in offers:
            named(offer.target, offer)
        return offers


def row(found: Candidate, offers: list[Offer], slow: bool = False) -> Plugin:
    """The row of a sound plugin."""
    own = tuple(offer.key for offer in offers if offer.kind in KINDS)
    extras = tuple(offer.key for offer in offers if offer.kind not in KINDS)
    notes = (SLOW,) if slow else ()
    return Plugin(found.name, found.source, found.version, own, extras, notes=notes)


def load(offer: Offer) -> Any:
    """What was offered; the row of a broken plugin if it cannot be had."""
    try:
        with nullcontext() if offer.by.origin == "installed" else unwritten():
            return named(offer.load(), offer)
    except BaseException as error:
        return _broken(offer.by, error)


def named(found: Any, offer: Offer) -> Any:
    """A class now knows the plugin that offers it, and so which word finds it again."""
    if isinstance(found, type) and issubclass(found, Component) and offer.by.name != BUILT_IN:
        found.plugin = offer.by.name
    return found


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
