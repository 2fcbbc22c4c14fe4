"""Name and kind → the text of every file of a new plugin, from the templates beside this file."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from string import Template

from .. import contract
from ..errors import PluginError
from ..registry import Registry

_HERE = Path(__file__).parent / "plugin"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 30
_PREFIX = "archkit-"

KINDS = tuple(contract.KINDS)
"""The kinds of components, each of which has a template: a folder with what is its own."""

_LAYERS = """\
- `src/$package/layers.py` has what torch runs, which `build` imports, so that `archkit check`
  stays quick.
"""


def plugin(name: str, kind: str, registry: Registry) -> dict[str, str]:
    """The files of a new plugin, each with its text.

    Arguments:
        name: What the package is called; without ``archkit-``, what the component is called.
        kind: One of `KINDS`.
        registry: Whose names are taken.

    Raises:
        PluginError: The name is none, or is taken.
    """
    word = name.removeprefix(_PREFIX)
    package = name.replace("-", "_")
    _check(name, word, package)
    if word in (taken.rpartition("/")[2] for taken in registry.names(kind)):
        what = f"the {kind} `{word}` is there already"
        raise PluginError(f"{what}; name the plugin otherwise, as in `my-{word}`")
    camel = "".join(part.capitalize() for part in word.split("-"))
    example = f"examples/{word}.{'json' if kind == 'importer' else 'yaml'}"
    tried = f"{'import' if kind == 'importer' else 'check'} {example}"
    layers = _LAYERS if (_HERE / kind / "layers.py.txt").exists() else ""
    told = {
        "name": name,
        "word": word,
        "package": package,
        "kind": kind,
        "test": word.replace("-", "_"),
        "Class": f"{camel}{kind.capitalize()}",
        "Module": f"{camel}Module",
        "variant": _filled(kind, "variant", {}).strip(),
        "told": "dict[str, torch.Tensor]()",
        "tried": f"archkit {tried}",
        "uninstalled": f"archkit -p . {tried}",
        "layers": Template(layers).substitute(package=package),
    }
    if kind == "condition":
        told["told"] = '{"told": torch.randn(2, 3)}'
    told["example"] = _filled(kind, "example", told).strip()
    source = f"src/{package}"
    return {
        "pyproject.toml": _filled(kind, "pyproject.toml", told),
        "README.md": _filled(kind, "README.md", told),
        f"{source}/__init__.py": _filled(kind, "component.py", told),
        **({f"{source}/layers.py": _filled(kind, "layers.py", told)} if layers else {}),
        f"{source}/py.typed": "",
        f"tests/test_{told['test']}.py": _filled(kind, "test.py", told),
        example: _filled(kind, "example.yaml", told),
    }


def _check(name: str, word: str, package: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST or not word:
        what = f"{name!a} can't be the name of a plugin"
        mend = "use small letters, digits and single hyphens, a letter first, at most"
        raise PluginError(f"{what}; {mend} {_LONGEST} of them, as in archkit-blur")
    if keyword.iskeyword(package) or find_spec(package) is not None:
        raise PluginError(f"`{package}` means something in Python already; choose another name")


def _filled(kind: str, file: str, told: Mapping[str, str]) -> str:
    """A template with its words filled in: that of the kind, or the one that all share."""
    own = _HERE / kind / f"{file}.txt"
    found = own if own.exists() else _HERE / "common" / own.name
    return Template(found.read_text(encoding="utf-8")).substitute(told)
