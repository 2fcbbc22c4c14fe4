"""train, sample: everything that runs a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from .. import api
from ..errors import DiffusionError
from ..plans import Plan
from . import common

_FILE = click.Path(dir_okay=False, path_type=Path)
_POSITIVE = click.FloatRange(min=0, min_open=True)
Command = TypeVar("Command", bound=Callable[..., Any])


def _usable(context: click.Context, parameter: click.Parameter, value: str) -> str:
    from ..diffusion.devices import usable

    try:
        return usable(value)
    except DiffusionError as error:
        raise click.BadParameter(str(error)) from None


def option(*names: str, **settings: Any) -> Callable[[Command], Command]:
    """An option that shows its default, if it has one."""
    return click.option(*names, show_default="default" in settings, **settings)


_device = option("--device", callback=_usable, default="auto", help="cpu, cuda, cuda:1, mps, …")
_seed = option("--seed", type=int, default=0, help="Of everything random.")


@click.command()
@common.one_file
@option("--data", required=True, metavar="digits|FOLDER", help="Images; a class is a subfolder.")
@option("-o", "--out", type=_FILE, help="The model; out/NAME.safetensors unless given.")
@option("--steps", type=click.IntRange(min=1), help="Train so many steps in all.")
@option("--seconds", type=_POSITIVE, help="Or so long in all; a minute unless given.")
@option("--batch", type=click.IntRange(min=1), default=64, help="Images a step.")
@option("--rate", type=_POSITIVE, default=1e-3, help="The learning rate.")
@option("--ema", type=click.FloatRange(0, 1, max_open=True), default=0.999, help="Decay; 0: off.")
@option("--amp", is_flag=True, help="Compute in bfloat16 where it is safe.")
@_seed
@_device
@option("--resume", is_flag=True, help="Go on with a run that was stopped or killed.")
@common.overrides
@click.pass_context
def train(context: click.Context, /, file: str, overrides: tuple[str, ...], **given: Any) -> None:
    """Train the network of FILE on images, and save it with its spec inside.

    The state of the run is stored beside the model, so that a run which was killed goes on with
    --resume, exactly where it was stored last.
    """
    if given["steps"] and given["seconds"]:
        raise click.UsageError("--steps and --seconds exclude each other")
    if not given["steps"]:
        given["seconds"] = given["seconds"] or 60.0
    registry = common.registry(context)
    plan = api.plan_document(api.read(common.source(file), overrides), None, registry)
    out = given["out"] or Path("out", plan.spec.name.replace("/", "-") + ".safetensors")
    _train(plan, out, given)


def _train(plan: Plan, out: Path, given: dict[str, Any]) -> None:
    from ..diffusion.checkpoints import Checkpoint
    from ..diffusion.data import load
    from ..diffusion.progress import progress
    from ..diffusion.training import Recipe, begin

    checkpoint = out.with_name(f"{out.name}.checkpoint")
    if checkpoint.exists() and not given["resume"]:
        raise DiffusionError(
            f"{checkpoint} holds a run already; go on with --resume, or name another --out"
        )
    images = load(given["data"], plan.spec.input.channels, plan.spec.input.space)
    recipe = Recipe(**{name: given[name] for name in ("batch", "rate", "ema", "amp", "seed")})
    training = begin(plan, images, recipe, given["device"])
    if given["resume"]:
        training.resume(Checkpoint.read(checkpoint))
    limits = {"steps": given["steps"], "seconds": given["seconds"]}
    with progress(**limits) as watch:
        training.run(**limits, checkpoint=checkpoint, watch=watch)
    api.save(training.averaged(), out)
    made = f"{training.step:,} steps in {training.seconds:.0f} s, loss {training.loss:.3f}"
    click.echo(f"{out}: {made}")
    if training.label and not images.classes[0].isdigit():
        click.echo("\n".join(f"class {i}: {name}" for i, name in enumerate(images.classes)))


@click.command()
@click.argument("model", type=_FILE)
@option("-o", "--out", type=_FILE, required=True, help="The picture, a PNG.")
@option("--class", "classes", type=int, multiple=True, help="A class; may be repeated.")
@option("--count", type=click.IntRange(min=1), default=8, help="Samples of each class.")
@option("--guidance", type=float, default=1.0, help="1: none; more is more typical of the class.")
@option("--steps", type=click.IntRange(min=1), default=50, help="Of the sampler.")
@option("--method", type=click.Choice(["euler", "heun", "ddim", "ddpm"]), help="The sampler.")
@_seed
@_device
@click.pass_context
def sample(context: click.Context, /, model: Path, out: Path, **given: Any) -> None:
    """Draw samples from a MODEL that `train` saved, every class unless told otherwise.

    Samples of one class stand in one row.
    """
    from ..diffusion.generation import each_class, generate
    from ..diffusion.pictures import write_png

    loaded = api.load(model, registry=common.registry(context)).to(given["device"])
    labels = each_class(loaded, given["classes"], given["count"])
    images = generate(
        loaded,
        given["count"] if labels is None else len(labels),
        labels=labels,
        **{name: given[name] for name in ("steps", "guidance", "seed", "method")},
    )
    columns = None if labels is None else given["count"]
    write_png(images, out, columns, enlarge=max(1, 64 // max(images.shape[2:])))
    click.echo(str(out))
