"""`archkit check`, cold: CPU seconds of a fresh process, for one spec and for the eleven specs.

Target: at most 0.3 s for one, at most 0.6 s for eleven, and no torch.
"""

from __future__ import annotations

import statistics

from peers import SPECS
from timing import process, python, table

RUNS = 7
ELEVEN = """tiny digits ddpm-cifar10 ddpm-celebahq-256 unet-2015 stable-diffusion-1.5
stable-diffusion-2.1 sdxl-base adm-imagenet64 monai-ddpm-3d guided-1d""".split()


def main() -> None:
    files = [str(SPECS / f"{name}.yaml") for name in ELEVEN]
    rows: list[list[object]] = [["archkit check", "CPU s", "peak MiB"]]
    for label, chosen in (("one spec", [str(SPECS / "ddpm-cifar10.yaml")]), ("eleven", files)):
        code = (
            "import sys\nfrom archkit.cli import main\n"
            f"try:\n    main(['check', *{chosen!r}])\n"
            "finally:\n    assert 'torch' not in sys.modules"
        )
        runs = [process(python(code)) for _ in range(RUNS)]
        seconds = statistics.median(run[0] for run in runs)
        rows.append([label, f"{seconds:.3f}", f"{max(run[1] for run in runs):.0f}"])
    bare = statistics.median(process(python("pass"))[0] for _ in range(RUNS))
    rows.append(["python alone", f"{bare:.3f}", ""])
    print(table(rows))


if __name__ == "__main__":
    main()
