"""One training step of DDPM-CIFAR10 at batch 4 (forward, backward, AdamW), against diffusers.

Target: not slower.
"""

from __future__ import annotations

from typing import Any

import torch
from peers import pair
from timing import interleaved, table


def main() -> None:
    torch.set_num_threads(1)
    ours, theirs = pair("ddpm-cifar10")
    x, t = torch.randn(4, 3, 32, 32), torch.tensor([1, 200, 500, 999])
    steps = {
        "archkit": _step(ours.train(), x, t, lambda out: out),
        "diffusers": _step(theirs.train(), x, t, lambda out: out.sample),
    }
    found = interleaved(steps, rounds=7)
    rows: list[list[object]] = [["network", "ms a step"]]
    rows += [[name, f"{seconds * 1e3:.0f}"] for name, seconds in found.items()]
    rows.append(["times as fast", f"{found['diffusers'] / found['archkit']:.2f}"])
    print(table(rows))


def _step(model: Any, x: torch.Tensor, t: torch.Tensor, tensor: Any) -> Any:
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        tensor(model(x, t)).square().mean().backward()
        optimiser.step()

    return step


if __name__ == "__main__":
    main()
