"""``python -m archkit.diffusion.demo``: a spec becomes a network that makes digits, in a minute."""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

import torch

from .. import api, zoo
from .data import Images, load
from .evaluation import Judge, nearest
from .generation import generate
from .pictures import write_png
from .progress import progress
from .training import Recipe, begin

EXPECTED = 0.8
"""The least share of samples that should be recognised as the digit asked for."""
ENOUGH = 150
"""Steps after which it is; a busy machine gets more time for them."""


def main(folder: Path = Path("out"), seconds: float = 60.0, each: int = 20) -> None:
    """Checks, assembles, trains, samples, and says what came of it.

    Arguments:
        folder: Where the picture and the model go.
        seconds: How long to train.
        each: Samples of every digit.
    """
    began = perf_counter()
    file = zoo.folder() / "digits.yaml"
    for problem in api.check(file):
        print(problem, file=sys.stderr)
    plan = api.plan(file)
    print(f"{file.name}: output == input == {plan.output}, {plan.cost.parameters:,} parameters")

    real = load("digits", plan.spec.input.channels, plan.spec.input.space)
    known, held_out = real.split(0.85)
    print(f"{len(known)} real digits to train on, {len(held_out)} held out")
    training = begin(plan, known, Recipe())
    with progress(None, seconds) as watch:
        training.run(seconds=seconds, watch=watch)
    if training.step < ENOUGH:
        print(f"only {training.step} steps in that time: this machine is busy, so some more")
        with progress(ENOUGH, None) as watch:
            training.run(steps=ENOUGH, seconds=2.5 * seconds, watch=watch)

    model = training.averaged()
    labels = torch.arange(10).repeat_interleave(each)
    samples = generate(model, len(labels), labels=labels, steps=40, guidance=2.0)
    write_png(samples, folder / "digits-samples.png", columns=each, enlarge=4)
    api.save(model, folder / "digits.safetensors")
    print(f"wrote {folder / 'digits-samples.png'} and {folder / 'digits.safetensors'}")
    print(f"loss {training.loss:.3f} after {training.step:,} steps in {training.seconds:.0f} s")
    _facts(samples, labels, known, held_out)
    print(f"{perf_counter() - began:.0f} s in all")


def _facts(samples: torch.Tensor, labels: torch.Tensor, known: Images, held_out: Images) -> None:
    judge = Judge(known)
    share = judge.agrees(samples, labels)
    assert held_out.labels is not None
    fair = judge.agrees(held_out.all(), held_out.labels)
    print(f"recognised as the digit asked for: {share:.3f} of {len(samples)} samples", end="")
    print(f" (held-out real digits: {fair:.3f}; at least {EXPECTED} expected)")
    near, real = nearest(samples, known.all()), nearest(held_out.all(), known.all())
    print(f"mean distance to the nearest training digit: {near.mean():.2f}", end="")
    print(f" (held-out real digits: {real.mean():.2f})")


if __name__ == "__main__":
    main()
