"""Back again: our networks as diffusers has them, and from there as they were."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import ModelMixin, UNet2DConditionModel, UNet2DModel
from test_diffusers import CONDITIONAL, UNCONDITIONAL
from torch import Tensor

import archkit
from archkit import Packed, SpecError, WeightError
from archkit.cli import main
from archkit.exports import export, exported
from archkit.module import UNet
from archkit.testing.parity import randomise
from archkit.weights.foreign import read_tensors
from archkit.weights.inversion import undone
from archkit.weights.rules import Rule, same, stacked

ALL = {**{f"plain: {k}": v[0] for k, v in UNCONDITIONAL.items()}}
ALL |= {f"conditional: {k}": v[0] for k, v in CONDITIONAL.items()}


def in_small(name: str) -> UNet:
    """An imported network with random weights."""
    cls = UNet2DModel if name.startswith("plain") else UNet2DConditionModel
    config = {"_class_name": cls.__name__, **ALL[name]}
    spec, _ = archkit.convert(config=json.loads(json.dumps(config)))
    model = archkit.assemble(spec)
    randomise(model)
    return model


def again(folder: Path) -> tuple[archkit.Spec, Any]:
    config = json.loads((folder / "config.json").read_text())
    return archkit.convert(config=config, state_dict=read_tensors(folder / WEIGHTS))


WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.mark.parametrize("name", ALL)
def test_what_came_from_diffusers_goes_back(name: str, tmp_path: Path) -> None:
    model = in_small(name)
    export(model, tmp_path)
    spec, state = again(tmp_path)
    ours = model.state_dict()
    assert list(state) == list(ours)
    for key, tensor in ours.items():
        assert torch.equal(state[key], tensor), key
    assert spec.encoder == model.plan.spec.encoder


@pytest.mark.parametrize(
    "name", ["plain: adm", "conditional: every number", "conditional: another depth upwards"]
)
def test_diffusers_loads_it(name: str, tmp_path: Path) -> None:
    export(in_small(name), tmp_path)
    cls: type[ModelMixin] = UNet2DModel if name.startswith("plain") else UNet2DConditionModel
    theirs, told = cls.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(told[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    spec, _ = again(tmp_path)
    wanted, _ = archkit.convert(config={**theirs.config, "_class_name": cls.__name__})
    assert wanted.encoder == spec.encoder
    assert set(theirs.state_dict()) == set(read_tensors(tmp_path / WEIGHTS))


SPECS = """
UNet1DModel: dance-diffusion diffuser-hopper
UNet2DModel: ddpm-cifar10 ddpm-celebahq-256 ldm-celebahq-256 adm-imagenet64 adm-imagenet256
    iddpm-cifar10 ncsnpp-celebahq-256
UNet2DConditionModel: stable-diffusion-1.5 stable-diffusion-1.5-inpainting instruct-pix2pix
    stable-diffusion-2.1 sdxl-base sdxl-refiner ldm-text2img ldm-imagenet-256 deepfloyd-if-1-m
    deepfloyd-if-1-l deepfloyd-if-1-xl kandinsky-2.2-decoder stable-diffusion-x2-upscaler
    stable-diffusion-x4-upscaler
