"""Which plugins are found, in which order, and which are left alone."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from plugin_texts import offering

from archkit.discovery import candidates
from archkit.registry import load_registry


def names(*local: str) -> list[str]:
    return [candidate.name for candidate in candidates(local)]


def found(name: str, *local: str):
    return next(p for p in load_registry(local).plugins if p.name == name)


def test_the_built_ins_come_first():
    first = load_registry().plugins[0]
    assert (first.name, first.source, first.error) == ("archkit", "built-in", "")
    assert "block.resnet" in first.components


def test_an_installed_plugin_is_told_by_distribution_and_version(install):
    install("archkit-fir", {"fir_plugin": offering("fir")}, {"fir": "fir_plugin"})
    plugin = found("fir")
    assert (plugin.source, plugin.version) == ("archkit-fir", "1.2")
    assert plugin.components == ("block.fir",)


def test_an_entry_point_may_lead_to_an_object(install):
    text = offering("held") + "\n\nclass Holder:\n    archkit_components = staticmethod("
    text += "archkit_components)\n\nholder = Holder()\n"
    install("archkit-held", {"held_plugin": text}, {"held": "held_plugin:holder"})
    assert found("held").components == ("block.held",)


def test_pyproject_names_plugins_relative_to_itself(write, tmp_path, monkeypatch):
    write("mine/blocks.py", offering("mine"))
    write("pyproject.toml", '[tool.archkit]\nplugins = ["mine/blocks.py"]\n')
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert found("blocks").source == str(tmp_path / "mine" / "blocks.py")


def test_a_pyproject_that_does_not_speak_of_archkit_is_passed_over(write, tmp_path, monkeypatch):
    write("blocks.py", offering("mine"))
    write("pyproject.toml", '[tool.archkit]\nplugins = ["blocks.py"]\n')
    write("inner/pyproject.toml", '[project]\nname = "x"\ndependencies = ["archkit"]\n')
    monkeypatch.chdir(tmp_path / "inner")
    assert "blocks" in names()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[tool.archkit]\nplugins = 'a.py'\n", "`[tool.archkit]` holds one list of paths"),
        ("[tool.archkit]\nplugins = [1]\n", "`[tool.archkit]` holds one list of paths"),
        ("[tool.archkit]\nplugin = ['a.py']\n", "`[tool.archkit]` holds one list of paths"),
        ("[tool.archkit\n", "TOMLDecodeError: "),
        ("archkit = " + "[" * 5000, "RecursionError: "),
    ],
)
def test_a_broken_pyproject_is_a_broken_plugin(write, text, reason):
    file = write("pyproject.toml", text)
    plugin = found("pyproject.toml")
    assert plugin.error.startswith(reason)
    assert plugin.source == file


def test_the_environment_names_plugins(write, monkeypatch):
    paths = [write("one.py", offering("one")), write("two.py", offering("two"))]
    monkeypatch.setenv("ARCHKIT_PLUGINS", os.pathsep.join([*paths, ""]))
    assert names()[-2:] == ["one", "two"]


def test_a_file_that_is_named_twice_is_loaded_once(write, monkeypatch):
    file = write("one.py", offering("one"))
    write("pyproject.toml", '[tool.archkit]\nplugins = ["./one.py"]\n')
    monkeypatch.setenv("ARCHKIT_PLUGINS", file)
    assert names(file, "one.py", "../" + Path(file).parent.name + "/one.py").count("one") == 1
    assert not any(p.error for p in load_registry([file]).plugins if p.name == "one")


def test_plugins_can_be_left_out_and_those_asked_for_stay(install, write, monkeypatch):
    install("archkit-fir", {"fir_plugin": offering("fir")}, {"fir": "fir_plugin"})
    asked = write("asked.py", offering("asked"))
    monkeypatch.setenv("ARCHKIT_PLUGINS", write("named.py", offering("named")))
    monkeypatch.setenv("ARCHKIT_DISABLE_PLUGINS", "fir, named, asked")
    assert not {"fir", "named"} & set(names(asked))
    assert "asked" in names(asked)
    monkeypatch.setenv("ARCHKIT_DISABLE_PLUGINS", "all")
    assert names(asked) == ["archkit", "asked"]


def test_a_folder_with_init_is_a_package_with_relative_imports(write):
    write("pair/__init__.py", "from .inside import archkit_components\n")
    write("pair/inside.py", offering("inside"))
    plugin = found("pair", "pair")
    assert plugin.components == ("block.inside",)
    assert "archkit_local_pair.inside" in sys.modules


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nowhere.py", "there is no such file or folder"),
        ("bare", "the folder is no package: add an `__init__.py`, or name its files"),
        ("notes.txt", "it is no Python file: its name does not end in `.py`"),
    ],
)
def test_what_is_no_plugin_is_told_so(write, name, reason):
    write("bare/a.py", offering("a"))
    write("notes.txt", "")
    assert found(Path(name).stem, name).error == reason


@pytest.mark.parametrize("name", ["torch", "random", "yaml"])
def test_a_local_plugin_shadows_no_module(write, name):
    before = importlib.import_module(name)
    file = write(f"{name}.py", offering("shadow"))
    assert found(name, file).components == ("block.shadow",)
    assert importlib.import_module(name) is before
    assert sys.modules[f"archkit_local_{name}"].__file__ == file


def test_a_file_runs_once_a_process(write):
    file = write("one.py", offering("one"))
    first, second = (load_registry([file]).component("block", "one") for _ in range(2))
    assert first is second


def test_another_file_of_that_name_takes_its_place(write):
    write("a/blocks/__init__.py", "from .inside import archkit_components\n")
    write("a/blocks/inside.py", offering("a"))
    write("b/blocks/__init__.py", "from .inside import archkit_components\n")
    write("b/blocks/inside.py", offering("b"))
    assert found("blocks", "a/blocks").components == ("block.a",)
    assert found("blocks", "b/blocks").components == ("block.b",)


def test_loading_writes_nothing(write, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    write("pair/__init__.py", "from .inside import archkit_components\n")
    write("pair/inside.py", offering("inside"))
    before = sorted(tmp_path.rglob("*"))
    assert not found("pair", "pair").error
    assert sorted(tmp_path.rglob("*")) == before
    assert sys.dont_write_bytecode is False


def test_a_folder_that_was_deleted_configures_nothing(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert names()[0] == "archkit"
    monkeypatch.chdir(tmp_path)


def test_loading_the_registry_is_light():
    """Names are known before any component, and torch, is imported."""
    code = "import sys, archkit.registry as r; r.load_registry(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "torch" not in loaded
    assert [m for m in loaded if m.startswith("archkit.builtin.")] == []
    assert "archkit.builtin" in loaded
