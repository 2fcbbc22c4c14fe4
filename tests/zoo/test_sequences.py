"""Networks of sequences: Diffuser, Diffusion Policy and Dance Diffusion.

diffusers' networks are asked themselves; Diffusion Policy's is stated again beside this file.
"""

from functools import cache
from typing import Any

import pytest
import torch
from conditional_unet1d import ConditionalUnet1D
from diffusers import UNet1DModel
from references import drawn, importer
from torch import nn

import archkit
from archkit import SpecError
from archkit.conversion import read_foreign
from archkit.testing.parity import Reference, randomise, verify

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
    "policy": {**PUSHT, "diffusion_step_embed_dim": 12, "down_dims": [16, 24, 32]},
    "policy that adds": {
        **{"input_dim": 3, "global_cond_dim": 5, "down_dims": [8, 16], "n_groups": 4},
        **{"cond_predict_scale": False, "diffusion_step_embed_dim": 12},
    },
    "policy that sees nothing": {
        **{"input_dim": 3, "down_dims": [8, 16], "cond_predict_scale": True},
        "diffusion_step_embed_dim": 12,
    },
    "dance": {
        **{**DANCE, "extra_in_channels": 6, "time_embedding_dim": 6},
        "block_out_channels": [32, 64, 64],
        "down_block_types": ["DownBlock1DNoSkip", "DownBlock1D", "AttnDownBlock1D"],
        "up_block_types": ["AttnUpBlock1D", "UpBlock1D", "UpBlock1DNoSkip"],
    },
    "dance, narrow early": {"_class_name": "UNet1DModel", "extra_in_channels": 64},
}
FLIPS = {
    "diffuser": """skip.order=skip-first block.enters=norm norm.eps=1e-3 activation=gelu
        conditioning.time.order=cos-sin conditioning.time.shift=0
        conditioning.time.activation=silu block.order=activation-norm block.last=norm
        decoder.0.block.activation=silu decoder.0.skip=concat""",
    "policy": """skip.order=skip-first block.enters=norm norm.eps=1e-3 norm.groups=4
        conditioning.embedding.activation=silu conditioning.time.shift=0 block.last=none""",
    "dance": """skip.order=skip-first pooling.kernel=linear upsampling.kernel=linear
        conditioning.time.order=sin-cos conditioning.time.scale=2 attention.head_width=16
        norm.groups=2 norm.eps=1e-3 head.block.last=all
        block.activation.approximate=tanh pooling=blur upsampling=blur""",
}


def original(config: dict[str, Any]) -> nn.Module:
    options = {k: v for k, v in config.items() if not k.startswith("_")}
    return (ConditionalUnet1D if "input_dim" in config else UNet1DModel)(**options)


@cache
def reference(name: str, length: int) -> tuple[dict[str, Any], Reference]:
    """Our spec of a small network by its config, and what the original answers."""
    config = SMALL[name]
    family = importer("diffusion-policy" if "input_dim" in config else "diffusers")
    module, channels = randomise(original(config)), config.get("input_dim") or 2
    inputs = {"x": drawn(2, config.get("in_channels", channels), length)}
    inputs["t"] = torch.tensor([0.25, 1.5])
    if seen := config.get("global_cond_dim"):
        inputs["observation"] = drawn(2, seen)

    def ask(model: nn.Module) -> torch.Tensor:
        x, t, *more = inputs.values()
        if family.type == "diffusers":
            return model(x, t).sample
        return model(x.mT, t, *more).mT

    codebase = family.codebase(config)
    return family.spec(config), Reference.of(module, codebase, inputs, ask)


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts(name: str) -> None:
    model = archkit.assemble(f"specs/{name}.yaml", initialise=False)
    built = sum(p.numel() for p in model.parameters())
    assert built == model.plan.cost.parameters == model.plan.spec.parameters == PUBLISHED[name]


def test_the_originals_have_as_many() -> None:
    with torch.device("meta"):
        counted = {n: sum(p.numel() for p in original(c).parameters()) for n, c in CONFIGS.items()}
    assert counted == {**PUBLISHED, "dance-diffusion": 215_079_434}


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
    spec, wanted = reference(name, length)
    report = verify(spec, wanted)
    assert report, str(report)


@pytest.mark.parametrize("name", FLIPS)
def test_wrong_options_are_noticed(name: str) -> None:
    spec, wanted = reference(name, 48)
    report = verify(spec, wanted, FLIPS[name].split(), tolerance=2e-6)
    assert not report.survivors, str(report)


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
