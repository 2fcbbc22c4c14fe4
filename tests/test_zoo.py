"""`archkit zoo`: every spec is listed with what proves it, and docs/zoo.md says the same."""

import fnmatch
import json
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

import archkit
from archkit import zoo
from archkit.cli import main

ROOT = Path(__file__).parents[1]
FAMILIES = json.loads((zoo.folder() / "families.json").read_text())
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as done:
            main(arguments)
        told = capsys.readouterr()
        return int(done.value.code or 0), told.out, told.err

    return call


def test_the_page_is_what_the_command_lists() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "write_zoo.py"))
    told = (ROOT / "docs" / "zoo.md").read_text()
    assert told == script["page"](), "run `python docs/write_zoo.py`"
    assert all(f"[{name}](../specs/{name}.yaml)" in told for name in zoo.names())


@pytest.mark.parametrize("name", zoo.names())
def test_a_spec_is_of_one_family(name: str) -> None:
    found = [e["family"] for e in FAMILIES if any(fnmatch.fnmatchcase(name, p) for p in e["specs"])]
    assert len(found) == 1


@pytest.mark.parametrize("entry", FAMILIES, ids=lambda entry: entry["specs"][0])
def test_what_proves_a_family_is_there(entry: dict[str, object]) -> None:
    assert set(entry) <= {"family", "specs", "equals", "tests"}
    assert ("equals" in entry) == ("tests" in entry)
    for test in entry.get("tests", ()):  # type: ignore[attr-defined]
        assert (ROOT / test).is_file(), test


def test_it_lists_every_spec(run: Run) -> None:
    code, out, err = run("zoo")
    assert (code, err) == (0, "")
    names = [line.split()[0] for line in out.splitlines()]
    assert names[0] == "name"
    assert sorted(names[1:]) == zoo.names()
    (line,) = [line for line in out.splitlines() if line.startswith("ddpm-cifar10 ")]
    told = " ".join(line.split())
    assert told == "ddpm-cifar10 DDPM 3×32×32 noise (ddpm) diffusers' UNet2DModel 35,746,307"


def test_as_plain_data(run: Run) -> None:
    code, out, _ = run("zoo", "--json")
    found = {row["name"]: row for row in json.loads(out)}
    assert (code, sorted(found)) == (0, zoo.names())
    assert found["sdxl-base"] == {
        "name": "sdxl-base",
        "family": "Stable Diffusion XL",
        "parameters": 2567463684,
        "input": "4×128×128, text, micro",
        "target": "noise (scaled-linear)",
        "source": "https://arxiv.org/abs/2307.01952",
        "equals": "diffusers' UNet2DConditionModel",
        "tests": next(e["tests"] for e in FAMILIES if "sdxl-*" in e["specs"]),
        "about": "The denoiser of Stable Diffusion XL (Podell et al., 2023)",
    }


def test_specs_of_plugins_are_listed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    spec = "archkit: 1\nname: mine\nencoder: [{channels: 32}]\n"
    (tmp_path / "theirs" / "mine.yaml").write_text(spec)
    hook = "import archkit\n\n@archkit.hookimpl\ndef archkit_specs():\n    return [{!r}]\n"
    (tmp_path / "more.py").write_text(hook.format(str(tmp_path / "theirs")))
    code, out, _ = run("-p", "more.py", "zoo")
    assert code == 0
    assert out.splitlines()[-1].split() == [
        "mine",
        "—",
        "3×32×32",
        "velocity",
        "(linear)",
        "—",
        "—",
    ]


def test_a_copy_is_the_spec(run: Run, tmp_path: Path) -> None:
    assert run("zoo", "copy", "sdxl-refiner") == (0, "sdxl-refiner.yaml\n", "")
    copied, own = tmp_path / "sdxl-refiner.yaml", zoo.find("sdxl-refiner")
    assert own is not None
    assert copied.read_bytes() == own.read_bytes()
    assert archkit.load_spec(copied) == archkit.load_spec(own)
    assert run("zoo", "copy", "tiny", "-o", "a/b.yaml") == (0, "a/b.yaml\n", "")
    code, out, _ = run("zoo", "copy", "tiny", "-o", "-")
    assert (code, out) == (0, (zoo.folder() / "tiny.yaml").read_text())


def test_a_copy_overwrites_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text("mine")
    code, out, err = run("zoo", "copy", "tiny")
    assert (code, out) == (2, "")
    assert "`tiny.yaml` is there already; name another with `-o`" in err
    assert (tmp_path / "tiny.yaml").read_text() == "mine"


def test_a_name_that_is_none(run: Run) -> None:
    code, out, err = run("zoo", "copy", "tinny")
    assert (code, out) == (1, "")
    assert err == "error: no spec is called `tinny`; did you mean `tiny`? see `archkit zoo`\n"
