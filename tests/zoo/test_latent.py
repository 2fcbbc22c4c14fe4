"""Improved DDPM, ADM, LDM and Stable Diffusion's kin: counted, and as published.

Each spec is, node by node, what the importer makes of the published config. That the importer is
right is shown by small networks with the same weights: here against diffusers at hand, and in
test_guided_diffusion against what guided-diffusion, ldm and sgm answered.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel, UNet2DModel
from latent_configs import CONFIGS, CROSSED, LDM, PUBLISHED, TRANSFORMERS
from proofs import agree, counted
from references import STABLE, drawn, importer
from safetensors.torch import load_file
from shared import config_of, fixture, reference
from torch import Tensor

import archkit
from archkit.conversion import read_foreign
from archkit.testing.parity import Reference, randomise, verify


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts(name: str) -> None:
    assert counted(name) == PUBLISHED[name]


@pytest.mark.parametrize("name", CONFIGS)
def test_their_config_is_our_spec(name: str) -> None:
    """Node by node; what conditions are called, and how many tokens are counted with, is ours."""
    family, config = CONFIGS[name]
    read, own = read_foreign(config, family=family).spec, archkit.load_spec(f"specs/{name}.yaml")
    plans = archkit.plan(read), archkit.plan(own)
    nodes, conditions = [], []
    for plan in plans:
        told = [n for n in plan if n.path.startswith("conditioning.")]
        nodes.append([(n.path, n.component, n.shape) for n in plan if n not in told])
        widths = [(n.name, n.shape.channels, n.cost and n.cost.parameters) for n in told]
        conditions.append(sorted(map(str, widths)))
    assert nodes[0] == nodes[1]
    assert conditions[0] == conditions[1]
    assert read.output.variance == own.output.variance


# A fixture, its importer, and our name of an input where it is another.
FIXTURES: dict[str, tuple[str, str, dict[str, str]]] = {
    "adm, 32 groups": ("guided-adm32-given-1", "guided-diffusion", {}),
    "one axis": ("guided-1d-given-1", "guided-diffusion", {}),
    "upsampler": ("guided-superres-given-1", "guided-diffusion", {}),
    "ldm, attention": ("ldm-attn32-given-1", "latent-diffusion", {}),
    "ldm, classes": ("ldm-cin-given-1", "latent-diffusion", {}),
    "sdxl": ("sgm-sdxl-given-1", "latent-diffusion", {"label": "vector"}),
}
FLIPS = {
    "upsampler": """conditioning.low_res.resize=nearest attention.heads=2 skip.order=skip-first
        conditioning.method=multiply norm.groups=4""",
    "adm, 32 groups": "attention.heads=2 pooling.by=max upsampling.by=bilinear",
    "one axis": "attention.heads=1 pooling.padding=end norm.eps=1e-2",
    "ldm, attention": "attention.heads=8 skip.order=skip-first conditioning.time.shift=1",
    "ldm, classes": """attention.heads=4 attention.norm.groups=4 block.norm.groups=4
        conditioning.embedding.activation=none""",
    "sdxl": """attention.head_width=4 conditioning.vector.activation=relu
        conditioning.time.order=sin-cos attention.first=cross""",
}


def compared(name: str) -> tuple[dict[str, Any], Reference]:
    file, family, renamed = FIXTURES[name]
    # The class is another where the image has a partner.
    more = {"super_res": True} if name == "upsampler" else {}
    config = config_of(file, **more)
    says = importer(family).spec(config)
    groups = fixture(file)[0]["norm_groups"]
    says["norm"] = {"type": "group", **says.get("norm", {}), "groups": groups}
    return says, reference(file, importer(family), config, **renamed)


@pytest.mark.parametrize("name", FLIPS)
def test_wrong_options_are_noticed(name: str) -> None:
    report = verify(*compared(name), FLIPS[name].split())
    assert not report.survivors, str(report)


SMALL = {**STABLE, "layers_per_block": 1}
UPSCALER = {
    **{**SMALL, "in_channels": 7, "block_out_channels": (16, 32, 32, 32), "num_class_embeds": 9},
    "down_block_types": ("DownBlock2D", *CROSSED[0]),
    "up_block_types": (*CROSSED[1], "UpBlock2D"),
    **{"only_cross_attention": (True, True, True, False), "use_linear_projection": True},
    "transformer_layers_per_block": 1,
}
REFINER = {
    **{**SMALL, "use_linear_projection": True, "addition_embed_type": "text_time"},
    **{"addition_time_embed_dim": 4, "projection_class_embeddings_input_dim": 1280 + 5 * 4},
}
POOLED, SIZES = drawn(2, 1280), torch.tensor([[512.0, 384, 0, 16, 6]] * 2)
LABELS = torch.tensor([2, 7])
# What diffusers is told beside sample, time and text, and the same by our names.
KIN: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Tensor]]] = {
    "inpainting": ({**SMALL, "in_channels": 9}, {}, {}),
    "instruct-pix2pix": ({**SMALL, "in_channels": 8}, {}, {}),
    "refiner": (
        REFINER,
        {"added_cond_kwargs": {"text_embeds": POOLED, "time_ids": SIZES}},
        {"micro": torch.cat((POOLED, SIZES), dim=1)},
    ),
    "x4 upscaler": (UPSCALER, {"class_labels": LABELS}, {"label": LABELS}),
    "everything crosses": (
        {**UPSCALER, "only_cross_attention": True},
        {"class_labels": LABELS},
        {"label": LABELS},
    ),
}
WRONG = {
    "refiner": "conditioning.micro.sizes=6 conditioning.micro.activation=relu",
    "x4 upscaler": "encoder.1.attention.first=self encoder.3.attention.first=cross",
}


def of_kin(name: str, space: tuple[int, int]) -> tuple[dict[str, Any], Reference]:
    config, told, ours = KIN[name]
    x, text, times = (
        drawn(2, config["in_channels"], *space),
        drawn(2, 5, 24),
        torch.tensor([7, 901]),
    )
    given = {"x": x[:, :4].clone(), "t": times, "text": text, **ours}
    if config["in_channels"] > 4:
        given["image"] = x[:, 4:].clone()
    family = importer("diffusers")
    says = family.spec({"_class_name": "UNet2DConditionModel", **config})
    return says, Reference.of(
        randomise(UNet2DConditionModel(**config)),
        family.codebase({}),
        given,
        lambda module: module(x, times, encoder_hidden_states=text, **told).sample,
    )


@pytest.mark.parametrize("space", [(16, 16), (8, 24)])
@pytest.mark.parametrize("name", KIN)
def test_parity_with_diffusers(name: str, space: tuple[int, int]) -> None:
    flips = WRONG.get(name, "").split() if space == (8, 24) else ()
    report = verify(*of_kin(name, space), flips)
    assert report, str(report)


@pytest.mark.parametrize("space", [(16, 16), (8, 24)])
def test_adm_of_diffusers(space: tuple[int, int]) -> None:
    """At a size that no fixture has: the consistency models' form of ADM."""
    config = {
        **{"block_out_channels": (32, 64), "layers_per_block": 1, "num_class_embeds": 9},
        **{"down_block_types": ("ResnetDownsampleBlock2D", "AttnDownBlock2D")},
        **{"up_block_types": ("AttnUpBlock2D", "ResnetUpsampleBlock2D")},
        **{"downsample_type": "resnet", "upsample_type": "resnet", "attention_head_dim": 16},
        **{"resnet_time_scale_shift": "scale_shift", "attn_norm_num_groups": 32},
    }
    given = {"x": drawn(2, 3, *space), "t": torch.tensor([7, 901]), "label": LABELS}
    family = importer("diffusers")
    wanted = Reference.of(
        randomise(UNet2DModel(**config)),
        family.codebase({}),
        given,
        lambda module: module(*given.values()).sample,
    )
    small = ["encoder.0.channels=32", "encoder.1.channels=64", "encoder.*.blocks=1"]
    rows = ["encoder.1.attention=true", "attention.head_width=16", "input.size=16"]
    other = ["output.variance=none", "conditioning.label.classes=9"]
    deleted = ["~encoder.3", "~encoder.2"]
    spec = archkit.load_spec("specs/adm-imagenet64.yaml", overrides=small + rows + other + deleted)
    agree(spec, wanted)


