"""Any spec is told what is wrong with it, or becomes a network that is what the paper says."""

from typing import Any

import archkit
import pytest
import torch
from archkit import Plan, ShapeError, SpecError, assemble
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import passed
from strategies import specs
from torch import Tensor

EXAMPLES = settings(max_examples=120)


def planned(spec: dict[str, Any]) -> Plan | None:
    """The plan; None for a spec that does not fit, whose complaints are all complete."""
    try:
        return archkit.plan(spec)
    except SpecError as error:
        assert error.problems
        for problem in error.problems:
            assert problem.code
            assert problem.message
            assert not problem.message.endswith(".")
            assert problem.mend, problem
        return None


def ran(model: Any, given: dict[str, Tensor]) -> tuple[Tensor, dict[str, tuple[int, ...]]]:
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
    return out if isinstance(out, Tensor) else torch.cat(out, dim=1), seen


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
    out, seen = ran(model, passed(plan, batch=1, device="meta"))
    assert seen == on_paper(plan)
    if spec["fit"] != "valid":
        channels, *size = out.shape[1:]
        assert tuple(size) == plan.spec.input.space
        doubled = 2 if spec["output"]["variance"] == "learned" else 1
        assert channels == doubled * plan.spec.input.channels

    # Any other size is refused, or comes out as it went in.
    other = tuple(data.draw(st.integers(1, 12)) for _ in plan.space)
    again = archkit.plan(spec, size=other) if fits(plan, other) else None
    given_ = passed(again or plan, batch=1, device="meta")
    if again is None:
        if plan.spec.fit != "pad":
            with pytest.raises(ShapeError):
                model(**{**given_, "x": torch.empty(1, *plan.nodes[0].shape.space, device="meta")})
        return
