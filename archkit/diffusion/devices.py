"""Where a network runs."""

from __future__ import annotations

import torch

from ..errors import DiffusionError


def usable(name: str) -> str:
    """The device of that name; ``auto`` is a GPU if there is one. DiffusionError if it is absent.

    Examples:
        >>> usable("cpu")
        'cpu'
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0].partition(". ")[0]
        raise DiffusionError(f"`{name}` can't be used: {reason}") from None
    return name
