"""archkit draw: what is written, where, and what is said when it can't be."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest
from probes import PLUGIN, small

from archkit.cli import main
from archkit.drawing import SUFFIXES

SPEC = """
archkit: 1
name: {name}
input: {{size: 16}}
norm: {{groups: 8}}
encoder:
  - {{channels: 16, blocks: 1}}
  - {{channels: {width}, blocks: 1, attention: true}}
"""


class Result(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(
    capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Calls `archkit draw` in a folder with two specs."""
    monkeypatch.chdir(tmp_path)
    Path("one.yaml").write_text(SPEC.format(name="one", width=32))
    Path("two.yaml").write_text(SPEC.format(name="two / 2", width=48))

    def call(*arguments: str) -> Result:
        with pytest.raises(SystemExit) as exit:
            main(["draw", *arguments])
        out, err = (text.decode() for text in capfdbinary.readouterr())
        assert "Traceback" not in err
        return Result(int(exit.value.code or 0), out, err)

    return call


def test_a_u_in_the_terminal(run: Run) -> None:
    code, out, err = run("one.yaml")
    assert (code, err) == (0, "")
    assert "╭ enc 0 ─" in out
    assert "concat · 2 × 16 ch" in out
    assert "╭ mid ─" in out


def test_several_outputs_in_one_call(run: Run) -> None:
    outputs = [f"u.{suffix}" for suffix in SUFFIXES]
    arguments = [word for name in outputs for word in ("-o", name)]
    assert run("one.yaml", *arguments) == (0, "", "")
    assert all(Path(name).stat().st_size > 500 for name in outputs)
    assert Path("u.dot").read_bytes() == Path("u.gv").read_bytes()
    assert {path.name for path in Path().iterdir()} == {*outputs, "one.yaml", "two.yaml"}


def test_stdout_is_svg_unless_it_is_told(run: Run) -> None:
    code, out, err = run("one.yaml", "-o", "-")
    assert (code, err) == (0, "")
    assert ElementTree.fromstring(out).get("role") == "img"
    assert run("one.yaml", "-o", "-.mmd").out.splitlines()[1] == "block-beta"


