"""Paths from data to noise: x_t = alpha(t) · data + sigma(t) · noise."""

import math
from abc import abstractmethod
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from archkit import NoisePath, Number

Steps = Annotated[int, Field(ge=2)]
Beta = Annotated[Number, Field(gt=0, lt=1)]
Level = Annotated[Number, Field(gt=0)]


class Linear(NoisePath):
    """The straight line of flow matching: x_t = t · data + (1 − t) · noise, t in [0, 1].

    The time embedding sees 1000 · t, so that an embedding made for a thousand steps serves.

    References:
        | Flow Matching for Generative Modeling (Lipman et al., 2022)
        | https://arxiv.org/abs/2210.02747
    """

    type: Literal["linear"] = "linear"
    clock: ClassVar[float] = 1000.0

    data_at: Literal[0, 1] = 1
    """The time at which the data is; 0 as in Stable Diffusion 3 and FLUX, where t = 1 is noise."""

    def terminal_signal(self) -> float:
        return 0.0

    def build(self) -> Any:
        from archkit.nn.paths import LinearPath

        return LinearPath(self.data_at)


class EDM(NoisePath):
    """Noise is added and the data left as it is: x_t = data + t · noise; the time is its level σ.

    It is trained at levels whose logarithms are normal, and sampled at levels that are evenly
    spread in their `rho`-th roots.

    References:
        | Elucidating the Design Space of Diffusion-Based Generative Models (Karras et al., 2022),
          table 1 and equation 5
        | https://arxiv.org/abs/2206.00364
    """

    type: Literal["edm"] = "edm"
    levels: ClassVar[bool] = True

    sigma_min: Level = 0.002
    """The level of the last step before the data."""
    sigma_max: Level = 80.0
    """The level at which sampling starts."""
    rho: Level = 7.0
    """How much denser levels lie towards the data; 1 is evenly."""
    mean: Number = -1.2
    """Mean of the logarithm of the levels that are trained."""
    std: Level = 1.2
    """Standard deviation of that logarithm."""

    def terminal_signal(self) -> float:
        return 1.0

    def build(self) -> Any:
        from archkit.nn.paths import LevelPath

        levels = (self.sigma_min, self.sigma_max)
        return LevelPath(levels, rho=self.rho, mean=self.mean, std=self.std)


class _Steps(NoisePath):
    """A path in whole steps t = 0 … steps − 1, with alpha² + sigma² = 1; the noise grows with t."""

    counts: ClassVar[bool] = True

    steps: Steps = 1000
    """How many steps."""
    told: Literal["step", "log-snr"] = "step"
    """What the network is told: the step itself, or ln(alpha² / sigma²) there (Imagen)."""
    zero_terminal: bool = False
    """Rescaled so that nothing of the data is left in the last step.

    From *Common Diffusion Noise Schedules and Sample Steps are Flawed* (Lin et al., 2024).
    """

    @property
    def tells_time(self) -> bool:
        return self.told == "step"

    @abstractmethod
    def betas(self) -> list[float]:
        """The share of variance that each step replaces by noise."""

    def alphas(self) -> list[float]:
        """alpha at each step."""
        alphas, kept = [], 1.0
        for beta in self.betas():
            kept *= 1.0 - beta
            alphas.append(math.sqrt(kept))
        if self.zero_terminal:
            first, last = alphas[0], alphas[-1]
            alphas = [(alpha - last) * (first / (first - last)) for alpha in alphas]
        return alphas

    def terminal_signal(self) -> float:
        return self.alphas()[-1]

    def build(self) -> Any:
        from archkit.nn.paths import StepPath

        return StepPath(self.alphas(), log_snr=self.told == "log-snr")


class DDPM(_Steps):
    """DDPM's path: betas on a straight line.

    References:
        | Denoising Diffusion Probabilistic Models (Ho, Jain, Abbeel, 2020)
        | https://arxiv.org/abs/2006.11239
    """

    type: Literal["ddpm"] = "ddpm"

    beta_start: Beta = 1e-4
    """beta of the first step."""
    beta_end: Beta = 0.02
    """beta of the last step."""

    def betas(self) -> list[float]:
        return _line(self.beta_start, self.beta_end, self.steps)


class ScaledLinear(_Steps):
    """Stable Diffusion's path: the square roots of the betas on a straight line.

    References:
        | High-Resolution Image Synthesis with Latent Diffusion Models (Rombach et al., 2022)
        | https://arxiv.org/abs/2112.10752
    """

    type: Literal["scaled-linear"] = "scaled-linear"

    beta_start: Beta = 0.00085
    """beta of the first step."""
    beta_end: Beta = 0.012
    """beta of the last step."""

    def betas(self) -> list[float]:
        ends = math.sqrt(self.beta_start), math.sqrt(self.beta_end)
        return [root**2 for root in _line(*ends, self.steps)]


class Cosine(_Steps):
    """Improved DDPM's path: the variance of the signal falls as a squared cosine.

    References:
        | Improved Denoising Diffusion Probabilistic Models (Nichol, Dhariwal, 2021), equation 17
        | https://arxiv.org/abs/2102.09672
    """

    type: Literal["cosine"] = "cosine"

    offset: Annotated[Number, Field(ge=0)] = 0.008
    """Keeps the first betas from being too small; the paper's s."""
    max_beta: Beta = 0.999
    """Where betas are capped, so that the last steps stay defined."""

    def betas(self) -> list[float]:
        kept = [self._kept(t / self.steps) for t in range(self.steps + 1)]
        return [min(1.0 - kept[t + 1] / kept[t], self.max_beta) for t in range(self.steps)]

    def _kept(self, time: float) -> float:
        return math.cos((time + self.offset) / (1.0 + self.offset) * math.pi / 2) ** 2


def _line(start: float, end: float, count: int) -> list[float]:
    return [start + (end - start) * i / (count - 1) for i in range(count)]
