"""What the originals answered, from files: tests/golden, or the folder that is shared beside us."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from torch import Tensor

from archkit import Config
from archkit.testing.parity import Reference

HERE = Path(__file__).parents[1] / "golden"
BESIDE = Path(__file__).parents[3] / "shared" / "golden"
OURS = {
    **{"timesteps": "t", "noise_labels": "t", "sigma": "t", "context": "text"},
    **{"y": "label", "class_labels": "label", "augment_labels": "augment"},
    **{"context_single": "text"},
}


@cache
def fixture(name: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The entry and the tensors of a fixture; where there is none, the test is skipped aloud."""
    for folder in (HERE, BESIDE):
        path = folder / f"{name}.safetensors"
        if path.is_file():
            index = json.loads((folder / "index.json").read_text())
            entry = next(e for e in index["fixtures"] if e["name"] == name)
            return entry, load_file(path)
    pytest.skip(f"{name} is neither in tests/golden nor in ../shared/golden: not compared")


def config_of(name: str, **more: Any) -> Config:
    """The arguments that the original was made with, and what they leave to its class."""
    return {**fixture(name)[0]["config"], **more}


def weights_of(name: str) -> dict[str, Tensor]:
    """The original's state dict."""
    tensors = fixture(name)[1]
    return {k.removeprefix("weights/"): t for k, t in tensors.items() if k.startswith("weights/")}


def asked(name: str, call: int = 0) -> tuple[dict[str, Tensor], Tensor]:
    """One question to the original by our names, and its answer; classes are whole numbers."""
    entry, tensors = fixture(name)
    said = entry["call"][call]
    given = {}
    for word in (*said["args"], *said.get("kwargs", {}).values()):
        tensor = tensors[f"inputs/{word}"].clone()
        if word == "class_labels":
            assert ((tensor == 0) | (tensor == 1)).all()
            tensor = tensor.argmax(1)
        given[OURS.get(word, word)] = tensor
    return given, tensors[f"outputs/{said['outputs'][0]}"]


def reference(name: str, importer: Any, config: Config, call: int = 0, **renamed: str) -> Reference:
    """What the original answered, to compare ours with.

    Arguments:
        renamed: Our name of an input, where it is another than usual.
    """
    given, answer = asked(name, call)
    given = {renamed.get(word, word): tensor for word, tensor in given.items()}
    return Reference(importer.codebase(config), weights_of(name), given, answer)
