"""Networks of sequences: Diffuser, Diffusion Policy and Dance Diffusion.

diffusers' networks are asked themselves. The answers of Diffusion Policy's, and of LeRobot's port
of it, are in tests/golden: every tensor drawn at random, two samples of different lengths.
"""

import re
from functools import cache
from typing import Any

import pytest
import torch
from diffusers import UNet1DModel
from proofs import agree, counted, notice
from references import drawn, importer
from shared import asked, config_of, fixture, weights_of

import archkit
from archkit import SpecError
from archkit.conversion import read_foreign
from archkit.testing.parity import Reference, randomise

# The original counts the eight frequencies of the time, which are never learned.
FREQUENCIES = 8
PUBLISHED = {
    "diffuser-hopper": 3_956_302,
    "diffusion-policy-pusht": 65_353_218,
    "dance-diffusion": 215_079_434 - FREQUENCIES,
}
HOPPER = {
    "_class_name": "UNet1DModel",
    "sample_size": 32,
    "in_channels": 14,
    "out_channels": 14,
    "down_block_types": ["DownResnetBlock1D"] * 4,
    "up_block_types": ["UpResnetBlock1D"] * 3,
    "block_out_channels": [32, 64, 128, 256],
    "use_timestep_embedding": True,
    "out_block_type": "OutConv1DBlock",
    "time_embedding_type": "positional",
    "flip_sin_to_cos": False,
    "freq_shift": 1,
    "mid_block_type": "MidResTemporalBlock1D",
    "act_fn": "mish",
}
PUSHT = {
    "_target_": "diffusion_policy.model.diffusion.conditional_unet1d.ConditionalUnet1D",
    "input_dim": 2,
    "global_cond_dim": 10,
    "kernel_size": 5,
    "cond_predict_scale": True,
}
DANCE = {
    "_class_name": "UNet1DModel",
    "sample_rate": 16000,
    "extra_in_channels": 16,
    "time_embedding_dim": 16,
    "block_out_channels": [128, 128, 256, 256, *[512] * 9],
    "down_block_types": ["DownBlock1DNoSkip", *["DownBlock1D"] * 8, *["AttnDownBlock1D"] * 4],
    "up_block_types": [*["AttnUpBlock1D"] * 4, *["UpBlock1D"] * 8, "UpBlock1DNoSkip"],
}
OURS = {"sample": "x", "timestep": "t", "global_cond": "observation"}
CONFIGS = {
    "diffuser-hopper": HOPPER,
    "diffusion-policy-pusht": PUSHT,
    "dance-diffusion": DANCE,
}
SMALL: dict[str, dict[str, Any]] = {
    "diffuser": {
        **{**HOPPER, "in_channels": 5, "out_channels": 5, "block_out_channels": [16, 24, 32]},
        "down_block_types": ["DownResnetBlock1D"] * 3,
        "up_block_types": ["UpResnetBlock1D"] * 2,
    },
    "diffuser, every number": {
        **{**HOPPER, "in_channels": 3, "out_channels": 2, "block_out_channels": [16, 24]},
        "down_block_types": ["DownResnetBlock1D"] * 2,
        "up_block_types": ["UpResnetBlock1D"],
        **{"flip_sin_to_cos": True, "freq_shift": 0, "act_fn": "silu", "norm_num_groups": 4},
        "layers_per_block": 2,
    },
    "dance": {
        **{**DANCE, "extra_in_channels": 6, "time_embedding_dim": 6},
        "block_out_channels": [32, 64, 64],
        "down_block_types": ["DownBlock1DNoSkip", "DownBlock1D", "AttnDownBlock1D"],
        "up_block_types": ["AttnUpBlock1D", "UpBlock1D", "UpBlock1DNoSkip"],
    },
    "dance, narrow early": {"_class_name": "UNet1DModel", "extra_in_channels": 64},
}
# Scales, and observes; scales, and is told of the time alone; adds, and norms by four groups.
POLICIES = ("diffusion-policy-made-1", "diffusion-policy-made-2", "lerobot-made-1")
FLIPS = {
    "diffuser": """skip.order=skip-first block.enters=norm norm.eps=1e-3 activation=gelu
        conditioning.time.order=cos-sin conditioning.time.shift=0
        conditioning.time.activation=silu block.order=activation-norm block.last=norm
        decoder.0.block.activation=silu decoder.0.skip=concat""",
    POLICIES[0]: """skip.order=skip-first block.enters=norm norm.eps=1e-3 norm.groups=4
        conditioning.embedding.activation=silu conditioning.time.shift=0 block.last=none""",
    POLICIES[2]: "norm.groups=2 decoder.0.block.norm.groups=4 conditioning.method=scale-shift",
    "dance": """skip.order=skip-first pooling.kernel=linear upsampling.kernel=linear
        conditioning.time.order=sin-cos conditioning.time.scale=2 attention.head_width=16
        norm.groups=2 norm.eps=1e-3 head.block.last=all
        block.activation.approximate=tanh pooling=blur upsampling=blur""",
}


