"""Where plugins come from: installed packages, and local files that the user named.

A spec is data and never among them: checking a stranger's spec runs no code.
"""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from . import __version__
from .errors import PluginError

BUILT_IN = "archkit"
"""The name of the plugin that ships."""

_LOCAL = "archkit_local_"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plugin that was found, and not yet loaded; a file is the same however it was named.

    Arguments:
        name: The name of its entry point, or of its file.
        source: Its distribution or its file; ``built-in`` for the one that ships.
        version: The version of its distribution; empty for a file.
        load: Imports it; whatever that raises is the plugin's own fault.
        home: Its file or folder, to tell its code from that of others.
    """

    name: str
    source: str
    version: str
    load: Callable[[], object] = field(compare=False)
    home: Callable[[], Path | None] = field(compare=False)


def candidates(local: Sequence[str] = ()) -> Iterator[Candidate]:
    """Every plugin there is, in the order of loading; each file once.

    First the built-ins, then installed plugins (entry points of the group ``archkit``), then those
    of ``[tool.archkit] plugins`` in the nearest pyproject.toml that has it, of the environment
    variable ``ARCHKIT_PLUGINS``, and of `local`. ``ARCHKIT_DISABLE_PLUGINS=a,b`` or ``=all`` leaves
    out plugins that would come unasked: all but the built-ins and `local`.
    """
    yield _entry(EntryPoint(BUILT_IN, "archkit.builtin", "archkit"), "built-in", __version__)
    disabled = {name.strip() for name in os.environ.get("ARCHKIT_DISABLE_PLUGINS", "").split(",")}
    named = filter(None, os.environ.get("ARCHKIT_PLUGINS", "").split(os.pathsep))
    asked = dict.fromkeys(map(_local, local))
    unasked = dict.fromkeys([*_installed(), *_configured(), *map(_local, named)])
    for candidate in unasked:
        if "all" not in disabled and candidate.name not in disabled and candidate not in asked:
            yield candidate
    yield from asked


def _installed() -> list[Candidate]:
    """Installed plugins, by the name of their distribution: the order of installing says nothing.

    importlib.metadata needs 2 ms for 70 distributions; pydantic imports it anyway.
    """
    found = []
    for entry in entry_points(group="archkit"):
        source, version = (entry.dist.name, entry.dist.version) if entry.dist else ("", "")
        found.append(_entry(entry, source or entry.value, version or ""))
    return sorted(found, key=lambda candidate: (candidate.source, candidate.name))


def _entry(entry: EntryPoint, source: str, version: str) -> Candidate:
    return Candidate(entry.name, source, version, entry.load, partial(_home, entry.value))


def _home(value: str) -> Path | None:
    """The file or folder of the top module of ``package.module:object``; it runs nothing."""
    try:
        spec = find_spec(re.split(r"[.:]", value)[0].strip())
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None:
        return None
    origin = Path(spec.origin)
    return origin.parent if spec.submodule_search_locations else origin


def _configured() -> list[Candidate]:
    """What the nearest pyproject.toml with a table ``[tool.archkit]`` names, relative to it."""
    try:
        here = Path.cwd()
    except FileNotFoundError:  # deleted while a shell stood in it
        return []
    for folder in (here, *here.parents):
        file = folder / "pyproject.toml"
        text = file.read_bytes() if file.is_file() and os.access(file, os.R_OK) else b""
        if b"archkit" not in text:
            continue
        try:
            match tomllib.loads(text.decode()):
                case {"tool": {"archkit": table}}:
                    return [_local(folder / path) for path in _paths(table)]
        except (ValueError, RecursionError, PluginError) as error:
            return [Candidate(file.name, str(file), "", partial(_fail, error), lambda: None)]
    return []


def _paths(table: Any) -> list[str]:
    match table:
        case {"plugins": [*paths]} if len(table) == 1 and all(isinstance(p, str) for p in paths):
            return paths
    raise PluginError('`[tool.archkit]` holds one list of paths: `plugins = ["blocks.py"]`')


def _fail(error: Exception) -> object:
    raise error


def _local(named: str | Path) -> Candidate:
    path = Path(named).expanduser().resolve()
    return Candidate(path.stem, str(path), "", partial(_load, path), lambda: path)


def _load(path: Path) -> ModuleType:
    """The module of a file, or the package of a folder.

    It is called ``archkit_local_NAME``, so that a file called torch.py shadows nothing. As with
    every import, a file runs once a process, and nothing is written beside it.
    """
    file = path / "__init__.py" if path.is_dir() else path
    if not path.exists():
        raise PluginError("there is no such file or folder")
    if not file.exists():
        raise PluginError("the folder is no package: add an `__init__.py`, or name its files")
    name = _LOCAL + path.stem.replace(".", "_")
    known = sys.modules.get(name)
    if known is not None and known.__file__ == str(file):
        return known
    inside = [str(path)] if path.is_dir() else None
    spec = spec_from_file_location(name, file, submodule_search_locations=inside)
    if spec is None or spec.loader is None:
        raise PluginError("it is no Python file: its name does not end in `.py`")
    for stale in [module for module in sys.modules if f"{module}.".startswith(f"{name}.")]:
        del sys.modules[stale]
    module = module_from_spec(spec)
    # Known before it runs, so that relative imports and annotations find it.
    sys.modules[name] = module
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = writes
    return module


def forget(found: Candidate) -> None:
    """Drops the modules of a local plugin, so that its file is read again once it is mended."""
    home = found.home()
    for name, module in [*sys.modules.items()]:
        file = getattr(module, "__file__", None)
        if home and file and name.startswith(_LOCAL) and Path(file).is_relative_to(home):
            del sys.modules[name]
