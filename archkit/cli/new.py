"""new: a spec, or the package of a plugin, to begin from."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from .. import api, templates
from ..document import Text
from ..errors import PluginError, SpecError
from ..files import whole
from ..scalars import written
from ..schema import schema
from ..sketch import SCHEMA, sketch
from . import common

_SUFFIXES = (".yaml", ".yml")


class _Named(click.Group):
    """A group where ``NAME.yaml`` is a verb: that of specs."""

    def resolve_command(self, context: click.Context, args: list[str]) -> Any:
        if args and args[0].endswith(_SUFFIXES):
            return args[0], spec, args
        if args and args[0] not in self.list_commands(context):
            context.fail(f"write `{args[0]}.yaml` for a spec, or `plugin {args[0]}` for a plugin")
        return super().resolve_command(context, args)


@click.group(cls=_Named)
def new() -> None:
    """Begin a spec, or a plugin; nothing is overwritten."""


@new.command("NAME.yaml")
@click.argument("path", metavar="", type=click.Path(path_type=Path))
@click.option("--from", "origin", metavar="SPEC", help="Copy a shipped spec, or a file.")
@click.option("--like", "words", metavar="WORDS", help='Such as "ddpm, 64x64, 4 stages, class 10".')
@click.pass_context
def spec(context: click.Context, path: Path, origin: str | None, words: str | None) -> None:
    """Write a spec with comments, and the schema for editors beside it.

    \b
    WORDS, with commas between them, in any order:
      ddpm, classic, …           a layout
      velocity, noise, …         a prediction
      64, 64x64, 128x64, 1-D     the size, and how many axes it has
      3 channels                 of the sample
      4 stages, 2 blocks         of the encoder, and of each stage
      width 64                   channels of the finest stage
      class 10, text, image 3    what else the network is told
      attention 2                how many of the deepest stages have it
      skip add, pooling max, …   a kind of component and a name
    """
    if origin and words:
        raise click.UsageError("--from copies, --like describes: take one of them")
    registry = common.registry(context)
    _free(path)
    text = _copied(path, origin) if origin else sketch(path.stem, words or "", registry)
    if wrong := api.check(Text(str(path), text), registry=registry):
        raise SpecError(wrong)
    beside = path.with_name(SCHEMA)
    made = [path] if beside.exists() else [path, beside]
    if beside in made:
        _write(beside, json.dumps(schema(registry), indent=2, ensure_ascii=False) + "\n")
    _write(path, text)
    click.echo(f"wrote {' and '.join(map(str, made))}; next: archkit check {path} --watch")


def _copied(path: Path, origin: str) -> str:
    """The text of another spec, under the name of this file; its comments stay."""
    found = Path(common.source(origin))
    if not found.is_file():
        raise SpecError(api.check(found))
    text = found.read_text("utf-8")
    text = re.sub(r"^(# yaml-language-server:|parameters:).*\n", "", text, flags=re.MULTILINE)
    name = f"name: {written(path.stem)}"
    text = re.sub(r"^name:.*$", lambda _: name, text, count=1, flags=re.MULTILINE)
    return f"# yaml-language-server: $schema={SCHEMA}\n{text}"


def _free(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise click.UsageError(f"`{path}` is there already, and nothing is overwritten")


def _write(path: Path, text: str) -> None:
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


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
