"""`archkit sweep`: every combination, checked and counted before one of them is written."""

import json
import os
import re
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from archkit import SpecError, check, default_registry, load_spec, plan, report
from archkit.cli import archkit
from archkit.sweeps import axis, combinations, tried

BASE = """\
archkit: 1
name: base
input: {size: 32}
width: 64
encoder:
  - {times: 1, blocks: 1}
  - {times: 2, blocks: 1}
"""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("base.yaml").write_text(BASE)


def swept(*arguments: str) -> Result:
    return CliRunner().invoke(archkit, ["sweep", *arguments], standalone_mode=False)


GRID = ("--grid", "width=32,48,64", "--grid", "skip=concat,add,none")


def test_what_fits_is_written_and_the_rest_is_listed_with_its_reason() -> None:
    result = swept("base.yaml", *GRID, "-o", "deep/out")
    assert result.return_value == 0
    written = sorted(os.listdir("deep/out"))
    expected = [
        f"base-width-{width}-skip-{skip}.yaml" for width in (32, 64) for skip in ("concat", "none")
    ]
    assert written == sorted(expected)
    assert "4 specs of 9 in deep/out" in result.stdout
    refused = result.stdout.partition("4 specs")[2]
    assert "32 groups do not divide 48 channels" in refused
    assert "`skip: add` can't add 32 channels of the skip to 64 of the trunk" in refused
    assert len(re.findall(r"^  width=\d+, skip=\w+$", refused, re.MULTILINE)) == 5


def test_what_is_written_is_what_was_counted() -> None:
    swept("base.yaml", *GRID, "-o", "out")
    told = json.loads(swept("base.yaml", *GRID, "-o", "out", "--json").stdout)
    kept = [entry for entry in told if entry["file"]]
    assert len(kept) == 4
    for entry in kept:
        path = Path(entry["file"])
        assert check(path) == []
        spec = load_spec(path)
        assert spec.name == path.stem
        assert (spec.width, spec.skip.type) == tuple(entry["settings"].values())
        counted = report(plan(path))
        assert entry["report"]["parameters"] == counted.parameters
        assert entry["report"]["inference_bytes"] == counted.inference
    for entry in told:
        assert bool(entry["file"]) == bool(entry["report"]) == (not entry["problems"])


def test_the_table_has_the_numbers() -> None:
    out = swept("base.yaml", "--grid", "width=32,64", "-o", "out").stdout
    head, first, _ = out.splitlines()[:3]
    columns = "width parameters MACs receptive field inference training file"
    assert head.split() == columns.split()
    counted = report(plan(Path("out/base-width-32.yaml")))
    assert f"{counted.parameters:,}" in first
    assert str(counted.bottleneck) in first


def test_a_shipped_spec_is_a_base_as_well() -> None:
    assert swept("tiny", "--grid", "input.size=16,32", "-o", "out").return_value == 0
    assert "extends: tiny\n" in Path("out/tiny-input-size-16.yaml").read_text()


def test_a_sweep_may_be_repeated_and_overwrites_nothing_else() -> None:
    arguments = ("base.yaml", "--grid", "width=32", "-o", "out")
    assert swept(*arguments).return_value == swept(*arguments).return_value == 0
    Path("out/base-width-32.yaml").write_text("precious")
    assert "says something else" in str(swept(*arguments).exception)
    assert Path("out/base-width-32.yaml").read_text() == "precious"


def test_it_exits_with_1_where_nothing_fits() -> None:
    assert swept("base.yaml", "--grid", "width=33,35", "-o", "out").return_value == 1
    assert os.listdir("out") == []


def test_values_are_yaml() -> None:
    assert axis("a=1,[2, 3],{b: 4, c: [5]},no")[1] == [1, (2, 3), {"b": 4, "c": (5,)}, "no"]
    assert axis("a='x,y',z")[1] == ["x,y", "z"]
    grid = {"pooling": ["max", {"type": "conv", "padding": "end"}, {"type": "conv"}]}
    names = [point.name for point in combinations("base.yaml", "base", grid)]
    assert names == ["base-pooling-max", "base-pooling-conv", "base-pooling-conv-2"]


@pytest.mark.parametrize("argument", ["width", "width=", "=3"])
def test_what_is_no_grid_is_refused(argument: str) -> None:
    with pytest.raises(SpecError, match="a grid is `KEY=VALUE,VALUE,…`"):
        axis(argument)
    assert "one --grid only" in str(
        swept("base.yaml", "--grid", "width=1", "--grid", "width=2", "-o", "out").exception
    )


def test_a_key_that_is_none_is_told_for_each() -> None:
    result = swept("base.yaml", "--grid", "widht=32,64", "-o", "out")
    said = (
        "unknown-key: the top of a spec has no key `widht`; drop it, for `width` is given already"
    )
    assert f"\n{said}\n  widht=32\n  widht=64\n" in result.stdout


def test_a_key_that_changes_nothing_is_told() -> None:
    rows = "encoder:\n  - {channels: 32, norm: layer}\n  - {channels: 64, norm: layer}\n"
    Path("base.yaml").write_text(BASE.partition("encoder")[0] + rows)
    told = "`width` changes nothing: whatever it is, the network is the same"
    grid = ("base.yaml", "--grid", "width=32,64", "--grid", "skip=concat,none", "-o", "out")
    shown = swept(*grid).stdout
    assert "4 specs of 4" in shown
    assert told in shown
    assert "`skip` changes" not in shown
    assert "resolve out/base-width-64-skip-none.yaml --origin" in shown


@pytest.mark.parametrize(
    "axis", ["width=32,64", "fit=pad,strict", "prediction=v,noise", "head.zero_init=true,false"]
)
def test_a_key_that_changes_something_is_not(axis: str) -> None:
    shown = swept("base.yaml", "--grid", axis, "--grid", "input.channels=3", "-o", "out").stdout
    assert "2 specs of 2" in shown
    assert "changes nothing" not in shown


def test_fifty_a_second() -> None:
    """Seconds of the processor, so that a busy machine does not matter."""
    Path("out").mkdir()
    grid = {"width": [32, 64, 96, 128], "skip": ["concat", "none"], "pooling": ["max", "conv"]}
    points = combinations("../base.yaml", "base", {**grid, "encoder.*.blocks": [1, 2, 3]})
    registry = default_registry()
    tried(points[0], Path("out"), registry)
    start = time.process_time()
    assert all(tried(point, Path("out"), registry).report for point in points)
    assert len(points) / (time.process_time() - start) >= 50
