"""Measured facts about samples: are they what was asked for, and are they more than copies?"""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import DiffusionError
from .data import Images


class Judge:
    """A classifier that never saw the model: a support vector machine on pixels of real images."""

    def __init__(self, real: Images) -> None:
        from sklearn.svm import SVC  # type: ignore[import-untyped]

        if real.labels is None:
            raise DiffusionError("a classifier needs images with classes")
        self.machine = SVC(C=10.0).fit(_flat(real.all()), real.labels.numpy())

    def agrees(self, images: Tensor, labels: Tensor) -> float:
        """The share of the images (N, C, H, W) that it takes for these classes (N,)."""
        return float(self.machine.score(_flat(images), labels.numpy()))


def nearest(images: Tensor, real: Tensor) -> Tensor:
    """The distance of each image (N, C, H, W) to the nearest real one: (N,), in pixels' units."""
    between = torch.cdist(images.clamp(-1, 1).flatten(1), real.flatten(1))
    return between.min(dim=1).values


def _flat(images: Tensor) -> object:
    return images.clamp(-1, 1).flatten(1).numpy()
