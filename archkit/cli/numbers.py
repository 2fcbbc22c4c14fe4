"""show, diff: what a network takes, and what differs between two."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from .. import accounts, api, units
from ..drawing import Drawing, Style, placed
from ..plans import Plan
from ..reports import budgets, page, table
from ..reports.differences import Comparison
from ..reports.figures import DTYPES, Report
from . import common

_FILE = click.Path(dir_okay=False, path_type=Path)
_PICTURES = (".png", ".svg")


def _bytes(context: click.Context, option: click.Parameter, value: str | None) -> int | None:
    found = None if value is None else units.parse_memory(value)
    if value is not None and found is None:
        raise click.BadParameter(f"`{value}` is no amount of memory; write 24GiB, or 800MB")
    return found


@click.command()
@common.one_file
@common.size
@common.overrides
@click.option("--batch", type=click.IntRange(min=1), default=1, help="Samples at once.")
@click.option("--dtype", type=click.Choice(DTYPES), default="float32", help="Type of numbers.")
@click.option("--nodes", is_flag=True, help="List every node, not only stages.")
@click.option("--json", "as_json", is_flag=True, help="Print plain data.")
@click.option("--html", type=_FILE, metavar="OUT", help="Write a page as well.")
@click.option("--measure", is_flag=True, help="Measure, with torch, what states no cost.")
@click.option("--device", help="Measure the rate of cpu or cuda, and estimate times by it.")
@click.option("--budget", callback=_bytes, metavar="24GiB", help="Fail if it needs more memory.")
@click.option("--training", is_flag=True, help="The budget is for training.")
@click.option(
    "--effective-receptive-field",
    "effective",
    is_flag=True,
    help="Draw what each stage's centre listens to, with torch, into -o.",
)
@click.option("-o", "--output", type=_FILE, metavar="OUT.png|svg", help="That picture.")
@click.pass_context
def show(
    context: click.Context, /, file: str, size: Any, overrides: tuple[str, ...], **asked: Any
) -> int:
    """Show what the network of FILE takes: parameters, MACs, memory, receptive field.

    Exits with 1 if it needs more than the --budget; nothing is allocated to find out.
    """
    _agree(asked)
    registry = common.registry(context)
    plan = api.plan_document(api.read(common.source(file), overrides), size, registry)
    told = {name: asked[name] for name in ("batch", "dtype", "measure", "device")}
    report = accounts.report(plan, **told)
    limit = asked["budget"]
    breach = limit and budgets.breach(report, limit, training=asked["training"])
    if asked["as_json"]:
        click.echo(json.dumps(report.as_dict(), indent=2, ensure_ascii=False))
    else:
        click.echo(table.text(report, nodes=asked["nodes"]))
    if asked["html"]:
        placed(page.page(report).encode(), asked["html"])
    if breach:
        click.echo(f"\n{breach}", err=True)
        return 1
    if asked["effective"]:
        placed(_listening(plan, report, asked["output"].suffix), asked["output"])
    return 0


def _agree(asked: dict[str, Any]) -> None:
    """Raises UsageError for options that make no sense together."""
    output = asked["output"]
    if asked["training"] and not asked["budget"]:
        raise click.UsageError("`--training` says what a `--budget` is for; give one")
    if asked["effective"] and output is None:
        raise click.UsageError("say where the picture goes: `-o erf.png`")
    if output is not None and not asked["effective"]:
        raise click.UsageError("`-o` is for the picture of `--effective-receptive-field`")
    if output is not None and output.suffix not in _PICTURES:
        raise click.UsageError(f"`{output}` is no picture; end it in {' or '.join(_PICTURES)}")


def _listening(plan: Plan, report: Report, suffix: str) -> bytes:
    """The picture of effective receptive fields, of a network with random weights."""
    from ..measures import effective, picture

    model = api.assemble(plan)
    effective.awaken(model)
    leaves = {row.path: row.leaves for row in report.stages if row.field is not None}
    fields = effective.effective_fields(model, leaves)
    theory = {row.path: row.field for row in report.stages}
    title = f"{report.name}: what the centre of each stage listens to, with random weights"
    svg = picture.picture(title, fields, theory)
    if suffix == ".svg":
        return svg.encode()
    from ..drawing.writers.png import pixels

    return pixels(svg, 2)


@click.command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--json", "as_json", is_flag=True, help="Print plain data.")
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=_FILE,
    metavar="OUT",
    help="Draw B there too, with what changed marked in place; as `archkit draw A B --diff`.",
)
@click.pass_context
def diff(
    context: click.Context, before: str, after: str, as_json: bool, outputs: tuple[Path, ...]
) -> int:
    """Say what differs between the networks of A and B: in their specs, and in numbers.

    Exits with 0 if they are the same network, with 1 if not.
    """
    registry = common.registry(context)
    plans = [
        api.plan_document(api.read(common.source(file)), None, registry) for file in (before, after)
    ]
    for out in outputs:
        Drawing(plans[1], Style(), plans[0], registry.writers()).save(out)
    found = accounts.diff(*plans)
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(_told(found)))
    return 0 if found.same else 1


def _told(found: Comparison) -> Iterable[str]:
    before, after = found.before, found.after
    if found.same:
        yield f"{before.name} and {after.name} are the same network"
        return
    yield f"{before.name} → {after.name}"
    yield from (f"  {difference}" for difference in found.spec)
    yield ""
    rows = [("", before.name, after.name)]
    rows += [
        (name, old, new)
        for (name, old), (_, new) in zip(table.brief(before), table.brief(after), strict=True)
        if old != new
    ]
    yield table.aligned(rows)
    counts = (("added", found.added), ("removed", found.removed), ("changed", found.changed))
    for what, paths in counts:
        if paths:
            listed = ", ".join(paths[:3]) + ", …" * (len(paths) > 3)
            yield f"{len(paths)} node{'s' * (len(paths) > 1)} {what}: {listed}"
