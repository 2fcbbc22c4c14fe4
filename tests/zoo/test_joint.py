"""Networks that look at positions and tokens at once: DeepFloyd IF and Kandinsky 2.2's decoder.

diffusers' networks are asked themselves.
"""

from functools import cache
from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel
from proofs import agree, counted, notice
from references import drawn, importer
from torch import nn

import archkit
from archkit import SpecError
from archkit.conversion import read_foreign
from archkit.testing.parity import Reference, randomise

PUBLISHED = {
    "deepfloyd-if-1-m": 371_605_830,
    "deepfloyd-if-1-l": 935_365_830,
    "deepfloyd-if-1-xl": 4_304_695_110,
    "kandinsky-2.2-decoder": 1_253_057_288,
}
_BLOCKS = {
    **{"_class_name": "UNet2DConditionModel", "sample_size": 64, "layers_per_block": 3},
    "down_block_types": ["ResnetDownsampleBlock2D", *["SimpleCrossAttnDownBlock2D"] * 3],
    "up_block_types": [*["SimpleCrossAttnUpBlock2D"] * 3, "ResnetUpsampleBlock2D"],
    "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
    **{"attention_head_dim": 64, "resnet_time_scale_shift": "scale_shift"},
}


def deepfloyd(width: int, text: int) -> dict[str, Any]:
    return {
        **_BLOCKS,
        **{"in_channels": 3, "out_channels": 6, "act_fn": "gelu", "encoder_hid_dim": 4096},
        "block_out_channels": [width * times for times in (1, 2, 3, 4)],
        **{"cross_attention_dim": text, "cross_attention_norm": "group_norm"},
        "addition_embed_type": "text",
    }


CONFIGS: dict[str, dict[str, Any]] = {
    "deepfloyd-if-1-m": deepfloyd(192, 768),
    "deepfloyd-if-1-l": deepfloyd(320, 1280),
    "deepfloyd-if-1-xl": deepfloyd(704, 2816),
    "kandinsky-2.2-decoder": {
        **{**_BLOCKS, "in_channels": 4, "out_channels": 8, "cross_attention_dim": 768},
        "block_out_channels": [384, 768, 1152, 1536],
        **{"addition_embed_type": "image", "encoder_hid_dim": 1280},
        "encoder_hid_dim_type": "image_proj",
    },
}
_SMALL = {
    **{"block_out_channels": [32, 64], "layers_per_block": 1, "attention_head_dim": 16},
    "down_block_types": ["ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"],
    "up_block_types": ["SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"],
}
SMALL: dict[str, dict[str, Any]] = {
    "text": {
        **{**CONFIGS["deepfloyd-if-1-m"], **_SMALL, "cross_attention_dim": 32},
        **{"encoder_hid_dim": 24, "addition_embed_type_num_heads": 4},
    },
    "image": {**CONFIGS["kandinsky-2.2-decoder"], **_SMALL, "encoder_hid_dim": 10},
    "text as it is": {
        **{**_BLOCKS, **_SMALL, "in_channels": 7, "cross_attention_dim": 12},
        **{"block_out_channels": [16, 32, 32], "layers_per_block": [1, 2, 1]},
        "down_block_types": ["SimpleCrossAttnDownBlock2D", *_SMALL["down_block_types"]],
        "up_block_types": [*_SMALL["up_block_types"], "SimpleCrossAttnUpBlock2D"],
        **{"norm_num_groups": 8, "norm_eps": 1e-6, "attention_head_dim": [4, 8, 16]},
        **{"resnet_time_scale_shift": "default", "dropout": 0.1},
    },
}
FLIPS = {
    "text": """skip.order=skip-first activation=silu attention.head_width=32
        attention.context_norm=none attention.context_norm.groups=16 attention.context=none
        attention.context_norm.eps=1e-3 attention.norm.eps=1e-3 conditioning.pooled.heads=2
        conditioning.method=add pooling.by=max upsampling.by=bilinear norm.groups=16
        conditioning.time.order=sin-cos attention=self bottleneck.attention=false
        conditioning.embedding.activation=none activation.approximate=tanh""",
    "image": """attention.head_width=8 attention.context_norm.type=layer norm.groups=16
        conditioning.clip_tokens.tokens=16 attention=self attention.norm.eps=1e-3""",
}


