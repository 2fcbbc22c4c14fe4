"""A small honest training loop, which can be killed at any time and goes on exactly."""

from __future__ import annotations

import copy
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from ..errors import DiffusionError
from ..module import Gaussian, UNet
from ..nn.paths import StepPath
from ..plans import Plan
from . import variance
from .checkpoints import Checkpoint
from .data import Images
from .guidance import bound, label_of
from .samplers import mean_of
from .targets import error, noised, path_of, target


@dataclass(frozen=True)
class Recipe:
    """How a model is trained; a run that goes on has to keep to it.

    Arguments:
        batch: Images a step, drawn with replacement.
        rate: Learning rate of AdamW, after the warm-up.
        warmup: Steps over which the rate grows to that.
        ema: Share of the averaged weights that a step keeps; less in the first steps. 0: none.
        clip: The largest norm of all gradients together.
        amp: Whether the network computes in bfloat16 where torch thinks it safe.
        seed: Of everything random in the run.
    """

    batch: int = 64
    rate: float = 1e-3
    warmup: int = 100
    ema: float = 0.999
    clip: float = 1.0
    amp: bool = False
    seed: int = 0


class Training:
    """A run: a model, its averaged weights, the optimizer, the random numbers, and the step.

    Attributes:
        step: Steps made so far.
        seconds: The time they took.
    """

    def __init__(
        self, model: UNet, images: Images, recipe: Recipe | None = None, device: str = "cpu"
    ) -> None:
        self.recipe = recipe or Recipe()
        self.device = torch.device(device)
        self.prediction = model.plan.spec.prediction
        self.path = path_of(self.prediction)
        self.label = _trainable(model, images)
        self.model, self.images = model.to(self.device), images
        self.ema = [weight.detach().clone() for weight in model.parameters()]
        self.optimizer = torch.optim.AdamW(
            model.parameters(), self.recipe.rate, weight_decay=1e-4, fused=True
        )
        self.step, self.seconds = 0, 0.0
        self.losses: deque[Tensor] = deque(maxlen=100)
        with torch.random.fork_rng(_gpus(self.device)):
            torch.manual_seed(self.recipe.seed)
            self.random = _random(self.device)

    @property
    def loss(self) -> float:
        """The mean loss of the last hundred steps."""
        return float(torch.stack(list(self.losses)).mean()) if self.losses else math.nan

    def run(
        self,
        *,
        steps: int | None = None,
        seconds: float | None = None,
        checkpoint: Path | None = None,
        every: float = 30.0,
        watch: Callable[[Training], None] | None = None,
    ) -> None:
        """Trains until the run has made so many steps, or taken so many seconds, in all.

        Arguments:
            checkpoint: Where the state is stored, every so many seconds and at the end.
            watch: Called after each step.
        """
        if steps is None and seconds is None:
            raise ValueError("say how many steps, or how many seconds")
        last = math.inf if steps is None else steps
        budget = math.inf if seconds is None else seconds
        self.model.train()
        before, began = self.seconds, perf_counter()
        stored = began
        with self._own_random():
            while self.step < last and self.seconds < budget:
                self._advance()
                now = perf_counter()
                self.seconds = before + now - began
                if checkpoint and now - stored >= every:
                    self.state().write(checkpoint)
                    stored = now
                if watch:
                    watch(self)
        if checkpoint:
            self.state().write(checkpoint)

    def averaged(self) -> UNet:
        """A copy of the model with the averaged weights, for sampling."""
        model = copy.deepcopy(self.model).eval()
        with torch.no_grad():
            for weight, average in zip(model.parameters(), self.ema, strict=True):
                weight.copy_(average)
        return model

    def state(self) -> Checkpoint:
        """Everything that `resume` needs to go on exactly."""
        self._check_finite()
        moments = self.optimizer.state_dict()["state"]
        tensors = {
            "model": dict(self.model.state_dict()),
            "ema": _numbered(self.ema),
            "optimizer": {f"{i}.{name}": v for i, m in moments.items() for name, v in m.items()},
            "random": self.random,
            "losses": _numbered(self.losses),
        }
        return Checkpoint(tensors, {"step": self.step, "seconds": self.seconds, **self._same()})

    def resume(self, found: Checkpoint) -> None:
        """Goes on from a state; raises DiffusionError if it is that of another run."""
        for what, mine in self._same().items():
            if (theirs := found.facts.get(what)) != mine:
                shown = "" if what == "spec" else f" ({theirs}, not {mine})"
                raise DiffusionError(f"the run to resume had another {what}{shown}")
        tensors = found.tensors
        self.model.load_state_dict(tensors["model"])
        self.ema = [value.to(self.device) for value in _listed(tensors["ema"])]
        moments: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.get("optimizer", {}).items():
            index, _, name = key.partition(".")
            moments.setdefault(int(index), {})[name] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": moments})
        self.random = {**self.random, **tensors["random"]}
        self.losses.extend(value.to(self.device) for value in _listed(tensors.get("losses", {})))
        self.step, self.seconds = found.facts["step"], found.facts["seconds"]

    def _same(self) -> dict[str, Any]:
        """What must be the same when a run goes on."""
        spec = self.model.plan.spec.data()
        return {"spec": spec, "data": self.images.fingerprint, **asdict(self.recipe)}

    def _advance(self) -> None:
        """One step."""
        recipe = self.recipe
        weights: list[Tensor] = list(self.model.parameters())
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.rate * min(1.0, (self.step + 1) / max(1, recipe.warmup))
        self.optimizer.zero_grad()
        loss = self._loss(torch.randint(len(self.images), (recipe.batch,)))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, recipe.clip)
        self.optimizer.step()
        keep = min(recipe.ema, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(self.ema, weights, 1 - keep)
        self.losses.append(loss.detach())
        self.random = _random(self.device)
        self.step += 1
        if self.step % 100 == 0:
            self._check_finite()

    def _loss(self, index: Tensor) -> Tensor:
        """The error of the prediction for these images, each at a random time."""
        data = self.images.at(index).to(self.device)
        times = self.path.draw(len(index))
        moment, noise = self.path.at(times), torch.randn_like(data)
        conditions = {}
        if self.label is not None and self.images.labels is not None:
            conditions[self.label] = self.images.labels[index].to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.amp):
            predict, x = bound(self.model, conditions), noised(data, noise, moment)
            said = predict(x, self.path.told(times).to(self.device))
        wanted = target(self.prediction, data, noise, moment)
        loss = error(self.prediction, mean_of(said), wanted, moment)
        if isinstance(said, Gaussian):
            assert isinstance(self.path, StepPath)
            loss = loss + variance.bound(self.prediction, self.path, said, x, data, times)
        return loss

    def _check_finite(self) -> None:
        if self.losses and not math.isfinite(self.loss):
            raise DiffusionError(
                f"the loss is no number any more, after {self.step:,} steps; try a smaller `rate`"
            )

    @contextmanager
    def _own_random(self) -> Iterator[None]:
        """Inside, random numbers are those of the run; outside, those of the caller."""
        with torch.random.fork_rng(_gpus(self.device)):
            torch.set_rng_state(self.random["cpu"])
            if "cuda" in self.random and self.device.type == "cuda":
                torch.cuda.set_rng_state(self.random["cuda"], self.device)
            yield


