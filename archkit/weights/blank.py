"""Building modules without memory and without initialising them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn import init
from torch.overrides import TorchFunctionMode

_FILLING = frozenset(
    [getattr(torch.Tensor, name) for name in ("uniform_", "normal_", "fill_", "zero_", "mul_")]
    + [init.uniform_, init.normal_, init.constant_, init.kaiming_uniform_, init.kaiming_normal_]
)


class _Unfilled(TorchFunctionMode):
    """Leaves out whatever only fills a tensor: on the meta device there is nothing to fill."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func in _FILLING:
            tensor = args[0] if args else kwargs["tensor"]
            if tensor.is_meta:
                return tensor
        return func(*args, **(kwargs or {}))


@contextmanager
def blank() -> Iterator[None]:
    """Inside, new modules have parameters on the meta device and no initialiser is run."""
    with torch.device("meta"), _Unfilled():
        yield
