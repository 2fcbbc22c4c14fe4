"""Spec to module on the meta device, initialisers skipped, imports aside; against diffusers.

Target: 25 ms DDPM, 55 ms Stable Diffusion 1.5, 130 ms SDXL; at most 0.55 of diffusers' time
under ``torch.device("meta")``; at most 15 MiB of memory.
"""

from __future__ import annotations

import subprocess

from peers import CLASSES, SPECS, peer
from timing import interleaved, python, quiet_environment, table

MEMORY = """
import sys; sys.path.insert(0, {folder!r})
import archkit, torch
from timing import peak_mib
archkit.assemble(archkit.load_spec({small!r}), initialise=False)
spec = archkit.load_spec({path!r})
before = peak_mib()
archkit.assemble(spec, initialise=False)
sys.stderr.write(f"added {{peak_mib() - before:.1f}}")
"""


def main() -> None:
    import torch

    import archkit

    rows: list[list[object]] = [["network", "archkit ms", "diffusers ms", "ratio", "added MiB"]]
    for name in CLASSES:
        path = SPECS / f"{name}.yaml"
        spec = archkit.load_spec(path)

        def theirs(name: str = name) -> object:
            with torch.device("meta"):
                return peer(name)

        def ours(spec: archkit.Spec = spec) -> object:
            return archkit.assemble(spec, initialise=False)

        found = interleaved({"archkit": ours, "diffusers": theirs}, rounds=7)
        mine, other = found["archkit"], found["diffusers"]
        ratio, added = mine / other, _added(path)
        rows.append([name, f"{mine * 1e3:.1f}", f"{other * 1e3:.1f}", f"{ratio:.2f}", added])
    print(table(rows))


def _added(path: object) -> str:
    code = MEMORY.format(
        folder=str(SPECS.parent / "benchmarks"), small=str(SPECS / "tiny.yaml"), path=str(path)
    )
    done = subprocess.run(
        python(code), capture_output=True, text=True, check=True, env=quiet_environment()
    )
    return done.stderr.rpartition("added ")[2]


if __name__ == "__main__":
    main()
