"""Name and kind → the text of every file of a new plugin, from the templates beside this file."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from string import Template

from ..errors import PluginError
from ..registry import Registry

_HERE = Path(__file__).parent / "plugin"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 30
_PREFIX = "archkit-"

KINDS = ("block", "attention", "pooling", "upsampling", "skip", "norm", "activation", "condition")
"""The kinds of components with a template."""


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
        what = f"there is a {kind} called `{word}` already"
        raise PluginError(f"{what}; name the plugin otherwise, as in `my-{word}`")
    camel = "".join(part.capitalize() for part in word.split("-"))
    told = {
        "name": name,
        "word": word,
        "package": package,
        "kind": kind,
        "test": word.replace("-", "_"),
        "Class": f"{camel}{kind.capitalize()}",
        "Module": f"{camel}Module",
        "variant": _filled(f"{kind}/variant.txt", {}).strip(),
        "told": "dict[str, torch.Tensor]()",
    }
    if kind == "condition":
        told["told"] = '{"told": torch.randn(2, 3)}'
    told["example"] = _filled(f"{kind}/example.txt", told).strip()
    return {
        "pyproject.toml": _filled("common/pyproject.toml.txt", told),
        "README.md": _filled("common/README.md.txt", told),
        f"src/{package}/__init__.py": _filled(f"{kind}/component.py.txt", told),
        f"src/{package}/layers.py": _filled(f"{kind}/layers.py.txt", told),
        f"src/{package}/py.typed": "",
        f"tests/test_{told['test']}.py": _filled("common/test.py.txt", told),
        f"examples/{word}.yaml": _filled("common/example.yaml.txt", told),
    }


def _check(name: str, word: str, package: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST or not word:
        what = f"{name!a} can't be the name of a plugin"
        mend = "use small letters, digits and single hyphens, a letter first, at most"
        raise PluginError(f"{what}; {mend} {_LONGEST} of them, as in archkit-blur")
    if keyword.iskeyword(package) or find_spec(package) is not None:
        raise PluginError(f"`{package}` means something in Python already; choose another name")


def _filled(file: str, told: Mapping[str, str]) -> str:
    """A template with its words filled in."""
    return Template((_HERE / file).read_text(encoding="utf-8")).substitute(told)
