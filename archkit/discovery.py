"""Where plugins come from: installed packages, and local files that the user named.

A spec is data and never among them: checking a stranger's spec runs no code.
"""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

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
        origin: Whether it is installed, or is read from a file, or from a project's folder.
    """

    name: str
    source: str
    version: str
    load: Callable[[], object] = field(compare=False)
    home: Callable[[], Path | None] = field(compare=False)
    origin: Literal["installed", "file", "project"] = "installed"


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
    asked = dict.fromkeys(found for path in local for found in _local(path))
    listed = (found for path in named for found in _local(path))
    unasked = dict.fromkeys([*_installed(), *_configured(), *listed])
    # A project that was asked for is checked as it stands, whether or not it is installed too.
    seen = {found.name for found in asked if found.origin == "project"}
    for candidate in unasked:
        left_out = {"all", candidate.name} & disabled or candidate.name in seen
        if not left_out and candidate not in asked:
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
                    return [found for path in _paths(table) for found in _local(folder / path)]
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


def _local(named: str | Path) -> list[Candidate]:
    """The plugin of a file or a package; those of a project, by the entry points it states."""
    path = Path(named).expanduser().resolve()
    if (path / "pyproject.toml").is_file() and not (path / "__init__.py").exists():
        return _project(path)
    module = _LOCAL + path.stem.replace(".", "_")
    load = partial(_load, path, module)
    return [Candidate(path.stem, str(path), "", load, lambda: path, "file")]


def _project(path: Path) -> list[Candidate]:
    """The plugins of a project's folder; its modules bear their own names, and need no install."""
    try:
        about = tomllib.loads((path / "pyproject.toml").read_text(encoding="utf-8"))
        points = about["project"]["entry-points"]["archkit"]
        entries = [EntryPoint(name, value, "archkit") for name, value in points.items()]
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError, OSError):
        what = PluginError("its pyproject.toml has no table `[project.entry-points.archkit]`")
        return [Candidate(path.name, str(path), "", partial(_fail, what), lambda: path)]
    return [
        Candidate(e.name, str(path), "", partial(_enter, path, e), lambda: path, "project")
        for e in entries
    ]


def _enter(path: Path, entry: EntryPoint) -> object:
    """What an entry point of a project leads to."""
    top = re.split(r"[.:]", entry.value)[0].strip()
    places = [path / "src" / top, path / "src" / f"{top}.py", path / top, path / f"{top}.py"]
    found = next((place for place in places if place.exists()), None)
    if found is None:
        raise PluginError(f"there is no module `{top}` in the project, or in its `src`")
    if (taken := _home(top)) not in (None, found):
        raise PluginError(f"the module `{top}` would be that of {taken}")
    _load(found, top)
    return entry.load()


def _load(path: Path, name: str) -> ModuleType:
    """The module of a file, or the package of a folder.

    A file of no project is called ``archkit_local_NAME``, so that one called torch.py shadows
    nothing. As with every import, a file runs once a process, and nothing is written beside it.
    """
    file = path / "__init__.py" if path.is_dir() else path
    if not path.exists():
        raise PluginError("there is no such file or folder")
    if not file.exists():
        raise PluginError("the folder is no package: add an `__init__.py`, or name its files")
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
    with unwritten():
        spec.loader.exec_module(module)
    return module


@contextmanager
def unwritten() -> Iterator[None]:
    """Python writes nothing beside what it imports."""
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes


def forget(found: Candidate) -> None:
    """Drops the modules of a local plugin, so that its files are read again once mended."""
    home = found.home()
    for name, module in sys.modules.copy().items():
        file = getattr(module, "__file__", None)
        ours = name.startswith(_LOCAL) or found.origin == "project"
        if home and file and ours and Path(file).is_relative_to(home):
            del sys.modules[name]
