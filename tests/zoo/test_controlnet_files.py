"""ControlNets in single files, as lllyasviel's and Stability's: read by names and shapes alone.

The other reader of such files is diffusers' own conversion, whose table of names is not ours.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import ControlNetModel
from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint
from diffusers.models.embeddings import get_timestep_embedding
from references import drawn, importer
from safetensors.torch import load_file
from test_importers import as_theirs
from torch import Tensor

import archkit
from archkit import SpecError, WeightError
from archkit.cli import main
from archkit.conversion import read_foreign
from archkit.testing.parity import error, randomise

SIZES = [(8, 8), (8, 16)]
TIME = torch.tensor([7, 901])
SPECS = Path(__file__).parents[2] / "specs"
POOLED, IDS = drawn(2, 20), drawn(2, 6).abs() * 100
# sgm's `y`: the six numbers are embedded already.
EMBEDDED = get_timestep_embedding(IDS.flatten(), 256, flip_sin_to_cos=True, downscale_freq_shift=0)
ARGUMENTS = {
    "in_channels": 4,
    "hint_channels": 3,
    "model_channels": 32,
    "channel_mult": [1, 2, 2],
    "num_res_blocks": 1,
    "attention_resolutions": [1, 2],
    "num_heads": 8,
    "context_dim": 768,
}
LINEAR = {
    **{**ARGUMENTS, "model_channels": 64, "channel_mult": [1, 2], "num_head_channels": 64},
    **{"num_heads": -1, "use_linear_in_transformer": True, "context_dim": 24},
}
XL = {
    **{**LINEAR, "attention_resolutions": [2], "transformer_depth": [1, 2], "context_dim": 40},
    **{"num_classes": "sequential", "adm_in_channels": 20 + 6 * 256},
}
HALF = {"norm_num_groups": 32, "layers_per_block": 1, "attention_head_dim": 8}
WIDE = {**HALF, "attention_head_dim": (1, 2), "use_linear_projection": True}
# Our arguments of its constructor, diffusers' config, what diffusers is told besides and we are.
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Tensor]]] = {
    "1.5": (
        ARGUMENTS,
        {
            **{**HALF, "block_out_channels": (32, 64, 64), "cross_attention_dim": 768},
            "down_block_types": (*("CrossAttnDownBlock2D",) * 2, "DownBlock2D"),
        },
        {},
        {},
    ),
    "2.1": (
        LINEAR,
        {
            **{**WIDE, "block_out_channels": (64, 128), "cross_attention_dim": 24},
            "down_block_types": ("CrossAttnDownBlock2D",) * 2,
        },
        {},
        {},
    ),
    "XL": (
        XL,
        {
            **{**WIDE, "block_out_channels": (64, 128), "cross_attention_dim": 40},
            "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
            **{"transformer_layers_per_block": (1, 2), "addition_embed_type": "text_time"},
            "addition_time_embed_dim": 256,
            "projection_class_embeddings_input_dim": 20 + 6 * 256,
        },
        {"added_cond_kwargs": {"text_embeds": POOLED, "time_ids": IDS}},
        {"vector": torch.cat((POOLED, EMBEDDED.reshape(2, -1)), dim=1)},
    ),
}


def state_of(kind: str, prefix: str = "") -> dict[str, Tensor]:
    """Drawn weights by the names of a single file."""
    model = randomise(archkit.assemble(importer("controlnet").spec(KINDS[kind][0])))
    state = as_theirs(model, "controlnet", prefix)
    return {name: tensor.contiguous() for name, tensor in state.items()}


def by_diffusers(config: dict[str, Any], state: dict[str, Tensor]) -> ControlNetModel:
    """A single file as diffusers reads it; what its function leaves out for SDXL is added."""
    read = convert_controlnet_checkpoint(dict(state), config)
    for here, there in (("linear_1", "0"), ("linear_2", "2")):
        for name in ("weight", "bias"):
            if (tensor := state.get(f"label_emb.0.{there}.{name}")) is not None:
                read[f"add_embedding.{here}.{name}"] = tensor
    theirs = ControlNetModel(**config)
    theirs.load_state_dict(read, strict=True)
    return theirs.eval()


@pytest.mark.parametrize("kind", KINDS)
def test_it_offers_what_diffusers_reads(kind: str) -> None:
    """The same file, read by both; two sizes, with hint, text and pooled text."""
    _, config, asked, told = KINDS[kind]
    state = state_of(kind)
    theirs = by_diffusers(config, state)
    spec, weights = archkit.convert(state_dict=state)
    ours = archkit.assemble(spec, initialise=False)
    ours.load_state_dict(weights, assign=True)
    for size in SIZES:
        x, text = drawn(2, 4, *size), drawn(2, 5, config["cross_attention_dim"])
        hint = drawn(2, 3, *(8 * n for n in size))
        with torch.no_grad():
            skips, middle = theirs(x, TIME, text, hint, **asked, return_dict=False)
            offers = ours.eval()(x, TIME, text=text, hint=hint, **told)
        for offer, wanted in zip(offers.values(), [*skips, middle], strict=True):
            assert error(offer, wanted) <= 1e-5


def test_the_published_file_is_our_spec() -> None:
    """At full size, names and shapes alone: those that diffusers reads, and no others."""
    own = archkit.assemble(SPECS / "controlnet-sd-1.5.yaml", initialise=False)
    state = as_theirs(own, "controlnet", "control_model.")
    with torch.device("meta"):
        theirs = ControlNetModel(cross_attention_dim=768).state_dict()
    read = convert_controlnet_checkpoint(state, {"layers_per_block": 2})
    assert {k: v.shape for k, v in read.items()} == {k: v.shape for k, v in theirs.items()}
    spec, weights = archkit.convert(state_dict=state)
    assert spec.parameters == own.plan.spec.parameters == 361_279_120
    assert [(n.path, n.component, n.shape) for n in archkit.plan(spec)] == [
        (n.path, n.component, n.shape) for n in own.plan
    ]
    assert weights.keys() == own.state_dict().keys()


def test_a_whole_config_file() -> None:
    """cldm_v15.yaml: it holds the network that is steered too."""
    shared = {
        **{"image_size": 32, "in_channels": 4, "model_channels": 320, "num_heads": 8},
        **{"attention_resolutions": [4, 2, 1], "num_res_blocks": 2, "channel_mult": [1, 2, 4, 4]},
        **{"use_spatial_transformer": True, "transformer_depth": 1, "context_dim": 768},
        **{"use_checkpoint": True, "legacy": False},
    }
    parts = {
        "control_stage_config": {"target": "a", "params": {**shared, "hint_channels": 3}},
        "unet_config": {"target": "b", "params": {**shared, "out_channels": 4}},
    }
    config = {"model": {"target": "c", "params": parts}}
    read = read_foreign(config)
    assert (read.family, read.beside) == ("controlnet", ("latent-diffusion",))
    assert read.spec.parameters == 361_279_120
    host = read_foreign(config, family="latent-diffusion")
    assert host.spec.parameters == 859_520_964


def test_what_the_constructor_has_no_default_for() -> None:
    given = {key: value for key, value in ARGUMENTS.items() if key != "hint_channels"}
    with pytest.raises(SpecError, match="`hint_channels`"):
        archkit.convert(config=given, family="controlnet")
    given = {key: value for key, value in ARGUMENTS.items() if key != "in_channels"}
    with pytest.raises(SpecError, match="`in_channels`"):
        archkit.convert(config=given, family="controlnet")


Told = tuple[int, str, str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *more: str) -> Told:
    """Exit code, stdout and stderr of an import of `control.pth`."""
    with pytest.raises(SystemExit) as done:
        main(["import", "control.pth", "-o", "a.yaml", "--weights", "a.safetensors", *more])
    said = capsys.readouterr()
    return int(done.value.code or 0), said.out, said.err


@pytest.fixture(scope="module")
def host() -> dict[str, Tensor]:
    says = importer("latent-diffusion").spec(
        {k: v for k, v in ARGUMENTS.items() if k != "hint_channels"} | {"out_channels": 4}
    )
    model = randomise(archkit.assemble(says))
    return as_theirs(model, "latent-diffusion", "model.diffusion_model.")


def test_beside_the_network_that_it_steers(
    host: dict[str, Tensor], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """control_sd15_canny.pth: the ControlNet is read, the user is told of the other."""
    control = state_of("1.5", "control_model.")
    other = {"first_stage_model.a": torch.ones(2), "betas": torch.ones(3)}
    torch.save({"state_dict": {**host, **control, **other}}, "control.pth")
    code, out, err = told(capsys, "--ledger")
    assert code == 0
    assert err.splitlines()[-1] == (
        "note: control.pth holds a network of `latent-diffusion` too, and what was read is its "
        "`controlnet`; --family latent-diffusion reads the other"
    )
    left = [line for line in out.splitlines() if " dropped, because " in line]
    assert len(left) == len(host) + len(other)
    assert all(line.endswith("it does not belong to `control_model.`") for line in left)
    read = load_file("a.safetensors")
    assert torch.equal(read["stem.weight"], control["control_model.input_blocks.0.0.weight"])
    assert archkit.load_spec("a.yaml").layout.type == "controlnet"

    code, _, err = told(capsys, "--family", "latent-diffusion")
    assert (code, "note:" in err) == (0, False)
    read = load_file("a.safetensors")
    assert torch.equal(read["stem.weight"], host["model.diffusion_model.input_blocks.0.0.weight"])
    assert archkit.load_spec("a.yaml").layout.type == "ddpm"


def test_the_other_layout_is_read_without_a_config() -> None:
    """Single files in diffusers' own names, as most ControlNets of SDXL are."""
    for kind in KINDS:
        config = {**KINDS[kind][1], "conditioning_embedding_out_channels": (4, 6, 8)}
        theirs = ControlNetModel(**config)
        spec, weights = archkit.convert(state_dict=theirs.state_dict())
        known, _ = archkit.convert(config={"_class_name": "ControlNetModel", **config})
        assert len(weights) == len(archkit.assemble(known, initialise=False).state_dict())
        assert [(n.path, n.shape, n.cost) for n in archkit.plan(spec)] == [
            (n.path, n.shape, n.cost) for n in archkit.plan(known)
        ]


