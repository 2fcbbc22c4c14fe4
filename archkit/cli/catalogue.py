"""components, schema: what a spec can name."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ..files import whole
from ..schema import first_line
from ..schema import schema as make_schema
from . import common


@click.command()
@click.argument("kind", required=False)
@click.pass_context
def components(context: click.Context, kind: str | None) -> None:
    """List what a spec can name: every KIND, or one of them."""
    registry = common.registry(context)
    if kind is not None and kind not in registry.kinds():
        known = ", ".join(registry.kinds())
        raise click.UsageError(f"no kind is called `{kind}`; kinds are {known}")
    for found in [kind] if kind else registry.kinds():
        for name, cls in registry.components(found).items():
            dims = "" if cls.dims == (1, 2, 3) else f" [{', '.join(f'{d}-D' for d in cls.dims)}]"
            click.echo(f"{found}.{name:<16} {first_line(cls)}{dims}")


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to write it; - or nothing is stdout.",
)
@click.pass_context
def schema(context: click.Context, output: Path | None) -> None:
    """Print the JSON Schema of a spec with every installed component (draft-07)."""
    text = json.dumps(make_schema(common.registry(context)), indent=2, ensure_ascii=False)
    if output is None or str(output) == "-":
        click.echo(text)
    else:
        with whole(output) as temporary:
            temporary.write_text(f"{text}\n", encoding="utf-8")
