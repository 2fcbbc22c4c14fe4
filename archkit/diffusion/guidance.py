"""What a network says, with its conditions bound, and more of it than it says itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from ..errors import DiffusionError
from ..module import Gaussian, Told, UNet, flat
from .samplers import Predict, mean_of

Conditions = Mapping[str, Told]


class Label(NamedTuple):
    """The one condition that is a class: its name in the spec, how many, and the null class."""

    name: str
    classes: int
    null: int | None


def label_of(model: UNet) -> Label | None:
    """The class a model is told, if any; raises DiffusionError where it is told anything else.

    Pictures and their classes are all that training and sampling on the command line know of.
    """
    labels = []
    for name, condition in model.plan.spec.conditioning.conditions.items():
        takes = model.plan.inputs.get(name)
        if takes is None or takes.numbers != "int" or takes.shape:
            raise DiffusionError(
                f"the condition `{name}` ({condition.type}) can't be told here, where there are "
                "only images and their classes; call the model, or `archkit.diffusion`, in Python"
            )
        labels.append(Label(name, condition.model_dump()["classes"], takes.null))
    if len(labels) > 1:
        names = " and ".join(f"`{label.name}`" for label in labels)
        raise DiffusionError(f"an image has one class, and this model is told {names}")
    return labels[0] if labels else None


def bound(model: UNet, conditions: Conditions) -> Predict:
    """The model with its conditions bound; a variance of the whole sample, which no step takes, is
    left out.

    Raises DiffusionError for a network that predicts nothing, because it feeds another.
    """
    if model.plan.offers:
        what = f"`{model.plan.spec.name}` predicts nothing: it offers what it taps to another"
        raise DiffusionError(f"{what}; tell that one, as its `residuals`")
    timed = "t" in model.plan.inputs
    taken = model.plan.spec.output.variance != "per-sample"

    def predict(x: Tensor, t: Tensor) -> Tensor | Gaussian:
        said: Tensor | Gaussian = model(x, t, **conditions) if timed else model(x, **conditions)
        return said if taken else mean_of(said)

    return predict


def guided(
    model: UNet, conditions: Conditions, scale: float, negative: Conditions | None = None
) -> Predict:
    """Classifier-free guidance: negative + scale · (told − negative), in one forward of 2 · B.

    A learned variance is that of what is told.

    References:
        | Classifier-Free Diffusion Guidance (Ho, Salimans, 2022)
        | https://arxiv.org/abs/2207.12598

    Arguments:
        conditions: What the network is told, each (B, …).
        scale: 1 is no guidance at all, 0 is the negative alone; the paper's w is scale − 1.
        negative: What to go away from; the null class of every label unless named. Conditions
            that are not named and have no null class are told both times.
    """
    if scale == 1.0:
        return bound(model, conditions)
    given, said = _given(conditions), _given(negative or {})
    away = {**nulls(model, given), **said}
    if not away:
        raise DiffusionError(
            "there is nothing to guide away from, because no condition has a null class; leave "
            "the guidance at 1, or give the label `dropout` and train again"
        )
    both = {name: torch.cat((told, away.get(name, told))) for name, told in given.items()}
    predict = bound(model, both)

    def twice(x: Tensor, t: Tensor) -> Tensor | Gaussian:
        said = predict(torch.cat((x, x)), t)
        told, not_told = mean_of(said).chunk(2)
        mean = torch.lerp(not_told, told, scale)
        return Gaussian(mean, said.variance.chunk(2)[0]) if isinstance(said, Gaussian) else mean

    return twice


def nulls(model: UNet, conditions: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The null class of each of these conditions that has one, as tensors of the same shape."""
    found = {}
    for name, told in conditions.items():
        takes = model.plan.inputs[name]
        if takes.numbers == "int" and not takes.shape and takes.null is not None:
            found[name] = torch.full_like(told, takes.null)
    return found


def _given(conditions: Conditions) -> dict[str, Tensor]:
    """What is told, tensor by tensor."""
    return {name: told for name, told in flat(conditions).items() if told is not None}
