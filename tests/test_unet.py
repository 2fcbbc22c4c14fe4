"""Any spec is told what is wrong with it, or becomes a network that is what the paper says."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import passed
from strategies import specs
from torch import Tensor

import archkit
from archkit import Plan, ShapeError, SpecError, assemble

EXAMPLES = settings(max_examples=200)


def planned(spec: dict[str, Any]) -> Plan | None:
    """The plan; None for a spec that does not fit, whose complaints are all complete."""
    problems = archkit.check(spec)
    for problem in problems:
        assert problem.code
        assert problem.message
        assert not problem.message.endswith(".")
        assert problem.mend, problem
    return None if problems else archkit.plan(spec)


def ran(model: Any, given: dict[str, Tensor]) -> tuple[Any, dict[str, tuple[int, ...]]]:
    """What leaves a model, and the shape that each node gave, without the batch."""
    seen: dict[str, tuple[int, ...]] = {}
    hooks = [
        model.get_submodule(node.path).register_forward_hook(
            lambda module, inputs, out, path=node.path: seen.update({path: tuple(out.shape[1:])})
        )
        for node in model.plan
    ]
    with torch.no_grad():
        out = model(**given)
    for hook in hooks:
        hook.remove()
    return torch.cat(out, dim=1) if isinstance(out, tuple) else out, seen


def on_paper(plan: Plan) -> dict[str, tuple[int, ...]]:
    """The shape that each node should give."""
    shapes = {}
    for node in plan:
        shape = (node.shape.channels, *node.shape.space)
        shapes[node.path] = shape[::-1] if node.name == "condition.sequence" else shape
        if node.path == "precondition.time":
            shapes[node.path] = ()
    return shapes


@EXAMPLES
@given(specs(), st.data())
def test_it_fits_on_paper_and_in_torch_or_says_why_not(spec: dict[str, Any], data: Any) -> None:
    plan = planned(spec)
    if plan is None:
        return
    model = assemble(plan, initialise=False).eval()
    size = plan.spec.input.space
    out, seen = ran(model, passed(plan, batch=1, device="meta", space=size))
    assert seen == on_paper(plan)
    if plan.offers:
        paths = {name: tuple(tensor.shape[1:]) for name, tensor in out.items()}
        assert paths == {name: seen[path] for name, path in plan.offers.items()}
    elif plan.spec.fit != "valid":
        doubled = 2 if plan.spec.output.variance == "learned" else 1
        assert out.shape == (1, doubled * plan.spec.input.channels, *size)

    # A size is legal where the proof says so, and then the module takes it too.
    for axis in plan.axes:
        for n in range(1, 49):
            walked = axis.walk(n)
            fits = walked == n if axis.equal else isinstance(walked, int)
            assert (n in axis) == fits, f"{n} on axis {axis.index}: {axis}, and {walked}"
    other = tuple(data.draw(st.integers(1, 20)) for _ in plan.space)
    if all(n in axis for n, axis in zip(other, plan.axes, strict=True)):
        again = archkit.plan(spec, size=other)
        _, seen = ran(model, passed(again, batch=1, device="meta"))
        assert seen == on_paper(again)
    elif plan.spec.fit != "pad":
        sample = torch.empty(1, plan.spec.input.channels, *other, device="meta")
        with pytest.raises(ShapeError, match=r"^(length|depth|height|width) \d+ does not fit: "):
            model(sample)
        with pytest.raises(SpecError, match=r"does not fit|comes out as"):
            archkit.plan(spec, size=other)
