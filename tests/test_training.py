"""Training: honest, exact when it goes on, and clear about what it can't do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

import archkit
from archkit import DiffusionError
from archkit.diffusion import data, pictures
from archkit.diffusion.checkpoints import Checkpoint
from archkit.diffusion.data import Images
from archkit.diffusion.evaluation import Judge, nearest
from archkit.diffusion.training import Recipe, Training, begin
from archkit.files import whole

TINY: dict[str, Any] = {
    "archkit": 1,
    "name": "tiny",
    "input": {"channels": 1, "size": 8},
    "norm": {"groups": 4},
    "block": {"type": "resnet", "dropout": 0.1},
    "conditioning": {"label": {"type": "label", "classes": 10, "dropout": 0.2}},
    "encoder": [{"channels": 8, "blocks": 1}, {"channels": 16, "blocks": 1}],
}
FAST = Recipe(batch=8, warmup=4)


@pytest.fixture(scope="module")
def digits() -> Images:
    return data.digits().where(torch.arange(200))


def started(images: Images, recipe: Recipe = FAST, **changes: Any) -> Training:
    return begin(archkit.plan({**TINY, **changes}), images, recipe)


def everything(training: Training) -> dict[str, Tensor]:
    """Every tensor of a run, by name."""
    return {
        f"{group}/{name}": tensor
        for group, tensors in training.state().tensors.items()
        for name, tensor in tensors.items()
    }


def assert_same(one: Training, other: Training) -> None:
    ours, theirs = everything(one), everything(other)
    assert one.step == other.step
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []


# The loop ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "prediction",
    ["velocity", "noise", "score", "sample", {"type": "v", "path": "cosine"}],
    ids=["velocity", "noise", "score", "sample", "v"],
)
def test_the_loss_falls(digits: Images, prediction: Any) -> None:
    training = started(digits, Recipe(batch=32, warmup=10), prediction=prediction)
    training.run(steps=100)
    first = training.loss
    training.run(steps=250)
    assert training.loss < 0.8 * first


def test_time_may_be_the_limit(digits: Images) -> None:
    training = started(digits)
    training.run(seconds=0.3)
    assert training.step > 1
    assert 0.3 <= training.seconds < 3
    before = training.step
    training.run(seconds=0.2)
    assert training.step == before
    with pytest.raises(ValueError, match="how many"):
        training.run()


def test_the_rate_warms_up(digits: Images) -> None:
    training = started(digits, Recipe(batch=4, rate=0.01, warmup=4))
    rates = []
    for step in (1, 2, 6):
        training.run(steps=step)
        rates.append(training.optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([0.0025, 0.005, 0.01])


def test_labels_are_dropped_while_training(digits: Images) -> None:
    label = {"label": {"type": "label", "classes": 10, "dropout": 0.5}}
    training = started(digits, Recipe(batch=32), conditioning=label)
    table = training.model.get_parameter("conditioning.label.table.weight")
    null = table[10].clone()
    training.run(steps=3)
    assert not torch.equal(table[10], null)
    assert training.model.plan.inputs["label"].null == 10


def test_averaged_weights(digits: Images) -> None:
    last = started(digits, Recipe(batch=8, ema=0.0))
    last.run(steps=4)
    for weight, average in zip(last.model.parameters(), last.ema, strict=True):
        assert torch.equal(weight, average)
    slow = started(digits)
    first = [weight.clone() for weight in slow.model.parameters()]
    slow.run(steps=1)
    model = slow.averaged()
    assert not model.training
    for start, weight, average in zip(
        first, slow.model.parameters(), model.parameters(), strict=True
    ):
        torch.testing.assert_close(average, start + (weight - start) * 0.9)


def test_the_seed_decides_everything(digits: Images) -> None:
    runs = [started(digits, Recipe(batch=8, seed=seed)) for seed in (1, 1, 2)]
    for training in runs:
        torch.rand(3)  # what others draw does not matter
        training.run(steps=3)
    assert_same(runs[0], runs[1])
    ours, theirs = runs[0].averaged(), runs[2].averaged()
    pairs = zip(ours.parameters(), theirs.parameters(), strict=True)
    assert any(not torch.equal(a, b) for a, b in pairs)


def test_the_callers_random_numbers_are_left_alone(digits: Images) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    started(digits).run(steps=2)
    assert torch.equal(torch.rand(3), expected)


def test_half_precision(digits: Images) -> None:
    training = started(digits, Recipe(batch=8, amp=True))
    training.run(steps=3)
    assert 0 < training.loss < 10
    exact = started(digits)
    exact.run(steps=3)
    assert training.loss != exact.loss


def test_a_run_that_diverges_says_so(digits: Images) -> None:
    training = started(digits, Recipe(batch=8, rate=1e30, warmup=0))
    with pytest.raises(DiffusionError, match=r"the loss is no number any more, after 100 steps"):
        training.run(steps=200)


# Stopping and going on --------------------------------------------------------------------------


def test_a_run_goes_on_exactly(digits: Images, tmp_path: Path) -> None:
    straight = started(digits)
    straight.run(steps=7)
    stopped = started(digits)
    stopped.run(steps=4, checkpoint=tmp_path / "run.checkpoint")
    later = started(digits, Recipe(batch=8, warmup=4))
    later.resume(Checkpoint.read(tmp_path / "run.checkpoint"))
    assert_same(later, stopped)
    later.run(steps=7)
    assert_same(later, straight)
    assert later.loss == straight.loss


def test_a_killed_run_goes_on_exactly(digits: Images, tmp_path: Path) -> None:
    checkpoint = tmp_path / "run.checkpoint"
    script = f"""
        import sys
        import torch
        from pathlib import Path
        torch.set_num_threads(1)
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_training import data, started
        images = data.digits().where(torch.arange(200))
        started(images).run(steps=10**6, checkpoint=Path({str(checkpoint)!r}), every=0.0)
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], env=environment)
    try:
        while not (checkpoint.exists() and Checkpoint.read(checkpoint).facts["step"] >= 3):
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    killed = started(digits)
    killed.resume(Checkpoint.read(checkpoint))
    reached = killed.step
    straight = started(digits)
    straight.run(steps=reached + 2)
    killed.run(steps=reached + 2)
    assert_same(killed, straight)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    note = tmp_path / "deep" / "note.txt"

    def write(text: str, fail: bool) -> None:
        with whole(note) as temporary:
            temporary.write_text(text)
            if fail:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write("first", fail=True)
    assert list(note.parent.iterdir()) == []
    write("second", fail=False)
    with pytest.raises(KeyboardInterrupt):
        write("third", fail=True)
    assert note.read_text() == "second"
    assert list(note.parent.iterdir()) == [note]


