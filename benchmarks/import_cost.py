"""Importing weights of Stable Diffusion 1.5 (random) from a file of diffusers, against diffusers.

`archkit import` writes spec and weights to disk, one tensor at a time; `archkit.convert` and
diffusers' `from_pretrained` leave a network in memory. All read the same file, each in a process
of its own: CPU and wall seconds, and the most memory it had beyond that of its imports.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from timing import python, quiet_environment, table

HERE = str(Path(__file__).parent)
SAVE = """
import sys; sys.path.insert(0, {here!r})
from peers import peer
peer("stable-diffusion-1.5").save_pretrained({source!r})
"""
TIMED = """
import sys, time; sys.path.insert(0, {here!r})
from timing import peak_mib
{imports}
before, cpu, wall = peak_mib(), time.process_time(), time.perf_counter()
{work}
found = time.process_time() - cpu, time.perf_counter() - wall, peak_mib() - before
sys.stderr.write("found %.2f %.2f %.0f" % found)
"""
COMMAND = """
try: main(["import", {source!r}, "-o", {spec!r}, "--weights", {weights!r}])
except SystemExit as done: assert not done.code
"""
CONVERT = """
spec, state = archkit.convert(config=read_config(Path({source!r}, "config.json")),
    state_dict=read_tensors(Path({source!r}, "diffusion_pytorch_model.safetensors")))
model = archkit.assemble(spec, initialise=False)
model.load_state_dict(state, assign=True)
"""
PYTHON = """
from pathlib import Path
import archkit, archkit.module
from archkit.checkpoint import read_config
from archkit.weights.foreign import read_tensors
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = str(Path(folder, "theirs"))
        # A child begins with the peak of its parent, which is to stay small.
        subprocess.run(python(SAVE.format(here=HERE, source=source)), check=True)
        names = {"spec": f"{folder}/ours.yaml", "weights": f"{folder}/ours.safetensors"}
        rows: list[list[object]] = [["what", "CPU s", "wall s", "added MiB"]]
        imports = "import torch\nfrom archkit.cli import main"
        rows.append(["archkit import", *_found(imports, COMMAND.format(source=source, **names))])
        rows.append(["archkit.convert", *_found(PYTHON, CONVERT.format(source=source))])
        loaded = f"model = UNet2DConditionModel.from_pretrained({source!r})"
        imports = "from diffusers import UNet2DConditionModel"
        rows.append(["diffusers from_pretrained", *_found(imports, loaded)])
        print(table(rows))


def _found(imports: str, work: str) -> list[str]:
    code = TIMED.format(here=HERE, imports=imports, work=work)
    done = subprocess.run(
        python(code), capture_output=True, text=True, check=True, env=quiet_environment()
    )
    return done.stderr.rpartition("found ")[2].split()


if __name__ == "__main__":
    main()
