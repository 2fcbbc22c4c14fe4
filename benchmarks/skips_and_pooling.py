"""What skips, poolings and depth do to a small network: the same training, one decision changed.

Real images: crops of scikit-learn's two photographs, tested on a part of them that training never
sees. A network is asked for the velocity at some times and made to say the clean crop; its error is
split into what a 4×4 box blur keeps (coarse) and what that removes (local detail).

With ``--field`` the images are scikit-learn's digits, enlarged to the same size, of whose strokes a
position has to see many to know which digit it is in; the error is that of the whole clean digit.
"""

from __future__ import annotations

import argparse
from statistics import mean

import numpy as np
import torch
from sklearn.datasets import load_sample_images
from timing import table
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from archkit import Plan, plan, report
from archkit.diffusion.data import Images, load
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

FIELD = {
    "3 stages": {},
    "2 stages": {"encoder": [{"channels": 16, "blocks": 1}] * 2},
    "1 stage": {"encoder": [{"channels": 16, "blocks": 1}]},
    "3 stages, `pooling: none`": {"pooling": "none"},
}
"""How far a position sees; with poolings that learn nothing, the first and the last are equal."""


def enlarged() -> tuple[Images, Images]:
    """Digits four times as large, and some that training never sees."""

    def large(digits: Images) -> Images:
        pixels = interpolate(digits.all(), size=(SIZE, SIZE), mode="bilinear").clamp(-1, 1)
        return Images(((pixels + 1) * 127.5).round().to(torch.uint8))

    known, held_out = load("digits", 1, (8, 8)).split(0.85)
    return large(known), large(held_out)


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
def wrongs(training: Training, held_out: Images) -> list[Tensor]:
    """What is wrong with the clean images that a network says, at each of the times."""
    model, data = training.averaged(), held_out.all()
    noise = torch.randn(data.shape, generator=torch.Generator().manual_seed(1))
    found = []
    for time in TIMES:
        times = torch.full((len(data),), time)
        x = noised(data, noise, training.path.at(times))
        clean = x + (1 - time) * model(x, training.path.told(times))  # x_1 = x_t + (1 − t) · v
        found.append(clean - data)
    return found


def errors(training: Training, held_out: Images) -> tuple[float, ...]:
    """Mean squared errors of the clean crop: of what is coarse, and of local detail."""
    found = wrongs(training, held_out)
    low = [float(coarse(wrong).square().mean()) for wrong in found]
    high = [float((wrong - coarse(wrong)).square().mean()) for wrong in found]
    return mean(low), mean(high)


def far(drawn: Plan, steps: int, seeds: int, data: tuple[Images, Images]) -> list[object]:
    """Errors at each of the times, over some seeds: their mean and the largest distance from it."""
    tried = []
    for seed in range(seeds):
        training = begin(drawn, data[0], Recipe(batch=16, seed=seed, ema=0.99))
        training.run(steps=steps)
        tried.append([float(wrong.square().mean()) for wrong in wrongs(training, data[1])])
    told = []
    for found in zip(*tried, strict=True):
        most = max(abs(error - mean(found)) for error in found)
        told.append(f"{mean(found):.4f} ± {most:.4f}")
    return [f"{drawn.cost.parameters:,}", str(report(drawn).bottleneck), *told]


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
    options.add_argument("--field", action="store_true", help="how far a position sees, on digits")
    options.add_argument("--seeds", type=int, default=2, help="of each row, with --field")
    asked = options.parse_args()
    torch.set_num_threads(1)
    runs = FIELD if asked.field else RUNS
    data = enlarged() if asked.field else crops()
    errors_at = [f"error at t = {time}" for time in TIMES]
    rest = errors_at if asked.field else ["training loss", "coarse error", "detail error"]
    rows: list[list[object]] = [["", "parameters", "receptive field", *rest]]
    for name, change in runs.items():
        if asked.only not in (None, name):
            continue
        if asked.field:
            base = {**BASE, "input": {"channels": 1, "size": SIZE}, "pooling": "avg"}
            rows.append([name, *far(plan({**base, **change}), asked.steps, asked.seeds, data)])
        else:
            rows.append(row(name, plan({**BASE, **change}), asked.steps, asked.seed, data))
        print(*rows[-1], flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
