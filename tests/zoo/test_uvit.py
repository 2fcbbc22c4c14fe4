"""U-ViT, with what its own network answered."""

from typing import Any

import pytest
import torch
from proofs import counted
from references import importer
from shared import config_of, reference

import archkit
from archkit import ShapeError, SpecError
from archkit.conversion import read_foreign
from archkit.testing.parity import verify

PUBLISHED = {
    "uvit-s2-cifar10": 44_255_328,
    "uvit-m4-imagenet64": 130_940_292,
    "uvit-h2-imagenet256": 500_832_016,
}
S2 = {"img_size": 32, "patch_size": 2, "embed_dim": 512, "depth": 12, "num_heads": 8}
M4 = {"img_size": 64, "patch_size": 4, "embed_dim": 768, "depth": 16, "num_heads": 12}
H2 = {"img_size": 32, "patch_size": 2, "embed_dim": 1152, "depth": 28, "num_heads": 16}
CONFIGS: dict[str, dict[str, Any]] = {
    "uvit-s2-cifar10": {**S2, "mlp_time_embed": False, "num_classes": -1},
    "uvit-m4-imagenet64": {**M4, "mlp_time_embed": False, "num_classes": 1000},
    "uvit-h2-imagenet256": {
        **{**H2, "in_chans": 4, "num_classes": 1001, "conv": False, "mlp_time_embed": False}
    },
}
GOLDEN = ["uvit-given-1", "uvit-given-2"]
FLIPS = {
    "uvit-given-1": """skip.order=skip-first block.activation=silu block.heads=8
        conditioning.time.order=sin-cos conditioning.time.shift=1 head.norm.eps=1e-1
        conditioning.time.activation=gelu block.norm.eps=1e-1 block.positions=axial
        block.norm.unbiased=true""",
    "uvit-given-2": """skip.order=skip-first conditioning.time.scale=2 block.heads=6
        conditioning.time.period=1000""",
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts(name: str) -> None:
    assert counted(name) == PUBLISHED[name]


@pytest.mark.parametrize("name", PUBLISHED)
def test_their_config_is_our_spec(name: str) -> None:
    """But for the label: the original counts the null among its classes."""
    own, read = archkit.plan(f"specs/{name}.yaml"), archkit.plan(read_foreign(CONFIGS[name]).spec)
    rows = [
        [(n.path, n.shape, n.component.kind == "condition" or n.component) for n in plan]
        for plan in (own, read)
    ]
    assert rows[0] == rows[1]


@pytest.mark.parametrize("name", GOLDEN)
def test_parity(name: str) -> None:
    config = config_of(name)
    report = verify(importer("uvit").spec(config), reference(name, importer("uvit"), config))
    assert report, str(report)


@pytest.mark.parametrize("name", GOLDEN)
def test_wrong_options_are_noticed(name: str) -> None:
    config = config_of(name)
    found = reference(name, importer("uvit"), config)
    report = verify(importer("uvit").spec(config), found, FLIPS[name].split())
    assert not report.survivors, str(report)


def test_only_the_size_of_the_places_runs() -> None:
    plan = archkit.plan("specs/uvit-s2-cifar10.yaml")
    assert [str(axis) for axis in plan.axes] == ["only 32", "only 32"]
    assert plan["encoder.0.blocks.0.block"].shape.space == (257, 1)
    model = archkit.assemble(plan, initialise=False)
    with pytest.raises(ShapeError, match="height 64 does not fit: this network takes only 32"):
        model(torch.zeros(1, 3, 64, 32, device="meta"), 0.0)


def test_a_sample_need_not_be_square() -> None:
    config = {**CONFIGS["uvit-s2-cifar10"], "embed_dim": 16, "depth": 2, "num_heads": 2}
    spec = importer("uvit").spec({**config, "img_size": [8, 12]})
    assert archkit.assemble(spec)(torch.zeros(2, 3, 8, 12), 3.0).shape == (2, 3, 8, 12)


def test_tokens_want_a_stem_that_makes_some() -> None:
    spec = importer("uvit").spec(CONFIGS["uvit-s2-cifar10"])
    with pytest.raises(SpecError) as caught:
        archkit.plan({**spec, "stem": "patch", "head": "patch"})
    assert "use `stem: tokens`" in str(caught.value)


def test_what_has_no_counterpart_is_told() -> None:
    with pytest.raises(SpecError, match="`qk_scale: 0"):
        importer("uvit").spec({**CONFIGS["uvit-s2-cifar10"], "qk_scale": 0.5})
