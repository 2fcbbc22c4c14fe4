"""How the specs of `plugins/` train on digits, beside the plain one: the demo's loop, some seeds.

    python benchmarks/plugins_on_digits.py [--steps 200] [--seeds 3] [SPEC ...]

Every spec has the same steps, learning rate and images. `held out` is the mean loss of the averaged
weights on digits that were kept back, at the same times and with the same noise for every spec and
seed: over the seeds, its mean and its standard deviation. It is to reach: what the plain one has,
within two deviations of a difference of such means.
"""

from __future__ import annotations

import argparse
import math
from statistics import mean, stdev
from time import process_time

import torch

import archkit
from archkit.diffusion.data import Images, load
from archkit.diffusion.targets import error, noised, path_of, target
from archkit.diffusion.training import Recipe, begin
from archkit.module import UNet

PLAIN = "digits"
ROUNDS = 8
"""How often each image is tried, at another time and with another noise."""


def main() -> None:
    """Trains each with every seed, and prints a line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("specs", nargs="*", metavar="SPEC")
    parser.add_argument("--steps", type=int, default=200, help="for each")
    parser.add_argument("--seeds", type=int, default=3, help="for each")
    given = parser.parse_args()
    torch.set_num_threads(1)
    registry = archkit.default_registry()
    names = given.specs or [name for name in registry.extras("spec") if _on_digits(name)]
    print(f"{'spec':<24}{'parameters':>12}{'s/step':>8}{'held out':>20}  each")
    for name in names:
        plan = archkit.plan(registry.spec(name))
        known, held_out = load("digits", plan.spec.input.channels, plan.spec.input.space).split(
            0.85
        )
        losses, took = [], process_time()
        for seed in range(given.seeds):
            training = begin(plan, known, Recipe(seed=seed))
            training.run(steps=given.steps)
            losses.append(held(training.averaged(), held_out))
        pace = (process_time() - took) / given.steps / given.seeds
        spread = stdev(losses) if len(losses) > 1 else math.nan
        print(
            f"{name:<24}{plan.cost.parameters:>12,}{pace:>8.3f}"
            f"{mean(losses):>11.4f} ± {spread:.4f}  {' '.join(f'{loss:.4f}' for loss in losses)}",
            flush=True,
        )


def _on_digits(name: str) -> bool:
    return name.rpartition("/")[2].startswith(PLAIN)


@torch.no_grad()
def held(model: UNet, images: Images) -> float:
    """The mean squared error of the prediction on images that were kept back."""
    chance = torch.Generator().manual_seed(1)
    prediction, data = model.plan.spec.prediction, images.all()
    total = 0.0
    for _ in range(ROUNDS):
        noise = torch.randn(data.shape, generator=chance)
        t = torch.rand(len(data), generator=chance)
        moment = path_of(prediction).at(t)
        said = model.eval()(noised(data, noise, moment), t, label=images.labels)
        total += float(error(prediction, said, target(prediction, data, noise, moment), moment))
    return total / ROUNDS


if __name__ == "__main__":
    main()
