"""A learned variance: sampled as diffusers does, taught as the paper says, right where known."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from diffusers import DDPMScheduler
from torch import Tensor
from torch.distributions import Normal, kl_divergence

import archkit
from archkit import DiffusionError, default_registry
from archkit.diffusion import data
from archkit.diffusion.guidance import guided
from archkit.diffusion.samplers import METHODS, ddim, ddim_steps, sample
from archkit.diffusion.targets import noised, path_of, target
from archkit.diffusion.training import Recipe, begin
from archkit.diffusion.variance import bound
from archkit.module import Gaussian
from archkit.nn.paths import StepPath

KINDS: dict[str, tuple[str, str]] = {
    "noise": ("noise", "ddpm"),
    "v": ("v", "cosine"),
    "sample": ("sample", "scaled-linear"),
}
TINY: dict[str, Any] = {
    "archkit": 1,
    "name": "tiny",
    "input": {"channels": 1, "size": 8},
    "output": {"variance": "learned"},
    "norm": {"groups": 4},
    "prediction": "noise",
    "conditioning": {"label": {"type": "label", "classes": 10, "dropout": 0.2}},
    "encoder": [{"channels": 8, "blocks": 1}, {"channels": 16, "blocks": 1}],
}


def prediction(name: str) -> Any:
    kind, path = KINDS[name]
    return default_registry().component("prediction", kind)(path=path)


def steps_of(kind: Any) -> StepPath:
    path = path_of(kind)
    assert isinstance(path, StepPath)
    return path


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(7))


@pytest.mark.parametrize("steps", [10, 1000])
def test_the_ancestral_steps_are_those_of_diffusers(steps: int) -> None:
    scheduler = DDPMScheduler(
        variance_type="learned_range", clip_sample=False, timestep_spacing="trailing"
    )
    scheduler.alphas_cumprod = scheduler.alphas_cumprod.double()
    scheduler.one = scheduler.one.double()
    scheduler.set_timesteps(steps)

    def said(x: Tensor, t: Tensor) -> Gaussian:
        return Gaussian((x + t / 1000).sin(), (3 * x).cos())

    kind, x = prediction("noise"), drawn(1, 2, 4, 4)
    path = steps_of(kind)
    # diffusers stirs the data in the last step, unless that is the path's own first.
    walk = ddim_steps(kind, path, path.grid(steps), x.device, eta=1.0)[:-1]
    ours = ddim(said, x, walk, torch.Generator().manual_seed(3))
    generator = torch.Generator().manual_seed(3)
    for t in scheduler.timesteps[:-1]:
        both = torch.cat(said(x, t), dim=1)
        x = scheduler.step(both, t, x, generator=generator).prev_sample
    torch.testing.assert_close(ours, x, rtol=1e-4, atol=1e-4)


def test_other_samplers_take_the_mean_alone() -> None:
    x = drawn(2, 1, 4, 4)
    for method in METHODS:
        generators = [torch.Generator().manual_seed(1) for _ in range(2)]
        both, mean = (
            sample(said, x, prediction("noise"), 5, method=method, generator=generator)  # type: ignore[arg-type]
            for said, generator in zip(
                (lambda x, t: Gaussian(x.sin(), x.cos()), lambda x, t: x.sin()),
                generators,
                strict=True,
            )
        )
        assert torch.equal(both, mean) == (method != "ddpm")


@pytest.mark.parametrize("name", KINDS)
def test_the_bound_is_that_of_the_paper(name: str) -> None:
    """Every step by itself, from torch's own distributions."""
    kind = prediction(name)
    path, levels = steps_of(kind), torch.linspace(-1, 1, 256, dtype=torch.float64)
    image = levels[torch.randint(256, (1, 2, 3, 3), generator=torch.Generator().manual_seed(2))]
    image[0, 0, 0] = torch.tensor([-1, 1, 0.5])
    for t in (0, 1, 2, 500, 999):
        times, noise = torch.tensor([t]), drawn(1, 2, 3, 3)
        here, there = path.at(times), path.at(times - 1)
        x = noised(image, noise, here)
        v = 0.3 * drawn(1, 2, 3, 3).flip(1)
        guess = image + 0.1 * v
        mean = target(kind, guess, (x - here.alpha * guess) / here.sigma, here)
        found = bound(kind, path, Gaussian(mean, v), x, image, times)
        beta = 1 - (here.alpha / there.alpha) ** 2
        at, before = (path.at(times.clamp(min=1) - i) for i in (0, 1))
        posterior = (1 - (at.alpha / before.alpha) ** 2) * before.sigma**2 / at.sigma**2
        scale = (0.5 * ((v + 1) / 2 * beta.log() + (1 - v) / 2 * posterior.log())).exp()
        if t:
            to_data = there.alpha * beta / here.sigma**2
            to_x = here.alpha / there.alpha * there.sigma**2 / here.sigma**2
            true = Normal(to_data * image + to_x * x, posterior.sqrt())
            expected = kl_divergence(true, Normal(to_data * guess + to_x * x, scale))
        else:
            model = Normal(guess, scale)
            upper = torch.where(image == 1, math.inf, image + 1 / 255)
            lower = torch.where(image == -1, -math.inf, image - 1 / 255)
            expected = -(model.cdf(upper) - model.cdf(lower)).clamp(min=1e-12).log()
        torch.testing.assert_close(found, expected.mean() / math.log(2), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("data_at", "v"), [("a point", -1.0), ("unit noise", 1.0)])
