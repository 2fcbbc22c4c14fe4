"""The hourglass diffusion transformer of k-diffusion, with what its own network answered.

What looks everywhere or in windows is compared with the original. Neighbourhoods are compared with
their definition, position by position: the original's take a library that is not at hand here.
"""

from dataclasses import replace
from typing import Any

import pytest
import torch
from proofs import agree, counted
from references import importer
from shared import config_of, fixture, reference

import archkit
from archkit import SpecError
from archkit.conversion import read_foreign
from archkit.nn.areas import among_neighbours
from archkit.nn.rotary import centres
from archkit.testing.parity import Reference, verify

PUBLISHED = {"hdit-oxford-flowers": 22_361_274, "hdit-cifar10": 20_981_809}
ATTENDS = {"type": "neighborhood", "d_head": 64, "kernel_size": 7}
FLOWERS = {
    "model": {
        **{"type": "image_transformer_v2", "input_channels": 3, "input_size": [256, 256]},
        **{"patch_size": [4, 4], "depths": [2, 2, 4], "widths": [128, 256, 512]},
        "self_attns": [ATTENDS, ATTENDS, {"type": "global", "d_head": 64}],
        **{"dropout_rate": 0.1, "augment_prob": 0.0, "sigma_data": 0.5, "sigma_max": 160},
    }
}
CIFAR = {
    "model": {
        **{"type": "image_transformer_v2", "input_channels": 3, "input_size": [32, 32]},
        **{"patch_size": [2, 2], "depths": [2, 4], "widths": [256, 512]},
        "self_attns": [{"type": "global", "d_head": 64}] * 2,
        **{"dropout_rate": [0.05, 0.05], "sigma_data": 0.5},
    },
    "dataset": {"num_classes": 10, "cond_dropout_rate": 0.1},
}
CONFIGS = {"hdit-oxford-flowers": FLOWERS, "hdit-cifar10": CIFAR}
GOLDEN = ["kd-hdit-given-1", "kd-hdit-given-2"]
FLIPS = {
    "kd-hdit-given-1": """block.similarity=product block.positions=none block.gated=false
        block.norm=layer conditioning.time.order=sin-cos conditioning.time.scale=2
        conditioning.embedding.eps=1e-2 head.norm.eps=1e-2 block.norm.eps=1e-2
        block.activation=silu""",
    "kd-hdit-given-2": """encoder.0.block.area=everywhere
        decoder.0.blocks.1.shift=1 encoder.0.blocks.1.shift=0 encoder.0.blocks.0.shift=2""",
}


def asked(name: str, call: int = 0) -> Reference:
    """What the network answered; it takes σ, and ours ¼ ln σ."""
    found = reference(name, importer("hdit"), config_of(name), call, aug_cond="augment")
    inputs = {**found.inputs, "t": found.inputs["t"].log() / 4}
    if "class_cond" in inputs:
        inputs["label"] = inputs.pop("class_cond")
    return replace(found, inputs=inputs)


def spec_of(name: str) -> dict[str, Any]:
    return importer("hdit").spec(config_of(name))


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts(name: str) -> None:
    assert counted(name) == PUBLISHED[name]


@pytest.mark.parametrize("name", PUBLISHED)
def test_their_config_is_our_spec(name: str) -> None:
    own = archkit.plan(f"specs/{name}.yaml")
    read = archkit.plan(read_foreign(CONFIGS[name]).spec)
    assert [(n.path, n.component, n.shape) for n in read] == [
        (n.path, n.component, n.shape) for n in own
    ]


@pytest.mark.parametrize("name", GOLDEN)
def test_parity(name: str) -> None:
    agree(spec_of(name), asked(name))


def test_what_is_not_told_of_an_augmentation_is_zero() -> None:
    """The original leaves `aug_cond` out in the first call, and is told it in the second."""
    found = asked(GOLDEN[1], 1)
    assert verify(spec_of(GOLDEN[1]), found)
    assert "augment" in found.inputs
    assert "augment" not in asked(GOLDEN[1]).inputs


@pytest.mark.parametrize("name", GOLDEN)
def test_wrong_options_are_noticed(name: str) -> None:
    report = verify(spec_of(name), asked(name), FLIPS[name].split())
    assert not report.survivors, str(report)


def test_neighbours_are_those_nearest_that_there_are() -> None:
    """Each axis by itself: three positions, with the one that looks in their midst if it can be."""
    space, size = (4, 5), 3
    q, k, v = torch.randn(3, 2, 2, 20, 8, generator=torch.Generator().manual_seed(2))
    got = among_neighbours(q, k, v, None, space, size)
    for i in range(space[0]):
        for j in range(space[1]):
            top, left = min(max(i - 1, 0), 1), min(max(j - 1, 0), 2)
            near = [a * 5 + b for a in range(top, top + 3) for b in range(left, left + 3)]
            scores = q[:, :, i * 5 + j, None] @ k[:, :, near].mT / 8**0.5
            wanted = (scores.softmax(-1) @ v[:, :, near])[:, :, 0]
            torch.testing.assert_close(got[:, :, i * 5 + j], wanted)


def test_coarser_positions_are_the_means_of_finer_ones() -> None:
    """The original averages positions at every merge."""
    fine = centres((8, 12)).unflatten(0, (4, 2, 6, 2)).mean(dim=(1, 3)).flatten(0, 1)
    torch.testing.assert_close(centres((4, 6)), fine)


def test_other_sizes_than_planned_run() -> None:
    """Positions follow the aspect ratio; windows need a multiple of their size."""
    name = GOLDEN[1]
    model = archkit.assemble(spec_of(name)).eval()
    assert [str(axis) for axis in model.plan.axes] == ["a multiple of 8"] * 2
    inputs = {"mapping_cond": torch.zeros(1, 6)}
    assert model(torch.zeros(1, 3, 8, 24), 0.1, **inputs).shape == (1, 3, 8, 24)


def test_what_has_no_counterpart_is_told() -> None:
    config = {**config_of(GOLDEN[0])}
    config["levels"] = [{**config["levels"][0], "self_attn": {"type": "none"}}]
    with pytest.raises(SpecError, match="`self_attn"):
        importer("hdit").spec(config)


def test_every_fixture_is_compared() -> None:
    assert all(fixture(name) for name in GOLDEN)
