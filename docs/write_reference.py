"""Writes the pages of the reference: docs/keys.md, docs/errors.md and docs/reference/."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from pathlib import Path

from archkit import spec
from archkit.contract import KINDS
from archkit.explanations import Example, Explanation, explanations
from archkit.reference import Option, options
from archkit.registry import Registry, load_registry
from archkit.schema import first_line

HERE = Path(__file__).parent
MADE = "\nThis page is made by `python docs/write_reference.py`.\n"
PARTS = {
    "The top": spec.Spec,
    "input": spec.Input,
    "output": spec.Output,
    "conditioning": spec.Conditioning,
    "A row of encoder": spec.Stage,
    "bottleneck": spec.Bottleneck,
    "A row of decoder": spec.DecoderStage,
    "A register": spec.Register,
}
KEYS = """\
# Every key

A spec lists what differs from the default network; everything else has a default that never changes
under `archkit: 1`. Where a kind of component is taken (*a pooling*), a bare name will do
(`pooling: max`), or a mapping with `type` and [its options](reference/index.md), or a mapping
without `type`, which refines what its place would inherit.

Besides these, `extends` names the spec (or a list of them) that this one differs from, `set` holds
overrides in the grammar of the command line, and keys that begin with `x-` are yours.
"""
ERRORS = """\
# Every complaint

What archkit says in brackets, as in `error[unknown-key]`: what it means, an example that is told
so, and one that is fine. `archkit explain CODE` prints the same.
"""
INDEX = """\
# Components

What a spec can name, by kind. `archkit components` lists it, with what your plugins add;
`archkit explain block.resnet` prints an entry.
"""


def pages() -> dict[Path, str]:
    """Every page, by its path."""
    registry = load_registry()
    found = {HERE / "keys.md": _keys(), HERE / "errors.md": _errors()}
    found[HERE / "reference" / "index.md"] = _index(registry)
    for kind in KINDS:
        found[HERE / "reference" / f"{kind}.md"] = _kind(registry, kind)
    return found


def _keys() -> str:
    parts = [KEYS]
    for title, model in PARTS.items():
        parts.append(f"## {title}\n\n{_doc(model)}\n\n{_table(options(model))}")
    return "\n".join([*parts, MADE])


def _errors() -> str:
    return "\n".join([ERRORS, *map(_error, explanations().values()), MADE])


def _error(found: Explanation) -> str:
    wrong, right = _fence(found.wrong), _fence(found.right)
    return f"## {found.code}\n\n{found.meaning}\n\nTold so:\n\n{wrong}\nFine:\n\n{right}"


def _fence(example: Example) -> str:
    return f"```{example.language}\n{example.text}```\n"


def _index(registry: Registry) -> str:
    rows = ["| kind | | names |", "|---|---|---|"]
    for kind, cls in KINDS.items():
        names = ", ".join(f"`{name}`" for name in _own(registry, kind))
        rows.append(f"| [{kind}]({kind}.md) | {_cell(first_line(cls))} | {names} |")
    return "\n".join([INDEX, *rows, MADE])


def _own(registry: Registry, kind: str) -> list[str]:
    """The names that archkit offers itself, whatever plugins are installed."""
    names = registry.names(kind)
    return [name for name in names if registry.owner(kind, name).name == "archkit"]


def _kind(registry: Registry, kind: str) -> str:
    parts = [f"# {kind}\n\n{_doc(KINDS[kind])}\n"]
    for name in _own(registry, kind):
        cls = registry.component(kind, name)
        dims = "" if cls.dims == (1, 2, 3) else f" ({', '.join(f'{d}-D' for d in cls.dims)} only)"
        parts.append(f"## {name}\n\n{_doc(cls)}{dims}\n")
        if found := options(cls):
            parts.append(_table(found))
    return "\n".join([*parts, MADE])


def _doc(cls: type) -> str:
    """A docstring as Markdown: references as a list."""
    text, _, references = inspect.cleandoc(cls.__doc__ or "").partition("\nReferences:\n")
    if not references:
        return _prose(text)
    lines = re.sub(r"\n +(?=[^ |])", " ", references)
    shown: list[str] = []
    for item in filter(None, (line.strip(" |") for line in lines.splitlines())):
        if item.startswith("http") and shown:
            shown[-1] = f"- [{shown[-1].removeprefix('- ')}]({item})"
        else:
            shown.append(f"- {item}")
    return "\n".join([_prose(text), "", *shown])


def _prose(text: str) -> str:
    return text.replace("``", "`").replace("Examples:\n", "").partition("    >>>")[0].rstrip()


def _table(found: Iterable[Option]) -> str:
    rows = ["| key | takes | default | |", "|---|---|---|---|"]
    for option in found:
        default = (
            f"`{option.default}`" if option.default not in ("", "required") else option.default
        )
        cells = (f"`{option.name}`", option.takes, default, _prose(option.doc))
        rows.append(f"| {' | '.join(map(_cell, cells))} |")
    return "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