def test_the_right_variance_is_found(data_at: str, v: float) -> None:
    """Data that are one point leave the least variance, unit noise the largest: both are exact."""
    kind = prediction("noise")
    path, generator = steps_of(kind), torch.Generator().manual_seed(0)
    said = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([said], 0.02)
    for _ in range(500):
        times = torch.randint(1, 40, (256,), generator=generator)
        here = path.at(times)
        noise = torch.randn(256, 1, 8, dtype=torch.float64, generator=generator)
        point = torch.full_like(noise, 0.2)
        image = point if data_at == "a point" else torch.randn_like(noise)
        x = noised(image, noise, here)
        # What a perfect network says: the mean of the noise, given x.
        known = noise if data_at == "a point" else here.sigma[:, None, None] * x
        optimizer.zero_grad()
        bound(kind, path, Gaussian(known, said.expand_as(x)), x, image, times).backward()
        optimizer.step()
    assert said.item() == pytest.approx(v, abs=0.15)


def test_the_mean_is_not_taught_by_the_bound() -> None:
    kind = prediction("noise")
    mean, v = (drawn(2, 1, 4, 4).requires_grad_() for _ in range(2))
    times, image = torch.tensor([0, 30]), torch.zeros(2, 1, 4, 4, dtype=torch.float64)
    bound(kind, steps_of(kind), Gaussian(mean, v), drawn(2, 1, 4, 4), image, times).backward()
    assert mean.grad is None
    assert v.grad is not None
    assert v.grad.abs().sum() > 0


@pytest.mark.parametrize("kind", ["noise", {"type": "v", "path": "cosine"}])
def test_a_network_learns_both(kind: Any) -> None:
    digits = data.digits().where(torch.arange(200))
    spec = {**TINY, "prediction": kind}
    training = begin(archkit.plan(spec), digits, Recipe(batch=32, warmup=10))
    training.run(steps=100)
    first = training.loss
    training.run(steps=250)
    assert training.loss < 0.8 * first


def test_a_path_without_steps_has_no_variance_to_learn() -> None:
    spec = {**TINY, "prediction": "velocity"}
    with pytest.raises(DiffusionError, match="for the steps of a path that has steps"):
        begin(archkit.plan(spec), data.digits(), Recipe())


def test_guidance_keeps_the_variance_of_what_is_told() -> None:
    model = archkit.assemble(TINY)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    model.eval()
    x, t, label = torch.randn(2, 1, 8, 8), torch.tensor(30), torch.tensor([0, 4])
    found = guided(model, {"label": label}, 2.0)(x, t)
    told, away = model(x, t, label=label), model(x, t)
    assert isinstance(found, Gaussian)
    torch.testing.assert_close(found.variance, told.variance, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.mean, 2 * told.mean - away.mean, rtol=1e-4, atol=1e-5)
