"""Samples from a trained model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from ..errors import DiffusionError
from ..module import UNet
from .guidance import guided, label_of
from .samplers import Method, sample


def generate(
    model: UNet,
    count: int,
    *,
    labels: Tensor | None = None,
    steps: int = 50,
    guidance: float = 1.0,
    seed: int = 0,
    method: Method | None = None,
    at_once: int = 64,
) -> Tensor:
    """New data (count, C, …), on the CPU, in the size the spec declares.

    Arguments:
        labels: The class of each (count,); the null class unless given.
        steps: Of the sampler.
        guidance: How much, see `guided`; 1 is none.
        seed: Of all noise.
        method: The sampler, see `sample`.
        at_once: How many run through the network together; twice as many with guidance.
    """
    spec, device = model.plan.spec, next(model.parameters()).device
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(count, spec.input.channels, *spec.input.space, generator=generator)
    told = _told(model, labels, count)
    parts = []
    with _evaluated(model):
        for start in range(0, count, at_once):
            here = slice(start, start + at_once)
            conditions = {name: value[here].to(device) for name, value in told.items()}
            predict = guided(model, conditions, guidance)
            x = noise[here].to(device)
            x = sample(predict, x, spec.prediction, steps, method=method, generator=generator)
            parts.append(x.cpu())
    return torch.cat(parts)


def each_class(model: UNet, classes: Sequence[int] = (), count: int = 1) -> Tensor | None:
    """Labels for so many samples of each of these classes, or of every class the model knows.

    None where it knows no classes; DiffusionError where it does not know one of these.
    """
    label = label_of(model)
    if label is None:
        if classes:
            raise DiffusionError("this model was trained without classes; ask for none")
        return None
    return torch.tensor(classes or range(label.classes)).repeat_interleave(count)


def _told(model: UNet, labels: Tensor | None, count: int) -> dict[str, Tensor]:
    """The label condition (count,), or nothing where the model knows no classes."""
    label = label_of(model)
    if label is None:
        if labels is not None:
            raise DiffusionError("this model was trained without classes; ask for none")
        return {}
    if labels is None:
        if label.null is None:
            raise DiffusionError(f"this model has to be told a class, 0 to {label.classes - 1}")
        labels = torch.full((count,), label.null)
    elif not 0 <= int(labels.min()) <= int(labels.max()) < label.classes:
        raise DiffusionError(f"this model knows the classes 0 to {label.classes - 1}")
    return {label.name: labels}


@contextmanager
def _evaluated(model: UNet) -> Iterator[None]:
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(training)
