"""A learned variance: where it lies, for a step, between the least and the largest that it can be.

The network says v for each number of the sample, -1 for the least and 1 for the largest. The least
is right for data that are a single point, the largest for data that are unit noise.

References:
    | Improved Denoising Diffusion Probabilistic Models (Nichol, Dhariwal, 2021), section 3.1
    | https://arxiv.org/abs/2102.09672
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..module import Gaussian
from ..nn.paths import Moment, StepPath
from ..predictions import Prediction
from .targets import DATA, convert, like

_BIN = 1 / 255  # half the distance of two of 256 levels, from -1 to 1
_TINY = 1e-12
_WEIGHT = 1e-3  # of the whole bound, beside the error of the mean; the paper's λ


def forward(here: Moment, there: Moment) -> Tensor:
    """The variance that the forward process adds from `there` to `here`: the largest of a step."""
    return here.sigma**2 - (here.alpha / there.alpha * there.sigma) ** 2


def least(here: Moment, there: Moment) -> Tensor:
    """The variance of a step for data that are known: that of the true posterior."""
    return forward(here, there).clamp(min=0) * (there.sigma / here.sigma) ** 2


def larger(here: Moment, there: Moment) -> Tensor:
    """How much larger the largest standard deviation is than the least, as a logarithm.

    Zero for the step to the data, which has no noise.
    """
    last = there.sigma == 0
    return torch.where(last, 0.0, (here.sigma / there.sigma.masked_fill(last, 1.0)).log())


def share(v: Tensor) -> Tensor:
    """Where v lies between the least, 0, and the largest, 1; beyond them for other values."""
    return (v + 1) / 2


def bound(
    prediction: Prediction, path: StepPath, said: Gaussian, x: Tensor, data: Tensor, times: Tensor
) -> Tensor:
    """What the variances are taught by: the variational bound, in thousandths of bits a dimension.

    It is that of one random step, times how many there are; the mean is left alone, which has a
    loss of its own (equation 16).

    Arguments:
        said: Mean and v, for the sample `x` (B, C, …) at the whole `times` (B,).
        data: What `x` was made of, from -1 to 1.
    """
    here, there = path.at(times), path.at(times - 1)
    second = path.at(times.clamp(min=1)), path.at(times.clamp(min=1) - 1)
    # The step to the data has no variance, and is taught by that of the one before.
    small, large = (like(v.log(), data) for v in (least(*second), forward(here, there)))
    log_variance = torch.lerp(small, large, share(said.variance.to(data.dtype)))
    mean = said.mean.detach().to(data.dtype)
    missed = data - convert(mean, x, prediction, DATA, here)
    pull = like(there.alpha * forward(here, there) / here.sigma**2, data)
    steps = _divergence(small, log_variance, pull * missed)
    last = like((times == 0).to(data.device), data).bool()
    terms = torch.where(last, _surprise(data, data - missed, log_variance), steps)
    return terms.mean() / math.log(2) * (_WEIGHT * len(path))


def _divergence(true: Tensor, said: Tensor, apart: Tensor) -> Tensor:
    """From one Gaussian to another, by the logarithms of their variances, in nats."""
    return 0.5 * (said - true - 1 + (true - said).exp() + apart.square() * (-said).exp())


def _surprise(data: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Of data with 256 levels, under a Gaussian, in nats; the outer levels reach to infinity."""
    scale = (-0.5 * log_variance).exp()
    above, below = ((data - mean + side) * scale for side in (_BIN, -_BIN))
    above, below = torch.special.ndtr(above), torch.special.ndtr(below)
    above = torch.where(data > 1 - _BIN, 1.0, above)
    below = torch.where(data < _BIN - 1, 0.0, below)
    return -(above - below).clamp(min=_TINY).log()
