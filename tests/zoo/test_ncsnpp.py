"""NCSN++ with its pyramids of images equals diffusers' UNet2DModel of `Skip` blocks."""

import math
from typing import Any

import pytest
import torch
from diffusers import UNet2DModel
from edm_configs import CELEBAHQ
from references import importer

import archkit
from archkit import SpecError
from archkit.testing.parity import Reference, randomise, verify

SKIPS = {
    **{**CELEBAHQ, "sample_size": 16, "layers_per_block": 1},
    **{"block_out_channels": (16, 32, 128), "dropout": 0.1},
    "down_block_types": ("SkipDownBlock2D", "SkipDownBlock2D", "AttnSkipDownBlock2D"),
    "up_block_types": ("AttnSkipUpBlock2D", "SkipUpBlock2D", "SkipUpBlock2D"),
}
WRONG_SKIPS = """registers.image.pooling=avg registers.rgb.upsampling.taps=[1.0,1.0]
    precondition=null precondition.time=0.25 block.scale=1 norm.min_width=8 pooling.by=avg
    conditioning.time.order=cos-sin head.activation=none""".split()


@pytest.mark.parametrize(("factor", "space"), [(math.sqrt(2), (16, 16)), (1.0, (8, 24))])
def test_pyramids_of_diffusers(factor: float, space: tuple[int, int]) -> None:
    config = {**SKIPS, "mid_block_scale_factor": factor}
    own = {key: value for key, value in config.items() if key != "_class_name"}
    given = {
        "x": torch.randn(2, 3, *space, generator=torch.Generator().manual_seed(1)),
        "t": torch.tensor([0.7, 30.0]),
    }
    family = importer("diffusers")
    wanted = Reference.of(
        randomise(UNet2DModel(**own)),
        family.codebase(config),
        given,
        lambda module: module(*given.values()).sample,
    )
    report = verify(family.spec(config), wanted, WRONG_SKIPS if factor == 1.0 else ())
    assert report, str(report)


def test_a_probe_finds_a_node_of_a_pyramid() -> None:
    given = {"x": torch.ones(1, 3, 16, 16), "t": torch.tensor([2.0])}
    own = {key: value for key, value in SKIPS.items() if key != "_class_name"}
    family = importer("diffusers")
    module = randomise(UNet2DModel(**own))
    wanted = Reference.of(
        module, family.codebase(SKIPS), given, lambda m: m(*given.values()).sample
    )
    wrong = archkit.load_spec(family.spec(SKIPS), overrides=["registers.image.pooling=max"])
    report = verify(wrong, wanted)
    assert report.first is not None
    assert report.first.path == "encoder.0.image.join"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"norm_num_groups": 8}, "`norm_num_groups: 8`"),
        ({"act_fn": "gelu"}, '`act_fn: "gelu"`'),
        ({"block_out_channels": [32, 32, 64]}, "at least 128 channels"),
        ({"in_channels": 1, "out_channels": 1}, "`in_channels: 1`"),
    ],
)
def test_what_has_no_counterpart_is_told(config: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as caught:
        importer("diffusers").spec({**SKIPS, **config})
    assert words in str(caught.value)
