"""The schema in the language server of editors; `make editor` installs that, and runs this.

It is no part of `make test`, because it needs Node.js and the network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from archkit.cli import archkit
from archkit.registry import load_registry
from archkit.schema import schema
from archkit.sketch import SCHEMA, sketch

from .server import Server

PLUGIN = """
from typing import Literal

from archkit import Block, hookimpl


class Gate(Block):
    '''x · sigmoid(convolution(x)).'''

    type: Literal["gate"] = "gate"
    sharpness: Literal["soft", "hard"] = "soft"
    '''How steep the gate is.'''

    def build(self, site):
        raise NotImplementedError


@hookimpl
def archkit_components():
    return {"block.gate": Gate}
"""
TOP = f"""\
# yaml-language-server: $schema={SCHEMA}
archkit: 1
name: mine
"""
ROWS = TOP + "encoder:\n  - channels: 64\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """In a folder with the schema that `archkit new` puts there, of a registry with a plugin."""
    folder = tmp_path_factory.mktemp("editor")
    (folder / "gate.py").write_text(PLUGIN)
    made = CliRunner().invoke(
        archkit, ["-p", str(folder / "gate.py"), "new", str(folder / "mine.yaml")]
    )
    assert made.exit_code == 0
    running = Server(folder)
    yield running
    running.close()


def test_the_keys_of_the_top(server: Server) -> None:
    found = server.completions(TOP + "█")
    assert {"encoder", "input", "prediction", "norm", "layout", "extends"} <= set(found)
    assert "The stages, one row each" in found["encoder"][1]
    assert "archkit" not in found  # given already


def test_the_keys_of_a_row(server: Server) -> None:
    found = server.completions(ROWS + "    █")
    assert {"attention", "blocks", "pooling", "skip", "times"} <= set(found)
    assert "fit" not in found
    assert "after this stage" in found["pooling"][1]


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ("pooling: █", {"max", "avg", "conv", "blur"}),
        ("prediction: █", {"velocity", "noise", "v"}),
        ("layout: █", {"ddpm", "classic"}),
        ("skip: █", {"concat", "add", "none"}),
        ("block: █", {"resnet", "gate"}),
        ("conditioning:\n  label: █", {"label", "image", "sequence"}),
    ],
)
def test_the_names_of_components(server: Server, place: str, names: set[str]) -> None:
    found = server.completions(TOP + place)
    assert names <= set(found)


def test_names_are_told_what_they_are(server: Server) -> None:
    assert "The largest value of each window" in server.completions(TOP + "pooling: █")["max"][1]


def test_the_type_of_a_mapping(server: Server) -> None:
    found = server.completions(TOP + "block:\n  type: █")
    assert {"resnet", "conv", "gate"} <= set(found)


@pytest.mark.parametrize("style", ["pooling:\n  type: conv\n  █", "pooling: {type: conv, p█}"])
def test_the_options_of_the_chosen_component(server: Server, style: str) -> None:
    found = server.completions(TOP + style)
    assert {"padding", "kernel", "stride"} <= set(found)
    assert not {"odd", "by", "block"} & set(found)  # of max, and of block


def test_in_brackets_a_letter_has_to_be_typed_first(server: Server) -> None:
    """So it is said in docs/editors.md; should the server learn better, say it there."""
    assert server.completions(TOP + "pooling: {type: conv, █}") == {}


def test_the_words_of_an_option(server: Server) -> None:
    assert {"both", "end"} <= set(server.completions(TOP + "pooling:\n  type: conv\n  padding: █"))
    assert {"strict", "pad", "valid"} <= set(server.completions(TOP + "fit: █"))
    found = server.completions(TOP + "conditioning:\n  method: █")
    assert {"add", "scale-shift"} <= set(found)


def test_the_options_of_a_plugin(server: Server) -> None:
    found = server.completions(TOP + "block:\n  type: gate\n  █")
    assert "How steep the gate is." in found["sharpness"][1]
    assert {"soft", "hard"} <= set(server.completions(TOP + "block: {type: gate, sharpness: █}"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TOP + "enc█oder:\n  - {channels: 64}\n", "The stages, one row each"),
        (ROWS + "    blo█cks: 2\n", "How many blocks, or one block for each unit"),
        (ROWS + "pooling:\n  type: conv\n  padd█ing: end\n", "Zeros at both ends of each axis"),
        (ROWS + "pooling: ma█x\n", "The largest value of each window"),
        (ROWS + "block:\n  type: gate\n  sharp█ness: soft\n", "How steep the gate is"),
    ],
)
def test_hover(server: Server, text: str, said: str) -> None:
    assert said in server.hover(text)


@pytest.mark.parametrize(
    ("line", "column", "said"),
    [
        ("chanels: 3", 0, "Property chanels is not allowed"),
        ("fit: strikt", 5, "strict"),
        ("pooling: {type: conv, paddingg: end}", 22, "paddingg"),
        ("block: {type: gate, sharpness: blunt}", 31, "soft"),
        ("input: {channels: 0}", 18, "exclusive minimum"),
        ("input: {channels: three}", 18, "Expected"),
        ("block: resnett", 7, ""),
    ],
)
def test_what_is_wrong_is_underlined(server: Server, line: str, column: int, said: str) -> None:
    found = server.diagnostics(ROWS + line + "\n")
    assert found
    assert any(r == 5 and c == column and said in words for r, c, words in found), found


@pytest.mark.parametrize("words", ["", "classic, 32, 2 stages, class 10", "1-D, 64, text, noise"])
def test_what_archkit_writes_is_fine(server: Server, words: str) -> None:
    registry = load_registry([str(server.folder / "gate.py")])
    assert server.diagnostics(sketch("mine", words, registry)) == []


def test_every_shipped_spec_is_fine(server: Server) -> None:
    for path in sorted((Path(__file__).parents[2] / "specs").glob("*.yaml")):
        first = f"# yaml-language-server: $schema={SCHEMA}\n"
        assert server.diagnostics(first + path.read_text()) == [], path.name


def test_the_schema_is_quick_enough_to_be_read_at_every_keystroke(server: Server) -> None:
    text = json.dumps(schema(load_registry()))
    assert len(text) < 1_000_000
    assert not re.search(r'"\$ref": "(?!#/definitions/)', text)
