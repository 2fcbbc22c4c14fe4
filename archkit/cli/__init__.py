"""The command line: one module a group of verbs, imported when one of them is called."""

from __future__ import annotations

import difflib
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from .. import __version__
from ..errors import ArchkitError, SpecError

_COMMANDS = {
    "check": ("paper", "Say everything that is wrong with a spec: structure and shapes."),
    "plan": ("paper", "List the network node by node, and prove its shapes."),
    "resolve": ("paper", "Print a spec with every default written out."),
    "components": ("catalogue", "List what a spec can name."),
    "explain": ("catalogue", "Explain one component and its options."),
    "plugins": ("catalogue", "List the plugins, and what is wrong with them."),
    "schema": ("catalogue", "Print the JSON Schema of a spec, for editors."),
    "show": ("numbers", "Show what a network takes: parameters, MACs, memory, receptive field."),
    "diff": ("numbers", "Say what differs between two networks, in specs and in numbers."),
    "draw": ("pictures", "Draw a network as a U: SVG, PNG, PDF, HTML, DOT, Mermaid, TikZ, text."),
    "train": ("run", "Train a spec on images."),
    "sample": ("run", "Draw samples from a trained model."),
}


class Lazy(click.Group):
    """Verbs are imported when called, so that none pays for another."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f".{_COMMANDS[name][0]}", __name__), name)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])

    def resolve_command(self, context: click.Context, args: list[str]) -> Any:
        if args and args[0] not in _COMMANDS:
            near = difflib.get_close_matches(args[0], _COMMANDS, 1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            context.fail(f"No such command `{args[0]}`.{hint}")
        return super().resolve_command(context, args)


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option(
    "-p",
    "--plugins",
    "local",
    multiple=True,
    metavar="FILE|FOLDER",
    help="Load a local plugin; may be repeated.",
)
@click.pass_context
def archkit(context: click.Context, debug: bool, local: tuple[str, ...]) -> None:
    """Declare diffusion U-Nets in YAML; prove, assemble and run them."""
    context.obj = {"local": local}


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command: exit 0 fine, 1 the spec or the model is wrong, 2 usage."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        sys.exit(archkit.main(arguments, prog_name="archkit", standalone_mode=False) or 0)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (ArchkitError, OSError, ImportError) as error:
        if "--debug" in arguments:
            traceback.print_exc()
        click.echo(_told(error), err=True)
        sys.exit(1)


def _told(error: BaseException) -> str:
    if isinstance(error, SpecError):
        return "\n\n".join(map(str, error.problems))
    return f"error: {error}"
