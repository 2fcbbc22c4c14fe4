"""Laws of what a part computes: shapes, costs, batches, gradients, numbers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ..parts import Part
from .law import law, require
from .trials import Trial, trials, typical


@law(
    Part,
    why="the plan proves shapes on paper; where the paper is wrong, the proof is worth nothing",
    mend="correct `infer` or `size_maps`: they must say what `forward` gives, for every size",
)
def shape(component: Part) -> None:
    """What comes out has the shape that the paper says, at every size it accepts."""
    for trial in trials(component):
        wanted = trial.expected(2)
        got = tuple(_out(trial, 2).shape)
        require(got == wanted, f"at {trial}, the paper says {wanted} and torch gives {got}")


@law(
    Part,
    why="reports and parameter counts are made on paper, and are taken for exact",
    mend="correct `cost`, or leave it out: the part is then shown as not counted",
)
def cost(component: Part) -> None:
    """Parameters and multiply-accumulates are those that torch counts, if it states them."""
    for trial in trials(component):
        stated = component.cost(trial.site)
        if stated is None:
            continue
        module = trial.module()
        # Of attention, the counter knows the products that the fused kernels are made of.
        counting = FlopCounterMode(display=False)
        with torch.no_grad(), counting as counter, sdpa_kernel(SDPBackend.MATH):
            module(*trial.arguments(1))
        counted = sum(p.numel() for p in module.parameters())
        require(
            stated.parameters == counted,
            f"at {trial}, the paper counts {stated.parameters} parameters and torch {counted}",
        )
        macs = counter.get_total_flops() // 2
        require(
            stated.macs == macs,
            f"at {trial}, the paper counts {stated.macs} multiply-accumulates and torch {macs}",
        )


@law(
    Part,
    why="one sample at a time is how people sample",
    mend="do not squeeze axes, and take no statistics over the batch in evaluation mode",
)
def batch_of_one(component: Part) -> None:
    """A batch of one is a batch."""
    for trial in typical(component):
        got, two = tuple(_out(trial, 1).shape), tuple(_out(trial, 2).shape)
        fits = got == (1, *two[1:])
        require(fits, f"at {trial}, a batch of one gives {got}, and one of two {two}")


@law(
    Part,
    why="a skip, or a later node, still needs what it was given",
    mend="do not work in place on what came from outside: `inplace=False`, no `x += …`",
)
def untouched(component: Part) -> None:
    """It leaves its inputs as they are."""
    for trial in typical(component):
        arguments = trial.arguments()
        with torch.no_grad():
            trial.module()(*arguments)
        pairs = zip(arguments, trial.arguments(), strict=True)
        changed = [i for i, (after, before) in enumerate(pairs) if not torch.equal(after, before)]
        require(not changed, f"at {trial}, it writes into its inputs {changed}")


@law(
    Part,
    why="the same seed has to give the same picture",
    mend="draw random numbers while training only, or once, when the module is built",
)
def determinism(component: Part) -> None:
    """In evaluation mode the same inputs give the same outputs; so does the same seed."""
    for trial in typical(component):
        module = _seeded(trial, 7)
        first, again = module(*trial.arguments()), module(*trial.arguments())
        require(torch.equal(first, again), f"at {trial}, two runs differ")
        other = _seeded(trial, 7)(*trial.arguments())
        require(torch.equal(first, other), f"at {trial}, two modules of one seed differ")


@law(
    Part,
    why="what is sampled must not depend on what was sampled before, or on how it was trained",
    mend="change buffers `if self.training` only, and ask for nothing but `self.training`",
)
def modes(component: Part) -> None:
    """Evaluation changes no state, and after a switch to training and back it answers the same."""
    for trial in typical(component):
        module = trial.module()
        before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
        first = module(*trial.arguments())
        after = module.state_dict()
        changed = [name for name in before if not torch.equal(before[name], after[name])]
        require(not changed, f"at {trial}, evaluation changes {', '.join(changed)}")
        for training in (True, False):
            kept = {part.training for part in module.train(training).modules()}
            require(kept == {training}, f"at {trial}, a part of it keeps its own mode")
        same = torch.equal(first, module(*trial.arguments()))
        require(same, f"at {trial}, it answers otherwise after a switch to training and back")


@law(
    Part,
    why="what is sampled must not depend on what is sampled beside it",
    mend="take statistics over channels and positions, never over the batch",
)
def batch_independence(component: Part) -> None:
    """In evaluation mode a sample comes out the same whatever else is in its batch."""
    for trial in typical(component):
        alone, together = _out(trial, 1), _out(trial, 2)[:1]
        close = torch.allclose(alone, together, rtol=1e-3, atol=1e-4)
        require(close, f"at {trial}, a sample differs by {_distance(alone, together):.2g}")


@law(
    Part,
    why="what no gradient reaches does not learn, and yet takes memory",
    mend="use every parameter and everything that `reads` names in `forward`, without `detach`",
)
def gradients(component: Part) -> None:
    """Gradients reach every parameter and every input, and are finite."""
    idle: dict[str, bool] = {}
    for trial in typical(component):
        module, arguments = trial.module().train(), trial.arguments()
        inputs = {
            f"input {i}": tensor.requires_grad_()
            for i, (tensor, takes) in enumerate(zip(arguments, trial.takes, strict=True))
            if tensor.is_floating_point() and takes.shape
        }
        watched = inputs | dict(module.named_parameters())
        out = module(*arguments)
        if not watched:
            continue
        require(out.requires_grad, f"at {trial}, no gradient flows at all")
        out.square().sum().backward()
        for name, tensor in watched.items():
            require(tensor.grad is not None, f"at {trial}, no gradient reaches {name}")
            assert tensor.grad is not None
            require(bool(tensor.grad.isfinite().all()), f"at {trial}, that of {name} is not finite")
            # A bias before a norm has none by nature.
            idle[name] = idle.get(name, tensor.ndim > 1) and not bool(tensor.grad.any())
    dead = [name for name, nothing in idle.items() if nothing]
    require(not dead, f"the gradient of {', '.join(dead)} is always zero")


@law(
    Part,
    why="networks are trained in bfloat16 and compared in double precision",
    mend="make tensors with the `dtype` and `device` of an input or a parameter",
)
def dtypes(component: Part) -> None:
    """As bfloat16 and as float64, it answers in the numbers it was given."""
    for trial in typical(component):
        for dtype in (torch.bfloat16, torch.float64):
            module, arguments = trial.module().to(dtype), trial.arguments(dtype=dtype)
            out = module(*arguments)
            given = (*arguments, *module.parameters(), *module.buffers())
            whole = not any(t.is_floating_point() for t in given)  # they stay what they are
            kept = whole or out.dtype == dtype or trial.answers == "times"
            require(kept, f"at {trial}, {dtype} goes in and {out.dtype} comes out")
            require(bool(out.isfinite().all()), f"at {trial}, {dtype} gives what is not finite")


@law(
    Part,
    why="mixed precision is how networks are trained on GPUs",
    mend="do not write into tensors, or mix them, as if all had one dtype",
)
def autocast(component: Part) -> None:
    """It runs under autocast to bfloat16."""
    for trial in typical(component):
        with torch.autocast("cpu", torch.bfloat16):
            out = _out(trial, 2)
        require(bool(out.isfinite().all()), f"at {trial}, autocast gives what is not finite")


@torch.no_grad()
def _out(trial: Trial, batch: int) -> Tensor:
    out: Tensor = trial.module()(*trial.arguments(batch))
    return out


def _seeded(trial: Trial, seed: int) -> nn.Module:
    torch.default_generator.manual_seed(seed)
    return trial.component.build(trial.site).eval()


def _distance(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max())


LAWS = (
    shape,
    cost,
    batch_of_one,
    untouched,
    determinism,
    modes,
    batch_independence,
    gradients,
    dtypes,
    autocast,
)