def original(config: dict[str, Any]) -> UNet1DModel:
    return UNet1DModel(**{k: v for k, v in config.items() if not k.startswith("_")})


@cache
def reference(name: str, length: int) -> tuple[dict[str, Any], Reference]:
    """Our spec of a small network by its config, and what the original answers."""
    config, family = SMALL[name], importer("diffusers")
    inputs = {"x": drawn(2, config.get("in_channels", 2), length)}
    inputs["t"] = torch.tensor([0.25, 1.5])
    module, codebase = randomise(original(config)), family.codebase(config)
    return family.spec(config), Reference.of(
        module, codebase, inputs, lambda model: model(*inputs.values()).sample
    )


def policy(name: str, sample: int) -> tuple[dict[str, Any], Reference]:
    """The same of a fixture."""
    family, config = importer("diffusion-policy"), config_of(name)
    given, answer = asked(name, sample)
    inputs = {OURS[word.partition(".")[0]]: tensor for word, tensor in given.items()}
    inputs["x"] = inputs["x"].mT
    weights = {policys(key): tensor.float() for key, tensor in weights_of(name).items()}
    return family.spec(config), Reference(family.codebase(config), weights, inputs, answer.mT)


def policys(name: str) -> str:
    """Diffusion Policy's name of a tensor, by LeRobot's or its own."""
    name = re.sub(r"\bconv([12])\.block", lambda found: f"blocks.{int(found[1]) - 1}.block", name)
    return re.sub(r"\b((?:down|up)_modules\.\d\.2)\.(?!conv)", r"\1.conv.", name)


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts(name: str) -> None:
    assert counted(name) == PUBLISHED[name]


def test_the_originals_have_as_many() -> None:
    with torch.device("meta"):
        hopper, dance = (
            sum(p.numel() for p in original(config).parameters()) for config in (HOPPER, DANCE)
        )
    assert (hopper, dance) == (PUBLISHED["diffuser-hopper"], 215_079_434)
    pusht = fixture(POLICIES[0])[0]["full_size"]
    assert pusht["config"] == {k: v for k, v in PUSHT.items() if k != "_target_"}
    assert pusht["parameters"] == PUBLISHED["diffusion-policy-pusht"]


@pytest.mark.parametrize("name", CONFIGS)
def test_their_config_is_our_spec(name: str) -> None:
    own = archkit.plan(f"specs/{name}.yaml")
    read = archkit.plan(read_foreign(CONFIGS[name]).spec, size=own.space)
    assert [(n.path, n.component, n.shape) for n in read] == [
        (n.path, n.component, n.shape) for n in own
    ]


@pytest.mark.parametrize("length", [48, 64])
@pytest.mark.parametrize("name", SMALL)
def test_parity(name: str, length: int) -> None:
    agree(*reference(name, length))


@pytest.mark.parametrize("sample", [0, 1])
@pytest.mark.parametrize("name", POLICIES)
def test_policies(name: str, sample: int) -> None:
    agree(*policy(name, sample))


@pytest.mark.parametrize("name", FLIPS)
def test_wrong_options_are_noticed(name: str) -> None:
    notice(*policy(name, 0) if name in POLICIES else reference(name, 48), FLIPS[name].split())


@pytest.mark.parametrize(
    ("family", "config", "words"),
    [
        ("diffusers", {**HOPPER, "out_block_type": "ValueFunction"}, '`out_block_type: "Value'),
        ("diffusers", {**HOPPER, "up_block_types": ["UpResnetBlock1D"] * 4}, "`up_block_types: "),
        ("diffusers", {**DANCE, "extra_in_channels": 0}, "`extra_in_channels: 0`"),
        ("diffusers", {**DANCE, "use_timestep_embedding": True}, "`use_timestep_embedding: true`"),
        ("diffusers", {**DANCE, "down_block_types": ["DownBlock1D"] * 13}, "`down_block_types: "),
        ("diffusion-policy", {**PUSHT, "local_cond_dim": 3}, "`local_cond_dim: 3`"),
    ],
)
def test_what_has_no_counterpart_is_told(family: str, config: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as caught:
        importer(family).spec(config)
    assert words in str(caught.value)
