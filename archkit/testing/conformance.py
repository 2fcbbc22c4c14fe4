"""Which laws the components of a plugin keep, without pytest."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import ValidationError

from ..component import Component
from ..errors import PluginError, counted
from ..registry import Plugin, Registry
from . import LAWS, known, laws
from .law import Law, Unlawful

Result = Literal["kept", "broken", "excused", "needless"]
_SIGNS: dict[str | None, str] = {
    "kept": "✓", "broken": "✗", "excused": "~", "needless": "!", None: "·"
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One component with its default options, held to the laws of its kind.

    Arguments:
        component: Kind and name, such as ``block.convnext``.
        results: What came of each law, by its name: it was ``kept`` or ``broken``; it is
            ``excused``, for it is broken for a reason; or its excuse is ``needless``.
        breaches: For each law that is broken, or needlessly excused: what is wrong, why it
            matters, and the mend.
        excuses: For each law that is excused, the reason.
    """

    component: str
    results: Mapping[str, Result]
    breaches: Mapping[str, str] = field(default_factory=dict)
    excuses: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for tools."""
        rows = [
            {
                "law": name,
                "result": result,
                "says": LAWS[name].says,
                "why": LAWS[name].why,
                "mend": LAWS[name].mend,
                "breach": self.breaches.get(name, ""),
                "excuse": self.excuses.get(name, ""),
            }
            for name, result in self.results.items()
        ]
        return {"component": self.component, "laws": rows}


def conformance(registry: Registry, plugin: str) -> list[Row]:
    """Every component of a plugin, tried with its default options; the built-ins are `archkit`."""
    found = next(each for each in registry.plugins if each.name == plugin)
    rows = []
    for key in found.components:
        kind, _, name = key.partition(".")
        rows.append(tried(registry.component(kind, f"{plugin}/{name}")))
    return rows


def tried(cls: type[Component]) -> Row:
    """A component with its default options, held to every law of its kind."""
    key = f"{cls.kind}.{cls.name()}"
    try:
        component = cls.model_validate({"type": cls.name()})
    except ValidationError as error:
        law = LAWS["bare-name"]
        what = f"`{cls.name()}` alone is refused: {error.errors()[0]['msg']}"
        return Row(key, {law.name: "broken"}, {law.name: law.told(key, what)})
    try:
        excuses = known(dict(cls.excuses))
    except ValueError as error:
        raise PluginError(f"{key}: {error}") from None
    results: dict[str, Result] = {}
    breaches: dict[str, str] = {}
    for law in laws(component):
        results[law.name], told = _tried(law, component)
        if told:
            breaches[law.name] = told
    return Row(key, results, breaches, excuses)


def _tried(law: Law, component: Component) -> tuple[Result, str]:
    reason = component.excuses.get(law.name)
    try:
        law(component)
    except Unlawful as breach:
        return ("excused", "") if reason else ("broken", str(breach))
    if reason is None:
        return "kept", ""
    name = f"{component.kind}.{component.type}"
    return "needless", f"{name} keeps the law `{law.name}`, and is excused from it: {reason}\n" + (
        "  why: an excuse that is not needed hides the next breach\n"
        f"  mend: take `{law.name}` out of its `excuses`"
    )


def table(plugin: Plugin, rows: Sequence[Row]) -> str:
    """The conformance of a plugin, one component a line and one law a column, breaches below."""
    wide = max(len(row.component) for row in rows)
    numbers = {name: str(number) for number, name in enumerate(LAWS, 1)}
    used = [name for name in LAWS if any(name in row.results for row in rows)]
    lines = [f"{plugin.name} ({plugin})", ""]
    lines.append(" " * wide + "".join(f"{numbers[name]:>3}" for name in used))
    for row in rows:
        signs = "".join(f"  {_SIGNS[row.results.get(name)]}" for name in used)
        lines.append(f"{row.component:<{wide}}{signs}")
    legend = "  ".join(f"{numbers[name]} {name}".replace(" ", "\u00a0") for name in used)
    lines += ["", *textwrap.wrap(legend, 96, break_on_hyphens=False)]
    for row in rows:
        lines += [f"\n✗ {breach}" for breach in row.breaches.values()]
        excused = (name for name, result in row.results.items() if result == "excused")
        lines += [f"\n~ {row.component} breaks `{n}`: {row.excuses[n]}" for n in excused]
    broken = sum(len(row.breaches) for row in rows)
    kept = sum(result == "kept" for row in rows for result in row.results.values())
    told = f"{counted(len(rows), 'component')}: {kept} of {kept + broken} kept"
    return "\n".join([*lines, "", told]).replace("\u00a0", " ")
