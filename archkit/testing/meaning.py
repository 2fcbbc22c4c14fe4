"""Laws of paths and predictions: what noise and outputs mean."""

from __future__ import annotations

import torch

from ..predictions import NoisePath, Prediction
from .law import law, require


@law(
    NoisePath,
    why="sampling starts at one end of the path and stops at the other",
    mend="make alpha 1 and sigma 0 where the path is clean, and state alpha at the other end",
)
def ends(path: NoisePath) -> None:
    """A path ends in clean data, and in noise with as much signal as it states."""
    built = path.build()
    clean, noisy = (built.at(torch.tensor([t])) for t in (built.clean, built.noisy))
    require(abs(float(clean.alpha) - 1) < 1e-6, f"alpha is {float(clean.alpha):g} at its clean end")
    require(abs(float(clean.sigma)) < 1e-6, f"sigma is {float(clean.sigma):g} at its clean end")
    stated, there = path.terminal_signal(), float(noisy.alpha)
    require(abs(there - stated) < 1e-6, f"alpha ends at {there:g} and is stated as {stated:g}")


@law(
    NoisePath,
    why="a velocity is made of these rates",
    mend="state how fast alpha and sigma change on the way from noise to data",
)
def rates(path: NoisePath) -> None:
    """Its rates are the derivatives of alpha and sigma, toward the data."""
    built = path.build()
    # In the middle of a step, where paths in steps have a derivative.
    length = abs(built.clean - built.noisy)
    half = 0.5 if path.counts else 0.0
    away = torch.tensor([0.1, 0.25, 0.5, 0.9], dtype=torch.float64) * length
    t = torch.round(away) + half if path.counts else away
    t = min(built.clean, built.noisy) + t
    h = 1e-4
    toward = 1.0 if built.clean > built.noisy else -1.0
    here, before, after = built.at(t), built.at(t - h), built.at(t + h)
    for name in ("alpha", "sigma"):
        slope = (getattr(after, name) - getattr(before, name)) / (2 * h) * toward
        stated = getattr(here, f"{name}_rate")
        require(torch.allclose(slope, stated, rtol=1e-4, atol=1e-7), f"the rate of {name} is wrong")


@law(
    Prediction,
    why="samplers turn a prediction into data and noise, which takes two equations",
    mend="answer a and b so that a · data + b · noise is no multiple of x_t",
)
def mixes(prediction: Prediction) -> None:
    """Data and noise can be told from x_t and what is predicted."""
    path = prediction.along
    if path is None:
        return
    built = path.build()
    t = built.noisy + (built.clean - built.noisy) * torch.linspace(0.2, 0.8, 4)
    moment = built.at(t)
    a, b = (torch.as_tensor(part, dtype=torch.float64) for part in prediction.mix(*moment))
    apart = moment.alpha * b - moment.sigma * a
    require(bool((apart.abs() > 1e-6).all()), "between the ends it says nothing beyond x_t")
    for i in range(len(t)):
        numbers = prediction.mix(*(float(part[i]) for part in moment))
        tensors = (float(part.expand(len(t))[i]) for part in (a, b))
        same = all(abs(n - s) < 1e-9 for n, s in zip(numbers, tensors, strict=True))
        require(same, "it mixes numbers otherwise than tensors")


LAWS = (ends, rates, mixes)
