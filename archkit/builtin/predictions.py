"""What the output of a network means: a · data + b · noise, for an a and b of its own."""

from typing import Annotated, Any, Literal

from pydantic import Field

from archkit import Misfit, NoisePath, Prediction, Slot


class _Denoising(Prediction):
    """A prediction on a path."""

    path: Annotated[NoisePath, Slot("path")] = Field("ddpm", validate_default=True)
    """How data turns into noise, and by which clock."""

    @property
    def along(self) -> NoisePath:
        return self.path


class _NeedsSignal(_Denoising):
    """A prediction that says nothing of the data where no signal is left."""

    def check(self) -> None:
        if self.path.terminal_signal() == 0.0:
            rescaled = getattr(self.path, "zero_terminal", False)
            keeping = "set `zero_terminal: false`" if rescaled else "set `path: ddpm`"
            raise Misfit(
                f"the path `{self.path.type}` ends in pure noise, where the {self.type} tells "
                "nothing of the data",
                f"predict `v` or `sample`, or {keeping} to keep some signal",
                code="zero-terminal-signal",
                option=("path",),
            )


class Velocity(_Denoising):
    """The velocity of x_t on its way from noise to data: on the linear path, data − noise.

    Sampling is x + v · dt with dt > 0. Not to be confused with `v`.

    References:
        | Flow Matching for Generative Modeling (Lipman et al., 2022)
        | https://arxiv.org/abs/2210.02747
    """

    type: Literal["velocity"] = "velocity"

    path: Annotated[NoisePath, Slot("path")] = Field("linear", validate_default=True)
    """How data turns into noise, and by which clock."""
    toward: Literal["data", "noise"] = "data"
    """Where it points; ``noise`` is the opposite sign: on the linear path, noise − data."""

    def mix(self, alpha: Any, sigma: Any, alpha_rate: Any, sigma_rate: Any) -> tuple[Any, Any]:
        if self.toward == "noise":
            return -alpha_rate, -sigma_rate
        return alpha_rate, sigma_rate

    def check(self) -> None:
        if self.path.counts:
            raise Misfit(
                f"a velocity needs a path in continuous time, and `{self.path.type}` counts steps",
                "set `path: linear`, or predict `v` on this path",
                code="velocity-in-steps",
                option=("path",),
            )


class Noise(_NeedsSignal):
    """The noise in x_t, of unit variance.

    References:
        | Denoising Diffusion Probabilistic Models (Ho, Jain, Abbeel, 2020)
        | https://arxiv.org/abs/2006.11239
    """

    type: Literal["noise"] = "noise"

    def mix(self, alpha: Any, sigma: Any, alpha_rate: Any, sigma_rate: Any) -> tuple[Any, Any]:
        return 0.0, 1.0


class Score(_NeedsSignal):
    """The gradient of the log-density of x_t: −noise / sigma.

    Its error is weighted with sigma² in training, as in the paper.

    References:
        | Generative Modeling by Estimating Gradients of the Data Distribution (Song, Ermon, 2019)
        | https://arxiv.org/abs/1907.05600
    """

    type: Literal["score"] = "score"

    def mix(self, alpha: Any, sigma: Any, alpha_rate: Any, sigma_rate: Any) -> tuple[Any, Any]:
        return 0.0, -1.0 / sigma

    def weight(self, alpha: Any, sigma: Any) -> Any:
        return sigma**2


class Sample(_Denoising):
    """The data itself, clean."""

    type: Literal["sample"] = "sample"

    def mix(self, alpha: Any, sigma: Any, alpha_rate: Any, sigma_rate: Any) -> tuple[Any, Any]:
        return 1.0, 0.0


class V(_Denoising):
    """v = alpha · noise − sigma · data, defined at both ends. Not to be confused with `velocity`.

    References:
        | Progressive Distillation for Fast Sampling of Diffusion Models (Salimans, Ho, 2022)
        | https://arxiv.org/abs/2202.00512
    """

    type: Literal["v"] = "v"

    def mix(self, alpha: Any, sigma: Any, alpha_rate: Any, sigma_rate: Any) -> tuple[Any, Any]:
        return -sigma, alpha


class NoPrediction(Prediction):
    """Nothing to do with noise: a plain U-Net, for segmentation or regression."""

    type: Literal["none"] = "none"

    def mix(self, alpha: Any, sigma: Any, alpha_rate: Any, sigma_rate: Any) -> tuple[Any, Any]:
        return 0.0, 0.0
