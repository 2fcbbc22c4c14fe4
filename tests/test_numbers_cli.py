"""show and diff, as they are called."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from probes import PLUGIN

import archkit
from archkit.cli import main

SPEC = """
archkit: 1
name: little
input: {channels: 1, size: 8}
norm: {groups: 4}
encoder:
  - {channels: 8, blocks: 1}
  - {channels: 8, blocks: 1, attention: true}
"""


class Result(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Calls archkit in a folder that holds little.yaml; nobody ever sees a traceback."""
    monkeypatch.chdir(tmp_path)
    Path("little.yaml").write_text(SPEC)

    def call(*arguments: str) -> Result:
        with pytest.raises(SystemExit) as exit:
            main(list(arguments))
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return Result(int(exit.value.code or 0), told.out, told.err)

    return call


def written(text: str, **changes: str) -> None:
    for old, new in changes.items():
        text = text.replace(old, new)
    Path("other.yaml").write_text(text)


# show -----------------------------------------------------------------------------------------


def test_show(run: Run) -> None:
    told = run("show", "little.yaml")
    assert (told.code, told.err) == (0, "")
    lines = told.out.splitlines()
    assert lines[0] == "little: 1×8×8, a batch of 1, float32"
    assert lines[1] == "  parameters  18,521 (72.3 KiB in float32)"
    assert lines[2] == ("  arithmetic  517 kMACs for a batch of 1 (1.03 MFLOPs: two for each MAC)")
    assert lines[5] == "  bottleneck  sees everything: attention reaches every position"
    (stem,) = [line for line in lines if line.startswith("stem ")]
    assert stem.split() == [
        *("stem", "8×8×8", "80", "0.4", "%", "4.61", "kMACs", "0.9", "%"),
        *("2.38", "KiB", "16.5", "%", "2.00", "KiB", "2.2", "%", "3×3"),
    ]
    assert not any(line.startswith("encoder.0.blocks.0.block") for line in lines)
    matrix = "decoder.1.blocks.1.attention       1      1         16 × 16           1.00 KiB"
    assert lines[-1] == matrix


def test_show_lists_nodes(run: Run) -> None:
    told = run("show", "little.yaml", "--nodes")
    for node in archkit.plan(SPEC):
        assert f"\n{node.path} " in told.out


def test_show_for_another_size_batch_and_type(run: Run) -> None:
    told = run("show", "little.yaml", "--size", "16,32", "--batch", "3", "--dtype", "float16")
    assert told.out.startswith("little: 1×16×32, a batch of 3, float16\n")
    assert "(36.2 KiB in float16)" in told.out


def test_show_with_overrides(run: Run) -> None:
    assert "24×8×8" in run("show", "little.yaml", "--set", "encoder.0.channels=24").out


def test_show_as_data(run: Run) -> None:
    told = json.loads(run("show", "little.yaml", "--json", "--batch", "2").out)
    assert told == archkit.report(SPEC, batch=2).as_dict()


def test_show_as_a_page(run: Run) -> None:
    assert run("show", "little.yaml", "--html", "deep/page.html").code == 0
    assert Path("deep/page.html").read_text().startswith("<!doctype html>")
    assert [path.name for path in Path("deep").iterdir()] == ["page.html"]


def test_a_budget_word_for_word(run: Run) -> None:
    assert run("show", "little.yaml", "--budget", "87 KiB").code == 0
    told = run("show", "little.yaml", "--budget", "85KiB")
    assert told.code == 1
    assert told.err.strip() == (
        "error[budget]: `decoder.0.blocks.0.block` breaks the budget of 85.0 KiB by 1.73 KiB: "
        "86.7 KiB are alive while it runs, 72.3 KiB of them weights\n"
        "  at decoder.0.blocks.0.block\n"
        "  mend: use a smaller `--size`, or a narrower `--dtype`"
    )


def test_a_budget_for_training(run: Run) -> None:
    assert run("show", "little.yaml", "--budget", "320KiB").code == 0
    told = run("show", "little.yaml", "--budget", "320KiB", "--training")
    assert told.code == 1
    assert "`decoder.1.blocks.0.join` breaks the budget of 320 KiB" in told.err


def test_plugins_that_do_not_say(run: Run) -> None:
    Path("quiet.py").write_text(PLUGIN)
    silent = ("--set", "block.type=silent", "--set", "conditioning.time=none")
    told = run("-p", "quiet.py", "show", "little.yaml", *silent)
    assert told.code == 0
    assert "not counted, because the component states no cost: encoder.0.blocks.0.block" in told.out
    told = run("-p", "quiet.py", "show", "little.yaml", "--measure", *silent)
    assert (told.code, "not counted" in told.out) == (0, False)


