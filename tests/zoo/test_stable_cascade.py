"""Stable Cascade's networks, asked of diffusers itself."""

import math
from functools import cache
from typing import Any

import pytest
import torch
from diffusers import StableCascadeUNet
from proofs import agree, counted, notice
from references import drawn, importer

import archkit
from archkit import SpecError
from archkit.conversion import read_foreign
from archkit.drawing.scene import Text
from archkit.nn import embeddings
from archkit.testing.parity import Reference, randomise, verify

PUBLISHED = {"stable-cascade-b": 1_562_941_136, "stable-cascade-c": 3_589_103_632}
BLOCK, ATTENDS = ["SDCascadeResBlock", "SDCascadeTimestepBlock"], "SDCascadeAttnBlock"
C: dict[str, Any] = {
    "_class_name": "StableCascadeUNet",
    **{"in_channels": 16, "out_channels": 16, "patch_size": 1, "conditioning_dim": 2048},
    **{"block_out_channels": [2048, 2048], "num_attention_heads": [32, 32]},
    **{"down_num_layers_per_block": [8, 24], "up_num_layers_per_block": [24, 8]},
    **{"down_blocks_repeat_mappers": [1, 1], "up_blocks_repeat_mappers": [1, 1]},
    **{"clip_text_in_channels": 1280, "clip_image_in_channels": 768, "switch_level": [False]},
}
B: dict[str, Any] = {
    "_class_name": "StableCascadeUNet",
    **{"in_channels": 4, "out_channels": 4, "patch_size": 2, "conditioning_dim": 1280},
    **{"block_out_channels": [320, 640, 1280, 1280], "num_attention_heads": [0, 0, 20, 20]},
    **{"down_num_layers_per_block": [2, 6, 28, 6], "up_num_layers_per_block": [6, 28, 6, 2]},
    **{"down_blocks_repeat_mappers": [1] * 4, "up_blocks_repeat_mappers": [3, 3, 2, 2]},
    "block_types_per_layer": [BLOCK, BLOCK, [*BLOCK, ATTENDS], [*BLOCK, ATTENDS]],
    **{"effnet_in_channels": 16, "pixel_mapper_in_channels": 3, "dropout": [0, 0, 0.1, 0.1]},
    "timestep_conditioning_type": ["sca"],
}
CONFIGS = {"stable-cascade-b": B, "stable-cascade-c": C}
TEXT = {"clip_text_in_channels": 12, "clip_image_in_channels": 9, "clip_text_pooled_in_channels": 7}
SMALL: dict[str, dict[str, Any]] = {
    "c": {
        **{**C, **TEXT, "in_channels": 5, "out_channels": 5, "conditioning_dim": 24},
        **{"block_out_channels": [16, 24], "num_attention_heads": [2, 3], "clip_seq": 3},
        **{"down_num_layers_per_block": [1, 2], "up_num_layers_per_block": [3, 1]},
    },
    "b": {
        **{**B, "conditioning_dim": 20, "clip_text_pooled_in_channels": 7, "clip_seq": 3},
        **{"block_out_channels": [8, 12, 16], "num_attention_heads": [0, 0, 2]},
        **{"down_num_layers_per_block": [1, 2, 1], "up_num_layers_per_block": [2, 1, 2]},
        **{"down_blocks_repeat_mappers": [1, 2, 1], "up_blocks_repeat_mappers": [3, 2, 1]},
        "block_types_per_layer": [BLOCK, BLOCK, [*BLOCK, ATTENDS]],
        **{"effnet_in_channels": 6, "dropout": 0.1, "kernel_size": 5},
        "timestep_ratio_embedding_dim": 10,
    },
}
SMALL["repeated on the way down"] = {**SMALL["c"], "down_blocks_repeat_mappers": [1, 2]}
FLIPS = {
    "c": """conditioning.time.order=cos-sin conditioning.time.scale=1 conditioning.time.shift=0
        conditioning.sca.scale=1 conditioning.crp.shift=0 conditioning.embedding.activation=silu
        skip.order=skip-first encoder.0.block.heads=4 stem.out_norm.eps=1e-1
        conditioning.image.eps=1e-1 head.norm=none conditioning.pooled.eps=1e-1""",
    "b": """conditioning.effnet.resized=last conditioning.pixels.resized=first skip.order=skip-first
        conditioning.sca.order=cos-sin pooling.norm.eps=1e-1 upsampling.norm.eps=1e-1""",
}


