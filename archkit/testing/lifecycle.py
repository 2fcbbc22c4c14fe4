"""Laws of what happens to a module: it is built on no device, saved, copied, compiled, exported."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..parts import Part
from ..weights.blank import blank
from .law import law, require
from .trials import richest, typical


@law(
    Part,
    why="`archkit.load` builds networks without memory, and networks move between devices",
    mend="name no device in `forward`, and look at no values; a buffer that is not saved is made "
    "with `device='cpu'`, since no file will fill it",
)
def meta(component: Part) -> None:
    """It is built, and runs, on the meta device, and answers the same once it has its weights."""
    for trial in typical(component):
        module = trial.module("meta")
        real = [name for name, tensor in module.state_dict().items() if not tensor.is_meta]
        require(not real, f"at {trial}, {', '.join(real)} is on a device of its own choice")
        out = module(*trial.arguments(device="meta"))
        require(out.is_meta, f"at {trial}, its answer left the device of its inputs")
        with blank():
            light = trial.component.build(trial.site).eval()
        whole, arguments = trial.module(), trial.arguments()
        light.load_state_dict(whole.state_dict(), assign=True)
        same = torch.equal(whole(*arguments), light(*arguments))
        require(same, f"at {trial}, one that was loaded answers otherwise")


@law(
    Part,
    why="weights are saved as safetensors, which holds each tensor once and nothing else",
    mend="register parameters and buffers, each once; random buffers have to be persistent",
)
def state(component: Part) -> None:
    """Its state dict is all there is to it: nothing hides, no two tensors share memory."""
    for trial in typical(component):
        module, arguments = trial.module(), trial.arguments()
        out = module(*arguments)
        hidden = set(_leaves(out)) - set(module.parameters())
        require(not hidden, f"at {trial}, it learns with {len(hidden)} unregistered tensors")
        own = [t.data_ptr() for t in module.state_dict().values() if t.numel()]
        require(len(own) == len(set(own)), f"at {trial}, two of its tensors share memory")
        torch.default_generator.manual_seed(9)
        other = trial.component.build(trial.site).eval()
        other.load_state_dict(safetensors.torch.load(safetensors.torch.save(module.state_dict())))
        require(torch.equal(out, other(*arguments)), f"at {trial}, a saved one answers otherwise")


@law(
    Part,
    why="averages of weights are deep copies, and workers are sent pickles",
    mend="keep functions of modules at the top of their file: no lambdas, no closures",
)
def copies(component: Part) -> None:
    """A deep copy and an unpickled one answer the same."""
    for trial in typical(component):
        module, arguments = trial.module(), trial.arguments()
        out = module(*arguments)
        for twin in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
            require(torch.equal(out, twin(*arguments)), f"at {trial}, a copy answers otherwise")


@law(
    Part,
    why="checkpointing halves the memory of training",
    mend="draw random numbers with torch's generator, and change no state in `forward`",
)
def checkpointing(component: Part) -> None:
    """Recomputed in the backward pass, gradients are the same."""
    for trial in typical(component):
        module = trial.module().train()
        arguments = [
            tensor.requires_grad_() if tensor.is_floating_point() else tensor
            for tensor in trial.arguments()
        ]
        plain = _gradients(module, arguments, module(*_seeded(arguments)))
        again = checkpoint(module, *_seeded(arguments), use_reentrant=False)
        for a, b in zip(plain, _gradients(module, arguments, again), strict=True):
            same = a is b if a is None or b is None else torch.allclose(a, b)
            require(same, f"at {trial}, gradients differ once they are recomputed")


@law(
    Part,
    why="one graph is what makes torch.compile fast; a break gives half of it back",
    mend="branch on shapes and options only, never on values: no `.item()`, no `if tensor:`",
)
def compile(component: Part) -> None:
    """torch.compile makes one graph of it."""
    for trial in richest(component):
        module, arguments = trial.module(), trial.arguments()
        torch._dynamo.reset()
        graph = torch.compile(module, fullgraph=True, backend="eager")
        same = torch.allclose(graph(*arguments), module(*arguments), rtol=1e-4, atol=1e-5)
        require(same, f"at {trial}, the compiled module answers otherwise")


@law(
    Part,
    why="exported programs run where there is no Python, at any batch",
    mend="keep the batch out of Python's arithmetic; branch on options only",
)
def export(component: Part) -> None:
    """torch.export takes it, with a batch of any size."""
    for trial in richest(component):
        module, arguments = trial.module(), trial.arguments(2)
        sizes: Any = torch.export.ShapesCollection()
        for argument in arguments:
            sizes[argument] = {0: torch.export.Dim("batch")}
        dynamic = sizes.dynamic_shapes(module, tuple(arguments))
        program = torch.export.export(module, tuple(arguments), dynamic_shapes=dynamic)
        three = trial.arguments(3)
        same = torch.allclose(program.module()(*three), module(*three), rtol=1e-4, atol=1e-5)
        require(same, f"at {trial}, the exported program answers otherwise")


def _leaves(out: Tensor) -> Iterator[Tensor]:
    """Every tensor that a gradient of `out` would be accumulated in."""
    found: set[Any] = set()
    todo = [out.grad_fn]
    while todo:
        step = todo.pop()
        if step is None or step in found:
            continue
        found.add(step)
        variable = getattr(step, "variable", None)
        if variable is not None:
            yield variable
        todo += [before for before, _ in step.next_functions]


def _seeded(arguments: list[Tensor]) -> list[Tensor]:
    torch.default_generator.manual_seed(3)
    return arguments


def _gradients(module: nn.Module, arguments: list[Tensor], out: Tensor) -> list[Tensor | None]:
    wanted = [t for t in (*arguments, *module.parameters()) if t.requires_grad]
    if not out.requires_grad:
        return []
    return list(torch.autograd.grad(out.square().sum(), wanted, allow_unused=True))


LAWS = (meta, state, copies, checkpointing, compile, export)