def test_only_the_same_run_goes_on(digits: Images) -> None:
    training = started(digits)
    training.run(steps=1)
    state = training.state()
    with pytest.raises(DiffusionError, match=r"another seed \(0, not 3\)"):
        started(digits, Recipe(batch=8, warmup=4, seed=3)).resume(state)
    with pytest.raises(DiffusionError, match="another data"):
        started(digits.where(torch.arange(100))).resume(state)
    with pytest.raises(DiffusionError, match=r"another spec$"):
        started(digits, prediction="noise").resume(state)


def test_what_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(DiffusionError, match="no run to resume"):
        Checkpoint.read(tmp_path / "none")
    broken = tmp_path / "broken"
    broken.write_bytes(b"nonsense")
    with pytest.raises(DiffusionError, match="is no checkpoint of a training run"):
        Checkpoint.read(broken)
    model = tmp_path / "model.safetensors"
    archkit.save(archkit.assemble(TINY), model)
    with pytest.raises(DiffusionError, match="is no checkpoint of a training run"):
        Checkpoint.read(model)


# What can't be trained --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"prediction": "none"}, "`prediction: none` does not denoise"),
        ({"output": {"variance": "per-sample"}}, "one variance of a whole sample is not trained"),
        (
            {"conditioning": {"text": {"type": "vector", "channels": 4}}},
            r"the condition `text` \(vector\) can't be told here",
        ),
        (
            {"conditioning": {"label": {"type": "label", "classes": 9}}},
            "the images have 10 classes and the condition `label` 9",
        ),
        (
            {"conditioning": {name: {"type": "label", "classes": 10} for name in ("a", "b")}},
            "an image has one class, and this model is told `a` and `b`",
        ),
    ],
    ids=["none", "one variance", "text", "too few classes", "two labels"],
)
def test_what_cannot_be_trained_is_refused(
    digits: Images, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(DiffusionError, match=complaint):
        started(digits, **changes)


def test_classes_are_needed_only_by_labels(digits: Images) -> None:
    with pytest.raises(DiffusionError, match="needs classes, and these images have none"):
        started(Images(digits.pixels, digits.white))
    plain = started(Images(digits.pixels, digits.white), conditioning={})
    plain.run(steps=1)
    started(digits, conditioning={}).run(steps=1)


# Images -----------------------------------------------------------------------------------------


def test_digits_are_exact() -> None:
    from sklearn.datasets import load_digits

    found, real = data.load("digits", 1, (8, 8)), load_digits()
    assert len(found) == 1797
    assert torch.equal(found.all()[:, 0], torch.from_numpy(real.images).float() / 8 - 1)
    assert found.labels is not None
    assert found.labels.tolist() == real.target.tolist()
    assert data.load("digits", 3, (16, 12)).all().shape == (1797, 3, 16, 12)
    first, second = found.split(0.85)
    assert (len(first), len(second)) == (1527, 270)


def paint(path: Path, colour: Any, size: tuple[int, int] = (6, 4), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)


def test_a_folder_of_classes(tmp_path: Path) -> None:
    paint(tmp_path / "cats" / "b.png", (255, 0, 0))
    paint(tmp_path / "cats" / "a.JPG", (0, 0, 0))
    paint(tmp_path / "dogs" / "c.bmp", 255, (9, 30), "L")
    (tmp_path / "dogs" / "notes.txt").write_text("no image")
    (tmp_path / "dogs" / "._c.bmp").write_text("no image")
    (tmp_path / "empty").mkdir()
    found = data.load(str(tmp_path), 3, (4, 8))
    assert found.classes == ("cats", "dogs")
    assert found.labels is not None
    assert found.labels.tolist() == [0, 0, 1]
    images = found.all()
    assert images.shape == (3, 3, 4, 8)
    assert (images[0] == -1).all()  # a.JPG comes before b.png
    assert images[1].mean(dim=(1, 2)).tolist() == [1, -1, -1]
    assert (images[2] == 1).all()
    assert data.load(str(tmp_path), 1, (4, 8)).all().shape == (3, 1, 4, 8)


def test_a_folder_without_classes(tmp_path: Path) -> None:
    paint(tmp_path / "a.png", (255, 0, 0, 255), mode="RGBA")
    found = data.load(str(tmp_path), 4, (4, 4))
    assert found.labels is None
    assert found.all()[0, :, 0, 0].tolist() == [1, -1, -1, 1]


def test_rows_and_columns_are_not_mixed_up(tmp_path: Path) -> None:
    levels = torch.arange(0, 240, 10, dtype=torch.uint8).reshape(1, 4, 6)
    Image.frombytes("L", (6, 4), bytes(levels.flatten().tolist())).save(tmp_path / "a.png")
    assert torch.equal(data.load(str(tmp_path), 1, (4, 6)).pixels[0], levels)


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({}, "holds no images"),
        ({"a.png": "", "cats/b.png": ""}, "holds images beside folders of images"),
        ({"a.png": "no image"}, r"a\.png can't be read as an image"),
        ({"cats/a.png": ""}, r"a\.png can't be read as an image"),
    ],
    ids=["empty", "mixed", "text", "no bytes"],
)
def test_folders_that_hold_something_else(
    tmp_path: Path, files: dict[str, str], complaint: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    with pytest.raises(DiffusionError, match=complaint):
        data.load(str(tmp_path), 1, (4, 4))


def test_what_is_no_folder_and_what_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(DiffusionError, match="no such folder; say `digits`, or a folder"):
        data.load(str(tmp_path / "none"), 1, (4, 4))
    for channels, space in ((5, (4, 4)), (1, (4,)), (1, (4, 4, 4))):
        with pytest.raises(DiffusionError, match="images have two axes and 1 to 4 channels"):
            data.load("digits", channels, space)


def test_a_sheet_of_images(tmp_path: Path) -> None:
    images = torch.tensor([-1.0, 0.0, 5.0])[:, None, None, None].expand(3, 1, 2, 2)
    sheet = pictures.sheet(images, columns=2)
    assert sheet.shape == (7, 7, 1)
    rows = sheet[..., 0].tolist()
    assert rows[1] == [0, 0, 0, 0, 128, 128, 0]
    assert rows[4] == [0, 255, 255, 0, 0, 0, 0]
    pictures.write_png(images, tmp_path / "sheet.png", columns=2, enlarge=3)
    with Image.open(tmp_path / "sheet.png") as picture:
        assert (picture.size, picture.mode) == ((21, 21), "L")
        assert picture.getpixel((4, 13)) == 255
    with pytest.raises(DiffusionError, match="samples of 1×2 make no picture"):
        pictures.write_png(torch.zeros(2, 1, 2), tmp_path / "line.png")


def test_the_judge_is_fair(digits: Images) -> None:
    known, held_out = data.digits().split(0.85)
    judge = Judge(known)
    assert held_out.labels is not None
    assert judge.agrees(held_out.all(), held_out.labels) > 0.95
    assert judge.agrees(held_out.all(), (held_out.labels + 1) % 10) < 0.05
    assert nearest(known.all()[:5], known.all()).max() < 1e-2
    one = known.all()[:1]
    step = torch.zeros_like(one)
    step[0, 0, 0, 0] = 0.25  # the corner of a digit is black, so this stays inside [−1, 1]
    assert nearest(one + step, one).item() == pytest.approx(0.25, rel=1e-3)
