"""The laws hold, the gate opens and closes, and the spec runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import archkit
import pytest
import torch
from archkit.testing import parametrize_with_checks

from archkit_attention_gate import AttentionGate
from archkit_attention_gate.layers import AttentionGateModule

ROOT = Path(__file__).parent.parent
REGISTRY = archkit.load_registry([str(ROOT)])
COMPONENTS = [
    AttentionGate(),
    AttentionGate(weighs="positions", reduction=1),
    AttentionGate(then="add", reduction=3),
]


@parametrize_with_checks(COMPONENTS)
def test_it_obeys_the_laws(
    component: archkit.Component, check: Callable[[archkit.Component], None]
) -> None:
    check(component)


@pytest.mark.parametrize(("bias", "share"), [(-50.0, 0.0), (50.0, 1.0)])
def test_a_gate_that_is_shut_lets_nothing_through_and_an_open_one_all(
    bias: float, share: float
) -> None:
    gate = AttentionGateModule(2, 3, 4, hidden=2, weights=4)
    torch.nn.init.constant_(gate.get_parameter("weigh.bias"), bias)
    x, skip = torch.randn(2, 3, 5, 5), torch.randn(2, 4, 5, 5)
    expected = torch.cat((x, share * skip), 1)
    torch.testing.assert_close(gate(x, skip), expected, rtol=0, atol=1e-6)


def test_what_does_not_fit_is_refused() -> None:
    site = archkit.Site(
        dims=2, x=archkit.Shape(4, (6, 6)), width=4, skip=archkit.Shape(3, (6, 6)), side="decoder"
    )
    with pytest.raises(archkit.Misfit, match="3 channels of the skip can't be added to 4"):
        AttentionGate(then="add").infer(site)


def test_archkit_finds_it() -> None:
    plugin = REGISTRY.owner("skip", "attention-gate")
    assert (plugin.name, plugin.error, plugin.notes) == ("archkit-attention-gate", "", ())


def test_the_spec_runs() -> None:
    spec = {"archkit": 1, "name": "mine", "extends": "digits-attention-gate"}
    assert archkit.check(spec, registry=REGISTRY) == []
    model = archkit.assemble(spec, registry=REGISTRY)
    x = torch.randn(2, 1, 8, 8)
    assert model(x, torch.tensor([0.1, 0.9]), label=torch.tensor([3, 7])).shape == x.shape
