"""train, sample and the demo, as they are called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from PIL import Image

import archkit
from archkit.cli import main
from archkit.diffusion import demo
from archkit.diffusion.checkpoints import Checkpoint

SPEC = """
archkit: 1
name: little
input: {channels: 1, size: 8}
norm: {groups: 4}
conditioning:
  label: {type: label, classes: 10, dropout: 0.1}
encoder:
  - {channels: 8, blocks: 1}
  - {channels: 8, blocks: 1}
"""


class Result(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Calls archkit in a folder that holds little.yaml; nobody ever sees a traceback."""
    monkeypatch.chdir(tmp_path)
    Path("little.yaml").write_text(SPEC)

    def call(*arguments: str) -> Result:
        with pytest.raises(SystemExit) as exit:
            main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return Result(int(exit.value.code or 0), told.out, told.err)

    return call


def test_a_spec_is_trained_and_sampled(run: Run) -> None:
    trained = run("train", "little.yaml", "--data", "digits", "--steps", "3", "--batch", "4")
    assert trained.code == 0
    assert trained.out.startswith("out/little.safetensors: 3 steps in ")
    assert "3/3 step" in trained.err
    model = archkit.load("out/little.safetensors")
    assert model.plan.spec.name == "little"
    averages = Checkpoint.read(Path("out/little.safetensors.checkpoint")).tensors["ema"]
    for index, weight in enumerate(model.parameters()):
        assert torch.equal(weight, averages[str(index)])
    drawn = run(
        "sample", "out/little.safetensors", "-o", "out/little.png",
        "--class", "7", "--class", "1", "--count", "3", "--guidance", "2", "--steps", "2",
    )  # fmt: skip
    assert drawn == (0, "out/little.png\n", "")
    with Image.open("out/little.png") as picture:
        assert picture.size == (8 * (3 * 9 + 1), 8 * (2 * 9 + 1))
    files = sorted(path.name for path in Path("out").iterdir())
    assert files == ["little.png", "little.safetensors", "little.safetensors.checkpoint"]


def test_the_seed_decides_the_picture(run: Run) -> None:
    archkit.save(archkit.assemble(SPEC), "model.safetensors")
    options = ("--class", "1", "--count", "2", "--steps", "2")
    for seed, name in ((0, "a.png"), (0, "b.png"), (1, "c.png")):
        assert (
            run("sample", "model.safetensors", "-o", name, "--seed", str(seed), *options).code == 0
        )
    first, again, other = (Path(name).read_bytes() for name in ("a.png", "b.png", "c.png"))
    assert first == again
    assert first != other


def test_a_run_is_resumed(run: Run) -> None:
    options = ("--data", "digits", "--batch", "4", "-o", "a.safetensors")
    assert run("train", "little.yaml", "--steps", "2", *options).code == 0
    again = run("train", "little.yaml", "--steps", "4", *options)
    assert again.code == 1
    assert again.err == (
        "error: a.safetensors.checkpoint holds a run already; go on with --resume, or name another "
        "--out\n"
    )
    resumed = run("train", "little.yaml", "--steps", "4", "--resume", *options)
    assert resumed.code == 0
    assert "a.safetensors: 4 steps" in resumed.out
    straight = ("--data", "digits", "--batch", "4", "-o", "b.safetensors")
    assert run("train", "little.yaml", "--steps", "4", *straight).code == 0
    ours, theirs = (archkit.load(name).state_dict() for name in ("a.safetensors", "b.safetensors"))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_folder_of_classes_is_named(run: Run) -> None:
    for name, colour in {"cat": "red", "dog": "blue"}.items():
        Path("pets", name).mkdir(parents=True)
        Image.new("RGB", (20, 10), colour).save(f"pets/{name}/1.png")
    trained = run("train", "little.yaml", "--data", "pets", "--seconds", "0.1", "--ema", "0")
    assert trained.code == 0
    assert trained.out.splitlines()[1:] == ["class 0: cat", "class 1: dog"]


def test_a_model_without_classes(run: Run) -> None:
    plain = {"archkit": 1, "name": "plain", "input": {"channels": 3, "size": 8},
             "prediction": "noise", "encoder": [{"channels": 32, "blocks": 1}]}  # fmt: skip
    archkit.save(archkit.assemble(plain), "plain.safetensors")
    assert (
        run("sample", "plain.safetensors", "-o", "p.png", "--count", "4", "--steps", "2").code == 0
    )
    with Image.open("p.png") as picture:
        assert picture.size == (8 * 19, 8 * 19)
    refused = run("sample", "plain.safetensors", "-o", "p.png", "--class", "1")
    assert refused.code == 1
    assert refused.err == "error: this model was trained without classes; ask for none\n"


TRAIN = ("train", "little.yaml", "--data", "digits")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((*TRAIN, "--steps", "1", "--seconds", "1"), 2, "--steps and --seconds exclude each other"),
        ((*TRAIN, "--steps", "0"), 2, "0 is not in the range x>=1"),
        ((*TRAIN, "--device", "toaster"), 2, "`toaster` can't be used"),
        (("train", "little.yaml"), 2, "Missing option '--data'"),
        ((*TRAIN, "--resume"), 1, "no run to resume"),
        (("train", "little.yaml", "--data", "nowhere"), 1, "nowhere: no such folder"),
        ((*TRAIN, "--set", "prediction=none"), 1, "`prediction: none` does not denoise"),
        ((*TRAIN, "--set", "input.size=9"), 1, "error[size]"),
        ((*TRAIN, "--set", "prediction.type=noise", "--set", "prediction.path=linear"), 1,
         "error[zero-terminal-signal]"),
        (("sample", "nowhere.safetensors", "-o", "a.png"), 1, "nowhere.safetensors: no such file"),
        (("sample", "little.yaml", "-o", "a.png"), 1, "little.yaml can't be read as safetensors"),
        (("sample", "model.safetensors"), 2, "Missing option '-o' / '--out'"),
        (("sample", "model.safetensors", "-o", "a.png", "--class", "10"), 1,
         "knows the classes 0 to 9"),
        (("sample", "model.safetensors", "-o", "a.png", "--method", "magic"), 2,
         "'magic' is not one"),
        (("sample", "line.safetensors", "-o", "a.png", "--steps", "1"), 1, "make no picture"),
    ],
)  # fmt: skip
def test_mistakes_are_told(run: Run, arguments: tuple[str, ...], code: int, message: str) -> None:
    archkit.save(archkit.assemble(SPEC), "model.safetensors")
    line = {"archkit": 1, "name": "line", "input": {"channels": 1, "size": [8]},
            "encoder": [{"channels": 32, "blocks": 1}]}  # fmt: skip
    archkit.save(archkit.assemble(line), "line.safetensors")
    result = run(*arguments)
    assert result.code == code
    assert message in result.err
    assert result.out == ""
    assert not Path("a.png").exists()


def test_the_demo_tells_what_it_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    demo.main(tmp_path, seconds=0.5, each=1)
    told = capsys.readouterr().out
    assert "digits.yaml: output == input == 1×8×8" in told
    assert "1527 real digits to train on, 270 held out" in told
    assert "recognised as the digit asked for: " in told
    assert "(held-out real digits: 0.98" in told
    assert "mean distance to the nearest training digit: " in told
    assert archkit.load(tmp_path / "digits.safetensors").plan.spec.name == "digits"
    with Image.open(tmp_path / "digits-samples.png") as picture:
        assert picture.size == (4 * 10, 4 * 91)
