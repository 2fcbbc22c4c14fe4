"""Plugins → Registry: every component that a spec may name, and whose it is."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

from pydantic_core import PydanticCustomError

from .admission import SLOW, Admission, load, named, row
from .admission import Plugin as Plugin
from .component import Component
from .contract import KINDS, Offer, components
from .discovery import BUILT_IN, Candidate, candidates
from .errors import PluginError, sole_match

Extra = Literal["spec", "writer", "command"]
"""What plugins offer besides components."""

_default: ContextVar[Registry | None] = ContextVar("default", default=None)


def load_registry(local: Sequence[str] = ()) -> Registry:
    """A fresh registry: the built-ins, what is installed, what is configured, and `local`.

    Arguments:
        local: Files or folders of plugins, as ``-p`` takes them.

    Examples:
        >>> registry = load_registry()
        >>> registry.component("layout", "ddpm").name()
        'ddpm'
        >>> registry.owner("layout", "ddpm").source
        'built-in'
    """
    admitted = Admission()
    for candidate in candidates(local):
        admitted.admit(candidate)
    return Registry(admitted.plugins, admitted.offers)


def default_registry() -> Registry:
    """The registry where none is given: that of `Registry.as_default`, or what is installed."""
    return _default.get() or installed_registry()


@cache
def installed_registry() -> Registry:
    """What is installed and configured, loaded once; `.cache_clear()` forgets it."""
    return load_registry()


class Registry:
    """What a spec may name; nothing is added after birth.

    A bare name is archkit's own, or else that of the only plugin which offers it;
    ``plugin/name`` always says whose. Classes offered as import strings are loaded when they are
    first looked up.

    Arguments:
        plugins: The plugins, broken ones among them, in the order of loading.
        offers: What the others offer.
    """

    def __init__(self, plugins: Iterable[Plugin], offers: Iterable[Offer]) -> None:
        self._offers = tuple(offers)
        self._rivals: dict[tuple[str, str], list[Offer]] = {}
        for offer in self._offers:
            self._rivals.setdefault((offer.kind, offer.name), []).append(offer)
        self._loaded: dict[Offer, Any] = {}
        self._plugins = tuple(plugins)
        self.plugins = tuple(self._noted(plugin) for plugin in self._plugins)

    def kinds(self) -> list[str]:
        """The kinds of components, whether anything of them is offered or not."""
        return list(KINDS)

    def names(self, kind: str) -> list[str]:
        """The names of a kind as a spec may write them: ``plugin/name`` where it must be."""
        return [self._spelt(offer) for offer in self._offers if offer.kind == kind]

    def component(self, kind: str, name: str) -> type[Component]:
        """The component of that name, for validators of pydantic.

        Raises:
            PydanticCustomError: No component is called so (``unknown-component``), several
                plugins offer it (``ambiguous-component``), or it cannot be loaded
                (``broken-component``).
        """
        found: type[Component] = self._sound(kind, name)
        return found

    def components(self, kind: str) -> dict[str, type[Component]]:
        """Every component of a kind that can be loaded, by the name that a spec may write."""
        found = ((name, self._load(self._offer(kind, name))) for name in self.names(kind))
        return {name: cls for name, cls in found if not isinstance(cls, Plugin)}

    def owner(self, kind: str, name: str) -> Plugin:
        """The plugin that a component is from; raises as `component` does."""
        offer = self._offer(kind, name)
        return next(p for p in self.plugins if p.name == offer.by.name and not p.error)

    def examined(self) -> tuple[Plugin, ...]:
        """The plugins after every component was loaded; one that cannot be breaks its plugin."""
        return tuple(self._examined(plugin) for plugin in self.plugins)

    def extras(self, kind: Extra) -> list[str]:
        """The names of what plugins offer besides components, ``plugin/name`` where it must be."""
        return self.names(kind)

    def extra(self, kind: Extra, name: str) -> Any:
        """The file of a spec, the function of a writer, or the command; None if there is none.

        Raises:
            PluginError: Several plugins offer it, or it cannot be loaded.
        """
        owner, _, bare = name.rpartition("/")
        if not any(owner in ("", o.by.name) for o in self._rivals.get((kind, bare), [])):
            return None
        try:
            return self._sound(kind, name)
        except PydanticCustomError as error:
            raise PluginError(f"{error.message()}; {(error.context or {})['mend']}") from None

    def spec(self, name: str) -> Path | None:
        """The file of a spec that a plugin offers, archkit's own among them."""
        found: Path | None = self.extra("spec", name)
        return found

    def writers(self) -> dict[str, Callable[[Any], str | bytes]]:
        """The functions that write a drawing, by suffix; each is loaded when it is called."""
        return {suffix: partial(self._write, suffix) for suffix in self.extras("writer")}

    def extended(
        self, offered: Mapping[str, type[Component] | str], *, name: str = "local"
    ) -> Registry:
        """A registry with more components, made in this process; this one stays as it is.

        Arguments:
            offered: As the hook `archkit_components` returns it.
            name: The plugin they seem to come from; what it offered before is dropped.

        Raises:
            PluginError: One of them is no component.

        Examples:
            >>> from typing import Literal
            >>> from archkit import Block, assemble
            >>> class Plain(Block):
            ...     type: Literal["plain"] = "plain"
            ...
            ...     def build(self, site):
            ...         from torch import nn
            ...
            ...         return nn.Conv2d(site.x.channels, site.width, 3, padding=1)
            >>> mine = default_registry().extended({"block.plain": Plain})
            >>> spec = {"archkit": 1, "name": "a", "block": "plain", "encoder": [{"channels": 32}]}
            >>> spec |= {"prediction": "none", "conditioning": {"time": "none"}}
            >>> assemble(spec, registry=mine).get_submodule("encoder.0.blocks.0.block")
            Conv2d(32, 32, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
        """
        by = Candidate(name, "this process", "", lambda: offered, lambda: None)
        offers = list(components(by, offered))
        for offer in offers:
            named(offer.target, offer)
        plugins = [plugin for plugin in self._plugins if plugin.name != name]
        kept = [offer for offer in self._offers if offer.by.name != name]
        return Registry([*plugins, row(by, offers)], [*kept, *offers])

    @contextmanager
    def as_default(self) -> Iterator[Registry]:
        """While it lasts, this is what `default_registry` answers; for tests and notebooks.

        Examples:
            >>> with default_registry().extended({}, name="mine").as_default() as registry:
            ...     default_registry() is registry
            True
        """
        token = _default.set(self)
        try:
            yield self
        finally:
            _default.reset(token)

    def _write(self, suffix: str, drawing: Any) -> str | bytes:
        written: str | bytes = self.extra("writer", suffix)(drawing)
        return written

    def _sound(self, kind: str, name: str) -> Any:
        """What is offered; raises where it cannot be loaded."""
        offer = self._offer(kind, name)
        found = self._load(offer)
        if not isinstance(found, Plugin):
            return found
        what = f"the {kind} `{offer.name}` of the plugin `{found.name}` cannot be loaded"
        raise _complaint("broken-component", f"{what}: {found.error}", "see `archkit plugins`")

    def _offer(self, kind: str, name: str) -> Offer:
        owner, slash, bare = name.rpartition("/")
        rivals = self._rivals.get((kind, bare), [])
        found = [offer for offer in rivals if not slash or offer.by.name == owner]
        if not found:
            raise _complaint("unknown-component", *self._unknown(kind, name))
        if len(found) > 1 and found[0].by.name != BUILT_IN:
            what = f"the {kind} `{bare}` is offered by {len(found)} plugins"
            choice = " or ".join(f"`{self._spelt(offer)}`" for offer in found)
            raise _complaint("ambiguous-component", what, f"write {choice}")
        return found[0]

    def _load(self, offer: Offer) -> Any:
        if offer not in self._loaded:
            self._loaded[offer] = load(offer)
        return self._loaded[offer]

    def _spelt(self, offer: Offer) -> str:
        """The name as a spec has to write it: bare, if that says whose it is."""
        alone = len(self._rivals[offer.kind, offer.name]) == 1 or offer.by.name == BUILT_IN
        return offer.name if alone else f"{offer.by.name}/{offer.name}"

    def _of(self, plugin: Plugin) -> list[Offer]:
        return [o for o in self._offers if o.by.name == plugin.name and not plugin.error]

    def _noted(self, plugin: Plugin) -> Plugin:
        """The plugin, with a note for each name that others offer too."""
        notes = list(plugin.notes)
        for offer in self._of(plugin):
            others = [o.by.name for o in self._rivals[offer.kind, offer.name] if o is not offer]
            if others and plugin.name != BUILT_IN:
                own = BUILT_IN in others
                whose = "archkit's own" if own else f"offered by {_listed(others)} too"
                what = f"the {offer.kind} `{offer.name}` is {whose}"
                notes.append(f"{what}: write `{self._spelt(offer)}` for this one")
        return replace(plugin, notes=tuple(notes))

    def _examined(self, plugin: Plugin) -> Plugin:
        torch = "torch" in sys.modules
        for offer in self._of(plugin):
            found = self._load(offer)
            if isinstance(found, Plugin):
                return replace(found, error=f"`{offer.key}`: {found.error}")
        slow = "torch" in sys.modules and not torch
        return replace(plugin, notes=(*plugin.notes, SLOW)) if slow else plugin

    def _unknown(self, kind: str, name: str) -> tuple[str, str, str]:
        """What to say of a name that no plugin offers, the mend, and the nearest name."""
        owner, slash, bare = name.rpartition("/")
        otherwise = f"see `archkit components {kind}`"
        if not slash:
            what = f"no {kind} is called `{name}`"
        elif any(plugin.name == owner and not plugin.error for plugin in self.plugins):
            what = f"the plugin `{owner}` has no {kind} called `{bare}`"
        else:
            what = f"no plugin called `{owner}` is loaded"
            otherwise = "install it, or load it with `-p`; see `archkit plugins`"
        written = self._written(kind, bool(slash))
        near = difflib.get_close_matches(name, written, 1)
        others = [k for k in KINDS if name in self._written(k, bool(slash))]
        if near:
            mends = [f"did you mean `{near[0]}`?"]
        elif others:
            mends = [f"`{name}` is {_a(others[0])}, not {_a(kind)}"]
        else:
            mends = []
        mend = "; ".join([*mends, *self._failures()]).replace("?;", "?") or otherwise
        return what, mend, sole_match(name, written)

    def _written(self, kind: str, whole: bool) -> list[str]:
        """The names of a kind, those of plugins with an owner if `whole`."""
        offers = [offer for offer in self._offers if offer.kind == kind]
        return [f"{o.by.name}/{o.name}" if whole else self._spelt(o) for o in offers]

    def _failures(self) -> list[str]:
        failed = [plugin for plugin in self.plugins if plugin.error]
        if len(failed) > 1:
            names = _listed([plugin.name for plugin in failed])
            return [f"the plugins {names} failed to load, see `archkit plugins`"]
        told = "the plugin `{}` failed to load: {}, see `archkit plugins`"
        return [told.format(plugin.name, plugin.error) for plugin in failed]


def _complaint(code: str, what: str, mend: str, instead: str = "") -> PydanticCustomError:
    context = {"message": what, "mend": mend, "instead": instead}
    return PydanticCustomError(code, "{message}", context)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
