"""`archkit resolve --origin`: each value, and the line or the flag that says it."""

import math
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from archkit import default_registry, load_spec, zoo
from archkit.api import origins_document, read
from archkit.cli import archkit
from archkit.origins import DEFAULT
from archkit.overrides import from_argument
from archkit.scalars import scalar

SPEC = """\
archkit: 1
name: mine
extends: base.yaml
set:
  encoder.1.channels: 96
encoder:
  - {channels: 64, attention: true}
  - {channels: 32}
"""
BASE = """\
archkit: 1
name: base
norm:
  type: group
  eps: 1e-3
encoder: [{channels: 32}]
"""


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Of each path of a spec that is made of two files, its `set` and two flags."""
    monkeypatch.chdir(tmp_path)
    Path("spec.yaml").write_text(SPEC)
    Path("base.yaml").write_text(BASE)
    document = read(Path("spec.yaml"), ["encoder.0.blocks=1", "block.norm.groups=8"])
    return {o.path: o.where for o in origins_document(document, default_registry())}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("name", "spec.yaml:2"),
        ("encoder.0.channels", "spec.yaml:7"),
        ("encoder.1.channels", "spec.yaml:5"),
        ("encoder.0.block.norm.eps", "base.yaml:5"),
        ("encoder.1.block.norm.groups", "--set block.norm.groups=8"),
        ("decoder.1.block.norm.groups", "--set block.norm.groups=8"),
        ("encoder.0.blocks", "--set encoder.0.blocks=1"),
        ("encoder.1.blocks", DEFAULT),
        ("encoder.0.block.type", DEFAULT),
        ("input.channels", DEFAULT),
    ],
)
def test_each_value_knows_its_line(where: dict[str, str], path: str, said: str) -> None:
    assert where.get(path, where.get(path.replace("decoder", "encoder"))) == said


def said_on(line: str) -> list[Any]:
    """The scalars of a line of YAML."""
    words = (word.partition(" #")[0] for word in re.split(r"[\s,{}\[\]:\"']+", line))
    return [scalar(word) for word in words if word]


@pytest.mark.parametrize("name", zoo.names())
def test_the_line_says_the_value(name: str) -> None:
    document = read(zoo.folder() / f"{name}.yaml")
    found = origins_document(document, default_registry())
    told = [origin for origin in found if origin.where != DEFAULT]
    assert len(told) > 5
    for origin in told:
        file, _, number = origin.where.rpartition(":")
        line = Path(file).read_text().splitlines()[int(number) - 1]
        values = origin.value if isinstance(origin.value, list) else [origin.value]
        for value in values:
            text = isinstance(value, str) and value in line
            root = "sqrt" in line and isinstance(value, float) and math.isfinite(value)
            assert text or root or value in said_on(line), origin


def test_a_default_is_that_of_an_empty_spec() -> None:
    given = {"archkit": 1, "name": "a", "encoder": [{"channels": 32}]}
    found = origins_document(read(given), default_registry())
    told = {origin.path for origin in found if origin.where != DEFAULT}
    assert told == {"archkit", "name", "encoder.0.channels"}
    assert {o.where for o in found} == {DEFAULT, "python"}
    assert len(found) == len({o.path for o in found})
    assert load_spec(given).name == "a"


def test_a_flag_is_shown_as_it_was_given() -> None:
    change = from_argument("norm.eps=1e-3", 1)
    assert change.value is not None
    place = change.value.place
    assert place is not None
    assert place.text.before + place.text.text == "norm.eps=1e-3"


def test_the_command_prints_columns() -> None:
    result = CliRunner().invoke(archkit, ["resolve", "tiny", "--origin", "--set", "input.size=16"])
    assert re.search(r"^input\.size +16 +--set input\.size=16$", result.output, re.MULTILINE)
    assert re.search(r"^fit +\"strict\" +default$", result.output, re.MULTILINE)
