"""From noise to data: Euler, Heun, DDIM and DDPM's ancestral steps.

Whatever depends on the times alone is computed once, before the loop, in double precision. The
loops do arithmetic on x and nothing else: no tensor becomes a Python number in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from ..errors import DiffusionError
from ..module import Gaussian
from ..nn.paths import Path
from ..predictions import Prediction
from .targets import DATA, NOISE, conversion, path_of
from .variance import larger, least, share

Method = Literal["euler", "heun", "ddim", "ddpm"]
METHODS: tuple[str, ...] = get_args(Method)
Predict = Callable[[Tensor, Tensor], Tensor | Gaussian]
"""What the network says of x (B, C, …) at one time t (); with a learned variance, a pair."""


class Stop(NamedTuple):
    """A time at which the velocity is wanted: keep · x + take · prediction."""

    t: Tensor
    keep: float
    take: float


class Step(NamedTuple):
    """A step from one time to the next: keep · x + take · prediction + stir · fresh noise.

    A learned variance may multiply `stir` by up to the exponential of `room`.
    """

    t: Tensor
    keep: float
    take: float
    stir: float
    room: float


Field = Callable[[Tensor, Stop], Tensor]
"""The velocity of x (B, C, …) towards data."""


def euler(velocity: Field, x: Tensor, stops: Iterable[Stop], spans: Iterable[float]) -> Tensor:
    """Straight steps: x + v · dt, with dt > 0 from noise to data."""
    for stop, dt in zip(stops, spans, strict=True):
        x = x + velocity(x, stop) * dt
    return x


def heun(velocity: Field, x: Tensor, stops: Sequence[Stop], spans: Sequence[float]) -> Tensor:
    """Steps along the mean of the velocities at both their ends; the last one is Euler's.

    References:
        | Elucidating the Design Space of Diffusion-Based Generative Models (Karras et al., 2022)
        | https://arxiv.org/abs/2206.00364, algorithm 1
    """
    for here, ahead, dt in zip(stops, stops[1:], spans, strict=False):
        v = velocity(x, here)
        x = x + (v + velocity(x + v * dt, ahead)) * (dt / 2)
    return x + velocity(x, stops[-1]) * spans[-1]


def ddim(
    predict: Predict, x: Tensor, steps: Iterable[Step], generator: torch.Generator | None = None
) -> Tensor:
    """Steps that are exact for a network that is sure of its data; see `ddim_steps`."""
    for t, keep, take, stir, room in steps:
        said = predict(x, t)
        x = torch.add(x * keep, mean_of(said), alpha=take)
        if stir:
            noise = torch.randn(x.shape, generator=generator, dtype=x.dtype).to(x.device)
            if isinstance(said, Gaussian):
                noise = noise * (share(said.variance) * room).exp()
            x = x.add(noise, alpha=stir)
    return x


def mean_of(said: Tensor | Gaussian) -> Tensor:
    """The prediction, without the variance that may be learned beside it."""
    return said.mean if isinstance(said, Gaussian) else said


def stops(prediction: Prediction, path: Path, times: Tensor, device: torch.device) -> list[Stop]:
    """How the velocity follows from the prediction, at all times but the last."""
    moment = path.at(times[:-1])
    rates = (moment.alpha_rate, moment.sigma_rate)
    p, q = conversion(prediction.mix(*moment), rates, moment)
    told = path.told(times[:-1]).to(device).unbind()
    return [Stop(*row) for row in zip(told, p.tolist(), q.tolist(), strict=True)]


def velocity(predict: Predict, stops: Iterable[Stop]) -> Field:
    """The velocity, from a network that may predict something else."""
    if all((stop.keep, stop.take) == (0.0, 1.0) for stop in stops):
        return lambda x, stop: mean_of(predict(x, stop.t))
    return lambda x, stop: torch.add(x * stop.keep, mean_of(predict(x, stop.t)), alpha=stop.take)


def ddim_steps(
    prediction: Prediction, path: Path, times: Tensor, device: torch.device, eta: float = 0.0
) -> list[Step]:
    """The coefficients of DDIM, for any prediction on any path.

    References:
        | Denoising Diffusion Implicit Models (Song, Meng, Ermon, 2021), equation 12
        | https://arxiv.org/abs/2010.02502

    Arguments:
        times: From noisy to clean (steps + 1,).
        eta: How much of the noise is replaced by fresh noise: 0 none, 1 as in DDPM.
    """
    here, there = path.at(times[:-1]), path.at(times[1:])
    given = prediction.mix(*here)
    data, noise = conversion(given, DATA, here), conversion(given, NOISE, here)
    fresh = eta**2 * least(here, there)
    kept = (there.sigma**2 - fresh).clamp(min=0).sqrt()
    keep, take = (there.alpha * d + kept * n for d, n in zip(data, noise, strict=True))
    told = path.told(times[:-1]).to(device).unbind()
    numbers = (n.tolist() for n in (keep, take, fresh.sqrt(), larger(here, there)))
    return [Step(*row) for row in zip(told, *numbers, strict=True)]


def sample(
    predict: Predict,
    noise: Tensor,
    prediction: Prediction,
    steps: int,
    *,
    method: Method | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Data of the shape of `noise` (B, C, …), which is of unit variance.

    Arguments:
        predict: What the network says.
        prediction: What it means.
        steps: How many; the network is called once in each, with Heun nearly twice.
        method: DDIM on paths that count steps and Euler on all others, unless named. A learned
            variance is that of the fresh noise of ``ddpm``; the others take the mean alone.
        generator: For the fresh noise of ``ddpm``; on the CPU.
    """
    path = path_of(prediction)
    counts = prediction.along is not None and prediction.along.counts
    method = method or ("ddim" if counts else "euler")
    try:
        times = path.grid(steps)
    except ValueError as error:
        raise DiffusionError(str(error)) from None
    start = path.at(times[0])
    x = noise * torch.hypot(start.alpha, start.sigma).item()
    if method in ("ddim", "ddpm"):
        eta = 1.0 if method == "ddpm" else 0.0
        return ddim(predict, x, ddim_steps(prediction, path, times, x.device, eta), generator)
    walk = stops(prediction, path, times, x.device)
    spans = times.diff().abs().tolist()
    solve = euler if method == "euler" else heun
    return solve(velocity(predict, walk), x, walk, spans)
