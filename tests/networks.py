"""Small networks that use everything: specs as plain data, and what to pass to their modules."""

from math import prod
from typing import Any

import torch
from torch import Tensor

from archkit import Plan, assemble

PLAIN: dict[str, Any] = {
    "archkit": 1,
    "name": "plain",
    "input": {"channels": 3, "size": 16},
    "norm": {"groups": 8},
    "encoder": [{"channels": 16, "blocks": 1}, {"channels": 32, "blocks": 1, "attention": True}],
}
TOLD: dict[str, Any] = {
    "archkit": 1,
    "name": "told",
    "input": {"channels": 2, "size": [16, 8]},
    "output": {"variance": "learned"},
    "prediction": "noise",
    "norm": {"groups": 4},
    "attention": {"type": "transformer", "heads": 2},
    "pooling": {"type": "block", "by": {"type": "blur"}},
    "upsampling": {"type": "block", "by": "nearest"},
    "conditioning": {
        "method": "scale-shift",
        "label": {"type": "label", "classes": 5, "dropout": 0.5},
        "size": {"type": "vector", "channels": 3, "into": "time"},
        "text": {"type": "sequence", "channels": 6, "tokens": 4},
        "low": {"type": "image", "channels": 2},
    },
    "encoder": [{"channels": 8, "blocks": 1}, {"channels": 16, "blocks": 2, "attention": True}],
}
CLASSIC: dict[str, Any] = {
    "archkit": 1,
    "name": "classic",
    "input": {"channels": 1, "size": [8, 4, 8]},
    "prediction": "none",
    "conditioning": {"time": "none"},
    "layout": "classic",
    "norm": "instance",
    "activation": "leaky-relu",
    "block": {"type": "conv", "count": 2},
    "pooling": "max",
    "upsampling": "transposed",
    "skip": "gated",
    "head": {"type": "conv", "kernel": 1, "norm": "none"},
    "encoder": [{"channels": 4, "blocks": 1}, {"channels": 6, "blocks": 1}],
}
SMALL = {"plain": PLAIN, "told": TOLD, "classic": CLASSIC}


def network(spec: Any, seed: int = 0) -> Any:
    """The module of a spec with all its parameters random, in evaluation mode."""
    model = assemble(spec)
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.1)
    return model.eval()


def passed(
    plan: Plan,
    batch: int = 2,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    space: tuple[int, ...] | None = None,
) -> dict[str, Tensor]:
    """A tensor for each input of a plan, by its name; the same every time.

    Images have the size of the sample, and sequences are as long as costs are counted with.
    """
    chance = torch.Generator().manual_seed(1)
    found = {}
    for name, takes in plan.inputs.items():
        image = name == "x" or None in takes.shape[1:]
        tokens = (plan.tokens(name),) * len(takes.shape)
        free = iter(plan.room(name, space or ()) if image else tokens)
        shape = (batch, *(next(free) if n is None else n for n in takes.shape))
        if takes.numbers == "int":
            whole = torch.arange(prod(shape)).remainder(2)
            found[name] = whole.reshape(shape).to(device)
        elif not takes.shape:
            found[name] = torch.rand(shape, generator=chance).to(device)
        else:
            found[name] = torch.randn(shape, generator=chance).to(device, dtype)
    return found
