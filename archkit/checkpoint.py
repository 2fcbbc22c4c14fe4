"""A network on disk as its makers leave it: a config, and a file of weights beside it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from .errors import WeightError
from .importer import Config
from .source import parse

INDEX = ".index.json"
"""What the index of several files of weights ends in."""
SUFFIXES = (
    *(f".safetensors{INDEX}", ".safetensors", f".bin{INDEX}", ".bin"),
    *(".pt", ".pth", ".ckpt"),
)
"""What files of weights end in, the ones to prefer first."""
_OWN = "diffusion_pytorch_model"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What was found: at least one of the two.

    Arguments:
        config: The options that the network was made with.
        weights: A file of tensors, or the index of several.
    """

    config: Config | None
    weights: Path | None


def find(source: Path, config: Path | None = None) -> Checkpoint:
    """The checkpoint at a path; raises WeightError if there is none.

    Arguments:
        source: A file of weights, the index of several, a config, or a folder with both. A
            folder that holds a whole pipeline of diffusers stands for its ``unet``.
        config: The config, where it is not beside the weights.
    """
    if source.is_dir():
        source = source / "unet" if (source / "model_index.json").exists() else source
        beside = source / "config.json"
        chosen = config or (beside if beside.exists() else None)
        weights = _in_folder(source)
        if chosen is None and weights is None:
            raise WeightError(f"{source} holds neither a config.json nor a file of weights")
        return Checkpoint(read_config(chosen) if chosen else None, weights)
    if not source.exists():
        raise WeightError(f"{source}: no such file")
    if source.name.endswith(SUFFIXES):
        beside = source.parent / "config.json"
        if config is None and source.name.startswith(_OWN) and beside.exists():
            config = beside
        return Checkpoint(read_config(config) if config else None, source)
    if source.suffix in (".json", ".yaml", ".yml") and config is None:
        return Checkpoint(read_config(source), _in_folder(source.parent))
    listed = ", ".join(SUFFIXES)
    raise WeightError(f"{source} is no config (.json, .yaml) and no file of weights ({listed})")


def read_config(path: Path) -> Config:
    """A config as plain data; raises WeightError for what is no mapping."""
    if path.suffix != ".json":
        says: Config = parse(path.read_bytes(), str(path)).data
        return says
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise WeightError(f"{path} is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise WeightError(f"{path} is no config: it holds no options by name")
    return found


def _in_folder(folder: Path) -> Path | None:
    """The file of weights in a folder; that of diffusers' own name if there are several."""
    for suffix in SUFFIXES:
        found = sorted(path for path in folder.iterdir() if path.name.endswith(suffix))
        own = [path for path in found if path.name == f"{_OWN}{suffix}"]
        if len(found) > 1 and not own:
            listed = ", ".join(path.name for path in found)
            raise WeightError(f"{folder} holds several files of weights: {listed}; name one")
        if found:
            return (own or found)[0]
    return None