@cache
def reference(name: str, sample: int = 0) -> tuple[dict[str, Any], Reference]:
    """Our spec of a small network by its config, and what the original answers."""
    config, family = SMALL[name], importer("diffusers")
    options = {k: v for k, v in config.items() if not k.startswith("_")}
    module = randomise(UNet2DConditionModel(**options))
    own = 4 if config["in_channels"] == 7 else config["in_channels"]
    space = ((16, 24), (32, 16))[sample]
    x, t = drawn(2, config["in_channels"], *space), torch.tensor([7, 901])
    inputs = {"x": x[:, :own], "t": t}
    inputs |= {"image": x[:, own:]} if x.shape[1] > own else {}
    asked: dict[str, Any] = {"encoder_hidden_states": None}
    if config.get("encoder_hid_dim_type"):
        inputs["clip"] = drawn(2, 10)
        asked["added_cond_kwargs"] = {"image_embeds": inputs["clip"]}
    else:
        width = config.get("encoder_hid_dim") or config["cross_attention_dim"]
        inputs["text"] = asked["encoder_hidden_states"] = drawn(2, 7, width)

    def ask(model: nn.Module) -> torch.Tensor:
        return model(x, t, **asked).sample

    return family.spec(config), Reference.of(module, family.codebase(config), inputs, ask)


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts(name: str) -> None:
    assert counted(name) == PUBLISHED[name]


@pytest.mark.parametrize("name", CONFIGS)
def test_their_config_is_our_spec(name: str) -> None:
    own = archkit.plan(f"specs/{name}.yaml")
    read = archkit.plan(read_foreign(CONFIGS[name]).spec, size=own.space)
    # What a condition takes of another counts by the other's channels, not by its own.
    alone = {"channels", "type"}
    nodes = [
        [(n.path, n.component.model_dump(exclude=alone), n.shape, n.cost) for n in p]
        for p in (read, own)
    ]
    assert nodes[0] == nodes[1]


@pytest.mark.parametrize("sample", [0, 1])
@pytest.mark.parametrize("name", SMALL)
def test_parity(name: str, sample: int) -> None:
    agree(*reference(name, sample))


@pytest.mark.parametrize("name", FLIPS)
def test_wrong_options_are_noticed(name: str) -> None:
    notice(*reference(name), FLIPS[name].split())


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"only_cross_attention": True}, "`only_cross_attention: true`"),
        ({"class_embed_type": "timestep"}, '`class_embed_type: "timestep"`'),
        ({"resnet_skip_time_act": True}, "`resnet_skip_time_act: true`"),
        ({"cross_attention_norm": "layer_norm"}, '`cross_attention_norm: "layer_norm"`'),
        ({"addition_embed_type": "text_image"}, '`addition_embed_type: "text_image"`'),
        ({"encoder_hid_dim_type": "text_image_proj"}, "`encoder_hid_dim_type: "),
    ],
)
def test_what_has_no_counterpart_is_told(config: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as caught:
        importer("diffusers").spec({**CONFIGS["deepfloyd-if-1-m"], **config})
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"pooled": {"type": "pooled", "of": "words"}}, "no condition before it is called so"),
        (
            {"v": "vector", "pooled": {"type": "pooled", "of": "v"}},
            "a vector can't be pooled as if it were a sequence",
        ),
        (
            {"text": "sequence", "more": {"type": "projected", "of": "text"}},
            "a sequence can't be projected as if it were a vector",
        ),
    ],
)
def test_what_another_condition_is_not(told: dict[str, Any], words: str) -> None:
    spec = {"archkit": 1, "name": "told", "conditioning": told, "encoder": [{"channels": 32}]}
    with pytest.raises(SpecError) as caught:
        archkit.plan(archkit.load_spec(spec))
    assert words in str(caught.value)
