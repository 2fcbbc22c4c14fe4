"""Configs of other codebases become specs, and what has no counterpart is told."""

from pathlib import Path
from typing import Any

import pytest
import torch
from references import DDPM, importer
from torch import Tensor

import archkit
from archkit import Config, SpecError, WeightError
from archkit.conversion import read_foreign
from archkit.module import UNet
from archkit.registry import load_registry
from archkit.weights.mapping import rules

SPECS = Path(__file__).parents[1] / "specs"
SD_15 = {"_class_name": "UNet2DConditionModel", "sample_size": 64, "cross_attention_dim": 768}
SD_21 = {
    **SD_15,
    "sample_size": 96,
    "cross_attention_dim": 1024,
    "attention_head_dim": [5, 10, 20, 20],
    "use_linear_projection": True,
    "upcast_attention": True,
}
XL = {
    **SD_21,
    "sample_size": 128,
    "block_out_channels": [320, 640, 1280],
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "transformer_layers_per_block": [1, 2, 10],
    "attention_head_dim": [5, 10, 20],
    "cross_attention_dim": 2048,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
PUBLISHED = {
    "ddpm-cifar10": {"_class_name": "UNet2DModel", "dropout": 0.1, **DDPM},
    "stable-diffusion-1.5": SD_15,
    "stable-diffusion-2.1": SD_21,
    "sdxl-base": XL,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_configs_are_our_specs(name: str) -> None:
    spec, _ = archkit.convert(config=PUBLISHED[name])
    own = archkit.load_spec(SPECS / f"{name}.yaml")
    apart = {"name", "about", "reference", "parameters", "prediction"}
    assert spec.model_dump(exclude=apart) == own.model_dump(exclude=apart)


@pytest.mark.parametrize(
    "name",
    """adm-imagenet64 adm-imagenet128 adm-imagenet256 adm-imagenet512 adm-upsampler-256
    iddpm-imagenet64 iddpm-imagenet64-class iddpm-cifar10""".split(),
)
def test_a_published_state_dict_says_what_it_is(name: str) -> None:
    """Of guided-diffusion; heads, which leave no trace, are known of what is published."""
    same_as_our_spec(name, "guided-diffusion", "")


@pytest.mark.parametrize("name", ["ldm-celebahq-256", "ldm-imagenet-256", "ldm-text2img"])
def test_a_published_checkpoint_of_latent_diffusion(name: str) -> None:
    same_as_our_spec(name, "latent-diffusion", "model.diffusion_model.")


def same_as_our_spec(name: str, family: str, prefix: str) -> None:
    own = archkit.assemble(SPECS / f"{name}.yaml", initialise=False)
    order = {"use_new_attention_order": name == "adm-imagenet64"}
    spec, weights = archkit.convert(state_dict=as_theirs(own, family, prefix, order))
    assert spec.parameters == own.plan.spec.parameters
    assert len(weights) == len(own.state_dict())
    got, wanted = archkit.plan(spec), own.plan
    left = {"channels", "width", "tokens"}  # said by one, derived in the other
    for node, other in zip(got, wanted, strict=True):
        assert node.component.model_dump(exclude=left) == other.component.model_dump(exclude=left)
        assert node.shape.channels == other.shape.channels


@pytest.mark.parametrize("name", ["stable-diffusion-1.5", "stable-diffusion-2.1", "sdxl-base"])
def test_a_single_file_says_what_it_holds(name: str) -> None:
    """Names and shapes alone give the network back; nothing is computed."""
    own = archkit.assemble(SPECS / f"{name}.yaml", initialise=False)
    state = as_theirs(own, "latent-diffusion", "model.diffusion_model.")
    state["first_stage_model.decoder.conv_in.weight"] = torch.empty(1, device="meta")
    spec, weights = archkit.convert(state_dict=state)
    assert archkit.plan(spec).cost.parameters == own.plan.spec.parameters
    assert spec.encoder == own.plan.spec.encoder
    assert {k: v.shape for k, v in weights.items()} == {
        k.replace(".micro.", ".vector."): v.shape for k, v in own.state_dict().items()
    }


@pytest.mark.parametrize(
    "name",
    """stable-diffusion-1.5 stable-diffusion-1.5-inpainting stable-diffusion-2.1 sdxl-base
    sdxl-refiner""".split(),
)
def test_weights_of_diffusers_without_a_config(name: str) -> None:
    same_as_our_spec(name, "diffusers", "")


def test_which_weights_of_diffusers_tell_nothing() -> None:
    """With a text of another width than CLIP's, heads could be of any number."""
    changed = ["conditioning.text.channels=24"]
    own = archkit.load_spec(SPECS / "stable-diffusion-1.5.yaml", overrides=changed)
    state = as_theirs(archkit.assemble(own, initialise=False), "diffusers")
    with pytest.raises(WeightError, match="nothing tells the family of this network"):
        archkit.convert(state_dict=state)


def as_theirs(
    model: UNet, family: str, prefix: str = "", config: Config | None = None
) -> dict[str, Tensor]:
    """The weights of a model, by the names of another codebase."""
    ours, state = model.state_dict(), {}
    for rule in rules(model, importer(family).codebase(config or {})):
        parts = ours[rule.ours].chunk(len(rule.theirs))
        state |= {prefix + name: part for name, part in zip(rule.theirs, parts, strict=True)}
    return state


def test_the_ledger_tells_what_a_checkpoint_holds_besides() -> None:
    config = {
        "in_channels": 3,
        "out_channels": 6,
        "model_channels": 32,
        "num_res_blocks": 1,
        "attention_resolutions": [2],
        "channel_mult": [1, 2],
    }
    spec, _ = archkit.convert(config=config, family="guided-diffusion")
    own = archkit.assemble(spec, initialise=False)
    state = as_theirs(own, "guided-diffusion", "module.") | {"step": torch.ones(1)}
    read = read_foreign(config, state, "guided-diffusion")
    assert set(read.state) == set(own.state_dict())
    assert str(read.ledger).endswith("step dropped, because it does not belong to `module.`")
    assert "input_blocks.3.1.qkv.weight → encoder.1.blocks.0.attention.qkv.weight, " in str(
        read.ledger
    )


PLUGIN = '''
from typing import Literal

from archkit import Codebase, Importer, hookimpl


class Tiny(Importer):
    """Networks of one stage, by their width."""

    type: Literal["tiny"] = "tiny"

    def reads(self, config):
        return "their_width" in config

    def spec(self, config):
        return {"archkit": 1, "name": "tiny", "encoder": [{"channels": config["their_width"]}]}

    def codebase(self, config):
        return Codebase("tiny", {}, {})


@hookimpl
def archkit_components():
    return {"importer.tiny": Tiny}
'''


def test_an_importer_is_a_plugin(tmp_path: Path) -> None:
    file = tmp_path / "tiny.py"
    file.write_text(PLUGIN)
    registry = load_registry([str(file)])
    spec, _ = archkit.convert(config={"their_width": 64}, registry=registry)
    assert spec.widths() == (64,)
    with pytest.raises(WeightError, match="the tables of tiny have no place for `conditioning"):
        archkit.convert(config={"their_width": 64}, state_dict={}, registry=registry)


def test_every_option_without_counterpart_is_told() -> None:
    config = {
        "_class_name": "UNet2DConditionModel",
        "dual_cross_attention": True,
        "resnet_time_scale_shift": "ada_group",
        "down_block_types": ["DownEncoderBlock2D", *["CrossAttnDownBlock2D"] * 2, "DownBlock2D"],
        "attention_type": "gated",
        "width": 8,
    }
    with pytest.raises(SpecError) as caught:
        archkit.convert(config=config)
    assert {problem.message for problem in caught.value.problems} == {
        "`dual_cross_attention: true` of UNet2DConditionModel has no counterpart in archkit",
        '`resnet_time_scale_shift: "ada_group"` of UNet2DConditionModel has no counterpart in '
        "archkit",
        '`down_block_types: "DownEncoderBlock2D"` of UNet2DConditionModel has no counterpart in '
        "archkit",
        '`attention_type: "gated"` of UNet2DConditionModel has no counterpart in archkit',
        "`width` is no option of UNet2DConditionModel that archkit knows",
    }
    assert {problem.path for problem in caught.value.problems} == {(k,) for k in [*config][1:]}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"family": "diffuser"}, "no importer is called `diffuser`; there are diffusers, "),
        (
            {"config": {"width": 8}},
            "nothing tells the family of this network; say it with `family`",
        ),
        ({"state_dict": {}}, "nothing tells the family of this network; say it with `family`"),
        (
            {"family": "guided-diffusion", "state_dict": {"out.0.weight": torch.ones(1)}},
            "the names and shapes of these weights do not tell the config of a guided-diffusion "
            "network; give it with `config`",
        ),
    ],
    ids=["family", "config", "weights", "no config"],
)
def test_what_cannot_be_told(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(WeightError) as caught:
        archkit.convert(**arguments)
    assert str(caught.value).startswith(words)


def test_an_unknown_class_of_diffusers() -> None:
    with pytest.raises(SpecError, match="archkit can't read diffusers' `UNet4DModel`"):
        archkit.convert(config={"_class_name": "UNet4DModel"})
