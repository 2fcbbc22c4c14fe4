"""The laws hold, the inverse is exact, and the spec trains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import archkit
import pytest
import torch
from archkit.testing import parametrize_with_checks

from archkit_wavelet import HaarPooling, HaarUpsampling
from archkit_wavelet.layers import Haar, InverseHaar

ROOT = Path(__file__).parent.parent
REGISTRY = archkit.load_registry([str(ROOT)])
SPEC = {"archkit": 1, "name": "mine", "extends": "digits-wavelet"}
COMPONENTS = [
    HaarPooling(),
    HaarPooling(stride=1, width="next"),
    HaarUpsampling(),
    HaarUpsampling(stride=2, width="next"),
]


@parametrize_with_checks(COMPONENTS)
def test_it_obeys_the_laws(
    component: archkit.Component, check: Callable[[archkit.Component], None]
) -> None:
    check(component)


@pytest.mark.parametrize("strides", [(2,), (2, 2), (2, 1), (1, 2, 2), (2, 2, 2), (1, 1)])
def test_the_inverse_is_exact(strides: tuple[int, ...]) -> None:
    x = torch.randn(2, 3, *(stride * n for stride, n in zip(strides, (3, 2, 1), strict=False)))
    x = x.double()
    bands = Haar(strides)(x)
    assert bands.shape[1] * bands[0, 0].numel() == 3 * x[0, 0].numel()
    torch.testing.assert_close(InverseHaar(strides)(bands), x, rtol=0, atol=1e-14)
    torch.testing.assert_close(Haar(strides)(InverseHaar(strides)(bands)), bands)
    torch.testing.assert_close(bands.norm(), x.norm())


def test_the_first_band_is_the_mean_of_each_window() -> None:
    x = torch.randn(1, 3, 4, 6)
    torch.testing.assert_close(Haar((2, 2))(x)[:, :3] / 2, torch.nn.functional.avg_pool2d(x, 2))


def test_an_odd_size_and_a_stride_of_three_are_refused() -> None:
    (problem,) = archkit.check(SPEC, 9, registry=REGISTRY)
    assert problem.node == "encoder.0.pooling"
    site = archkit.Site(dims=2, x=archkit.Shape(4, (6, 6)), width=4)
    with pytest.raises(archkit.Misfit, match="can't do it by 3"):
        HaarPooling(stride=3).infer(site)


def test_archkit_finds_it() -> None:
    for kind in ("pooling", "upsampling"):
        plugin = REGISTRY.owner(kind, "haar")
        assert (plugin.name, plugin.error, plugin.notes) == ("archkit-wavelet", "", ())


def test_the_spec_runs() -> None:
    assert archkit.check(SPEC, registry=REGISTRY) == []
    model = archkit.assemble(SPEC, registry=REGISTRY)
    x = torch.randn(2, 1, 8, 8)
    assert model(x, torch.tensor([0.1, 0.9]), label=torch.tensor([3, 7])).shape == x.shape
