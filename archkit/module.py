"""Plan to torch: a module that runs the plan, so that what is drawn is what is computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from .errors import ShapeError
from .nn.frames import folded, repeated, unfolded
from .plans import Plan


class Gaussian(NamedTuple):
    """What a network with a variance answers: a mean of the sample's shape, and a tensor of that
    shape for ``learned``, or one number for each sample (B,) for ``per-sample``."""

    mean: Tensor
    variance: Tensor


Told = Tensor | Mapping[str, Tensor] | None
"""What a condition may be given: residuals are several tensors, by the names of their places."""


def flat(conditions: Mapping[str, Told]) -> dict[str, Tensor | None]:
    """Each tensor by the name of its input: those of a mapping as ``NAME.KEY``."""
    found: dict[str, Tensor | None] = {}
    for name, told in conditions.items():
        if isinstance(told, Mapping):
            found.update({f"{name}.{key}": tensor for key, tensor in told.items()})
        else:
            found[name] = told
    return found


class _Step(NamedTuple):
    """One node as it is run: its module stands in `owner`, so that replacing it there counts.

    Where it is applied to each frame alone, `videos` says which of its inputs have frames.
    """

    owner: nn.Module
    name: str
    path: str
    inputs: tuple[str, ...]
    spent: tuple[str, ...]
    videos: tuple[bool, ...] | None


class UNet(nn.Module):
    """Runs a plan node by node; parameters are named after the paths of the nodes.

    Call it as ``model(x, t, **conditions)`` with the names of the spec's conditions; what comes
    out has exactly the shape of `x` (B, channels, \\*space).

    Attributes:
        plan: The plan it runs.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        spent = _spent(plan)
        self._steps = [
            _Step(
                _plant(self, node.path, node.component.build(node.site)),
                node.path.rpartition(".")[2],
                node.path,
                node.inputs,
                spent.get(node.path, ()),
                node.videos,
            )
            for node in plan.nodes
        ]
        self._saving: frozenset[str] = frozenset()
        self._times = "t" in plan.inputs

    def forward(
        self, x: Tensor, t: Tensor | float | None = None, **conditions: Told
    ) -> Tensor | Gaussian | dict[str, Tensor]:
        """The prediction for the noisy sample `x` at the times `t`.

        Arguments:
            x: (B, channels, *space).
            t: (B,), or one time for all; left out where the spec says `time: none`.
            conditions: Each by its name. A label with a null class may be left out, and so may
                residuals, which are a mapping: what another network offers.

        Returns:
            A tensor of the shape of `x`; a Gaussian where the spec names a `variance`; what is
            offered, by the names of its places, where the layout offers what it taps.

        Raises:
            ShapeError: Before any arithmetic, in one sentence.
        """
        values = self._checked(x, t, conditions)
        padding = self._padding(x) if self.plan.spec.fit == "pad" else None
        if padding:
            for name, value in values.items():
                takes = self.plan.inputs[name]
                if name == "x" or (takes.follows and takes.of == "x"):
                    values[name] = functional.pad(value, [takes.times * n for n in padding])
        out = self._run(values)
        if self.plan.offers:
            return {name: values[path] for name, path in self.plan.offers.items()}
        if padding:
            for axis, n in enumerate(x.shape[2:], start=2):
                out = out.narrow(axis, 0, n)
        variance = self.plan.spec.output.variance
        if variance == "per-sample":
            return Gaussian(out[:, :-1], out[:, -1].flatten(1).mean(dim=1))
        return Gaussian(*out.chunk(2, dim=1)) if variance == "learned" else out

    def save_memory(self, paths: Iterable[str] | bool = True) -> None:
        """Recompute these nodes in the backward pass instead of keeping their activations.

        Arguments:
            paths: Paths of nodes; True for every block and attention, False for none.
        """
        nodes = self.plan.nodes
        if isinstance(paths, bool):
            kinds = ("block", "attention")
            paths = [n.path for n in nodes if n.component.kind in kinds] if paths else []
        known = {node.path for node in nodes}
        chosen = frozenset(paths)
        if unknown := sorted(chosen - known):
            raise ValueError(f"no node is called {unknown[0]!r}; see `archkit plan`")
        self._saving = chosen

    def _run(self, values: dict[str, Tensor]) -> Tensor:
        out = values["x"]
        frames = out.shape[2]
        saving = self._saving if self.training and torch.is_grad_enabled() else frozenset()
        for step in self._steps:
            module: nn.Module = step.owner._modules[step.name]  # type: ignore[assignment]
            arguments = [values[name] for name in step.inputs]
            for name in step.spent:
                del values[name]
            if step.videos:
                pairs = zip(arguments, step.videos, strict=True)
                arguments = [folded(a) if has else repeated(a, frames) for a, has in pairs]
            if step.path in saving:
                out = checkpoint(module, *arguments, use_reentrant=False)
            else:
                out = module(*arguments)
            out = unfolded(out, frames) if step.videos else out
            values[step.path] = out
        return out

    def _checked(
        self, x: Tensor, t: Tensor | float | None, conditions: Mapping[str, Told]
    ) -> dict[str, Tensor]:
        given = flat(conditions)
        self._check_sample(x)
        values = {"x": x}
        if self._times:
            if t is None:
                raise ShapeError("the model needs the time: call it as model(x, t)")
            times = torch.as_tensor(t, device=x.device)
            values["t"] = times.expand(x.shape[0]) if times.ndim == 0 else times
            if values["t"].shape != x.shape[:1]:
                raise ShapeError(
                    f"t has the shape {tuple(times.shape)}; it is one time for each of the "
                    f"{x.shape[0]} samples, or one for all"
                )
        elif t is not None:
            raise ShapeError("this spec says `time: none`: the model takes no t")
        self._check_names(given)
        for name in self.plan.conditions:
            values[name] = self._condition(name, given.get(name), values)
        return values

    def _check_sample(self, x: Tensor) -> None:
        wanted = self.plan.inputs["x"].shape
        if x.ndim != len(wanted) + 1:
            raise ShapeError(
                f"x has {x.ndim} axes and needs {len(wanted) + 1}: "
                f"(batch, {wanted[0]}, {', '.join(self.plan.axis_names)})"
            )
        if x.shape[1] != wanted[0]:
            raise ShapeError(f"x has {x.shape[1]} channels and needs {wanted[0]}")
        if not x.is_floating_point():
            raise ShapeError(f"x holds {x.dtype}; it needs floating-point numbers")
        if x.dtype == torch.float64 and (own := next(self.parameters(), x).dtype) != x.dtype:
            raise ShapeError(f"x holds {x.dtype} and the model {own}; pass x.to({own})")
        if self.plan.spec.fit == "pad":
            return
        for n, axis, name in zip(x.shape[2:], self.plan.axes, self.plan.axis_names, strict=True):
            if n not in axis:
                raise ShapeError(_size_sentence(name, int(n), axis))

    def _check_names(self, given: dict[str, Tensor | None]) -> None:
        known = self.plan.conditions
        for name, value in given.items():
            if name not in known:
                self._refuse_name(name, value)

    def _refuse_name(self, name: str, value: Tensor | None) -> None:
        """Raises ShapeError, but for residuals that are None, which is as good as left out."""
        word, _, place = name.partition(".")
        words = [word for word in self.plan.arguments if word not in ("x", "t")]
        if word not in words:
            listed = ", ".join(f"`{word}`" for word in words) or "none"
            raise ShapeError(f"no condition is called `{name}`; this model takes {listed}")
        names = self.plan.arguments[word]
        places = ", ".join(name.partition(".")[2] for name in names)
        if place:
            where = f"its places are {places}" if len(names) > 1 else "it is one tensor"
            raise ShapeError(f"`{word}` has no place `{place}`; {where}")
        if value is not None:
            raise ShapeError(f"`{word}` is a mapping of tensors by their places: {places}")

    def _condition(self, name: str, value: Tensor | None, values: dict[str, Tensor]) -> Tensor:
        takes, x = self.plan.inputs[name], values["x"]
        sequence = None if takes.follows or takes.of == "x" else values[takes.of]
        if value is None:
            if takes.null is None:
                raise ShapeError(f"the condition `{name}` is missing: call model(…, {name}=…)")
            kind = torch.int64 if takes.numbers == "int" else x.dtype
            free = 1 if sequence is None else sequence.shape[1]
            shape = (x.shape[0], *(n or free for n in takes.shape))
            return torch.full(shape, takes.null, dtype=kind, device=x.device)
        shape = tuple(value.shape)
        if len(shape) != len(takes.shape) + 1:
            wanted = ", ".join(["batch", *(str(n or "any") for n in takes.shape)])
            raise ShapeError(f"`{name}` has the shape {shape} and needs ({wanted})")
        for n, size in zip(shape[1:], takes.shape, strict=True):
            if size is not None and n != size:
                raise ShapeError(f"`{name}` has the shape {shape}; {n} should be {size}")
        if takes.follows:
            self._check_size(name, value, x)
        elif sequence is not None and shape[1] != (n := sequence.shape[1]):
            raise ShapeError(f"`{name}` tells of {shape[1]} tokens, and `{takes.of}` has {n}")
        if value.shape[0] != x.shape[0]:
            raise ShapeError(f"`{name}` holds {value.shape[0]} entries for {x.shape[0]} samples")
        if (takes.numbers == "int") == value.is_floating_point():
            needed = "whole numbers" if takes.numbers == "int" else "floating-point numbers"
            raise ShapeError(f"`{name}` holds {value.dtype}; it needs {needed}")
        if value.dtype == torch.float64 != x.dtype:
            raise ShapeError(
                f"`{name}` holds {value.dtype} and x {x.dtype}; pass {name}.to({x.dtype})"
            )
        if value.device != x.device:
            raise ShapeError(f"`{name}` is on {value.device} and x on {x.device}; pass both on one")
        return value

    def _check_size(self, name: str, value: Tensor, x: Tensor) -> None:
        """Whether what follows the sample, or a node, has its size."""
        takes, space = self.plan.inputs[name], tuple(x.shape[2:])
        if takes.of != "x" and (padding := self._padding(x)):
            space = tuple(n + more for n, more in zip(space, padding[-1::-2], strict=True))
        wanted = self.plan.room(name, space)
        if tuple(value.shape[2:]) == wanted:
            return
        is_, sample, needed = ("×".join(map(str, s)) for s in (value.shape[2:], space, wanted))
        needs = "they have one size" if needed == sample else f"it needs {needed}"
        raise ShapeError(f"`{name}` is {is_} and the sample {sample}; {needs}")

    def _padding(self, x: Tensor) -> list[int] | None:
        """Zeros at the end of each axis, in the order of torch's pad; None where all fits."""
        missing = []
        for n, axis, name in zip(x.shape[2:], self.plan.axes, self.plan.axis_names, strict=True):
            above = axis.nearest(int(n))[1]
            if above is None:
                raise ShapeError(_size_sentence(name, int(n), axis))
            missing.append(above - n)
        if not any(missing):
            return None
        return [pad for extra in reversed(missing) for pad in (0, extra)]


def _size_sentence(name: str, n: int, axis: object) -> str:
    below, above = axis.nearest(n)  # type: ignore[attr-defined]
    sizes = " or ".join(dict.fromkeys(str(m) for m in (below, above) if m))
    return f"{name} {n} does not fit: this network takes {axis}, such as {sizes}"


def _spent(plan: Plan) -> dict[str, tuple[str, ...]]:
    """For each node, the values that nothing reads after it."""
    spent: dict[str, tuple[str, ...]] = {}
    for name, last in plan.last_reader.items():
        spent[last] = (*spent.get(last, ()), name)
    return spent


def _plant(root: nn.Module, path: str, leaf: nn.Module) -> nn.Module:
    """Puts a node's module at its path; answers the module that holds it."""
    *branches, name = path.split(".")
    for branch in branches:
        below = root._modules.get(branch)
        if below is None:
            root._modules[branch] = below = nn.Module()
        root = below
    root.add_module(name, leaf)
    return root
