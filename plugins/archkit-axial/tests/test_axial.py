"""The laws hold, positions look along their own axes alone, and the spec runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import archkit
import pytest
import torch
from archkit.testing import parametrize_with_checks

from archkit_axial import AxialAttention
from archkit_axial.layers import AxialAttentionModule

ROOT = Path(__file__).parent.parent
REGISTRY = archkit.load_registry([str(ROOT)])
COMPONENTS = [
    AxialAttention(),
    AxialAttention.model_validate({"heads": 4, "norm": "rms"}),
]


@parametrize_with_checks(COMPONENTS)
def test_it_obeys_the_laws(
    component: archkit.Component, check: Callable[[archkit.Component], None]
) -> None:
    check(component)


def test_a_position_looks_at_its_row_and_its_column() -> None:
    module = AxialAttentionModule(2, 4, 2, norm=torch.nn.Identity())
    x = torch.randn(1, 4, 5, 6, requires_grad=True)
    (seen,) = torch.autograd.grad(module(x)[0, :, 2, 3].sum(), x)
    reached = seen[0].abs().sum(0) > 0
    expected = torch.zeros(5, 6, dtype=torch.bool)
    expected[2], expected[:, 3] = True, True
    assert torch.equal(reached, expected)


def test_heads_that_do_not_divide_the_channels_are_refused() -> None:
    site = archkit.Site(dims=2, x=archkit.Shape(32, (4, 4)), width=32)
    with pytest.raises(archkit.Misfit, match="5 heads do not divide 32 channels"):
        AxialAttention(heads=5).infer(site)


def test_archkit_finds_it() -> None:
    plugin = REGISTRY.owner("attention", "axial")
    assert (plugin.name, plugin.error, plugin.notes) == ("archkit-axial", "", ())


def test_the_spec_runs() -> None:
    spec = {"archkit": 1, "name": "mine", "extends": "digits-axial"}
    assert archkit.check(spec, registry=REGISTRY) == []
    model = archkit.assemble(spec, registry=REGISTRY)
    x = torch.randn(2, 1, 8, 8)
    assert model(x, torch.tensor([0.1, 0.9]), label=torch.tensor([3, 7])).shape == x.shape