def test_plugins_that_state_no_cost_are_measured_when_asked(
    capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    (tmp_path / "quiet.py").write_text(PLUGIN)
    (tmp_path / "probe.yaml").write_text(json.dumps(small(block="silent")))
    told = []
    for asked in ([], ["--measure"]):
        with pytest.raises(SystemExit) as exit:
            main(["-p", f"{tmp_path}/quiet.py", "draw", f"{tmp_path}/probe.yaml", *asked])
        assert not exit.value.code
        told.append(capsysbinary.readouterr().out.decode())
    assert "8 nodes are not counted" in told[0]
    assert "not counted" not in told[1]
    assert "38 parameters" in told[1]


def test_several_files_are_named_by_their_specs(run: Run) -> None:
    assert run("one.yaml", "two.yaml", "-o", "out/{name}.svg").code == 0
    assert sorted(path.name for path in Path("out").iterdir()) == ["one.svg", "two-2.svg"]
    code, _, err = run("one.yaml", "two.yaml", "-o", "u.svg")
    assert code == 2
    assert "several FILEs need {name}" in err
    assert run("one.yaml", "two.yaml").out.count("╭ mid ") == 2


def test_a_shipped_spec_by_its_name(run: Run) -> None:
    assert "╭ enc 3 ─" in run("ddpm-cifar10").out


def test_details_themes_and_titles(run: Run) -> None:
    def svg(*options: str) -> str:
        return run("one.yaml", "-o", "-", *options).out

    assert "ResNet 16 → 16" in svg("--detail", "stage")
    assert "GroupNorm 8" in svg("--detail", "block")
    assert 'fill="#0D1117"' in svg("--theme", "dark")
    assert ">one</text>" in svg()
    assert ">one</text>" not in svg("--no-title")
    assert ">one</text>" not in svg("--preset", "paper")
    assert ">one</text>" in svg("--preset", "paper", "--title")
    assert "MACs of a stage" not in svg("--no-costs")
    assert "residual block" not in svg("--no-legend")


def test_another_size_and_other_values(run: Run) -> None:
    assert "16 @ 32×48" in run("one.yaml", "--size", "32,48").out
    assert "24 @ 16×16" in run("one.yaml", "--set", "encoder.0.channels=24").out


@pytest.mark.parametrize(
    ("width", "pixels"), [("300", 400), ("300pt", 400), ("6in", 576), ("254mm", 960), ("60px", 60)]
)
def test_widths(run: Run, width: str, pixels: int) -> None:
    code, out, _ = run("one.yaml", "--width", width, "-o", "-")
    assert code == 0
    assert float(ElementTree.fromstring(out).get("width", "")) == pytest.approx(pixels, abs=0.01)


@pytest.mark.parametrize("width", ["wide", "3 furlongs", "0", "-3", ""])
def test_what_is_no_width(run: Run, width: str) -> None:
    code, _, err = run("one.yaml", f"--width={width}", "-o", "-")
    assert code == 2
    assert "is no width; write 497pt, 175mm, 6.9in or 800px" in err


def test_less_than_can_be_read_is_warned_of(run: Run) -> None:
    code, _, err = run("one.yaml", "--preset", "paper", "--width", "1in", "-o", "u.pdf")
    assert code == 0
    assert err.startswith("warning: the smallest type is ")
    assert err.count("\n") == 1
    assert run("one.yaml", "--preset", "paper", "-o", "u.pdf").err == ""


def test_what_changed(run: Run) -> None:
    code, out, err = run("one.yaml", "two.yaml", "--diff", "-o", "-")
    assert (code, err) == (0, "")
    assert "one → two / 2" in out
    assert ">changed</text>" in out
    code, _, err = run("one.yaml", "--diff")
    assert code == 2
    assert "--diff takes two FILEs" in err


def test_an_unknown_suffix_writes_nothing(run: Run) -> None:
    code, _, err = run("one.yaml", "-o", "u.svg", "-o", "u.webp")
    assert code == 1
    assert err.startswith("error: can't write u.webp: suffixes are .svg, .png, ")
    assert not Path("u.svg").exists()


@pytest.mark.parametrize(
    ("suffix", "package", "installed"), [("png", "resvg_py", "resvg-py"), ("pdf", "reportlab", "")]
)
def test_what_is_not_installed_is_told(
    run: Run, monkeypatch: pytest.MonkeyPatch, suffix: str, package: str, installed: str
) -> None:
    for name in (package, f"{package}.pdfbase", f"{package}.pdfgen.canvas"):
        monkeypatch.setitem(sys.modules, name, None)
    code, _, err = run("one.yaml", "-o", f"u.{suffix}")
    assert code == 1
    assert f"`pip install {installed or package}`, or save it as SVG" in err
    assert err.count("\n") == 1
    assert not Path(f"u.{suffix}").exists()


def test_a_place_that_cannot_be_written(run: Run) -> None:
    Path("taken").write_text("a file, not a folder")
    code, _, err = run("one.yaml", "-o", "taken/u.svg")
    assert code == 1
    assert err.startswith("error: can't write taken/u.svg: ")
    assert err.count("\n") == 1
    assert Path("taken").read_text() == "a file, not a folder"


def test_a_spec_that_does_not_fit(run: Run) -> None:
    Path("bad.yaml").write_text(SPEC.format(name="bad", width=33))
    code, _, err = run("bad.yaml", "-o", "u.svg")
    assert code == 1
    assert "error[groups]" in err
    assert not Path("u.svg").exists()


def test_no_torch_is_needed(tmp_path: Path) -> None:
    code = (
        "import sys; from archkit.cli import main\n"
        "try: main(['draw', 'tiny', *sys.argv[1:]])\n"
        "except SystemExit as exit: assert not exit.code, exit.code\n"
        "assert 'torch' not in sys.modules"
    )
    outputs = [word for s in SUFFIXES for word in ("-o", str(tmp_path / f"u.{s}"))]
    subprocess.run([sys.executable, "-c", code, *outputs], check=True)
    assert len(list(tmp_path.iterdir())) == len(SUFFIXES)
