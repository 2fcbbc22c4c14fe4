"""`archkit import`: networks of other codebases from disk, whole or not at all."""

import json
import os
import pickle
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel, UNet2DModel
from references import SMALL_DDPM, STABLE, drawn, importer
from safetensors.torch import load_file, save_file
from test_importers import as_theirs

import archkit
from archkit.cli import main
from archkit.module import UNet
from archkit.testing.parity import error, randomise

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of diffusers: ``one`` file, shards, pickles, and a ``pipeline`` around it."""
    folder = tmp_path_factory.mktemp("saved")
    module = randomise(UNet2DConditionModel(**STABLE))
    module.save_pretrained(folder / "one")
    module.save_pretrained(folder / "shards", max_shard_size="400KB")
    module.save_pretrained(
        folder / "pickled shards", safe_serialization=False, max_shard_size="400KB"
    )
    module.save_pretrained(folder / "pipeline" / "unet")
    (folder / "pipeline" / "model_index.json").write_text("{}")
    (folder / "pickled").mkdir()
    torch.save({"state_dict": module.state_dict(), "epoch": 3}, folder / "pickled" / "net.ckpt")
    (folder / "pickled" / "config.json").write_text((folder / "one" / "config.json").read_text())
    return folder


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Run:
    """Runs `archkit` in an empty folder: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as done:
            main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        return int(done.value.code or 0), told.out, told.err

    return call


def written(folder: Path) -> list[str]:
    """Everything in a folder, hidden files too."""
    return sorted(os.listdir(folder))


def test_a_config_alone_is_printed(run: Run, saved: Path, tmp_path: Path) -> None:
    code, out, err = run("import", saved / "one" / "config.json")
    assert (code, err, written(tmp_path)) == (0, "", [])
    spec = archkit.load_spec(out)
    assert spec.name == "unet2d-condition-model"
    assert spec.parameters == archkit.plan(spec).cost.parameters
    assert "{channels: 32, blocks: 1, attention: {depth: 2}}" in out


def test_a_config_needs_no_torch(saved: Path) -> None:
    code = (
        "import sys\nfrom archkit.cli import main\n"
        f"try: main(['import', {str(saved / 'one')!r}])\n"
        "except SystemExit as done: sys.stderr.write(f'{done.code} ' + str('torch' in sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stderr == "0 False"


@pytest.mark.parametrize("kind", ["one", "shards", "pipeline", "pickled", "pickled shards"])
def test_weights_come_as_they_are(kind: str, run: Run, saved: Path, tmp_path: Path) -> None:
    code, out, err = run("import", saved / kind, "-o", "net.yaml", "--weights", "net.safetensors")
    assert (code, out) == (0, "")
    assert re.fullmatch(r"2 MiB\n", err)
    assert written(tmp_path) == ["net.safetensors", "net.yaml"]
    model = archkit.load("net.safetensors").eval()
    assert archkit.load_spec("net.yaml") == model.plan.spec
    assert model.plan.spec.name == "net"
    theirs = UNet2DConditionModel.from_pretrained(saved / "one").eval()
    x, t, text = drawn(2, 4, 16, 24), torch.tensor([7, 901]), drawn(2, 7, 24)
    with torch.no_grad():
        assert error(model(x, t, text=text), theirs(x, t, text).sample) <= 1e-5


def test_types_of_numbers_are_kept(run: Run, saved: Path, tmp_path: Path) -> None:
    half = {k: v.half() for k, v in load_file(saved / "one" / WEIGHTS).items()}
    half["conv_in.bias"] = half["conv_in.bias"].double()
    save_file(half, tmp_path / "half.safetensors")
    config = saved / "one" / "config.json"
    made = ("-o", "net.yaml", "--weights", "net.safetensors")
    assert run("import", "half.safetensors", "--config", config, *made)[0] == 0
    ours = load_file("net.safetensors")
    assert ours["stem.bias"].dtype == torch.float64
    assert ours["stem.weight"].dtype == torch.float16
    assert torch.equal(ours["stem.weight"], half["conv_in.weight"])


def test_the_ledger(run: Run, saved: Path) -> None:
    code, out, err = run("import", saved / "one", "-o", "net.yaml", "--ledger")
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == len(archkit.assemble("net.yaml").state_dict())
    assert "conv_in.weight → stem.weight\n" in out
    code, out, err = run("import", saved / "one", "--ledger")
    assert out.startswith("archkit: 1\n")
    assert "conv_in.weight → stem.weight\n" in err


WEIGHTS = "diffusion_pytorch_model.safetensors"


LATENT = """
archkit: 1
name: latent
input: {channels: 4, size: 32}
prediction: {type: noise, path: scaled-linear}
attention: {type: transformer, heads: 8}
conditioning:
  text: {type: sequence, channels: 768}
encoder:
  - {channels: 32, blocks: 1, attention: true}
  - {channels: 64, blocks: 1}
"""
ARGUMENTS = {
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 32,
    "channel_mult": [1, 2],
    "num_res_blocks": 1,
    "attention_resolutions": [1],
    "num_heads": 8,
    "context_dim": 768,
}


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, UNet]:
    """A single file as CompVis has it, with other things in it, and our network that is in it."""
    model = randomise(archkit.assemble(LATENT))
    state = as_theirs(model, "latent-diffusion", "model.diffusion_model.")
    state = {name: tensor.contiguous() for name, tensor in state.items()}
    state["first_stage_model.encoder.conv_in.weight"] = torch.ones(2)
    file = tmp_path_factory.mktemp("single") / "sd.safetensors"
    save_file(state, file)
    return file, model


