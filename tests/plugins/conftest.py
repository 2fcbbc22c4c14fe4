"""Plugins written for one test, in an empty folder, and forgotten after it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from archkit.registry import installed_registry

INSTALLED = [entry.name for entry in entry_points(group="archkit")]
"""Plugins that happen to be installed, which change no test."""


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for variable in ("ARCHKIT_PLUGINS", "ARCHKIT_STRICT"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("ARCHKIT_DISABLE_PLUGINS", ",".join(INSTALLED))
    monkeypatch.chdir(tmp_path)
    installed_registry.cache_clear()
    yield
    installed_registry.cache_clear()
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], str]:
    """Writes a local plugin and returns its path."""

    def write(name: str, text: str) -> str:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return str(file)

    return write


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Installs a distribution: its modules, and what pip writes beside them."""

    def install(distribution: str, modules: dict[str, str], points: dict[str, str]) -> Path:
        site = tmp_path / "site" / distribution
        about = site / f"{distribution.replace('-', '_')}-1.2.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n"
        )
        lines = "\n".join(f"{name} = {value}" for name, value in points.items())
        (about / "entry_points.txt").write_text(f"[archkit]\n{lines}\n")
        for name, text in modules.items():
            (site / f"{name}.py").write_text(text)
        monkeypatch.syspath_prepend(str(site))
        return site

    return install
