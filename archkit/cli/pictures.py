"""draw: a network as a U, in any format."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from .. import api
from ..drawing import Drawing, Style, form_of, placed
from ..plans import Plan
from . import common

_POINTS = {"": 1.0, "pt": 1.0, "px": 0.75, "mm": 72 / 25.4, "cm": 720 / 25.4, "in": 72.0}


def points(context: click.Context, option: click.Parameter, value: str | None) -> float | None:
    """``497``, ``497pt``, ``175mm``, ``6.9in`` or ``800px``, in points."""
    if value is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", value)
    if not found or found[2] not in _POINTS or not float(found[1]):
        raise click.BadParameter(f"`{value}` is no width; write 497pt, 175mm, 6.9in or 800px")
    return float(found[1]) * _POINTS[found[2]]


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="OUT",
    help="Where to write, in the format of the suffix: .svg .png .pdf .html .dot .mmd .tex .txt. "
    "May be repeated. {name} stands for the name of the spec; - is stdout, as SVG, and -.tex "
    "another format. A U in the terminal if left out.",
)
@click.option("--diff", is_flag=True, help="Draw the second FILE, and mark what changed in it.")
@click.option(
    "--detail",
    type=click.Choice(["overview", "stage", "block"]),
    default="overview",
    help="Repeats folded, every block, or the inside of each kind of block.",
)
@click.option("--theme", type=click.Choice(["light", "dark", "auto"]), default="auto")
@click.option(
    "--preset",
    type=click.Choice(["screen", "paper"]),
    default="screen",
    help="On paper, no type is smaller than 5.5 points.",
)
@click.option("--width", metavar="WIDTH", callback=points, help="In print: 497pt, 175mm, 6.9in.")
@click.option("--title/--no-title", default=None, help="Name and totals above the U.")
@click.option("--costs/--no-costs", default=True, help="Parameters and MACs of each stage.")
@click.option("--legend/--no-legend", default=True, help="What colours and lines mean.")
@click.option("--measure", is_flag=True, help="Measure, with torch, what states no cost.")
@common.size
@common.overrides
@click.pass_context
def draw(
    context: click.Context,
    /,
    files: tuple[str, ...],
    outputs: tuple[str, ...],
    diff: bool,
    measure: bool,
    size: tuple[int, ...] | None,
    overrides: tuple[str, ...],
    **style: Any,
) -> None:
    """Draw the network of each FILE as a U."""
    if diff and len(files) != 2:
        raise click.UsageError("--diff takes two FILEs: the network before, and after")
    if len(files) - diff > 1 and any("{name}" not in out for out in outputs if out[0] != "-"):
        raise click.UsageError("several FILEs need {name} in -o, as in -o '{name}.svg'")
    writers = common.registry(context).writers()
    for out in outputs:
        form_of(_path(out), writers)
    chosen = Style(**style)
    plans = [_plan(context, file, size, overrides) for file in files]
    if measure:
        from ..accounts import counted

        plans = [counted(plan, measure) for plan in plans]
    if diff:
        drawings = [Drawing(plans[1], chosen, plans[0], writers)]
    else:
        drawings = [Drawing(plan, chosen, None, writers) for plan in plans]
    for drawing in drawings:
        _write(drawing, outputs)


def _plan(
    context: click.Context,
    file: str,
    size: tuple[int, ...] | None,
    overrides: tuple[str, ...],
) -> Plan:
    document = common.document(file, overrides)
    return api.plan_document(document, size, common.registry(context))


def _path(out: str) -> Path:
    """The file behind ``-o``; for stdout, a name with the suffix of the format."""
    return Path("-.svg" if out == "-" else out)


def _write(drawing: Drawing, outputs: Sequence[str]) -> None:
    if not outputs:
        columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        click.echo(drawing.as_text(columns), nl=False)
    for out in outputs:
        form = form_of(_path(out), drawing.writers)
        for note in drawing.notes(form):
            click.echo(f"warning: {note.message}; {note.mend}", err=True)
        written = drawing.write(form)
        if out[0] == "-":
            sys.stdout.buffer.write(written)
        else:
            name = re.sub(r"[^\w.+-]+", "-", drawing.plan.spec.name)
            placed(written, Path(out.replace("{name}", name)))