@cache
def reference(name: str, space: tuple[int, int]) -> tuple[dict[str, Any], Reference]:
    """Our spec of a small network by its config, and what the original answers.

    It takes numbers like `sca` for one sample at a time. Times and numbers are small, because sines
    of thousands tell the last bit of every frequency; see `test_parity_at_any_time`.
    """
    config = SMALL[name]
    options = {k: v for k, v in config.items() if not k.startswith("_")}
    module = randomise(StableCascadeUNet(**options))
    inputs = {"x": drawn(1, config["in_channels"], *space), "t": torch.tensor([0.75])}
    inputs |= {"pooled": drawn(1, 1, 7), "sca": torch.tensor([0.0012])}
    told: dict[str, Any] = {"clip_text_pooled": inputs["pooled"], "sca": inputs["sca"]}
    if "clip_text_in_channels" in config:
        more = {"text": drawn(1, 5, 12), "image": drawn(1, 1, 9), "crp": torch.tensor([0.0003])}
        told |= {"clip_text": more["text"], "clip_img": more["image"], "crp": more["crp"]}
    else:
        more = {"effnet": drawn(1, 6, 5, 7), "pixels": drawn(1, 3, 9, 6)}
        told |= more
    inputs |= more

    def ask(model: Any) -> torch.Tensor:
        return model(inputs["x"], inputs["t"] / 1000, **told).sample

    family = importer("diffusers")
    return family.spec(config), Reference.of(module, family.codebase(config), inputs, ask)


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts(name: str) -> None:
    assert counted(name) == PUBLISHED[name]


@pytest.mark.parametrize("name", PUBLISHED)
def test_their_config_is_our_spec(name: str) -> None:
    own = archkit.plan(f"specs/{name}.yaml")
    read = archkit.plan(read_foreign(CONFIGS[name]).spec, size=own.space)
    assert {n.path: (n.component, n.shape) for n in read} == {
        n.path: (n.component, n.shape) for n in own
    }


@pytest.mark.parametrize("space", [(16, 16), (8, 24)])
@pytest.mark.parametrize("name", SMALL)
def test_parity(name: str, space: tuple[int, int]) -> None:
    agree(*reference(name, space))


def waves(ratio: torch.Tensor, channels: int) -> torch.Tensor:
    """The sinusoids of a ratio as the original defines them, rounded at the very end alone."""
    steps = torch.arange(channels // 2, dtype=torch.float64) / (channels // 2 - 1)
    angles = 10000 * ratio.double()[:, None] * torch.exp(-math.log(10000) * steps)
    return torch.cat((angles.sin(), angles.cos()), dim=1).float()


def test_our_sinusoids_are_no_worse_than_the_originals() -> None:
    """Angles of thousands are rounded in the fourth decimal, by us and by the original."""
    times = torch.arange(1, 1001).float()
    exact = waves(times.double() / 1000, 64)
    ours = embeddings.sinusoids(10 * times, 64, shift=1, sin_first=True)
    theirs = reference("c", (16, 16))[1].module.get_timestep_ratio_embedding(times / 1000)
    assert (ours - exact).abs().max() <= (theirs - exact).abs().max() < 1e-3


@pytest.mark.parametrize("t", [1.0, 333.0, 901.0, 1000.0])
def test_parity_at_any_time(t: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """With sinusoids that neither rounds too early, both say the same: all else is equal."""
    spec, small = reference("c", (16, 16))
    inputs = {**small.inputs, "t": torch.tensor([t])}
    inputs |= {"sca": torch.tensor([0.75]), "crp": torch.tensor([0.25])}
    theirs = {"text": "clip_text", "pooled": "clip_text_pooled", "image": "clip_img"}
    told = {theirs.get(k, k): v for k, v in inputs.items() if k not in ("x", "t")}
    module: Any = small.module
    monkeypatch.setattr(module, "get_timestep_ratio_embedding", lambda ratio: waves(ratio, 64))
    monkeypatch.setattr(embeddings, "sinusoids", lambda t, n, **_: waves(t.double() / 10000, n))
    with torch.no_grad():
        answer = module(inputs["x"], inputs["t"].double() / 1000, **told).sample
    agree(spec, Reference(small.codebase, small.state, inputs, answer))


@pytest.mark.parametrize("name", FLIPS)
def test_wrong_options_are_noticed(name: str) -> None:
    notice(*reference(name, (16, 16)), FLIPS[name].split())


def test_the_inside_calls_an_image_by_its_name() -> None:
    drawn = archkit.draw(archkit.plan("specs/stable-cascade-b.yaml"), detail="block")
    words = {item.words for item in drawn.scene if isinstance(item, Text)}
    assert "effnet 16 @ 256×256" in words


def test_pixels_and_numbers_may_be_left_out() -> None:
    """The original then takes pixels of zeros, and numbers that are zero."""
    spec, wanted = reference("b", (16, 16))
    kept = {k: v for k, v in wanted.inputs.items() if k not in ("pixels", "sca")}
    assert wanted.module is not None
    with torch.no_grad():
        told = {"clip_text_pooled": kept["pooled"], "effnet": kept["effnet"]}
        answer = wanted.module(kept["x"], kept["t"] / 1000, **told).sample
    assert verify(spec, Reference(wanted.codebase, wanted.state, kept, answer))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("switch_level", [True]),
        ("self_attn", False),
        ("clip_image_in_channels", None),
        ("block_types_per_layer", [BLOCK[:1], BLOCK]),
        ("timestep_conditioning_type", ["sca", "more"]),
    ],
)
def test_what_has_no_counterpart_is_told(option: str, value: Any) -> None:
    with pytest.raises(SpecError) as caught:
        importer("diffusers").spec({**C, option: value})
    assert "no-counterpart" in str(caught.value)
