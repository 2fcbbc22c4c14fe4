"""components, explain, schema: what a spec can name, and where it comes from."""

from __future__ import annotations

import inspect
import json

import click

from ..component import Component, option_docs
from ..registry import Registry
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
@click.argument("name", metavar="KIND.NAME")
@click.pass_context
def explain(context: click.Context, name: str) -> None:
    """Explain one component: what it is, and each of its options."""
    registry = common.registry(context)
    kind, _, word = name.partition(".")
    if kind not in registry.kinds() or not word:
        raise click.UsageError(
            f"`{name}` is not KIND.NAME, such as block.resnet; kinds are "
            + ", ".join(registry.kinds())
        )
    cls = _component(registry, kind, word)
    click.echo(f"{kind}.{word}  (from {registry.owner(kind, word).name})\n")
    click.echo(inspect.cleandoc(cls.__doc__ or ""))
    docs = option_docs(cls)
    options = {k: v for k, v in cls.model_fields.items() if k != "type"}
    if options:
        click.echo("\nOptions:")
    slots = cls.slots()
    for option, info in options.items():
        default = info.get_default()
        shown = "required" if info.is_required() else json.dumps(default, ensure_ascii=False)
        fills = f" (a {slots[option]})" if option in slots else ""
        click.echo(f"  {option}: {shown}{fills}")
        for line in docs.get(option, "").splitlines():
            click.echo(f"      {line}")


def _component(registry: Registry, kind: str, name: str) -> type[Component]:
    from pydantic_core import PydanticCustomError

    try:
        return registry.component(kind, name)
    except PydanticCustomError as error:
        mend = (error.context or {}).get("mend", "")
        raise click.UsageError(f"{error.message()}; {mend}") from None


@click.command()
@click.pass_context
def schema(context: click.Context) -> None:
    """Print the JSON Schema of a spec with every installed component (draft-07)."""
    click.echo(json.dumps(make_schema(common.registry(context)), indent=2, ensure_ascii=False))