def test_times_on_request(run: Run) -> None:
    assert "a sampling step" not in run("show", "little.yaml").out
    assert "a sampling step" in run("show", "little.yaml", "--device", "cpu").out
    told = run("show", "little.yaml", "--device", "abacus")
    assert told.code == 1
    assert told.err.startswith("error: `abacus` can't be used")


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_effective_receptive_fields(run: Run, suffix: str) -> None:
    output = f"erf.{suffix}"
    assert run("show", "little.yaml", "--effective-receptive-field", "-o", output).code == 0
    data = Path(output).read_bytes()
    if suffix == "png":
        assert data.startswith(b"\x89PNG")
    else:
        assert data.count(b"<image ") == data.count(b"#5CE1E6") == 7
        assert b"theoretical 7\xc3\x977, effective" in data


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--budget", "lots"], "`lots` is no amount of memory; write 24GiB, or 800MB"),
        (["--training"], "`--training` says what a `--budget` is for; give one"),
        (["--effective-receptive-field"], "say where the picture goes: `-o erf.png`"),
        (["-o", "x.png"], "`-o` is for the picture of `--effective-receptive-field`"),
        (
            ["--effective-receptive-field", "-o", "x.gif"],
            "`x.gif` is no picture; end it in .png or .svg",
        ),
        (["--dtype", "int8"], "'int8' is not one of"),
        (["--batch", "0"], "0 is not in the range x>=1"),
    ],
)
def test_usage(run: Run, options: list[str], words: str) -> None:
    told = run("show", "little.yaml", *options)
    assert told.code == 2
    assert words in told.err
    assert told.out == ""


def test_a_broken_spec(run: Run) -> None:
    written(SPEC, groups="gruops")
    told = run("show", "other.yaml")
    assert told.code == 1
    assert "unknown-key" in told.err or "unknown-option" in told.err


def test_show_needs_no_torch(run: Run) -> None:
    code = (
        "import sys\nfrom archkit.cli import main\n"
        "try: main(['show', 'little.yaml', '--nodes', '--html', 'page.html'])\n"
        "except SystemExit as exit: assert exit.code == 0\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


# diff -----------------------------------------------------------------------------------------


def test_the_same_network(run: Run) -> None:
    written(SPEC, little="renamed")
    told = run("diff", "little.yaml", "other.yaml")
    assert told == Result(0, "little and renamed are the same network\n", "")


def test_defaults_written_out_make_no_difference(run: Run) -> None:
    written(SPEC + "skip: {type: concat}\nblock: resnet\n")
    assert run("diff", "little.yaml", "other.yaml").code == 0


def test_what_differs(run: Run) -> None:
    wider = SPEC.replace("- {channels: 8, blocks: 1}\n", "- {channels: 16, blocks: 1}\n")
    written(wider, little="wider")
    told = run("diff", "little.yaml", "other.yaml")
    assert told.code == 1
    lines = told.out.splitlines()
    assert lines[:2] == ["little → wider", "  encoder.0.channels: 8 → 16"]
    assert [line.split() for line in lines if line.startswith("parameters")] == [
        ["parameters", "18,521", "42,809"]
    ]
    assert lines[-1].startswith("16 nodes changed: conditioning.time, ")


def test_what_rows_inherit_is_told_once(run: Run) -> None:
    written(SPEC, groups="eps: 1e-3, groups")
    lines = run("diff", "little.yaml", "other.yaml").out.splitlines()
    assert lines[1].startswith("  norm.eps: 1e-05 → 0.001 (and at ")
    assert lines[2] == ""


def test_another_component_and_another_row(run: Run) -> None:
    written(SPEC + "  - {channels: 8, attention: true}\npooling: avg\n")
    told = run("diff", "little.yaml", "other.yaml").out
    assert "  pooling: conv → avg (and at 2 places that inherit it)\n" in told
    assert "  encoder.2: nothing → {channels: 8, blocks: 2, attention: self}\n" in told
    assert "nodes added: encoder.1.pooling, encoder.2.blocks.0.block, " in told


def test_differences_as_data(run: Run) -> None:
    written(SPEC, little="other", attention="norm: {groups: 2}, attention")
    told = run("diff", "little.yaml", "other.yaml", "--json")
    data = json.loads(told.out)
    assert (told.code, data["same"]) == (1, False)
    assert (data["before"], data["after"]) == ("little", "other")
    paths = [difference["path"] for difference in data["spec"]]
    assert "encoder.1.block.norm.groups" in paths
    assert data["numbers"]["parameters"] == {"before": 18521, "after": 18521}
    assert data["nodes"]["added"] == data["nodes"]["removed"] == []
    assert "encoder.1.blocks.0.block" in data["nodes"]["changed"]
    assert data == archkit.diff(SPEC, Path("other.yaml")).as_dict()


def test_differences_as_a_picture(run: Run) -> None:
    written(SPEC, little="other", attention="norm: {groups: 2}, attention")
    told = run("diff", "little.yaml", "other.yaml", "-o", "changes.svg")
    run("draw", "little.yaml", "other.yaml", "--diff", "-o", "drawn.svg")
    assert told.code == 1
    assert Path("changes.svg").read_bytes() == Path("drawn.svg").read_bytes()


def test_networks_of_other_axes(run: Run) -> None:
    written(SPEC, **{"size: 8": "size: [16]"})
    told = run("diff", "little.yaml", "other.yaml")
    assert told.code == 1
    assert "  input.size: 8 → [16]\n" in told.out
