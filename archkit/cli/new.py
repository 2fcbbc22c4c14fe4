"""new: a package to begin a plugin from."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import click

from .. import templates
from ..errors import PluginError
from . import common


@click.group()
def new() -> None:
    """Begin something new."""


@new.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(templates.KINDS), default="block", show_default=True)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    help="The folder to make; NAME, here, if left out.",
)
@click.pass_context
def plugin(context: click.Context, name: str, kind: str, out: Path | None) -> None:
    """Write the package of a plugin: a component that works, its tests, an example, a README.

    It needs no network, and overwrites nothing.
    """
    files = templates.plugin(name, kind, common.registry(context))
    folder = out or Path(name)
    _written(files, folder)
    word = name.removeprefix("archkit-")
    click.echo(f"{folder}: {len(files)} files, with the {kind} `{word}`\n")
    click.echo(f"  pip install -e '{folder}[test]' && archkit explain {kind}.{word}")
    click.echo(f"  pytest {folder} && archkit plugins check {folder}")


def _written(files: Mapping[str, str], folder: Path) -> None:
    """A folder with these files: all of them, or nothing at all."""
    if folder.exists() or folder.is_symlink():
        raise PluginError(f"`{folder}` is there already, and nothing is overwritten; see --out")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as made:
        inside = Path(made) / folder.name
        for name, text in files.items():
            path = inside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        inside.rename(folder)
