"""Imagen's networks: counted, and equal to those of imagen_pytorch.

Its answers are in tests/golden: reduced networks, every tensor drawn at random, two samples of
different sizes, every condition.
"""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from proofs import agree, counted, notice
from references import GOLDEN, described, importer
from safetensors.torch import load_file
from torch import Tensor

import archkit
from archkit import SpecError
from archkit.conversion import read_foreign
from archkit.diffusion.guidance import guided
from archkit.testing.parity import Reference, verify

T5 = {"text_embed_dim": 4096}
UP = {
    **{"dim": 128, "dim_mults": [1, 2, 4, 8], "num_resnet_blocks": [2, 4, 8, 8], **T5},
    **{"layer_cross_attns": [False, False, False, True], "memory_efficient": True},
    "lowres_cond": True,
}
# As BaseUnet64, SRUnet256 and SRUnet1024 make them, told by T5-XXL as in the paper.
CONFIGS: dict[str, dict[str, Any]] = {
    "imagen-base-64": {
        **{"dim": 512, "dim_mults": [1, 2, 3, 4], "num_resnet_blocks": 3, **T5},
        **{
            "layer_attns": [False, True, True, True],
            "layer_cross_attns": [False, True, True, True],
        },
    },
    "imagen-sr-256": {**UP, "layer_attns": [False, False, False, True]},
    "imagen-sr-1024": {**UP, "layer_attns": False},
}
PUBLISHED = {
    "imagen-base-64": 1_627_446_052,
    "imagen-sr-256": 732_462_738,
    "imagen-sr-1024": 721_670_546,
}
OURS = {
    **{"time": "t", "text_embeds": "text"},
    **{"lowres_cond_img": "small", "lowres_noise_times": "noise", "self_cond": "estimate"},
}
# Wrong options, each of which loads without a complaint.
FLIPS = {
    "imagen-made-1": """skip.order=skip-first skip.scale=1.0 block.activation=gelu
        upsampling.then=none conditioning.time.then=gelu
        conditioning.embedding.activation=none""",
    "imagen-made-2": """skip.order=skip-first skip.scale=1.0 block.activation=gelu
        upsampling.then=none conditioning.time.then=gelu conditioning.noise.then=gelu
        conditioning.embedding.activation=none""",
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts(name: str) -> None:
    assert counted(name) == PUBLISHED[name]


@pytest.mark.parametrize("name", CONFIGS)
def test_their_config_is_our_spec(name: str) -> None:
    own = archkit.plan(f"specs/{name}.yaml")
    read = archkit.plan(read_foreign(CONFIGS[name]).spec, size=own.space)
    read_nodes, own_nodes = (
        {n.path: (n.component, n.shape, frozenset(n.inputs)) for n in plan} for plan in (read, own)
    )
    assert read_nodes == own_nodes


@cache
def tensors(name: str) -> dict[str, Tensor]:
    return load_file(GOLDEN / described(name)["file"])


def reference(name: str, call: int) -> tuple[dict[str, Any], Reference]:
    """Our spec of a fixture by its config, and what the original answered to one call."""
    entry, found = described(name), tensors(name)
    told = entry["call"][call]
    state = {
        key.removeprefix("weights/"): tensor.float()
        for key, tensor in found.items()
        if key.startswith("weights/")
    }
    names = {key.partition(".")[0]: key for key in (*told["args"], *told["kwargs"].values())}
    inputs = {OURS.get(n, n): found[f"inputs/{key}"].clone() for n, key in names.items()}
    inputs.pop("text_mask")  # a token of zeros says the same
    if "constants" in told:
        inputs["text"].zero_()  # dropped
    family = importer("imagen")
    answer = found[f"outputs/{told['outputs'][0]}"]
    return family.spec(entry["config"]), Reference(
        family.codebase(entry["config"]), state, inputs, answer
    )


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("imagen-made-1", 0),
        ("imagen-made-1", 1),
        ("imagen-made-1", 2),
        ("imagen-made-2", 0),
        ("imagen-made-2", 1),
        ("imagen-made-3", 0),
        ("imagen-made-3", 1),
    ],
)
def test_parity(name: str, call: int) -> None:
    agree(*reference(name, call))


@pytest.mark.parametrize("name", FLIPS)
def test_wrong_options_are_noticed(name: str) -> None:
    notice(*reference(name, call=1), FLIPS[name].split())


def test_a_text_that_is_left_out_is_what_guidance_goes_away_from() -> None:
    spec, wanted = reference("imagen-made-1", call=2)
    model = archkit.assemble(spec)
    model.load_state_dict(
        dict(read_foreign(described("imagen-made-1")["config"], wanted.state).state or {})
    )
    x, t, text = (wanted.inputs[name] for name in ("x", "t", "text"))
    with torch.no_grad():
        torch.testing.assert_close(model(x, t), wanted.output, rtol=1e-5, atol=1e-5)
        away = guided(
            model, {"text": torch.ones_like(text)}, scale=0.0, negative={"text": 0 * text}
        )(x, t[0])
        torch.testing.assert_close(away, model(x, t[0]), rtol=1e-5, atol=1e-5)


