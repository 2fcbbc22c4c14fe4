"""Loading saved weights of Stable Diffusion 1.5 (random), against diffusers: time and memory.

`archkit.load` builds on the meta device and maps the file: nothing is initialised or copied.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from peers import SPECS, peer
from timing import python, quiet_environment, table

LOAD = """
import sys, time; sys.path.insert(0, {folder!r})
import torch
from timing import peak_mib
{imports}
before, start = peak_mib(), time.process_time()
model = {load}
seconds = time.process_time() - start
sys.stderr.write(f"found {{seconds:.2f}} {{peak_mib() - before:.0f}}")
"""


def main() -> None:
    import archkit

    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder, "ours.safetensors"), Path(folder, "theirs")
        archkit.save(archkit.assemble(SPECS / "stable-diffusion-1.5.yaml"), ours)
        peer("stable-diffusion-1.5").save_pretrained(theirs)
        rows: list[list[object]] = [["library", "CPU s", "added MiB"]]
        loaded = f"archkit.load({str(ours)!r})"
        rows.append(["archkit", *_found("import archkit.module, archkit", loaded)])
        wanted = f"UNet2DConditionModel.from_pretrained({str(theirs)!r})"
        rows.append(["diffusers", *_found("from diffusers import UNet2DConditionModel", wanted)])
        print(table(rows))


def _found(imports: str, load: str) -> list[str]:
    code = LOAD.format(folder=str(Path(__file__).parent), imports=imports, load=load)
    done = subprocess.run(
        python(code), capture_output=True, text=True, check=True, env=quiet_environment()
    )
    return done.stderr.rpartition("found ")[2].split()


if __name__ == "__main__":
    main()
