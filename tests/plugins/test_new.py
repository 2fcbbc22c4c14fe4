"""`archkit new plugin`: what it writes works, obeys the laws and is clean, whatever its kind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from archkit import PluginError, api, cli, load_registry
from archkit.conversion import read_foreign
from archkit.templates import KINDS, plugin

ROOT = Path(__file__).parents[2]
LONG = "a-name-as-long-as-may-be-abcde"


def new(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        cli.main(["new", "plugin", *arguments])
    return int(stop.value.code or 0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plugin of every kind, and one whose name is as long as may be."""
    folder = tmp_path_factory.mktemp("made")
    for kind in KINDS:
        assert new(f"archkit-my-{kind}", "--kind", kind, "-o", str(folder / kind)) == 0
        assert new(LONG, "--kind", kind, "-o", str(folder / f"long-{kind}")) == 0
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_is_found_and_its_example_is_right(made: Path, kind: str) -> None:
    registry = load_registry([str(made / kind)])
    assert registry.owner(kind, f"my-{kind}").source == str(made / kind)
    (example,) = (made / kind / "examples").iterdir()
    if kind == "importer":
        assert read_foreign(json.loads(example.read_text()), registry=registry).says["encoder"]
    else:
        assert api.check(example, registry=registry) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_installs_and_its_tests_of_all_laws_pass(
    made: Path, tmp_path: Path, kind: str
) -> None:
    install = ["-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    run(*install, "--target", str(tmp_path), str(made / kind), folder=tmp_path)
    told = run("-m", "archkit", "components", kind, folder=tmp_path, PYTHONPATH=at(ROOT, tmp_path))
    assert f"my-{kind}" in told
    run("-m", "pytest", "-q", "-p", "no:cacheprovider", folder=made / kind)


def test_new_plugins_are_clean(made: Path) -> None:
    run("-m", "ruff", "check", "--no-cache", ".", folder=made)
    run("-m", "ruff", "format", "--no-cache", "--check", ".", folder=made)
    for kind in KINDS:
        settings = (made / kind / "pyproject.toml").read_text()
        assert "strict = true" in settings
    packages = [str(path) for kind in KINDS for path in (made / kind / "src").iterdir()]
    tests = [str(path) for kind in KINDS for path in (made / kind / "tests").glob("*.py")]
    config = str(made / "block" / "pyproject.toml")
    paths = at(*(made / kind / "src" for kind in KINDS))
    run(
        *("-m", "mypy", "--config-file", config, "--explicit-package-bases", *packages, *tests),
        folder=made,
        MYPYPATH=paths,
    )


def at(*folders: Path) -> str:
    return os.pathsep.join(map(str, folders))


def run(*arguments: str, folder: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


HOSTILE = [
    *("", ".", "..", "../up", "/abs", "a/b", "a\\b", "-o", "A", "1a", "a_b", "a--b", "a-", "a b"),
    *("a\n", "a\x1b[2J", "ä", "a.b", "$(id)", "a;b", "x" * 31, "archkit-", 'a"b', "{name}", "%s"),
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_refused(tmp_path: Path, name: str, capfd) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert new("--", name) == 1
    told = capfd.readouterr().err
    assert "can't be the name of a plugin; use small letters, digits and single hyphens" in told
    assert "\x1b" not in told
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["torch", "class", "json", "archkit", "import"])
def test_a_name_that_means_something_is_refused(name: str) -> None:
    with pytest.raises(PluginError, match=f"`{name}` means something in Python already"):
        plugin(name, "block", load_registry())


def test_a_name_that_is_taken_is_refused() -> None:
    told = "the pooling `max` is there already; name the plugin otherwise, as in `my-max`"
    with pytest.raises(PluginError, match=told):
        plugin("archkit-max", "pooling", load_registry())


def test_nothing_is_overwritten(tmp_path: Path, capsys) -> None:
    assert new("mine") == 0
    (tmp_path / "mine" / "README.md").write_text("my own words")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert new("mine") == 1
    assert "`mine` is there already, and nothing is overwritten" in capsys.readouterr().err
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert new("other", "-o", "link") == 1
    (tmp_path / "link").unlink()
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}.keys() == before.keys()
    assert (tmp_path / "mine" / "README.md").read_text() == "my own words"