def test_an_estimate_and_a_small_image_are_not_each_other() -> None:
    spec, wanted = reference("imagen-made-3", call=1)
    swapped = {**wanted.inputs}
    swapped["estimate"], swapped["small"] = swapped["small"], swapped["estimate"]
    assert not verify(spec, replace(wanted, inputs=swapped))


def test_a_longer_text_is_cut() -> None:
    model = archkit.assemble(reference("imagen-made-2", call=0)[0])
    x, text = torch.randn(1, 2, 8, 8), torch.randn(1, 9, 3)
    rest = {"small": torch.randn(1, 2, 8, 8), "noise": torch.tensor([0.5])}
    with torch.no_grad():
        said = model(x, 1.0, text=text, **rest)
        assert torch.equal(said, model(x, 1.0, text=text[:, :6], **rest))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"cond_images_channels": 3}, "`cond_images_channels: 3`"),
        (
            {"use_linear_attn": [False, True], "layer_attns": [True, False]},
            "`use_linear_attn: [false, true]`",
        ),
        ({"use_linear_cross_attn": True}, "`use_linear_cross_attn: true`"),
        ({"cross_embed_downsample": True}, "`cross_embed_downsample: true`"),
        ({"combine_upsample_fmaps": True}, "`combine_upsample_fmaps: true`"),
        ({"dim_mults": [2, 4]}, "`dim_mults: [2, 4]`"),
        ({"memory_efficient": True, "init_dim": 4}, "`init_dim: 4`"),
        ({"memory_efficient": True, "final_resnet_block": False}, "`final_resnet_block: false`"),
        (
            {"memory_efficient": True, "init_conv_to_final_conv_residual": True},
            "`init_conv_to_final_conv_residual: true`",
        ),
    ],
)
def test_what_has_no_counterpart_is_told(config: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as caught:
        importer("imagen").spec({"dim": 8, "dim_mults": [1, 2], **config})
    assert words in str(caught.value)


SMALL: dict[str, Any] = {
    **{"archkit": 1, "name": "small", "norm": {"groups": 1}},
    "encoder": [{"channels": 4, "blocks": 1, "attention": "imagen"}],
}


@pytest.mark.parametrize(
    ("conditioning", "words"),
    [
        ({"told": {"type": "gathered", "of": ["text"]}}, "`told` gathers `text`, and nothing"),
        (
            {"time": "none", "told": "gathered"},
            "`told` gathers `time`, and nothing that becomes a vector or a sequence is called so",
        ),
        (
            {
                "text": {"type": "resampled", "width": 8},
                "told": {"type": "gathered", "of": ["text"], "width": 4},
            },
            "tokens of 8 channels can't join those of 4",
        ),
        ({"text": {"type": "resampled", "tokens": 600}}, "600 tokens have more places than 512"),
        ({"embedding": {"layers": ["text"]}}, "no vector that is summed is called `text`"),
        (
            {
                "code": {"type": "vector", "into": "embedding"},
                "mean": {"type": "averaged", "of": "code"},
            },
            "a vector has no mean",
        ),
        (
            {"text": "sequence", "pose": {"type": "sequence", "channels": 5}},
            "sequences of 5 and 768 channels can't be looked at as one",
        ),
        ({"level": {"type": "noise-level", "channels": 4}}, "4 features are not the level"),
        ({"time": {"type": "sinusoidal", "layers": 0, "then": "silu"}}, "`then` follows a layer"),
        (
            {
                "small": {"type": "image", "channels": 1},
                "last": {"type": "image", "of": "small", "into": "head"},
            },
            "`small` is told 1 channels, not 3",
        ),
    ],
)
def test_complaints(conditioning: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as caught:
        archkit.plan({**SMALL, "conditioning": conditioning})
    assert words in str(caught.value)
    assert "mend: " in str(caught.value)


def test_an_image_joins_at_both_ends() -> None:
    image = {"type": "image", "of": "small", "into": "head"}
    conditioning = {
        "small": {"type": "image", "resize": "nearest"},
        "last": {**image, "resize": "nearest"},
    }
    model = archkit.assemble({**SMALL, "conditioning": conditioning})
    assert model.plan.conditions == ("small",)
    assert model.plan["head"].site.x.channels == 4 + 3
    small = torch.randn(1, 3, 4, 4)
    assert model(torch.randn(1, 3, 32, 32), 0.5, small=small).shape == (1, 3, 32, 32)


def test_networks_are_told_how_much_noise_there_is() -> None:
    path = archkit.load_spec("specs/imagen-base-64.yaml").prediction.along
    assert path is not None
    road = path.build()
    moment = road.at(torch.tensor([0.0, 500.0, 999.0]))
    told = road.told(torch.tensor([0.0, 500.0, 999.0]))
    assert told.diff().max() < 0
    torch.testing.assert_close(told.sigmoid().double(), moment.alpha**2, rtol=1e-5, atol=1e-9)
