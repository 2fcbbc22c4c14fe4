"""What skips, poolings and depth do to a small network: the same training, one decision changed.

Real images: crops of scikit-learn's two photographs, tested on a part of them that training never
sees. A network is asked for the velocity at some times and made to say the clean crop; its error is
split into what a 4×4 box blur keeps (coarse) and what that removes (local detail).
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from sklearn.datasets import load_sample_images
from timing import table
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from archkit import Plan, plan, report
from archkit.diffusion.data import Images
from archkit.diffusion.targets import noised
from archkit.diffusion.training import Recipe, Training, begin

SIZE, TRAIN, TEST = 32, 4000, 128
TIMES = (0.2, 0.5, 0.8)
BASE = {
    "archkit": 1,
    "name": "base",
    "input": {"channels": 3, "size": SIZE},
    "norm": {"groups": 8},
    "encoder": [{"channels": 16, "blocks": 1} for _ in range(3)],
}
RUNS = {
    "the base": {},
    "skip: add": {"skip": "add"},
    "skip: none": {"skip": "none"},
    "pooling: max": {"pooling": "max"},
    "pooling: avg": {"pooling": "avg"},
    "pooling: blur": {"pooling": "blur"},
    "1 stage": {"encoder": [{"channels": 16, "blocks": 1}]},
    "2 stages": {"encoder": [{"channels": 16, "blocks": 1}] * 2},
}


def crops() -> tuple[Images, Images]:
    """Training crops from the left two thirds of each photograph, others from the rest."""
    draw = np.random.default_rng(0)
    parts = [np.asarray(photo) for photo in load_sample_images().images]
    found = []
    for number, (low, high) in ((TRAIN, (0, 426)), (TEST, (426, 640))):
        pixels = np.empty((number, 3, SIZE, SIZE), np.uint8)
        for i in range(number):
            photo = parts[i % len(parts)]
            y = draw.integers(0, photo.shape[0] - SIZE + 1)
            x = draw.integers(low, high - SIZE + 1)
            pixels[i] = photo[y : y + SIZE, x : x + SIZE].transpose(2, 0, 1)
        found.append(Images(torch.from_numpy(pixels)))
    return found[0], found[1]


def coarse(images: Tensor) -> Tensor:
    return interpolate(avg_pool2d(images, 4), scale_factor=4.0)


@torch.no_grad()
def errors(training: Training, held_out: Images) -> tuple[float, float]:
    """Mean squared errors of the clean crop: of what is coarse, and of local detail."""
    model, data = training.averaged(), held_out.all()
    noise = torch.randn(data.shape, generator=torch.Generator().manual_seed(1))
    total = np.zeros(2)
    for time in TIMES:
        times = torch.full((len(data),), time)
        moment = training.path.at(times)
        x = noised(data, noise, moment)
        clean = x + (1 - time) * model(x, training.path.told(times))  # x_1 = x_t + (1 − t) · v
        wrong = clean - data
        total += [
            float(coarse(wrong).square().mean()),
            float((wrong - coarse(wrong)).square().mean()),
        ]
    return tuple(total / len(TIMES))


def row(name: str, drawn: Plan, steps: int, seed: int, data: tuple[Images, Images]) -> list[object]:
    known, held_out = data
    training = begin(drawn, known, Recipe(batch=16, seed=seed, ema=0.99))
    training.run(steps=steps)
    low, high = errors(training, held_out)
    field = report(drawn).bottleneck
    figures = [f"{drawn.cost.parameters:,}", str(field), f"{training.loss:.4f}"]
    return [name, *figures, f"{low:.5f}", f"{high:.5f}"]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--steps", type=int, default=600)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--only", help="one of the rows, by its name")
    asked = options.parse_args()
    head = ["", "parameters", "receptive field", "training loss", "coarse error", "detail error"]
    rows: list[list[object]] = [head]
    data = crops()
    for name, change in RUNS.items():
        if asked.only in (None, name):
            rows.append(row(name, plan({**BASE, **change}), asked.steps, asked.seed, data))
            print(*rows[-1], flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
