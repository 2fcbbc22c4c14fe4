"""From noise to data: against exact networks, against diffusers, and without a look at a tensor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
import torch
from diffusers import DDIMScheduler, FlowMatchEulerDiscreteScheduler
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

import archkit
from archkit import DiffusionError, Prediction, default_registry
from archkit.diffusion.generation import each_class, generate
from archkit.diffusion.guidance import bound, guided
from archkit.diffusion.samplers import METHODS, ddim, ddim_steps, euler, sample, stops, velocity
from archkit.diffusion.targets import like, path_of, target
from archkit.module import Gaussian, UNet

Predict = Callable[[Tensor, Tensor], Tensor]


def prediction(name: str, **options: object) -> Prediction:
    found: Prediction = default_registry().component("prediction", name)(**options)
    return found


CASES = {
    "velocity": prediction("velocity"),
    "velocity as in FLUX": prediction(
        "velocity", toward="noise", path={"type": "linear", "data_at": 0}
    ),
    "sample on a line": prediction("sample", path="linear"),
    "noise": prediction("noise"),
    "score": prediction("score"),
    "sample": prediction("sample", path="cosine"),
    "v": prediction("v", path={"type": "ddpm", "zero_terminal": True}),
}
CPU = torch.device("cpu")


def normal(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def knowing(kind: Prediction, data: Callable[[Tensor, Any], Tensor]) -> Predict:
    """A perfect network, for data whose mean given x_t is known."""
    road = path_of(kind)

    def predict(x: Tensor, t: Tensor) -> Tensor:
        moment = road.at(t)
        clean = data(x, moment)
        noise = (x - moment.alpha * clean) / moment.sigma
        return target(kind, clean, noise, moment)

    return predict


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", CASES)
def test_one_image_is_reached(case: str, method: Any) -> None:
    """Where all data is one image, a perfect network leads to it."""
    kind, image = CASES[case], normal(1, 1, 4, 4, seed=9)
    predict = knowing(kind, lambda x, moment: image.expand_as(x))
    found = sample(predict, normal(2, 1, 4, 4), kind, 50, method=method)
    exact = method in ("ddim", "ddpm") or (kind.along is not None and not kind.along.counts)
    torch.testing.assert_close(
        found, image.expand(2, -1, -1, -1), rtol=0, atol=1e-6 if exact else 0.15
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", CASES)
def test_a_bell_curve_is_reached(case: str, method: Any) -> None:
    """Where data is normal (1, 0.5), a perfect network is linear, and its samples are normal."""
    kind, mean, deviation = CASES[case], 1.0, 0.5

    def data(x: Tensor, moment: Any) -> Tensor:
        variance = (moment.alpha * deviation) ** 2 + moment.sigma**2
        gain = moment.alpha * deviation**2 / variance
        return mean + gain * (x - moment.alpha * mean)

    generator = torch.Generator().manual_seed(1)
    found = sample(
        knowing(kind, data), normal(20_000, 1), kind, 200, method=method, generator=generator
    )
    assert found.mean().item() == pytest.approx(mean, abs=0.03)
    assert found.std().item() == pytest.approx(deviation, abs=0.03)


def test_a_plain_velocity_takes_literally_euler_steps() -> None:
    kind = CASES["velocity"]
    walk = stops(kind, path_of(kind), torch.linspace(0, 1, 5, dtype=torch.float64), CPU)
    assert [stop.t.item() for stop in walk] == [0.0, 0.25, 0.5, 0.75]
    field = velocity(lambda x, t: x * t, walk)
    x = normal(2, 3)
    expected = x
    for t in (0.0, 0.25, 0.5, 0.75):
        expected = expected + (expected * t) * 0.25
    torch.testing.assert_close(euler(field, x, walk, [0.25] * 4), expected)


def test_on_a_line_ddim_is_euler() -> None:
    kind = CASES["velocity"]
    found = [
        sample(lambda x, t: (x * (3 + t)).sin(), normal(2, 3), kind, 7, method=method)
        for method in ("euler", "ddim")
    ]
    torch.testing.assert_close(*found)


@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.parametrize(
    ("name", "theirs"), [("noise", "epsilon"), ("v", "v_prediction"), ("sample", "sample")]
)
@pytest.mark.parametrize("steps", [8, 50, 1000])
def test_ddim_is_that_of_diffusers(name: str, theirs: str, steps: int, eta: float) -> None:
    scheduler = DDIMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        clip_sample=False,
        timestep_spacing="trailing",
        prediction_type=theirs,
    )
    scheduler.alphas_cumprod = scheduler.alphas_cumprod.double()
    scheduler.final_alpha_cumprod = scheduler.final_alpha_cumprod.double()
    scheduler.set_timesteps(steps)
    x = normal(1, 2, 4, 4)
    said: Predict = lambda x, t: (x + t / 1000).sin()  # noqa: E731
    kind = prediction(name, path="scaled-linear")
    ours = sample(
        said,
        x,
        kind,
        steps,
        method="ddpm" if eta else "ddim",
        generator=torch.Generator().manual_seed(3),
    )
    generator = torch.Generator().manual_seed(3)
    for t in scheduler.timesteps:
        x = scheduler.step(said(x, t), t, x, eta=eta, generator=generator).prev_sample
    torch.testing.assert_close(ours, x, rtol=1e-4, atol=1e-4)


def test_euler_is_that_of_diffusers() -> None:
    scheduler = FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(sigmas=torch.linspace(1, 1 / 20, 20).tolist())
    said: Predict = lambda x, t: (x + t).sin()  # noqa: E731
    x = normal(1, 2, 4, 4).float()
    ours = sample(said, x, CASES["velocity as in FLUX"], 20)
    for t in scheduler.timesteps:
        x = scheduler.step(said(x, t / 1000), t, x).prev_sample
    torch.testing.assert_close(ours, x, rtol=1e-5, atol=1e-5)


class Looking(TorchDispatchMode):
    """Counts how often a tensor becomes a Python number."""

    looks = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.looks += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("case", CASES)
def test_no_loop_looks_at_a_tensor(case: str) -> None:
    kind = CASES[case]
    road, x = path_of(kind), normal(1, 3)
    times = road.grid(9)
    walk = stops(kind, road, times, CPU)
    field, spans = velocity(lambda x, t: x * t, walk), times.diff().abs().tolist()
    steps = ddim_steps(kind, road, times, CPU, eta=1.0)
    with Looking() as watching:
        euler(field, x, walk, spans)
        ddim(lambda x, t: x * t, x, steps)
        assert watching.looks == 0
        x.sum().item()
        assert watching.looks == 1


def test_more_steps_than_the_path_has_are_refused() -> None:
    with pytest.raises(DiffusionError, match="this path has 1000 steps, fewer than 1001"):
        sample(lambda x, t: x, normal(1, 3), CASES["noise"], 1001)


@pytest.mark.parametrize("steps", [1, 7, 30, 999, 1000])
def test_steps_are_spread_as_diffusers_trailing_ones(steps: int) -> None:
    scheduler = DDIMScheduler(timestep_spacing="trailing")
    scheduler.set_timesteps(steps)
    grid = path_of(CASES["noise"]).grid(steps)
    assert grid.tolist() == [*scheduler.timesteps.tolist(), -1]


def test_whole_steps_are_told_as_whole_numbers() -> None:
    told: list[Tensor] = []
    sample(lambda x, t: told.append(t) or x, normal(1, 3), CASES["noise"], 4)
    assert torch.equal(torch.stack(told), torch.tensor([999, 749, 499, 249]))
    told.clear()
    sample(lambda x, t: told.append(t) or x, normal(1, 3), CASES["velocity"], 4)
    assert torch.equal(torch.stack(told), torch.tensor([0.0, 0.25, 0.5, 0.75]))


# With a network ---------------------------------------------------------------------------------

TINY = {
    "archkit": 1,
    "name": "tiny",
    "input": {"channels": 1, "size": 8},
    "norm": {"groups": 4},
    "conditioning": {"label": {"type": "label", "classes": 3, "dropout": 0.1}},
    "encoder": [{"channels": 8, "blocks": 1}, {"channels": 8, "blocks": 1}],
}


def network(**changes: Any) -> UNet:
    """A tiny network in which no weight is zero."""
    torch.manual_seed(0)
    model = archkit.assemble({**TINY, **changes})
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    return model.eval()


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    sizes: list[int] = []
    forward = UNet.forward

    def watching(self: UNet, x: Tensor, *rest: Any, **more: Any) -> Any:
        sizes.append(len(x))
        return forward(self, x, *rest, **more)

    monkeypatch.setattr(UNet, "forward", watching)
    return sizes


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0, 3.0])
def test_guidance_leads_away_from_the_null_class(scale: float, counted: list[int]) -> None:
    model, x, t = network(), torch.randn(2, 1, 8, 8), torch.tensor(0.3)
    labels = torch.tensor([0, 2])
    with torch.no_grad():
        found = guided(model, {"label": labels}, scale)(x, t)
        assert counted == ([2] if scale == 1 else [4])  # one forward for both
        told, away = model(x, t, label=labels), model(x, t)
    assert not torch.allclose(told, away)
    torch.testing.assert_close(found, away + scale * (told - away), rtol=1e-4, atol=1e-5)


def test_guidance_may_lead_away_from_something_else() -> None:
    model, x, t = network(), torch.randn(2, 1, 8, 8), torch.tensor(0.3)
    one, two = torch.tensor([1, 1]), torch.tensor([2, 2])
    with torch.no_grad():
        found = guided(model, {"label": one}, 2.0, {"label": two})(x, t)
        expected = 2 * model(x, t, label=one) - model(x, t, label=two)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_without_a_null_class_there_is_no_guidance() -> None:
    model = network(conditioning={"label": {"type": "label", "classes": 3}})
    labels = torch.tensor([0])
    with pytest.raises(DiffusionError, match="nothing to guide away from"):
        generate(model, 1, labels=labels, guidance=2.0)
    with pytest.raises(DiffusionError, match="has to be told a class, 0 to 2"):
        generate(model, 1)
    assert generate(model, 1, labels=labels, steps=2).shape == (1, 1, 8, 8)


def test_generating_depends_on_the_seed_alone() -> None:
    model = network().train()
    labels = each_class(model, count=2)
    assert labels is not None
    assert labels.tolist() == [0, 0, 1, 1, 2, 2]
    first = generate(model, 6, labels=labels, steps=3, guidance=2.0)
    assert model.training
    torch.rand(7)
    again = generate(model, 6, labels=labels, steps=3, guidance=2.0, at_once=4)
    torch.testing.assert_close(again, first, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(
        generate(model, 6, labels=labels, steps=3, guidance=2.0, seed=1), first
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"prediction": "noise"},
        {"prediction": {"type": "v", "path": "cosine"}, "output": {"variance": "learned"}},
        {"conditioning": {"time": "none"}},
        {"conditioning": {}, "input": {"channels": 2, "size": [8]}},
        {"conditioning": {}, "input": {"channels": 1, "size": [4, 8, 4]}},
    ],
    ids=["noise", "learned variance", "no time", "1-D", "3-D"],
)
def test_every_denoiser_can_be_sampled_from(changes: dict[str, Any]) -> None:
    model = network(**changes)
    found = generate(model, 2, steps=3)
    assert found.shape == (2, model.plan.spec.input.channels, *model.plan.spec.input.space)
    assert found.isfinite().all()


def test_no_step_takes_one_variance_of_a_whole_sample() -> None:
    model = network(prediction="noise", output={"variance": "per-sample"}, conditioning={})
    x, t = torch.randn(2, 1, 8, 8), torch.tensor(7)
    with torch.no_grad():
        said = model(x, t)
        assert isinstance(said, Gaussian)
        assert said.variance.shape == (2,)
        assert torch.equal(cast(Tensor, bound(model, {})(x, t)), said.mean)
    assert generate(model, 2, steps=3, method="ddpm").isfinite().all()


def test_wishes_that_a_model_cannot_meet() -> None:
    with pytest.raises(DiffusionError, match="knows the classes 0 to 2"):
        generate(network(), 1, labels=torch.tensor([3]))
    with pytest.raises(DiffusionError, match="does not denoise"):
        generate(network(prediction="none"), 1)
    plain = network(conditioning={})
    with pytest.raises(DiffusionError, match="trained without classes"):
        generate(plain, 1, labels=torch.tensor([0]))
    assert each_class(plain) is None
    with pytest.raises(DiffusionError, match="trained without classes"):
        each_class(plain, [1])
    vector = network(conditioning={"text": {"type": "vector", "channels": 4}})
    with pytest.raises(DiffusionError, match=r"the condition `text` \(vector\) can't be told here"):
        generate(vector, 1)


def test_numbers_of_each_sample_go_to_its_own_axis() -> None:
    x = torch.zeros(2, 3, 4, 4)
    assert like(torch.tensor([1.0, 2.0]), x).shape == (2, 1, 1, 1)
    assert like(0.5, x).shape == ()
