"""Whether a network of ours is the same function as one of another codebase, in five steps.

1. count: both have as many numbers.
2. cover: every tensor of theirs has its rule, each of ours is filled once, shapes agree.
3. equal: with every tensor drawn at random, both answer the same.
4. probe: if not, the first node whose output differs.
5. mutate: each option of the spec, changed alone, has to make step 3 fail.

The fifth is what makes the others mean something: most wrong options load without a complaint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from ..api import Source, assemble, load_spec
from ..errors import ShapeError, WeightError
from ..importer import Codebase
from ..module import Gaussian, UNet
from ..nn.axes import spread
from ..weights.coordinates import walk
from ..weights.mapping import adopted, place
from ..weights.rules import Ledger

TOLERANCE = 1e-5


@dataclass(frozen=True)
class Reference:
    """A network of another codebase, one question to it and its answer.

    Arguments:
        codebase: How it names its tensors.
        state: Its state dict.
        inputs: The question, by the names of our spec: ``x``, ``t`` and the conditions.
        output: What it answers.
        module: Itself, where it is at hand; the probe needs it.
        ask: Asks the module that same question.
    """

    codebase: Codebase
    state: Mapping[str, Tensor]
    inputs: Mapping[str, Tensor]
    output: Tensor
    module: nn.Module | None = None
    ask: Callable[[nn.Module], Tensor] | None = None

    @classmethod
    def of(
        cls,
        module: nn.Module,
        codebase: Codebase,
        inputs: Mapping[str, Tensor],
        ask: Callable[[nn.Module], Tensor],
    ) -> Reference:
        """That of a module at hand, asked once."""
        with torch.no_grad():
            output = ask(module.eval())
        return cls(codebase, module.state_dict(), inputs, output, module, ask)


@dataclass(frozen=True, slots=True)
class Difference:
    """The first node whose output is not theirs, and how far it is off."""

    path: str
    theirs: str
    error: float

    def __str__(self) -> str:
        place = f"`{self.path}` ({self.theirs} in theirs)"
        return f"{place} is the first to differ, by {self.error:.1e}"


@dataclass(frozen=True)
class Report:
    """What `verify` found; it prints, and is true if nothing is wrong."""

    parameters: int
    ledger: Ledger
    error: float
    tolerance: float
    first: Difference | None
    survivors: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.error <= self.tolerance and not self.survivors

    def __str__(self) -> str:
        equal = "equal" if self.error <= self.tolerance else "not equal"
        rules, left = self.ledger.filled, self.ledger.dropped
        lines = [
            f"count: {self.parameters:,} parameters here and there",
            f"cover: {len(rules)} tensors filled, {len(left)} of theirs dropped",
            f"equal: {equal}, {self.error:.1e} relative",
        ]
        if self.first:
            lines.append(f"probe: {self.first}")
        lines += [f"mutate: nothing notices `{flip}`" for flip in self.survivors]
        return "\n".join(lines)


def verify(
    spec: Source,
    reference: Reference,
    flips: Iterable[str] = (),
    tolerance: float = TOLERANCE,
) -> Report:
    """All five steps; raises WeightError where counting or covering fails.

    Arguments:
        spec: Ours.
        reference: Theirs.
        flips: Wrong options, as overrides: ``skip.order=skip-first``.
        tolerance: The largest error, relative to the largest number of the answer.
    """
    model, ledger = adopt(spec, reference)
    found = error(answer(model, reference), reference.output)
    first = None
    if found > tolerance and reference.module is not None:
        first = probe(model, reference, tolerance)
    survivors = tuple(flip for flip in flips if _survives(spec, reference, flip, tolerance))
    parameters = sum(p.numel() for p in model.parameters())
    return Report(parameters, ledger, found, tolerance, first, survivors)


def adopt(spec: Source, reference: Reference) -> tuple[UNet, Ledger]:
    """Our network with their weights."""
    model = assemble(spec, initialise=False)
    state, ledger = adopted(model, reference.state, reference.codebase)
    model.load_state_dict(state, assign=True)
    return model.eval(), ledger


def answer(model: UNet, reference: Reference) -> Tensor:
    """What ours answers to the question; mean and variance are one tensor again.

    The variance of a whole sample is a channel of one number.
    """
    with torch.no_grad():
        out = model(**reference.inputs)
    if not isinstance(out, Gaussian):
        return cast(Tensor, out)
    mean, variance = out
    if variance.ndim == 1:
        variance = spread(variance[:, None], mean).expand_as(mean[:, :1])
    return torch.cat((mean, variance), dim=1)


def error(got: Tensor, wanted: Tensor) -> float:
    """max |got − wanted| / max |wanted|; infinite where shapes differ or nothing is finite."""
    if got.shape != wanted.shape:
        return float("inf")
    off = ((got - wanted).abs().max() / wanted.abs().max()).item()
    return off if off == off else float("inf")


def probe(model: UNet, reference: Reference, tolerance: float = TOLERANCE) -> Difference | None:
    """The first node, in the order ours runs, whose output is not what theirs has there."""
    module, ask = reference.module, reference.ask
    if module is None or ask is None:
        raise ValueError("the probe needs the reference's module, and what to ask it")
    known = dict(module.named_modules())
    pairs = {
        node.path: where
        for node, at in walk(model.plan)
        if (where := place(node, at, reference.codebase)) and where in known
    }
    theirs = _outputs(module, pairs.values(), lambda: ask(module))
    ours = _outputs(model, pairs, lambda: answer(model, reference))
    for path, where in pairs.items():
        if (off := error(ours[path], theirs[where])) > tolerance:
            return Difference(path, where, off)
    return None


def randomise(module: nn.Module, seed: int = 0, scale: float = 1.0) -> nn.Module:
    """Draws every parameter anew, so that nothing hides behind a zero or a one.

    Weights have the variance 1 / fan-in, biases a standard deviation of 0.1, norms a weight
    about 1, single numbers are 0.7.

    Arguments:
        module: What is changed, in place.
        seed: Of the draw.
        scale: Of weights and biases. A small one makes activations small, and the `eps` of
            norms visible.
    """
    dice = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            drawn = torch.randn(parameter.shape, generator=dice)
            if parameter.ndim == 0:
                drawn = torch.full_like(drawn, 0.7)
            elif parameter.ndim > 1:
                drawn *= scale * parameter[0].numel() ** -0.5
            elif name.endswith("weight"):
                drawn = 1 + 0.2 * drawn
            else:
                drawn *= 0.1 * scale
            parameter.copy_(drawn)
    return module


def _survives(spec: Source, reference: Reference, flip: str, tolerance: float) -> bool:
    """Whether nothing notices a wrong option; one that no longer takes the weights is noticed."""
    wrong = load_spec(spec, overrides=[flip])
    try:
        model, _ = adopt(wrong, reference)
        return error(answer(model, reference), reference.output) <= tolerance
    except (WeightError, ShapeError):
        return False


def _outputs(module: nn.Module, names: Iterable[str], run: Callable[[], Any]) -> dict[str, Tensor]:
    """What submodules put out in one run; the first of several tensors."""
    found: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[nn.Module, Sequence[Any], Any], None]:
        def hook(_: nn.Module, __: Sequence[Any], out: Any) -> None:
            found[name] = out[0] if isinstance(out, tuple) else out

        return hook

    handles = [module.get_submodule(name).register_forward_hook(keep(name)) for name in names]
    try:
        with torch.no_grad():
            run()
    finally:
        for handle in handles:
            handle.remove()
    return found
