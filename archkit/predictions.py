"""What the output of a network means: so much of the data, so much of the noise, on a path."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from .component import Component


class NoisePath(Component):
    """How data turns into noise: x_t = alpha(t) · data + sigma(t) · noise."""

    kind = "path"
    clock: ClassVar[float] = 1.0
    """What the time is multiplied with before it is embedded."""
    counts: ClassVar[bool] = False
    """Whether its times are whole steps, rather than a stretch of time."""
    levels: ClassVar[bool] = False
    """Whether its times are noise levels σ, beside data that is left as it is."""

    @property
    def tells_time(self) -> bool:
        """Whether a network is told the time itself, and not something that follows from it."""
        return True

    @abstractmethod
    def terminal_signal(self) -> float:
        """alpha where the noise is greatest: zero means that nothing of the data is left."""

    @abstractmethod
    def build(self) -> Any:
        """The path in torch: an `archkit.nn.paths.Path`."""


class Prediction(Component):
    """What the output of the network means: so much of the data, so much of the noise."""

    kind = "prediction"

    @property
    def along(self) -> NoisePath | None:
        """The path it is made on; None where the network does not denoise."""
        return None

    @property
    def clock(self) -> float:
        """What times are multiplied with before they are embedded."""
        return self.along.clock if self.along else 1.0

    @abstractmethod
    def mix(self, alpha: Any, sigma: Any, alpha_rate: Any, sigma_rate: Any) -> tuple[Any, Any]:
        """a and b, where the prediction is a · data + b · noise; for numbers and tensors alike.

        Arguments:
            alpha, sigma: Of the path, at one time.
            alpha_rate, sigma_rate: How fast they change then, on the way from noise to data.
        """

    def weight(self, alpha: Any, sigma: Any) -> Any:
        """What the squared error at a time is multiplied with in training."""
        return 1.0

    def check(self) -> None:
        """Raises Misfit where the meaning and its path contradict each other."""
