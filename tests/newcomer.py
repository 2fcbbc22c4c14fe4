"""What somebody does on the first day, timed: from `archkit new plugin` to samples of digits.

    python tests/newcomer.py [--kind block] [--fresh]

Everything happens in a new environment and an empty folder. The environment borrows the packages
of the one that runs this script; with ``--fresh`` it installs archkit and torch anew.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from time import perf_counter

from archkit.templates import KINDS

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Takes every step, and prints how long it took; stops at the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    kinds = [kind for kind in KINDS if kind != "importer"]  # which no spec names
    parser.add_argument("--kind", default="block", choices=kinds)
    parser.add_argument("--fresh", action="store_true", help="borrow nothing; needs the network")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        began = perf_counter()
        for words in steps(Path(folder), given.kind, given.fresh):
            take(words, Path(folder))
        print(f"{perf_counter() - began:6.1f} s in all")


def steps(folder: Path, kind: str, fresh: bool) -> list[list[str]]:
    """The commands, in order."""
    programs = folder / "env" / "bin"
    python, archkit = str(programs / "python"), [str(programs / "python"), "-m", "archkit"]
    install = [python, "-m", "pip", "install", "-q"]
    if fresh:
        constraints = ["-c", str(ROOT / "constraints-cpu.txt")]
        begin = [[*install, *constraints, f"{ROOT}[test]", "hatchling", "editables"]]
    else:
        begin = [[python, "-c", _BORROW, sysconfig.get_path("purelib")]]
    spec, model = "mine/examples/mine.yaml", "mine.safetensors"
    return [
        [sys.executable, "-m", "venv", "env"],
        *begin,
        [*archkit, "new", "plugin", "mine", "--kind", kind],
        [*install, "--no-deps", "--no-build-isolation", "-e", "mine"],
        [*archkit, "explain", f"{kind}.mine"],
        [*archkit, "check", spec],
        [*archkit, "plugins", "check", "mine"],
        [python, "-m", "pytest", "-q", "mine"],
        [*archkit, "train", spec, "--data", "digits", "--steps", "20", "-o", model],
        [*archkit, "sample", model, "-o", "samples.png", "--count", "8", "--steps", "4"],
    ]


# A line in a .pth file runs as the environment starts, and reads the .pth files found there too.
_BORROW = """
import pathlib, sys, sysconfig
path = pathlib.Path(sysconfig.get_path("purelib"), "borrowed.pth")
path.write_text(f"import site; site.addsitedir({sys.argv[1]!r})")
"""


def take(words: list[str], folder: Path) -> None:
    """One step."""
    started = perf_counter()
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
    told = " ".join(word for word in words[1:] if "\n" not in word)
    print(f"{perf_counter() - started:6.1f} s  {told}", flush=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)


if __name__ == "__main__":
    main()
