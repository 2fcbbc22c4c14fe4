"""Files of weights of other codebases, read one tensor at a time."""

from __future__ import annotations

import json
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..checkpoint import INDEX
from ..errors import WeightError
from .files import opened

_MAPPED = 256 * 2**20
_GLOBAL = re.compile(r"(?:GLOBAL|class) ([\w.]+\.\w+)")


def read_tensors(path: Path, state: str | None = None) -> Mapping[str, Tensor]:
    """The tensors of a file by name; raises WeightError where it can't be read.

    Those of safetensors are mapped from the file when they are asked for. Of pickles nothing but
    tensors is read; one that holds anything else is refused, because reading it could run code.

    Arguments:
        path: A file, or the index of several.
        state: Which state dict is meant, where a pickle holds several.
    """
    if state is not None and (path.name.endswith(INDEX) or path.suffix == ".safetensors"):
        raise WeightError(f"{path} holds tensors, and no state dict called `{state}`")
    if path.name.endswith(INDEX):
        return Mapped(_indexed(path))
    if path.suffix == ".safetensors":
        return Mapped(dict.fromkeys(opened(path).keys(), path))
    return _unpickled(path, state)


class Unpickled:
    """The tensors of a pickle, asked for as those of safetensors are."""

    def __init__(self, path: Path) -> None:
        self._held = _unpickled(path)

    def keys(self) -> Iterable[str]:
        return self._held.keys()

    def get_tensor(self, name: str) -> Tensor:
        return self._held[name]


def _file(path: Path) -> Any:
    return opened(path) if path.suffix == ".safetensors" else Unpickled(path)


class Mapped(Mapping[str, Tensor]):
    """Tensors in files, mapped; none is kept, so that memory holds a few of them.

    Arguments:
        where: The file of each.
    """

    def __init__(self, where: Mapping[str, Path]) -> None:
        self._where = where
        self._path: Path | None = None
        self._file: Any = None
        self._bytes = 0

    def __getitem__(self, name: str) -> Tensor:
        path = self._where[name]
        if path != self._path or self._bytes > _MAPPED:
            # What was read of a file stays in memory for as long as the file is mapped.
            self._file, self._path, self._bytes = _file(path), path, 0
        tensor: Tensor = self._file.get_tensor(name)
        self._bytes += tensor.nbytes
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._where)

    def __len__(self) -> int:
        return len(self._where)


def _indexed(path: Path) -> dict[str, Path]:
    """The file of each tensor, as an index says; each file holds what is said of it."""
    try:
        says = json.loads(path.read_bytes())["weight_map"]
        where = {str(name): path.parent / file for name, file in says.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise WeightError(f"{path} is no index of files of weights") from None
    for file in sorted(set(where.values())):
        said = {name for name, other in where.items() if other == file}
        if lacking := sorted(said - set(_file(file).keys())):
            raise WeightError(f"{file} lacks `{lacking[0]}`, which {path.name} says is in it")
    return where


def _unpickled(path: Path, state: str | None = None) -> Mapping[str, Tensor]:
    mapped = zipfile.is_zipfile(path)
    try:
        with warnings.catch_warnings(action="ignore"):
            held = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except FileNotFoundError:
        raise WeightError(f"{path}: no such file") from None
    except Exception as error:  # what a broken pickle raises, nobody knows
        raise WeightError(f"{path} {_refusal(str(error))}") from None
    if not isinstance(held, Mapping):
        raise WeightError(f"{path} holds no state dict")
    return _state(held, path, state)


def _refusal(said: str) -> str:
    """Why torch did not read a pickle; its own advice is to read it all the same."""
    if not said.startswith("Weights only load failed"):
        return f"can't be read: {said.strip().partition(chr(10))[0] or 'it ends too early'}"
    if (named := _GLOBAL.search(said)) is None:
        return "can't be read: it is no file of tensors alone, and of pickles no more is read"
    return (
        f"is refused: it is a pickle that holds `{named[1]}` beside tensors, and reading it could "
        "run code; where you trust it, save its state dict as safetensors"
    )


def _state(held: Mapping[str, Any], path: Path, wanted: str | None) -> Mapping[str, Tensor]:
    """The state dict among what a checkpoint holds."""
    if wanted is None and _tensors(held):
        return held
    inside: dict[str, Mapping[str, Tensor]] = {k: v for k, v in held.items() if _tensors(v)}
    names = [wanted] if wanted else [*inside] if len(inside) == 1 else ["state_dict"]
    if names[0] in inside:
        return inside[names[0]]
    listed = ", ".join(f"`{name}`" for name in inside or held) or "nothing"
    if wanted:
        raise WeightError(f"{path} holds no state dict called `{wanted}`, but {listed}")
    if not inside:
        raise WeightError(f"{path} holds no state dict: {listed}")
    raise WeightError(f"{path} holds several state dicts: {listed}; say which with `state`")


def _tensors(value: Any) -> bool:
    """Whether it is a state dict."""
    held = value.values() if isinstance(value, Mapping) else ()
    return bool(held) and all(isinstance(one, Tensor) for one in held)
