"""Building modules without memory and without initialising them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn import init
from torch.overrides import TorchFunctionMode

_MAKING = frozenset(
    getattr(torch, name)
    for name in """arange empty empty_strided eye full linspace logspace ones rand randint randn
    randperm scalar_tensor tensor zeros""".split()
)
_FILLING = frozenset(
    [getattr(torch.Tensor, name) for name in ("uniform_", "normal_", "fill_", "zero_", "mul_")]
    + [init.uniform_, init.normal_, init.constant_, init.kaiming_uniform_, init.kaiming_normal_]
)


class _Blank(TorchFunctionMode):
    """New tensors are on the meta device, and what only fills a tensor there is left out.

    One mode for both: each costs some microseconds a call, and a network is made of thousands.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func in _FILLING:
            tensor = args[0] if args else kwargs["tensor"]
            if tensor.is_meta:
                return tensor
        if func in _MAKING and not (kwargs and kwargs.get("device")):
            kwargs = {**(kwargs or {}), "device": "meta"}
        return func(*args, **(kwargs or {}))


@contextmanager
def blank() -> Iterator[None]:
    """Inside, new modules have parameters on the meta device and no initialiser is run."""
    with _Blank():
        yield