def test_upscaler_by_the_names_of_latent_diffusion() -> None:
    config = {
        **{**LDM, **TRANSFORMERS, "in_channels": 7, "model_channels": 256, "image_size": 128},
        **{"channel_mult": [1, 2, 2, 4], "attention_resolutions": [2, 4, 8], "num_heads": 8},
        **{"context_dim": 1024, "use_linear_in_transformer": True, "num_classes": 1000},
        "disable_self_attentions": [True, True, True, False],
    }
    read = archkit.plan(read_foreign(config, family="latent-diffusion").spec)
    own = archkit.plan("specs/stable-diffusion-x4-upscaler.yaml")
    assert [(n.path, n.component) for n in read if "attention" in n.path] == [
        (n.path, n.component) for n in own if "attention" in n.path
    ]
    assert read.cost.parameters == own.cost.parameters


def test_what_crosses_first_needs_something_to_look_at() -> None:
    attention = {"type": "transformer", "first": "cross", "context": "none"}
    rows = [{"channels": 32, "attention": True}]
    with pytest.raises(archkit.SpecError, match="looks at conditions, and there is none"):
        archkit.plan({"archkit": 1, "name": "a", "attention": attention, "encoder": rows})


def test_the_upscaler_goes_back_to_diffusers(tmp_path: Path) -> None:
    says, _ = of_kin("x4 upscaler", (8, 8))
    model = randomise(archkit.assemble(says))
    archkit.export(model, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (file,) = tmp_path.glob("*.safetensors")
    _, state = archkit.convert(config=config, state_dict=load_file(file))
    assert all(torch.equal(state[name], tensor) for name, tensor in model.state_dict().items())
