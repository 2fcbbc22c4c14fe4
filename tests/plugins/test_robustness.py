"""Plugins that went away, that hang, and that stand in a random spec; nothing is written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest
import torch
from broken_plugins import SOUND
from hypothesis import given, settings
from hypothesis import strategies as st
from plugin_texts import offering

import archkit
from archkit import ArchkitError, SpecError, cli, load_registry

ROOT = Path(__file__).parents[2]
SPEC = {"archkit": 1, "name": "mine", "extends": "tiny", "block": "sound", "prediction": "none"}
SPEC |= {"conditioning": {"time": "none"}}


@pytest.fixture
def saved(write, tmp_path) -> tuple[str, Path]:
    """A plugin, and a model that was saved with it."""
    file, model = write("sound.py", SOUND), tmp_path / "model.safetensors"
    archkit.save(archkit.assemble(SPEC, registry=load_registry([file])), model)
    return file, model


def test_a_model_is_loaded_while_its_plugin_is_there(saved) -> None:
    file, model = saved
    loaded = archkit.load(model, registry=load_registry([file]))
    assert loaded(torch.randn(1, 3, 16, 16)).shape == (1, 3, 16, 16)


def test_a_plugin_that_was_removed_is_named(saved) -> None:
    _, model = saved
    with pytest.raises(SpecError) as error:
        archkit.load(model, registry=load_registry())
    (problem, *_) = error.value.problems
    assert problem.message == "no plugin called `sound` is loaded"
    assert problem.mend == "install it, or load it with `-p`; see `archkit plugins`"
    assert f"{model} (its spec)" in str(problem)
    assert "block: sound/sound" in str(problem) or "type: sound/sound" in str(problem)


def test_a_component_that_its_plugin_no_longer_has_is_named(saved, write) -> None:
    _, model = saved
    with pytest.raises(SpecError, match="the plugin `sound` has no block called `sound`"):
        archkit.load(model, registry=load_registry([write("now/sound.py", offering("other"))]))


def test_a_plugin_that_no_longer_loads_is_named_with_its_reason(saved, write) -> None:
    _, model = saved
    registry = load_registry([write("now/sound.py", "import no_such_module\n")])
    with pytest.raises(SpecError, match="the plugin `sound` failed to load: ModuleNotFoundError"):
        archkit.load(model, registry=registry)


def test_a_plugin_that_hangs_is_named_when_it_is_interrupted(write, tmp_path) -> None:
    begun = tmp_path / "begun"
    text = f"import pathlib, time\npathlib.Path({str(begun)!r}).touch()\ntime.sleep(600)\n"
    file = write("hangs.py", text)
    process = subprocess.Popen(
        [sys.executable, "-m", "archkit", "-p", file, "check", "tiny"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    end = monotonic() + 60
    while not begun.exists() and monotonic() < end:
        sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert told.split("\n")[-3:-1] == [
        "interrupted",
        f"while the plugin `hangs` ({file}) was loading",
    ]


def test_check_changes_nothing_on_disk(write, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    write("pair/__init__.py", offering("a").replace("Offered}", '"archkit_local_pair.far:B"}'))
    write("pair/far.py", offering("a").replace("Offered", "B"))
    spec = write("spec.yaml", "archkit: 1\nname: a\nextends: tiny\nblock: pair/a\n")
    write("wrong.yaml", "archkit: 1\nname: a\nextends: tiny\nblok: a\n")
    before = snapshot(tmp_path)
    for file in (spec, "wrong.yaml"):
        with pytest.raises(SystemExit):
            cli.main(["-p", "pair", "check", file])
    with pytest.raises(SystemExit):
        cli.main(["-p", "pair", "plugins"])
    assert "pair" in capsys.readouterr().out
    assert "archkit_local_pair.far" in sys.modules
    assert snapshot(tmp_path) == before


def snapshot(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in folder.rglob("*")
    }


def test_a_plugin_may_not_take_the_place_of_a_module(tmp_path, write) -> None:
    write("evil/torch.py", offering("evil"))
    write(
        "evil/pyproject.toml", '[project]\nname = "e"\n[project.entry-points.archkit]\ne="torch"\n'
    )
    before = sys.modules["torch"]
    plugin = load_registry([str(tmp_path / "evil")]).plugins[-1]
    assert plugin.error.startswith("the module `torch` would be that of ")
    assert sys.modules["torch"] is before


def test_a_local_plugin_may_be_called_torch(write, tmp_path) -> None:
    file = write("torch.py", SOUND)
    words = [sys.executable, "-m", "archkit", "-p", file, "plugins", "check", file]
    done = subprocess.run(
        words,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"torch ({file})")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[project]\n", "its pyproject.toml has no table `[project.entry-points.archkit]`"),
        ("[project", "its pyproject.toml has no table `[project.entry-points.archkit]`"),
        ("project = 3", "its pyproject.toml has no table `[project.entry-points.archkit]`"),
        (
            '[project.entry-points.archkit]\nx = "no_such_thing_here"\n',
            "there is no module `no_such_thing_here` in the project, or in its `src`",
        ),
        (
            '[project.entry-points.archkit]\n"a/b" = "here"\n',
            "the name of a plugin has only letters, digits",
        ),
    ],
)
def test_a_project_that_is_none_is_told(tmp_path, write, text, told) -> None:
    write("project/pyproject.toml", text)
    assert load_registry([str(tmp_path / "project")]).plugins[-1].error.startswith(told)


WORDS = [
    "sound",
    "one/sound",
    "two/sound",
    "three/sound",
    "/sound",
    "one/",
    "resnet",
    "archkit/conv",
]


@settings(max_examples=60)
@given(
    block=st.one_of(
        st.sampled_from(WORDS),
        st.text(max_size=6),
        st.fixed_dictionaries(
            {"type": st.sampled_from(WORDS)}, optional={"gain": st.floats(), "gian": st.just(1)}
        ),
    ),
    plugins=st.permutations(["one.py", "two.py", "broken.py"]),
)
def test_any_spec_is_planned_or_refused_with_plugins_present(tmp_path_factory, block, plugins):
    folder = tmp_path_factory.getbasetemp() / "fuzzed"
    folder.mkdir(exist_ok=True)
    for name in ("one.py", "two.py"):
        (folder / name).write_text(SOUND)
    (folder / "broken.py").write_text("1 / 0\n")
    registry = load_registry([str(folder / name) for name in plugins])
    spec = {**SPEC, "block": block}
    found = archkit.check(spec, registry=registry)
    assert all(problem.message for problem in found)
    if not any(problem.severity == "error" for problem in found):
        plan = archkit.plan(spec, registry=registry)
        again = archkit.plan(plan.spec.data(), registry=registry)
        assert [node.component for node in again] == [node.component for node in plan]
    else:
        with pytest.raises(ArchkitError):
            archkit.plan(spec, registry=registry)