ControlNetModel: controlnet-sd-1.5
Kandinsky3UNet: kandinsky-3
StableCascadeUNet: stable-cascade-b stable-cascade-c
UNet3DConditionModel: modelscope-text-to-video
UNetSpatioTemporalConditionModel: stable-video-diffusion
UNetMotionModel: animatediff-v2 animatediff-v3"""
PUBLISHED = {
    name: cls
    for cls, names in re.findall(r"^(\w+): ([^:]+)$", SPECS, re.MULTILINE)
    for name in names.split()
}
FIXED = (".kernel", ".pe")  # filters and numbers of frames, which are never learned


def test_a_network_of_every_class_is_published() -> None:
    assert len(set(PUBLISHED.values())) == 9
    assert len(PUBLISHED) == 31


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_networks_can_be_written(name: str) -> None:
    """On the meta device: the config, every name and every shape."""
    spec = Path(__file__).parents[1] / "specs" / f"{name}.yaml"
    model = archkit.assemble(spec, initialise=False)
    _, config, state = exported(model, "diffusers", archkit.default_registry())
    outlines = state.outlines().items()
    numbers = sum(outline.numel() for key, outline in outlines if not key.endswith(FIXED))
    assert numbers == sum(tensor.numel() for tensor in model.state_dict().values())
    assert config["_class_name"] == PUBLISHED[name]
    assert config["block_out_channels"] == list(model.plan.spec.widths())


def changed(**says: Any) -> UNet:
    plain = {"archkit": 1, "name": "a", "prediction": "noise", "norm": {"groups": 8}}
    rows = [{"channels": 16, "blocks": 1}, {"channels": 32, "blocks": 1, "attention": True}]
    return archkit.assemble({**plain, "encoder": rows, **says}, initialise=False)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "pooling": (
        {"pooling": "max"},
        "error[no-counterpart]: diffusers has no `pooling.max` as this one\n  at encoder.0.pooling",
    ),
    "skip": (
        {"skip": "add", "encoder": [{"channels": 16}, {"channels": 16}]},
        "no `skip.add` as this one\n  at decoder.1.blocks.0.join and 5 more",
    ),
    "heads": (
        {
            "attention": {"heads": 2},
            "encoder": [{"channels": c, "attention": True} for c in (8, 16)],
        },
        "UNet2DModel has heads of one width, and these 2 are 4 and 8 wide\n  at attention.heads",
    ),
    "width of the time": (
        {"conditioning": {"time": {"channels": 32, "width": 64}}},
        "no `time.sinusoidal` as this one\n  at conditioning.time",
    ),
    "options that are not read back": (
        {"conditioning": {"time": "fourier"}, "activation": "leaky-relu"},
        "diffusers has no `time.fourier` as this one\n  at conditioning.time\n"
        "error[no-counterpart]: diffusers has no `embedding.sum` as this one\n",
    ),
    "condition": (
        {"conditioning": {"level": {"type": "number"}}},
        "diffusers has no `condition.number` as this one\n  at conditioning.level",
    ),
    "block": ({"block": {"kernel": 5}}, "no `block.resnet` as this one\n  at encoder.0.blocks.0"),
    "time": ({"conditioning": {"time": {"period": 100.0}}}, "no `time.sinusoidal` as this one"),
    "dims": ({"input": {"size": [16, 16, 16]}}, "diffusers has no U-Net of 3 dimensions\n  at inp"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_diffusers_cannot_say(name: str, tmp_path: Path) -> None:
    says, words = REFUSED[name]
    with pytest.raises(SpecError) as caught:
        export(changed(**says), tmp_path)
    assert words in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_what_nothing_comes_near() -> None:
    spec = Path(__file__).parents[1] / "specs" / "unet-2015.yaml"
    with pytest.raises(SpecError, match="diffusers has no network that comes near: height 572 d"):
        exported(archkit.assemble(spec, initialise=False), "diffusers", archkit.default_registry())


def test_heads_that_nothing_says_are_eight() -> None:
    text = {"text": {"type": "sequence", "channels": 4}}
    model = changed(attention="transformer", conditioning=text)
    _, config, _ = exported(model, "diffusers", archkit.default_registry())
    assert config["attention_head_dim"] == [8, 8]


def test_what_is_only_read(tmp_path: Path) -> None:
    with pytest.raises(WeightError, match="nothing is written in the form of azula"):
        export(changed(), tmp_path, "azula")
    with pytest.raises(WeightError, match="no importer is called `azul`; there are "):
        export(changed(), tmp_path, "azul")


@pytest.mark.parametrize("order", ["h3c", "hc3"])
def test_packings_are_undone(order: str) -> None:
    module = torch.nn.Module()
    module.heads = 2
    theirs = torch.randn(24, 5)
    packed = Packed("qkv", order)  # type: ignore[arg-type]
    rule = Rule("qkv", ("qkv",), lambda tensors: packed.make(tensors, module), packed.how)
    ours = rule.change([theirs])
    assert not torch.equal(ours, theirs)
    assert torch.equal(undone(rule, ours, {"qkv": (24, 5)})["qkv"], theirs)


LOST: dict[str, Callable[[list[Tensor]], Tensor]] = {
    "halved": lambda theirs: theirs[0] / 2,
    "cut": lambda theirs: theirs[0][:2],
    "twice": lambda theirs: theirs[0][[0, 0, 2]],
}


@pytest.mark.parametrize("how", LOST)
def test_what_has_no_way_back(how: str) -> None:
    rule = Rule("a", ("b",), LOST[how], how)  # type: ignore[arg-type]
    with pytest.raises(WeightError, match=rf"there is no way back: b → a, {how}"):
        undone(rule, rule.change([torch.ones(3)]), {"b": (3,)})
    assert undone(Rule("a", ("b",), same), torch.ones(3), {"b": (3, 1)})["b"].shape == (3, 1)
    assert stacked([torch.ones(1), torch.ones(2)]).shape == (3,)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = in_small("conditional: plain")
    archkit.save(model, tmp_path / "net.safetensors")
    for arguments, code in (
        (
            ["export", str(tmp_path / "net.safetensors"), "--to", "diffusers", str(tmp_path / "a")],
            0,
        ),
        (
            [
                "import",
                str(tmp_path / "a"),
                "-o",
                str(tmp_path / "b.yaml"),
                "--weights",
                str(tmp_path / "b.safetensors"),
            ],
            0,
        ),
        (["export", str(tmp_path / "net.safetensors"), "--to", "azula", str(tmp_path / "c")], 1),
    ):
        with pytest.raises(SystemExit) as done:
            main(arguments)
        assert done.value.code == code
    told = capsys.readouterr()
    assert told.out == f"{tmp_path / 'a'}\n"
    assert "error: nothing is written in the form of azula" in told.err
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["config.json", WEIGHTS]
    assert not (tmp_path / "c").exists()
    again, ours = archkit.load(tmp_path / "b.safetensors").state_dict(), model.state_dict()
    assert all(torch.equal(again[key], tensor) for key, tensor in ours.items())
