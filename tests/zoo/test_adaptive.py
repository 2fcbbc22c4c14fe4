"""Networks whose norms are all modulated: k-diffusion's image_v1 and the latent x2 upscaler.

The upscaler's network is asked itself, in diffusers; of image_v1 there is an answer in
tests/golden.
"""

from functools import cache
from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel
from references import GOLDEN, described, drawn, importer
from safetensors.torch import load_file
from torch import nn

import archkit
from archkit import SpecError
from archkit.conversion import read_foreign
from archkit.testing.parity import Reference, randomise, verify

# diffusers counts the frequencies of the time, which are never learned.
FREQUENCIES = 384
PUBLISHED = {
    "k-diffusion-cifar10": 66_121_731,
    "stable-diffusion-x2-upscaler": 372_560_645 - FREQUENCIES,
}
X2 = {
    **{"in_channels": 8, "out_channels": 5, "sample_size": None, "mid_block_type": None},
    "down_block_types": ["KDownBlock2D", *["KCrossAttnDownBlock2D"] * 3],
    "up_block_types": [*["KCrossAttnUpBlock2D"] * 3, "KUpBlock2D"],
    **{"block_out_channels": [384, 384, 768, 768], "layers_per_block": 4, "act_fn": "gelu"},
    **{"norm_num_groups": None, "cross_attention_dim": 768, "attention_head_dim": 64},
    **{"time_cond_proj_dim": 896, "resnet_time_scale_shift": "scale_shift"},
    **{"time_embedding_type": "fourier", "timestep_post_act": "gelu"},
    **{"conv_in_kernel": 1, "conv_out_kernel": 1},
}
SMALL = {
    **{**X2, "block_out_channels": [32, 32, 64, 64], "layers_per_block": 2},
    **{"cross_attention_dim": 12, "attention_head_dim": 16, "time_cond_proj_dim": 10},
}
CIFAR = {
    **{"c_in": 3, "feats_in": 256, "depths": [2, 4, 4], "channels": [128, 256, 512]},
    **{"self_attn_depths": [False, True, True], "mapping_cond_dim": 9, "dropout_rate": 0.05},
}
CONFIGS = {
    "k-diffusion-cifar10": CIFAR,
    "stable-diffusion-x2-upscaler": {**X2, "_class_name": "UNet2DConditionModel"},
}
UPSCALERS: dict[str, dict[str, Any]] = {
    "upscaler": SMALL,
    "upscaler, every number": {
        **{**SMALL, "in_channels": 3, "out_channels": 3, "block_out_channels": [32, 64, 64]},
        "down_block_types": ["KDownBlock2D", *["KCrossAttnDownBlock2D"] * 2],
        "up_block_types": [*["KCrossAttnUpBlock2D"] * 2, "KUpBlock2D"],
        **{"time_cond_proj_dim": None, "timestep_post_act": None, "act_fn": "silu"},
        **{"conv_in_kernel": 3, "conv_out_kernel": 3, "flip_sin_to_cos": False},
    },
}
FLIPS = {
    "upscaler": """skip.order=skip-first pooling=blur upsampling=blur activation=silu
        activation.approximate=tanh conditioning.time.order=sin-cos conditioning.time.scale=2
        conditioning.embedding.activation=none attention.head_width=8 attention.norm.width=16
        block.norm.eps=1e-3 block.norm.width=16 block.shortcut_bias=true layout=k-diffusion
        encoder.3.attention.itself=false pooling.kernel=cubic""",
    "image-v1": """skip.order=skip-first pooling=blur upsampling=blur activation=silu
        conditioning.time.order=sin-cos conditioning.embedding.activation=silu
        attention.heads=2 attention.norm.width=16 block.norm.eps=1e-3 block=resnet
        attention=self layout=k-diffusion upsampling.kernel=cubic""",
}


@cache
def reference(name: str, sample: int = 0) -> tuple[dict[str, Any], Reference]:
    """Our spec of a small network by its config, and what the original answers."""
    if name == "image-v1":
        return image_v1()
    config, family = UPSCALERS[name], importer("diffusers")
    told = {**config, "_class_name": "UNet2DConditionModel"}
    module = randomise(UNet2DConditionModel(**config))
    into, space = config["in_channels"], ((16, 24), (32, 16))[sample]
    x, t, text = drawn(2, into, *space), torch.tensor([0.25, 1.5]), drawn(2, 7, 12)
    inputs = {"x": x[:, :4], "t": t, "text": text}
    inputs |= {"image": x[:, 4:]} if into > 4 else {}
    pooled = drawn(2, 10) if config["time_cond_proj_dim"] else None
    inputs |= {} if pooled is None else {"pooled": pooled}

    def ask(model: nn.Module) -> torch.Tensor:
        return model(x, t, encoder_hidden_states=text, timestep_cond=pooled).sample

    return family.spec(told), Reference.of(module, family.codebase(told), inputs, ask)


