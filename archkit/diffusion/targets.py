"""What a network should say, and what it would have said as another kind of prediction.

Every prediction is a · data + b · noise, and x_t is alpha · data + sigma · noise: two equations
for two unknowns. So any prediction follows from any other, as p · x_t + q · prediction.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..errors import DiffusionError
from ..nn.paths import Moment, Path
from ..predictions import Prediction

Mix = tuple[Any, Any]
DATA: Mix = (1.0, 0.0)
NOISE: Mix = (0.0, 1.0)
_SINGULAR = 1e-12


def path_of(prediction: Prediction) -> Path:
    """The path of a prediction in torch; raises DiffusionError where it has none."""
    if prediction.along is None:
        raise DiffusionError(
            f"a network with `prediction: {prediction.type}` does not denoise, so it can't be "
            "trained to, or sampled from; set for example `prediction: velocity`"
        )
    path: Path = prediction.along.build()
    return path


def noised(data: Tensor, noise: Tensor, moment: Moment) -> Tensor:
    """x_t (B, C, …) for data and noise of that shape, at B times."""
    return like(moment.alpha, data) * data + like(moment.sigma, data) * noise


def target(prediction: Prediction, data: Tensor, noise: Tensor, moment: Moment) -> Tensor:
    """What the network should say of that x_t (B, C, …)."""
    a, b = prediction.mix(*moment)
    return like(a, data) * data + like(b, data) * noise


def conversion(given: Mix, wanted: Mix, moment: Moment) -> tuple[Tensor, Tensor]:
    """p and q, where wanted = p · x_t + q · given; tensors of the shape of the times.

    Raises DiffusionError where `given` and x_t say the same, so that nothing else follows: data
    at the clean end of a path, noise or score where no signal is left.
    """
    alpha, sigma = moment.alpha, moment.sigma
    (a, b), (a2, b2) = (_pair(mix, alpha) for mix in (given, wanted))
    parallel = a * b2 - b * a2
    determinant = alpha * b - sigma * a
    if (parallel == 0).all():  # the same up to a factor, also where nothing else would follow
        return torch.zeros_like(alpha), torch.where(b == 0, a2 / a, b2 / b)
    if not (determinant.abs() > _SINGULAR * torch.hypot(a, b)).all():
        raise DiffusionError(
            "the prediction says nothing beside x_t at one of these times, so it can't be "
            "converted there; `v` can at every time"
        )
    return -parallel / determinant, (alpha * b2 - sigma * a2) / determinant


def convert(
    said: Tensor, x: Tensor, given: Prediction | Mix, wanted: Prediction | Mix, moment: Moment
) -> Tensor:
    """What was said of x_t, as another kind of prediction: exactly, up to rounding.

    Arguments:
        said: What the network said (B, C, …).
        x: The x_t it was said of (B, C, …).
        given: The kind of prediction that `said` is.
        wanted: The kind of prediction that it should be; `DATA` and `NOISE` are two.
        moment: The path at the B times, or at one time for all.
    """
    p, q = conversion(_mix(given, moment), _mix(wanted, moment), moment)
    return like(p, x) * x + like(q, x) * said


def error(prediction: Prediction, said: Tensor, wanted: Tensor, moment: Moment) -> Tensor:
    """The loss: the mean squared error, each time weighted as the prediction asks."""
    weight = like(prediction.weight(moment.alpha, moment.sigma), wanted)
    return (weight * (said.to(wanted.dtype) - wanted).square()).mean()


def _mix(kind: Prediction | Mix, moment: Moment) -> Mix:
    return kind.mix(*moment) if isinstance(kind, Prediction) else kind


def _pair(mix: Mix, like: Tensor) -> tuple[Tensor, Tensor]:
    a, b = (torch.as_tensor(part, dtype=like.dtype, device=like.device) for part in mix)
    return a.expand(like.shape), b.expand(like.shape)


def like(value: Any, x: Tensor) -> Tensor:
    """One number for each sample of `x`, or one for all, ready to multiply it."""
    numbers = torch.as_tensor(value, dtype=x.dtype, device=x.device)
    return numbers.reshape(-1, *[1] * (x.ndim - 1)) if numbers.ndim else numbers