def damaged(state: dict[str, Tensor], *strange: str) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """The file without one tensor, for each; with one more; with one of another shape."""
    for name in state:
        yield name, {k: v for k, v in state.items() if k != name}
    for name in strange:
        yield name, {**state, name: torch.ones(5)}


@pytest.mark.parametrize("layout", ["its own", "diffusers"])
def test_everything_is_accounted_for(layout: str) -> None:
    with torch.device("meta"):
        theirs = ControlNetModel(**KINDS["2.1"][1]).state_dict()
    strange = ["controlnet_down_blocks.9.weight", "lora.weight", "controlnet_mid_block.bias"]
    if layout == "its own":
        theirs = {name: tensor.to("meta") for name, tensor in state_of("2.1").items()}
        strange = ["zero_convs.9.0.weight", "lora.weight", "input_hint_block.4.weight"]
    for name, state in damaged(theirs, *strange):
        with pytest.raises(WeightError) as caught:
            archkit.convert(state_dict=state)
        words = ("nothing tells the family of this network", name.split(".")[0])
        assert any(word in str(caught.value) for word in words), name


def test_nothing_is_written_of_what_is_no_controlnet(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = state_of("1.5", "control_model.")
    del state["control_model.zero_convs.2.0.bias"]
    torch.save(state, "control.pth")
    code, out, err = told(capsys)
    assert (code, out, os.listdir(folder)) == (1, "", ["control.pth"])
    assert err.splitlines()[0] == (
        "error: these weights are of another network: they lack zero_convs.2.0.bias"
    )


def test_a_difference_is_no_network(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = state_of("1.5", "control_model.") | {"difference": torch.ones(())}
    torch.save(state, "control.pth")
    code, _, err = told(capsys)
    assert (code, os.listdir(folder)) == (1, ["control.pth"])
    assert "these weights are what a ControlNet differs in from the network that it steers" in err
