"""The laws hold, the scan is the recurrence, no position looks ahead, and the spec runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import archkit
import pytest
import torch
from archkit.testing import parametrize_with_checks

from archkit_mamba import Mamba
from archkit_mamba.layers import MambaModule, scan

ROOT = Path(__file__).parent.parent
REGISTRY = archkit.load_registry([str(ROOT)])
COMPONENTS = [
    Mamba(),
    Mamba(state=3, expansion=1, kernel=1, directions=1),
    Mamba.model_validate({"norm": {"type": "group", "groups": 3}}),
]


@parametrize_with_checks(COMPONENTS)
def test_it_obeys_the_laws(
    component: archkit.Component, check: Callable[[archkit.Component], None]
) -> None:
    check(component)


@pytest.mark.parametrize("positions", [1, 2, 3, 7, 15, 16, 100])
def test_the_scan_is_the_recurrence(positions: int) -> None:
    keep = torch.rand(2, positions, 3, dtype=torch.float64)
    add = torch.randn(2, positions, 3, dtype=torch.float64)
    held, expected = torch.zeros(2, 3, dtype=torch.float64), []
    for t in range(positions):
        held = keep[:, t] * held + add[:, t]
        expected.append(held)
    torch.testing.assert_close(scan(keep, add), torch.stack(expected, 1))


@pytest.mark.parametrize("both", [False, True])
def test_one_direction_does_not_look_ahead_and_two_see_everything(both: bool) -> None:
    module = MambaModule(
        1, 4, 4, norm=torch.nn.Identity(), embedding=None, inner=(8, 3, 1), both=both
    )
    x = torch.randn(1, 4, 9, requires_grad=True)
    (seen,) = torch.autograd.grad(module(x)[0, :, 4].sum(), x)
    reached = seen[0].abs().sum(0) > 0
    assert reached[:5].all()
    assert bool(reached[5:].any()) is both


def test_archkit_finds_it() -> None:
    plugin = REGISTRY.owner("block", "mamba")
    assert (plugin.name, plugin.error, plugin.notes) == ("archkit-mamba", "", ())


def test_the_spec_runs() -> None:
    spec = {"archkit": 1, "name": "mine", "extends": "digits-mamba"}
    assert archkit.check(spec, registry=REGISTRY) == []
    model = archkit.assemble(spec, registry=REGISTRY)
    x = torch.randn(2, 1, 8, 8)
    assert model(x, torch.tensor([0.1, 0.9]), label=torch.tensor([3, 7])).shape == x.shape