def test_a_single_file_tells_its_spec(run: Run, single: tuple[Path, UNet]) -> None:
    file, model = single
    code, out, _ = run("import", file, "-o", "sd.yaml", "--weights", "ours.safetensors", "--ledger")
    assert code == 0
    assert "first_stage_model.encoder.conv_in.weight dropped, because it does not belong to" in out
    read = archkit.load("ours.safetensors")
    assert read.plan.spec.encoder == model.plan.spec.encoder
    ours = model.state_dict()
    assert all(torch.equal(ours[key], tensor) for key, tensor in read.state_dict().items())


def test_a_config_of_another_network_is_told_as_specs(
    run: Run, single: tuple[Path, UNet], tmp_path: Path
) -> None:
    wrong = {**ARGUMENTS, "channel_mult": [1, 4], "context_dim": 1024}
    Path("config.json").write_text(json.dumps(wrong))
    asked = ("--config", "config.json", "--family", "latent-diffusion", "--ledger")
    code, out, err = run("import", single[0], "-o", "sd.yaml", *asked)
    assert (code, out, written(tmp_path)) == (1, "", ["config.json"])
    first, second, *differences = err.splitlines()
    assert first.startswith("error: these weights are of another network: ")
    assert second == "  the spec → that of the weights:"
    assert differences == [
        "    conditioning.text.channels: 1024 → 768",
        "    encoder.1.channels: 128 → 64",
    ]


def test_weights_of_another_size_are_told_as_specs(run: Run, tmp_path: Path) -> None:
    small = {**STABLE, "cross_attention_dim": 768, "attention_head_dim": 8}
    UNet2DConditionModel(**small).save_pretrained(tmp_path)
    config = json.loads(Path("config.json").read_text())
    wrong = {**config, "layers_per_block": 2, "transformer_layers_per_block": 1}
    Path("config.json").write_text(json.dumps(wrong))
    code, _, err = run("import", ".", "-o", "net.yaml", "--weights", "net.safetensors")
    assert code == 1
    assert [line.strip() for line in err.splitlines()[2:]] == [
        "encoder.0.blocks: 2 → 1",
        "encoder.1.attention.depth: 1 → 2",
        "encoder.1.blocks: 2 → 1",
        "encoder.2.blocks: 2 → 1",
    ]


def test_a_config_beside_the_weights(run: Run, single: tuple[Path, UNet]) -> None:
    Path("config.yaml").write_text(json.dumps(ARGUMENTS))
    asked = ("--config", "config.yaml", "--family", "latent-diffusion", "--ledger")
    assert run("import", single[0], "-o", "sd.yaml", *asked)[0] == 0
    whole = {"params": {"unet_config": {"target": "ldm.UNetModel", "params": ARGUMENTS}}}
    Path("v1-inference.yaml").write_text(json.dumps({"model": whole}))
    assert run("import", single[0], "-o", "v1.yaml", "--config", "v1-inference.yaml")[0] == 0
    assert archkit.load_spec("v1.yaml").encoder == archkit.load_spec("sd.yaml").encoder
    told = "error: nothing tells the family of this network; say it with `family`: "
    assert run("import", "config.yaml")[2].startswith(told)
    # Of weights beside it, names tell whose they are.
    assert run("import", single[0], "--config", "config.yaml")[0] == 0
    told = "error: no importer is called `ldm`; there are "
    assert run("import", single[0], "--family", "ldm")[2].startswith(told)


