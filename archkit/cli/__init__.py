"""The command line: one module a group of verbs, imported when one of them is called."""

from __future__ import annotations

import difflib
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

import click

from .. import __version__
from ..errors import ArchkitError, SpecError

if TYPE_CHECKING:
    from ..registry import Registry

_COMMANDS = {
    "new": ("new", "Begin a spec, or a plugin."),
    "check": ("check", "Say everything that is wrong with a spec: structure and shapes."),
    "plan": ("paper", "List the network node by node, and prove its shapes."),
    "resolve": ("paper", "Print a spec with every default written out."),
    "components": ("catalogue", "List what a spec can name."),
    "explain": (
        "explain",
        "Explain a component, a kind, a key of a spec, or the code of an error.",
    ),
    "plugins": ("plugins", "List the plugins, or check that one obeys the laws of components."),
    "schema": ("catalogue", "Print the JSON Schema of a spec, for editors."),
    "show": ("numbers", "Show what a network takes: parameters, MACs, memory, receptive field."),
    "diff": ("numbers", "Say what differs between two networks, in specs and in numbers."),
    "import": ("importing", "Turn a network of another codebase into a spec, and its weights."),
    "export": ("importing", "Write a model as another codebase has it."),
    "zoo": ("zoo", "List the published networks that ship as specs, or copy one."),
    "sweep": ("sweep", "Write a spec for every combination of a grid, and count them on paper."),
    "draw": ("pictures", "Draw a network as a U: SVG, PNG, PDF, HTML, DOT, Mermaid, TikZ, text."),
}
"""archkit's own commands; `train`, `sample` and those of plugins come in by a hook."""


class Lazy(click.Group):
    """Verbs are imported when called, so that none pays for another; plugins may bring more."""

    def list_commands(self, context: click.Context) -> list[str]:
        return [*_COMMANDS, *_offered(context).extras("command")]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        found: click.Command | None
        if name in _COMMANDS:
            module = import_module(f".{_COMMANDS[name][0]}", __name__)
            found = getattr(module, f"{name}_" if iskeyword(name) else name)
        else:
            found = _offered(context).extra("command", name)
        return found

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, text) for name, (_, text) in _COMMANDS.items()]
        for name in _offered(context).extras("command"):
            try:
                command = self.get_command(context, name)
            except ArchkitError as error:
                rows.append((name, f"is broken: {error}"))
            else:
                rows.append((name, command.get_short_help_str(80) if command else ""))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(self, context: click.Context, args: list[str]) -> Any:
        known = self.list_commands(context) if args and args[0] not in _COMMANDS else [*_COMMANDS]
        if args and args[0] not in known:
            near = difflib.get_close_matches(args[0], known, 1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            context.fail(f"No such command `{args[0]}`.{hint}")
        return super().resolve_command(context, args)


def _offered(context: click.Context) -> Registry:
    from .common import registry

    context.obj = context.obj or {"local": context.params.get("local", ())}
    return registry(context)


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
    context.obj = context.obj or {"local": local}


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command: exit 0 fine, 1 the spec or the model is wrong, 2 usage."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        sys.exit(archkit.main(arguments, prog_name="archkit", standalone_mode=False) or 0)
    except click.exceptions.Abort as abort:
        notes = getattr(abort.__cause__ or abort.__context__, "__notes__", ())
        click.echo("\n".join(["interrupted", *notes]), err=True)
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
