"""Paths from data to noise in torch: x_t = alpha(t) · data + sigma(t) · noise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

# What is told of a path's ends, where no signal is left or no noise.
_SIGNAL = 1e-10


class Moment(NamedTuple):
    """A path at some times: four tensors of the shape of `t`, in double precision.

    Arguments:
        alpha, sigma: What data and noise are multiplied with.
        alpha_rate, sigma_rate: How fast they change, by unit of time, on the way from noise to
            data; so the sign does not depend on which way the clock runs.
    """

    alpha: Tensor
    sigma: Tensor
    alpha_rate: Tensor
    sigma_rate: Tensor


class Path(ABC):
    """How data turns into noise. To make one: give it `noisy`, `clean` and `at`.

    Attributes:
        noisy: The time at which there is most noise; sampling starts there.
        clean: The time at which there is nothing but data; sampling ends there.
    """

    noisy: float
    clean: float

    @abstractmethod
    def at(self, t: Tensor) -> Moment:
        """Everything about the times `t`, of any shape."""

    def alpha(self, t: Tensor) -> Tensor:
        """What the data is multiplied with."""
        return self.at(t).alpha

    def sigma(self, t: Tensor) -> Tensor:
        """What the noise is multiplied with."""
        return self.at(t).sigma

    def draw(self, count: int) -> Tensor:
        """Random times to train at (count,), from torch's generator of the CPU."""
        return self.noisy + (self.clean - self.noisy) * torch.rand(count)

    def grid(self, steps: int) -> Tensor:
        """The times between which a sampler steps, from noisy to clean (steps + 1,)."""
        return torch.linspace(self.noisy, self.clean, steps + 1, dtype=torch.float64)

    def told(self, t: Tensor) -> Tensor:
        """Times as a network is told them."""
        return t.to(torch.float32)


class LinearPath(Path):
    """The straight line between data and noise, t in [0, 1].

    Arguments:
        data_at: The time at which the data is: 1 or 0.

    Examples:
        >>> LinearPath().at(torch.tensor(0.25)).alpha.item()
        0.25
        >>> LinearPath(data_at=0).at(torch.tensor(0.25)).alpha.item()
        0.75
    """

    def __init__(self, data_at: int = 1) -> None:
        self.noisy, self.clean = 1.0 - data_at, float(data_at)

    def at(self, t: Tensor) -> Moment:
        t = _double(t)
        away = (t - self.clean).abs()
        one = torch.ones_like(t)
        return Moment((t - self.noisy).abs(), away, one, -one)


class LevelPath(Path):
    """Data with more and more noise, whose level is the time: x_t = data + t · noise.

    References:
        | Elucidating the Design Space of Diffusion-Based Generative Models (Karras et al., 2022),
          equation 5
        | https://arxiv.org/abs/2206.00364

    Arguments:
        levels: That of the last step before the data, and that at which sampling starts.
        rho: Sampling steps are evenly spread in the roots of this degree.
        mean, std: Of the normal logarithm of the levels that are trained.

    Examples:
        >>> LevelPath((1.0, 9.0), rho=2.0).grid(3).tolist()
        [9.0, 4.0, 1.0, 0.0]
    """

    def __init__(
        self, levels: tuple[float, float], *, rho: float = 7.0, mean: float = 0.0, std: float = 1.0
    ) -> None:
        self.least, self.noisy = levels
        self.clean = 0.0
        self.rho, self.mean, self.std = rho, mean, std

    def at(self, t: Tensor) -> Moment:
        t = _double(t)
        one = torch.ones_like(t)
        return Moment(one, t, torch.zeros_like(t), -one)

    def draw(self, count: int) -> Tensor:
        return (self.mean + self.std * torch.randn(count)).exp()

    def grid(self, steps: int) -> Tensor:
        first, last = (level ** (1 / self.rho) for level in (self.noisy, self.least))
        levels = torch.linspace(first, last, steps, dtype=torch.float64) ** self.rho
        return torch.cat((levels, levels.new_zeros(1)))


class StepPath(Path):
    """A path in whole steps t = 0 … T − 1, with alpha² + sigma² = 1; t = −1 is the data.

    Between steps the angle atan2(sigma, alpha) is interpolated, which keeps the sum of squares
    and is defined at both ends.

    Arguments:
        alphas: alpha at each step, falling.
        log_snr: Whether a network is told ln(alpha² / sigma²), and not the step.

    Examples:
        >>> StepPath([0.8, 0.6], log_snr=True).told(torch.tensor([0, 1]))
        tensor([ 0.5754, -0.5754])
    """

    def __init__(self, alphas: Sequence[float], log_snr: bool = False) -> None:
        self.log_snr = log_snr
        self.angles = torch.tensor([1.0, *alphas], dtype=torch.float64).arccos()
        self.noisy, self.clean = len(alphas) - 1.0, -1.0

    def __len__(self) -> int:
        return len(self.angles) - 1

    def at(self, t: Tensor) -> Moment:
        position = (_double(t) + 1).clamp(0, len(self.angles) - 1)
        below = (position.ceil() - 1).clamp(min=0).long()
        angles = self.angles.to(position)
        rate = angles[below + 1] - angles[below]
        angle = angles[below] + rate * (position - below)
        alpha, sigma = angle.cos(), angle.sin()
        return Moment(alpha, sigma, rate * sigma, -rate * alpha)

    def draw(self, count: int) -> Tensor:
        return torch.randint(len(self), (count,))

    def grid(self, steps: int) -> Tensor:
        """Whole steps, evenly spread, from the last to −1 ("trailing", Lin et al., 2024)."""
        if steps > len(self):
            raise ValueError(f"this path has {len(self)} steps, fewer than {steps}")
        return (super().grid(steps) + 1).round() - 1

    def told(self, t: Tensor) -> Tensor:
        if not self.log_snr:
            return t.to(torch.int64)
        alpha, sigma, _, _ = self.at(t)
        ratio = alpha.clamp(min=_SIGNAL) / sigma.clamp(min=_SIGNAL)
        return (2 * ratio.log()).to(torch.float32)


def _double(t: Tensor) -> Tensor:
    # Apple's GPUs know no double precision.
    return t.to(torch.float32 if t.device.type == "mps" else torch.float64)