class Bomb:
    """A pickle that would run code."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch exploded",)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def changed(**tensors: torch.Tensor | None) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        state = {**load_file(path), **{k.replace("__", "."): t for k, t in tensors.items()}}
        save_file({k: t for k, t in state.items() if t is not None}, path)

    return change


def other_network(path: Path) -> None:
    save_file(UNet2DModel(**SMALL_DDPM).state_dict(), path)


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "truncated": (truncated, "; if it is one, it was cut short: fetch it again, or save it again"),
    "no safetensors": (lambda path: path.write_bytes(b"\0" * 9), "can't be read as safetensors"),
    "missing": (
        changed(conv_in__bias=None),
        "these weights are of another network: they lack conv_in.bias\n",
    ),
    "surplus": (
        changed(conv_in__gain=torch.ones(1)),
        "these weights are of another network: no rule uses conv_in.gain\n",
    ),
    "wrong shape": (
        changed(conv_in__bias=torch.ones(17)),
        "conv_in.bias is (17,), and stem.bias is (16,)\n",
    ),
    "wrong rank": (
        changed(conv_in__weight=torch.ones(16, 36)),
        "conv_in.weight is (16, 36), and stem.weight is (16, 4, 3, 3)\n",
    ),
    "another network": (
        other_network,
        "these weights are of another network: no rule uses down_blocks.1.attentions.* (10), "
        "mid_block.attentions.0.* (10), up_blocks.0.attentions.* (20); they lack down_blocks.* "
        "(84), mid_block.* (46), up_blocks.* (170)\n",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_weights(name: str, run: Run, saved: Path, tmp_path: Path) -> None:
    change, words = BROKEN[name]
    config, weights = tmp_path / "config.json", tmp_path / WEIGHTS
    config.write_bytes((saved / "one" / "config.json").read_bytes())
    weights.write_bytes((saved / "one" / WEIGHTS).read_bytes())
    change(weights)
    code, out, err = run("import", ".", "-o", "net.yaml", "--weights", "net.safetensors")
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert words in err
    assert err.count("\n") == 1
    assert len(err) < 700
    assert written(tmp_path) == ["config.json", WEIGHTS]


PICKLED: dict[str, tuple[Callable[[Any, str], object], str]] = {
    "torch": (
        torch.save,
        f"is refused: it is a pickle that holds `{os.system.__module__}.system` beside tensors, "
        "and reading it could run code; where you trust it, save its state dict as safetensors",
    ),
    "pickle": (
        lambda held, path: Path(path).write_bytes(pickle.dumps(held)),
        "can't be read: it is no file of tensors alone, and of pickles no more is read",
    ),
}


@pytest.mark.parametrize("name", PICKLED)
def test_a_pickle_that_would_run_code(name: str, run: Run, tmp_path: Path) -> None:
    save, words = PICKLED[name]
    save({"weight": torch.ones(1), "bomb": Bomb()}, "bomb.pt")
    told = run("import", "bomb.pt", "-o", "net.yaml")
    assert told == (1, "", f"error: bomb.pt {words}\n")
    assert written(tmp_path) == ["bomb.pt"]


def test_a_broken_pickle(run: Run, tmp_path: Path) -> None:
    for content in (b"", b"nonsense", b"PK\3\4"):
        Path("net.bin").write_bytes(content)
        code, out, err = run("import", "net.bin", "-o", "net.yaml")
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert err.startswith("error: net.bin can't be read: ")
        assert written(tmp_path) == ["net.bin"]


NOTHING: dict[str, tuple[str, str, str]] = {
    "class": (
        "config.json",
        '{"_class_name": "UNet4DModel"}',
        "error[unknown-class]: archkit can't read diffusers' `UNet4DModel`",
    ),
    "option": (
        "config.json",
        '{"_class_name": "UNet2DModel", "widht": 8}',
        "error[no-counterpart]: `widht` is no option of UNet2DModel that archkit knows",
    ),
    "no json": ("config.json", "{", "error: config.json is no JSON: "),
    "no mapping": ("config.json", "[]", "error: config.json is no config: "),
    "no yaml": ("config.yaml", "a: [", "error[broken-yaml]: "),
    "index": ("a.safetensors.index.json", "{}", "is no index of files of weights"),
    "other": ("net.txt", "", "error: net.txt is no config (.json, .yaml) and no file of weights"),
}


@pytest.mark.parametrize("name", NOTHING)
def test_what_is_no_network(name: str, run: Run, tmp_path: Path) -> None:
    file, content, words = NOTHING[name]
    Path(file).write_text(content)
    code, out, err = run("import", file, "-o", "net.yaml")
    assert (code, out) == (1, "")
    assert words in err
    assert written(tmp_path) == [file]


def test_what_is_not_there(run: Run, tmp_path: Path, saved: Path) -> None:
    assert run("import", "net.pt")[::2] == (1, "error: net.pt: no such file\n")
    (tmp_path / "empty").mkdir()
    told = "error: empty holds neither a config.json nor a file of weights\n"
    assert run("import", "empty")[::2] == (1, told)
    Path("config.json").write_bytes((saved / "one" / "config.json").read_bytes())
    told = "error: there are no weights beside config.json\n"
    assert run("import", "config.json", "--weights", "a.safetensors")[::2] == (1, told)
    for name in ("a.safetensors", "b.safetensors"):
        save_file({"weight": torch.ones(1)}, name)
    told = "error: . holds several files of weights: a.safetensors, b.safetensors; name one\n"
    assert run("import", ".")[::2] == (1, told)


def test_half_a_config_is_completed_by_the_weights(run: Run, tmp_path: Path) -> None:
    config = {"in_channels": 3, "out_channels": 6, "model_channels": 32, "num_res_blocks": 1}
    config |= {"channel_mult": [1, 2], "attention_resolutions": [2], "num_heads": 2}
    model = archkit.assemble(importer("guided-diffusion").spec(config))
    torch.save(as_theirs(model, "guided-diffusion"), "net.pt")
    code, out, err = run("import", "net.pt", "-o", "net.yaml")
    assert (code, out, written(tmp_path)) == (1, "", ["net.pt"])
    assert "all of their config but `num_heads` (or `num_head_channels`)" in err
    Path("heads.yaml").write_text("num_heads: 2\n")
    assert run("import", "net.pt", "--config", "heads.yaml", "-o", "net.yaml") == (0, "", "")
    assert archkit.load_spec("net.yaml").widths() == (32, 64)


@pytest.mark.parametrize(("kind", "save"), [("safetensors", save_file), ("bin", torch.save)])
def test_an_index_that_lies(kind: str, save: Callable[..., object], run: Run) -> None:
    file, index = f"one.{kind}", f"net.{kind}.index.json"
    Path(index).write_text(json.dumps({"weight_map": {"a": file}}))
    assert run("import", index)[::2] == (1, f"error: {file}: no such file\n")
    save({"b": torch.ones(1)}, file)
    told = f"error: {file} lacks `a`, which {index} says is in it\n"
    assert run("import", index)[::2] == (1, told)


def test_shards_are_pickles_that_would_run_code_too(run: Run, tmp_path: Path) -> None:
    PICKLED["torch"][0]({"weight": torch.ones(1), "bomb": Bomb()}, "one.bin")
    Path("net.bin.index.json").write_text(json.dumps({"weight_map": {"weight": "one.bin"}}))
    told = run("import", "net.bin.index.json", "-o", "net.yaml")
    assert told == (1, "", f"error: one.bin {PICKLED['torch'][1]}\n")
    assert written(tmp_path) == ["net.bin.index.json", "one.bin"]


KILLED = """
import os, sys
from contextlib import contextmanager
from archkit.cli import importing, main

