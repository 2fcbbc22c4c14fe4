"""What the verbs share: arguments, options, and the registry they were told to use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from .. import api
from ..document import Document
from ..registry import Registry, load_registry


def sizes(context: click.Context, option: click.Parameter, value: str | None) -> Any:
    """``64`` or ``64,96``: one number for every axis, or one for each."""
    if value is None:
        return None
    try:
        found = tuple(int(part) for part in value.replace("x", ",").split(","))
    except ValueError:
        raise click.BadParameter(f"`{value}` is no size; write 64, or 64,96") from None
    if min(found) < 1:
        raise click.BadParameter(f"`{value}` is no size; sizes are positive")
    return found


one_file = click.argument("file", metavar="FILE")
size = click.option(
    "--size", metavar="H,W", callback=sizes, help="Plan for this size instead of the spec's own."
)
overrides = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a value, such as encoder.0.channels=64; may be repeated.",
)


def source(name: str) -> Any:
    """A file as it is; a name that is no file is a spec that a plugin offers, or archkit."""
    offered = registry(click.get_current_context())
    if name != "-" and not Path(name).exists() and (found := offered.spec(name)):
        return found
    return name if name == "-" else Path(name)


def document(name: str, overrides: Sequence[str]) -> Document:
    """The document of a file; its warnings go to stderr."""
    found = api.read(source(name), overrides)
    for warning in found.warnings:
        click.echo(f"{warning}\n", err=True)
    return found


def registry(context: click.Context) -> Registry:
    """The registry with the local plugins of ``-p``; while the command runs, it is the default."""
    root = context.find_root()
    if "registry" not in root.obj:
        root.obj["registry"] = root.with_resource(load_registry(root.obj["local"]).as_default())
    found: Registry = root.obj["registry"]
    return found
