"""One forward pass of DDPM-CIFAR10 against diffusers: same weights, same memory format, one thread.

Target: at least 1.0 times as fast at batch 1, 4 and 16, in both formats; outputs equal to 1e-4.
With ``--small``, the cost of the framework alone (32 channels, 8×8): at most 0.6 of diffusers'.
"""

from __future__ import annotations

import argparse
from typing import Any

import torch
from peers import pair
from timing import interleaved, table

FORMATS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    small: dict[str, Any] = {"block_out_channels": [32] * 4, "norm_num_groups": 8}
    ours, theirs = pair("ddpm-cifar10", **({**small, "sample_size": 8} if arguments.small else {}))
    size = 8 if arguments.small else 32
    rows: list[list[object]] = [
        ["batch", "format", "archkit ms", "diffusers ms", "times as fast", "difference"]
    ]
    for batch in (1,) if arguments.small else (1, 4, 16):
        for name, layout in FORMATS.items():
            x = torch.randn(batch, 3, size, size).contiguous(memory_format=layout)
            t = torch.full((batch,), 500)
            rows.append([batch, name, *_compare(ours, theirs, x, t, layout, arguments.rounds)])
    print(table(rows))


@torch.no_grad()
def _compare(
    ours: Any, theirs: Any, x: torch.Tensor, t: torch.Tensor, layout: Any, rounds: int
) -> list[str]:
    ours.to(memory_format=layout)
    theirs.to(memory_format=layout)
    wanted = theirs(x, t).sample
    error = (ours(x, t) - wanted).abs().max() / wanted.abs().max()
    assert error < 1e-4, error
    repeats = 20 if x.shape[-1] == 8 else 1

    def run(model: Any) -> None:
        for _ in range(repeats):
            model(x, t)

    found = interleaved({"ours": lambda: run(ours), "theirs": lambda: run(theirs)}, rounds)
    mine, other = (found[k] * 1e3 / repeats for k in ("ours", "theirs"))
    return [f"{mine:.1f}", f"{other:.1f}", f"{other / mine:.2f}", f"{error:.0e}"]


if __name__ == "__main__":
    main()