def begin(plan: Plan, images: Images, recipe: Recipe, device: str = "cpu") -> Training:
    """A run from the start: the seed of the recipe decides the first weights too."""
    with torch.random.fork_rng(_gpus(torch.device(device))):
        torch.manual_seed(recipe.seed)
        model = UNet(plan)
    return Training(model, images, recipe, device)


def _trainable(model: UNet, images: Images) -> str | None:
    """The name of the label condition; raises DiffusionError where the images can't train it."""
    told, path = model.plan.spec.output.variance, path_of(model.plan.spec.prediction)
    if told == "per-sample":
        raise DiffusionError(
            "one variance of a whole sample is not trained here; leave `variance` out"
        )
    if told == "learned" and not isinstance(path, StepPath):
        raise DiffusionError(
            "a variance is learned for the steps of a path that has steps; set for example "
            "`prediction: noise`, or leave `variance` out"
        )
    label = label_of(model)
    if label is None:
        return None
    if images.labels is None:
        raise DiffusionError(
            f"the condition `{label.name}` needs classes, and these images have none; put the "
            "images of each class into a folder of its own"
        )
    count = int(images.labels.max()) + 1
    if count > label.classes:
        raise DiffusionError(
            f"the images have {count} classes and the condition `{label.name}` {label.classes}"
        )
    return label.name


def _random(device: torch.device) -> dict[str, Tensor]:
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def _gpus(device: torch.device) -> list[torch.device]:
    return [device] if device.type == "cuda" else []


def _numbered(values: Iterable[Tensor]) -> dict[str, Tensor]:
    return {str(index): value for index, value in enumerate(values)}


def _listed(numbered: Mapping[str, Tensor]) -> list[Tensor]:
    return [numbered[str(index)] for index in range(len(numbered))]
