"""What the README shows is what happens."""

from __future__ import annotations

import re
import runpy
import sys
import textwrap
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import archkit
from archkit.cli import archkit as cli

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.S | re.M)


def block(language: str, start: str) -> str:
    (found,) = [text for tag, text in BLOCKS if tag == language and text.startswith(start)]
    return found


def test_the_spec_is_the_network_it_says() -> None:
    plan = archkit.plan(block("yaml", "archkit: 1"))
    assert f"{plan.cost.parameters:,} parameters of it" in README
    assert len(block("yaml", "archkit: 1").splitlines()) == 10


WRONG = """\
archkit: 1
name: unet
input: {channels: 3, size: 28}
encoder:
  - {channels: 64}
  - {channels: 100, atention: true}
  - {channels: 128}
  - {channels: 256, block: resnett}
"""


def test_the_complaints_are_word_for_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command, _, words = block("", "$ archkit check").partition("\n")
    monkeypatch.chdir(tmp_path)
    Path("unet.yaml").write_text(WRONG)
    result = CliRunner().invoke(cli, command.split()[2:], standalone_mode=False)
    assert result.stderr == words


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    (tmp_path / "example.py").write_text(block("python", "import archkit"))
    found = runpy.run_path(str(tmp_path / "example.py"))
    assert found["v"].shape == found["x"].shape


def test_the_plugin_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layers = """
        from torch import nn

        class GatedConvolution(nn.Module):
            def __init__(self, dims, channels, width, kernel):
                super().__init__()
                self.conv = nn.Conv2d(channels, width, kernel, padding=kernel // 2)

            def forward(self, x):
                return self.conv(x).sigmoid() * x[:, :1]
    """
    (tmp_path / "my_layers.py").write_text(textwrap.dedent(layers))
    (tmp_path / "gate.py").write_text(block("python", "from typing"))
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = archkit.registry.load_registry([str(tmp_path / "gate.py")])
    model = archkit.assemble({**TINY, "block": "gate"}, registry=registry)
    assert sum(p.numel() for p in model.parameters()) == model.plan.cost.parameters
    sys.modules.pop("my_layers", None)


TINY = {
    "archkit": 1,
    "name": "gates",
    "input": {"size": 8},
    "conditioning": {"time": "none"},
    "encoder": [{"channels": 32}, {"channels": 64}],
}


def test_every_command_of_the_table_exists() -> None:
    named = set(re.findall(r"`archkit (\w+)", README))
    assert named <= set(cli.list_commands(click.Context(cli)))


def test_every_picture_is_there() -> None:
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file(), path
