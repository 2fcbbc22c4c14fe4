"""zoo: the published networks that ship as specs."""

from __future__ import annotations

import difflib
import fnmatch
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import click

from .. import api
from ..errors import PluginError
from ..files import whole
from ..registry import Registry
from ..reports.table import aligned
from ..zoo import folder
from . import common

_NONE = "—"


@dataclass(frozen=True, slots=True)
class Row:
    """One spec of the zoo.

    Arguments:
        name: What commands take.
        family: The paper or library whose networks it belongs to.
        parameters: How many it is known to have; None where it does not say.
        input: The sample, and what else the network is told.
        target: What it predicts, and on which path.
        source: Where it was published.
        equals: Whose network it was found to equal, with the same weights.
        tests: What proves that.
        about: What it is, in a sentence.
    """

    name: str
    family: str
    parameters: int | None
    input: str
    target: str
    source: str
    equals: str
    tests: tuple[str, ...]
    about: str


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print plain data.")
@click.pass_context
def zoo(context: click.Context, as_json: bool) -> None:
    """List the specs that commands take by name: archkit's own, and those of plugins."""
    if context.invoked_subcommand:
        return
    found = rows(common.registry(context))
    if as_json:
        click.echo(json.dumps([asdict(row) for row in found], indent=2, ensure_ascii=False))
        return
    cells = [("name", "family", "input", "target", "equals", "parameters")]
    cells += [(r.name, r.family, r.input, r.target, r.equals or _NONE, _count(r)) for r in found]
    click.echo(aligned(cells, left=5))


@zoo.command()
@click.argument("name")
@click.option("-o", "--output", metavar="FILE", help="NAME.yaml unless given; - is stdout.")
@click.pass_context
def copy(context: click.Context, name: str, output: str | None) -> None:
    """Copy the spec NAME, to change it; a file that is there already is left alone."""
    registry = common.registry(context)
    path = registry.spec(name)
    if path is None:
        near = difflib.get_close_matches(name, registry.extras("spec"), 1)
        hint = f"did you mean `{near[0]}`? " if near else ""
        raise PluginError(f"no spec is called `{name}`; {hint}see `archkit zoo`")
    text = path.read_text(encoding="utf-8")
    if output == "-":
        click.echo(text, nl=False)
        return
    target = Path(output or f"{path.stem}.yaml")
    if target.exists():
        raise click.UsageError(f"`{target}` is there already; name another with `-o`")
    with whole(target) as temporary:
        temporary.write_text(text, encoding="utf-8")
    click.echo(str(target))


def rows(registry: Registry) -> list[Row]:
    """Every spec, those of one family beside each other."""
    order = [*dict.fromkeys(entry["family"] for entry in _families()), _NONE]
    found = [_row(name, registry) for name in registry.extras("spec")]
    return sorted(found, key=lambda row: order.index(row.family))


def _row(name: str, registry: Registry) -> Row:
    spec = api.load_spec(registry.spec(name) or name, registry=registry)
    entry: dict[str, Any] = next(
        (e for e in _families() if any(fnmatch.fnmatchcase(name, p) for p in e["specs"])), {}
    )
    sample = "×".join(map(str, (spec.input.channels, *spec.input.space)))
    path = spec.prediction.along
    return Row(
        name=name,
        family=entry.get("family", _NONE),
        parameters=spec.parameters,
        input=", ".join([sample, *spec.conditioning.conditions]),
        target=f"{spec.prediction.type} ({path.type})" if path else spec.prediction.type,
        source=spec.reference,
        equals=entry.get("equals", ""),
        tests=tuple(entry.get("tests", ())),
        about=spec.about,
    )


@cache
def _families() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder() / "families.json").read_text())
    return found


def _count(row: Row) -> str:
    return f"{row.parameters:,}" if row.parameters else _NONE


def markdown(found: list[Row]) -> str:
    """The table of docs/zoo.md, which links to specs, sources and tests."""
    lines = [
        "| spec | family | parameters | input | target | equals | proven by |",
        "|---|---|---:|---|---|---|---|",
    ]
    for row in found:
        tests = ", ".join(f"[{Path(test).stem}](../{test})" for test in row.tests)
        source = f"[{row.family}]({row.source})" if row.source else row.family
        cells = (
            f"[{row.name}](../specs/{row.name}.yaml)",
            *(source, _count(row), row.input, row.target),
            *(row.equals or _NONE, tests or _NONE),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
