"""import, export: networks of other codebases as ours, and back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..checkpoint import Checkpoint, find
from ..conversion import Import, read_foreign
from ..errors import WeightError
from ..files import whole
from ..source import dump
from . import common

if TYPE_CHECKING:
    from torch import Tensor

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("import")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("-o", "--output", default="-", metavar="SPEC.yaml", help="The spec; - is stdout.")
@click.option("--weights", type=_FILE, metavar="OUT.safetensors", help="Write the weights as well.")
@click.option("--family", metavar="NAME", help="See `archkit components importer`.")
@click.option("--config", type=_FILE, help="What the network was made with, JSON or YAML.")
@click.option("--state", metavar="NAME", help="Which state dict, where a file holds several.")
@click.option("--ledger", is_flag=True, help="Tell what became of every tensor.")
@click.pass_context
def import_(context: click.Context, /, source: Path, output: str, **asked: Any) -> None:
    """Turn a network of another codebase into a spec, and its weights into ours.

    SOURCE is a config, a file of weights (.safetensors, the index of several, or .pt, .bin, .ckpt
    that hold nothing but tensors), or a folder with both. What a config leaves open, names and
    shapes of the weights may tell. Everything is accounted for, or nothing is written.
    """
    found = find(source, asked["config"])
    needed = bool(asked["weights"] or asked["ledger"] or asked["state"])
    if needed and found.weights is None:
        raise WeightError(f"there are no weights beside {source}")
    name = None if output == "-" else Path(output).stem
    # A config beside weights may be half of one, which they complete.
    state = _tensors(found, asked["state"], needed or found.weights == source)
    read = read_foreign(found.config, state, asked["family"], common.registry(context), name)
    with ExitStack() as files:
        if output != "-":
            files.enter_context(whole(Path(output))).write_text(dump(read.says))
        if asked["weights"]:
            _write(files.enter_context(whole(asked["weights"])), read)
    if output == "-":
        click.echo(dump(read.says), nl=False)
    if asked["ledger"]:
        click.echo(str(read.ledger), err=output == "-")
    for family in read.beside:
        what = f"{source} holds a network of `{family}` too, and what was read is its"
        click.echo(f"note: {what} `{read.family}`; --family {family} reads the other", err=True)


def _tensors(found: Checkpoint, state: str | None, needed: bool) -> Mapping[str, Tensor] | None:
    if found.weights is None or not (needed or found.config is None):
        return None
    from ..weights.foreign import read_tensors

    return read_tensors(found.weights, state)


def _write(path: Path, read: Import) -> None:
    from ..weights.files import metadata
    from ..weights.stream import write

    assert read.state is not None
    outlines = read.state.outlines()
    with _bar(sum(outline.nbytes for outline in outlines.values())) as watch:
        write(path, read.state, outlines, metadata(read.spec), watch)


@contextmanager
def _bar(total: int) -> Iterator[Callable[[int], object]]:
    """A bar on stderr, where somebody looks at it; call what it gives with bytes written."""
    label = f"{total / 2**20:,.0f} MiB"
    with click.progressbar(length=total, label=label, file=sys.stderr) as bar:
        yield bar.update


@click.command()
@click.argument("model", type=_FILE)
@click.option("--to", "family", required=True, metavar="diffusers", help="In whose form.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.pass_context
def export(context: click.Context, /, model: Path, family: str, folder: Path) -> None:
    """Write a MODEL that archkit saved into FOLDER as another codebase has it.

    What that codebase can't say is told, and nothing is written then.
    """
    from .. import api
    from ..exports import export as write

    registry = common.registry(context)
    write(api.load(model, registry=registry), folder, family, registry=registry)
    click.echo(str(folder))
