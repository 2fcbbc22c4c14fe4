"""The memory of a module, seen from torch's dispatcher: what is alive, and what autograd keeps."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Alive(TorchDispatchMode):
    """Counts the bytes of every tensor made inside that still lives.

    Attributes:
        now: Bytes alive at the moment.
        peak: The most that were alive at once.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now: int = 0
        self.peak: int = 0
        self._seen: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        given = {_storage(leaf) for leaf in tree_leaves((args, kwargs)) if _holds(leaf)}
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if _holds(leaf) and _storage(leaf) not in given | self._seen:
                self._watch(leaf)
        return out

    def _watch(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        self._seen.add(key)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._free, key, size)

    def _free(self, key: int, size: int) -> None:
        self._seen.discard(key)
        self.now -= size


def peak(module: nn.Module, arguments: Sequence[Tensor]) -> int:
    """Most bytes alive at once while a module answers: what it makes, its output among it."""
    alive = Alive()
    with torch.no_grad(), alive:
        module(*arguments)
    return alive.peak


def kept(
    module: nn.Module, arguments: Sequence[Tensor], wanted: Sequence[bool]
) -> tuple[int, frozenset[str]]:
    """What autograd keeps for the backward pass of a module, parameters and buffers left out.

    Arguments:
        wanted: Which of the arguments a gradient goes on to.

    Returns:
        Bytes made inside, and what it keeps besides: arguments by their number, and ``out``.
    """
    given = [a.detach().requires_grad_(w) for a, w in zip(arguments, wanted, strict=True)]
    storages: dict[int, Any] = {}

    def keep(tensor: Tensor) -> Tensor:
        storages[_storage(tensor)] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        out = module(*given)
    for own in (*module.parameters(), *module.buffers()):
        storages.pop(_storage(own), None)
    names = {_storage(out): "out"} | {_storage(a): str(i) for i, a in enumerate(given)}
    words = frozenset(names[key] for key in storages if key in names)
    inside = sum(storage.nbytes() for key, storage in storages.items() if key not in names)
    return inside, words


def _holds(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) and leaf.untyped_storage().nbytes() > 0


def _storage(tensor: Tensor) -> int:
    key: int = tensor.untyped_storage()._cdata
    return key