def image_v1() -> tuple[dict[str, Any], Reference]:
    entry, family = described("kd-image-v1-given-1"), importer("k-diffusion")
    tensors = {k: t.clone() for k, t in load_file(GOLDEN / entry["file"]).items()}
    state = {k.removeprefix("weights/"): t for k, t in tensors.items() if k.startswith("weights/")}
    inputs = {
        "x": tensors["inputs/input"],
        "t": tensors["inputs/sigma"].log() / 4,
        "mapping_cond": tensors["inputs/mapping_cond"],
    }
    spec, codebase = family.spec(entry["config"]), family.codebase(entry["config"])
    return spec, Reference(codebase, state, inputs, tensors["outputs/out"])


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts(name: str) -> None:
    model = archkit.assemble(f"specs/{name}.yaml", initialise=False)
    built = sum(p.numel() for p in model.parameters())
    assert built == model.plan.cost.parameters == model.plan.spec.parameters == PUBLISHED[name]


def test_the_original_has_as_many() -> None:
    with torch.device("meta"):
        counted = sum(p.numel() for p in UNet2DConditionModel(**X2).parameters())
    assert counted == PUBLISHED["stable-diffusion-x2-upscaler"] + FREQUENCIES


@pytest.mark.parametrize("name", CONFIGS)
def test_their_config_is_our_spec(name: str) -> None:
    own = archkit.plan(f"specs/{name}.yaml")
    read = archkit.plan(read_foreign(CONFIGS[name]).spec, size=own.space)
    # The precondition stands around image_v1, and the condition has another name there.
    read_nodes, own_nodes = (
        [(n.component, n.shape) for n in p if not n.path.startswith("precondition")]
        for p in (read, own)
    )
    assert read_nodes == own_nodes


@pytest.mark.parametrize("sample", [0, 1])
@pytest.mark.parametrize("name", UPSCALERS)
def test_parity_of_the_upscaler(name: str, sample: int) -> None:
    spec, wanted = reference(name, sample)
    report = verify(spec, wanted)
    assert report, str(report)


def test_parity_of_image_v1() -> None:
    spec, wanted = reference("image-v1")
    report = verify(spec, wanted)
    assert report, str(report)


@pytest.mark.parametrize("name", FLIPS)
def test_wrong_options_are_noticed(name: str) -> None:
    spec, wanted = reference(name)
    report = verify(spec, wanted, FLIPS[name].split(), tolerance=2e-6)
    assert not report.survivors, str(report)


@pytest.mark.parametrize(
    ("family", "config", "words"),
    [
        ("diffusers", {**X2, "block_out_channels": [384] * 4}, "`block_out_channels: "),
        (
            "diffusers",
            {
                **{**X2, "block_out_channels": [192, 384, 384]},
                "down_block_types": ["KDownBlock2D", "KDownBlock2D", "KCrossAttnDownBlock2D"],
                "up_block_types": ["KCrossAttnUpBlock2D", "KUpBlock2D", "KUpBlock2D"],
            },
            "`up_block_types: ",
        ),
        ("diffusers", {**X2, "norm_num_groups": 32}, "`norm_num_groups: 32`"),
        ("diffusers", {**X2, "addition_embed_type": "text"}, '`addition_embed_type: "text"`'),
        ("k-diffusion", {**CIFAR, "patch_size": 2}, "`patch_size: 2`"),
        ("k-diffusion", {**CIFAR, "has_variance": True}, "`has_variance: true`"),
        (
            "k-diffusion",
            {**CIFAR, "cross_attn_depths": [False, True, True]},
            "`cross_attn_depths: [false, true, true]`",
        ),
    ],
)
def test_what_has_no_counterpart_is_told(family: str, config: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as caught:
        importer(family).spec({**config, "_class_name": "UNet2DConditionModel"})
    assert words in str(caught.value)
