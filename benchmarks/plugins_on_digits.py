"""How the specs of `plugins/` train on digits, beside the plain one: the demo's loop, one seed.

    python benchmarks/plugins_on_digits.py [--seconds 20] [--steps 150] [SPEC ...]

Every spec has the same number of steps, unless its time is up before. `held out` is the mean
loss of the averaged weights on digits that were kept back, at the same times and with the same
noise for every spec.
"""

from __future__ import annotations

import argparse

import torch

import archkit
from archkit.diffusion.data import Images, load
from archkit.diffusion.targets import error, noised, path_of, target
from archkit.diffusion.training import Recipe, begin
from archkit.module import UNet

PLAIN = "digits"


def main() -> None:
    """Trains each, and prints a line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("specs", nargs="*", metavar="SPEC")
    parser.add_argument("--seconds", type=float, default=60.0, help="at most, for each")
    parser.add_argument("--steps", type=int, default=150, help="for each")
    given = parser.parse_args()
    registry = archkit.default_registry()
    names = given.specs or [name for name in registry.extras("spec") if _on_digits(name)]
    print(f"{'spec':<24}{'parameters':>12}{'steps':>7}{'s/step':>8}{'loss':>8}{'held out':>10}")
    for name in names:
        plan = archkit.plan(registry.spec(name))
        images = load("digits", plan.spec.input.channels, plan.spec.input.space)
        known, held_out = images.split(0.85)
        training = begin(plan, known, Recipe(seed=0))
        training.run(steps=given.steps, seconds=given.seconds)
        loss = held(training.averaged(), held_out)
        pace = training.seconds / max(1, training.step)
        print(
            f"{name:<24}{plan.cost.parameters:>12,}{training.step:>7}{pace:>8.3f}"
            f"{training.loss:>8.4f}{loss:>10.4f}",
            flush=True,
        )


def _on_digits(name: str) -> bool:
    return name.rpartition("/")[2].startswith(PLAIN)


@torch.no_grad()
def held(model: UNet, images: Images) -> float:
    """The mean squared error of the prediction on images that were kept back."""
    chance = torch.Generator().manual_seed(1)
    prediction, data = model.plan.spec.prediction, images.all()
    noise = torch.randn(data.shape, generator=chance)
    t = torch.rand(len(data), generator=chance)
    moment = path_of(prediction).at(t)
    said = model.eval()(noised(data, noise, moment), t, label=images.labels)
    return float(error(prediction, said, target(prediction, data, noise, moment), moment))


if __name__ == "__main__":
    main()
