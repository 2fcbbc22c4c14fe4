"""plugins: what is loaded, and whether it obeys the laws of components."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import PluginError, counted
from ..registry import Plugin, Registry, load_registry
from . import common

if TYPE_CHECKING:
    from ..testing.conformance import Row


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print plain data.")
@click.pass_context
def plugins(context: click.Context, as_json: bool) -> int | None:
    """List the plugins, everything they offer loaded; exits with 1 if one of them is broken."""
    if context.invoked_subcommand:
        return None
    found = common.registry(context).examined()
    if as_json:
        click.echo(json.dumps([asdict(plugin) for plugin in found], indent=2, ensure_ascii=False))
    else:
        for plugin in found:
            click.echo("\n    ".join(_told(plugin)))
    return 1 if any(plugin.error for plugin in found) else 0


def _told(plugin: Plugin) -> list[str]:
    if plugin.error:
        where = [f"at {plugin.where}"] if plugin.where else []
        return [f"✗ {plugin.name} ({plugin}): {plugin.error}", *where]
    offered = [counted(len(plugin.components), "component")] if plugin.components else []
    for kind in ("spec", "writer", "command"):
        if count := sum(key.startswith(f"{kind}.") for key in plugin.extras):
            offered.append(counted(count, kind))
    return [f"✓ {plugin.name} ({plugin}): {', '.join(offered) or 'nothing'}", *plugin.notes]


@plugins.command()
@click.argument("which", metavar="[PATH|NAME]", required=False)
@click.option("--all", "everything", is_flag=True, help="The built-ins and every plugin there is.")
@click.option("--json", "as_json", is_flag=True, help="Print plain data.")
@click.pass_context
def check(context: click.Context, which: str | None, everything: bool, as_json: bool) -> int:
    """Try the laws on every component of a plugin, with its default options.

    The plugin is one that is loaded, by its NAME, or the PATH of a file, of a package or of a
    project that need not be installed. Exits with 1 if a law is broken.
    """
    if bool(which) == everything:
        raise click.UsageError("name one plugin, by its name or its path, or say --all")
    registry, chosen = _chosen(context, which)
    from ..testing.conformance import conformance, table

    rows: list[Row] = []
    with registry.as_default():
        for plugin in chosen:
            tried = [] if plugin.error else conformance(registry, plugin.name)
            rows += tried
            if not as_json:
                told = _told(plugin) if plugin.error or not tried else [table(plugin, tried)]
                click.echo("\n    ".join(told) + "\n")
    broken = [plugin for plugin in chosen if plugin.error]
    if as_json:
        report = {"broken": [asdict(p) for p in broken], "components": [r.as_dict() for r in rows]}
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    return 1 if broken or any(row.breaches for row in rows) else 0


def _chosen(context: click.Context, which: str | None) -> tuple[Registry, Iterable[Plugin]]:
    """The plugins to check, and the registry they are in."""
    registry = common.registry(context)
    if which is None:
        return registry, registry.examined()
    named = [plugin for plugin in registry.plugins if plugin.name == which]
    path = Path(which)
    if not named and path.exists():
        registry = load_registry([*context.find_root().obj["local"], which])
        named = [p for p in registry.plugins if p.source == str(path.resolve())]
    if not named:
        known = ", ".join(plugin.name for plugin in registry.plugins)
        raise PluginError(f"`{which}` is no path, and no plugin that is loaded; those are {known}")
    wanted = {plugin.name for plugin in named}
    return registry, [plugin for plugin in registry.examined() if plugin.name in wanted]
