"""What EDM and EDM2 promise beside numbers: levels of noise, labels left out, magnitudes."""

from typing import Any

import pytest
import torch
from torch import Tensor

import archkit
from archkit.diffusion.samplers import sample
from archkit.nn.magnitude import Normalised
from archkit.testing.parity import error, randomise


def test_no_label_is_a_vector_of_zeros() -> None:
    spec = {
        **{"archkit": 1, "name": "guided", "encoder": [{"channels": 32, "blocks": 1}]},
        "conditioning": {"label": {"type": "one-hot", "classes": 3, "dropout": 0.1}},
    }
    model = randomise(archkit.assemble(spec)).eval()
    layer = model.get_submodule("conditioning.label.layer")
    seen: list[Tensor] = []
    layer.register_forward_hook(lambda module, given, out: seen.append(given[0]))
    x = torch.randn(2, 3, 32, 32)
    model(x, 0.5)
    model(x, 0.5, label=torch.tensor([0, 2]))
    assert torch.equal(seen[0], torch.zeros(2, 3))
    assert torch.equal(seen[1] / 3**0.5, torch.eye(3)[[0, 2]])


@torch.no_grad()
def test_magnitudes_are_kept() -> None:
    """Of normal noise comes normal noise, however deep: that is what EDM2 is for."""
    small = ["width=16", "input.size=32", "attention.head_width=16"]
    torch.manual_seed(0)
    model = archkit.assemble(archkit.load_spec("specs/edm2-img512-xxs.yaml", overrides=small))
    seen: list[float] = []
    for node in model.plan:
        if node.component.kind in ("block", "attention", "stem"):
            module = model.get_submodule(node.path)
            module.register_forward_hook(lambda module, given, out: seen.append(float(out.std())))
    model(torch.randn(4, 4, 32, 32) * 80, torch.full((4,), 80.0), label=torch.arange(4))
    assert len(seen) > 40
    assert all(0.7 < deviation < 1.3 for deviation in seen), seen


@torch.no_grad()
def test_the_length_of_weights_does_not_count() -> None:
    layer, x = Normalised(8, 4, (3, 3)), torch.randn(2, 8, 5, 5)
    before = layer(x)
    layer.weight.mul_(7)
    assert torch.allclose(layer(x), before, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("method", ["heun", "euler", "ddim"])
def test_samples_along_the_path(method: Any) -> None:
    """A network that knows normal data of deviation 0.5 takes noise to just that."""
    spec = archkit.load_spec("specs/edm-ddpmpp-cifar10.yaml")
    torch.manual_seed(0)
    noise = torch.randn(64, 3, 4, 4, dtype=torch.float64)
    steps = 40 if method == "heun" else 400
    data = sample(
        lambda x, t: x * 0.25 / (0.25 + t.double() ** 2),
        noise,
        spec.prediction,
        steps,
        method=method,
    )
    assert error(data, noise * 0.5) < 0.03


def test_levels_of_noise() -> None:
    """As sampled and as trained, in the numbers of the paper's table 1."""
    prediction = archkit.load_spec("specs/edm-ddpmpp-cifar10.yaml").prediction
    assert prediction.along is not None
    path = prediction.along.build()
    grid = path.grid(18)
    assert grid[[0, -2, -1]].tolist() == pytest.approx([80.0, 0.002, 0.0])
    assert bool((grid.diff() < 0).all())
    torch.manual_seed(0)
    logs = path.draw(20_000).log()
    assert (float(logs.mean()), float(logs.std())) == pytest.approx((-1.2, 1.2), abs=0.03)
