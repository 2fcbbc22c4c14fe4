"""What a sampler costs beyond its network: microseconds a step, beside diffusers' schedulers.

The network is a stub that returns one tensor, so everything measured is the loop's own. All loops
take turns; the median of the rounds counts. Run: ``python benchmarks/sampler_step.py``.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from time import perf_counter

import torch
from diffusers import DDIMScheduler, FlowMatchEulerDiscreteScheduler
from torch import Tensor

from archkit import Prediction, default_registry
from archkit.diffusion import samplers
from archkit.diffusion.targets import path_of

STEPS, ROUNDS = 50, 200
SAID = torch.randn(1, 3, 32, 32)
CPU = torch.device("cpu")


def network(x: Tensor, t: Tensor) -> Tensor:
    return SAID


def prediction(name: str, path: str) -> Prediction:
    found: Prediction = default_registry().component("prediction", name)(path=path)
    return found


def our_euler() -> Callable[[Tensor], Tensor]:
    kind = prediction("velocity", "linear")
    times = path_of(kind).grid(STEPS)
    stops = samplers.stops(kind, path_of(kind), times, CPU)
    field, spans = samplers.velocity(network, stops), times.diff().abs().tolist()
    return lambda x: samplers.euler(field, x, stops, spans)


def our_ddim() -> Callable[[Tensor], Tensor]:
    kind = prediction("noise", "ddpm")
    steps = samplers.ddim_steps(kind, path_of(kind), path_of(kind).grid(STEPS), CPU)
    return lambda x: samplers.ddim(network, x, steps)


def their(scheduler: DDIMScheduler | FlowMatchEulerDiscreteScheduler) -> Callable[[Tensor], Tensor]:
    def run(x: Tensor) -> Tensor:
        scheduler.set_timesteps(STEPS)
        for t in scheduler.timesteps:
            x = scheduler.step(network(x, t), t, x, return_dict=False)[0]
        return x

    return run


def network_alone(x: Tensor) -> Tensor:
    for t in range(STEPS):
        network(x, t)
    return x


@torch.inference_mode()
def main() -> None:
    """Prints one line for each sampler."""
    torch.set_num_threads(1)
    loops = {
        "nothing": network_alone,
        "euler": our_euler(),
        "euler of diffusers": their(FlowMatchEulerDiscreteScheduler()),
        "ddim": our_ddim(),
        "ddim of diffusers": their(DDIMScheduler(clip_sample=False)),
    }
    taken: dict[str, list[float]] = {name: [] for name in loops}
    noise = torch.randn_like(SAID)
    for _ in range(ROUNDS):
        for name, loop in loops.items():
            began = perf_counter()
            loop(noise)
            taken[name].append((perf_counter() - began) / STEPS * 1e6)
    cost = {name: statistics.median(times) for name, times in taken.items()}
    for name in ("euler", "ddim"):
        ours, theirs = (cost[n] - cost["nothing"] for n in (name, f"{name} of diffusers"))
        print(f"{name}: {ours:.1f} µs a step, diffusers {theirs:.1f}, ratio {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