@contextmanager
def bar(total):
    written = []
    yield lambda size: written.append(size) or len(written) < 20 or os.kill(os.getpid(), 9)

importing._bar = bar
main(["import", sys.argv[1], "-o", "net.yaml", "--weights", "net.safetensors"])
"""


def test_killed_half_way_nothing_is_broken(run: Run, saved: Path, tmp_path: Path) -> None:
    """Neither new files are half there, nor are those of before gone."""
    command = [sys.executable, "-c", KILLED, str(saved / "one")]
    assert subprocess.run(command, cwd=tmp_path).returncode == -signal.SIGKILL
    assert not [name for name in written(tmp_path) if not name.startswith(".")]
    made = ("-o", "net.yaml", "--weights", "net.safetensors")
    assert run("import", saved / "one", *made)[0] == 0
    assert written(tmp_path) == ["net.safetensors", "net.yaml"]  # what was left is swept away
    before = (tmp_path / "net.safetensors").read_bytes()
    assert subprocess.run(command, cwd=tmp_path).returncode == -signal.SIGKILL
    assert (tmp_path / "net.safetensors").read_bytes() == before


PEAK = """
import sys
from pathlib import Path
from archkit.cli import main
from archkit.module import UNet
from archkit.weights import foreign, stream, mapping
foreign._MAPPED = 2**24

def peak():
    (line,) = [l for l in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in l]
    return int(line.split()[1]) // 1024

real, before = stream.write, []
def write(*arguments):
    before.append(peak())
    real(*arguments)
stream.write = write
try:
    main(["import", sys.argv[1], "-o", "net.yaml", "--weights", "net.safetensors"])
except SystemExit:
    print(peak() - before[0])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_memory_holds_a_few_tensors(tmp_path: Path) -> None:
    """The file is 300 MB, its largest tensor 9 MB, and 16 MB may stay mapped."""
    config = {**STABLE, "block_out_channels": (64, 256, 512), "norm_num_groups": 32}
    with torch.device("meta"):
        meta = UNet2DConditionModel(**{**config, "layers_per_block": 3})
    assert sum(p.nbytes for p in meta.parameters()) > 300e6
    save_file({k: torch.zeros(v.shape) for k, v in meta.state_dict().items()}, tmp_path / WEIGHTS)
    meta.save_config(tmp_path)
    command = [sys.executable, "-c", PEAK, str(tmp_path)]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert 0 <= int(told.stdout) < 80
