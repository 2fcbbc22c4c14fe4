"""components, schema: what a spec can name."""

from __future__ import annotations

import json

import click

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
@click.pass_context
def schema(context: click.Context) -> None:
    """Print the JSON Schema of a spec with every installed component (draft-07)."""
    click.echo(json.dumps(make_schema(common.registry(context)), indent=2, ensure_ascii=False))
