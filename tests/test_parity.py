"""The same weights give the same numbers as the original."""

from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel, UNet2DModel
from references import (
    DDPM,
    GOLDEN_SPECS,
    STABLE,
    STABLE_SPEC,
    described,
    family_of,
    golden,
    importer,
    of_diffusers,
    reference_of,
)

import archkit
from archkit.testing.parity import adopt, probe, verify

SPECS = Path(__file__).parents[1] / "specs"
EXACT = {torch.float32: 1e-5, torch.float64: 1e-10}


@pytest.mark.parametrize("dtype", EXACT)
def test_ddpm_as_published(dtype: torch.dtype) -> None:
    reference = of_diffusers(UNet2DModel, DDPM, (32, 32), dtype)
    report = verify(SPECS / "ddpm-cifar10.yaml", reference, tolerance=EXACT[dtype])
    assert report, str(report)
    assert report.parameters == 35_746_307


@pytest.mark.parametrize("projection", ["conv", "linear"])
@pytest.mark.parametrize("dtype", EXACT)
def test_stable_diffusion_in_small(projection: str, dtype: torch.dtype) -> None:
    config = {**STABLE, "use_linear_projection": projection == "linear"}
    reference = of_diffusers(UNet2DConditionModel, config, dtype=dtype)
    spec = archkit.load_spec(STABLE_SPEC, overrides=[f"attention.projection={projection}"])
    report = verify(spec, reference, tolerance=EXACT[dtype])
    assert report, str(report)


@pytest.mark.parametrize("name", GOLDEN_SPECS)
def test_golden_files(name: str) -> None:
    report = verify(GOLDEN_SPECS[name], golden(name))
    assert report, str(report)


@pytest.mark.parametrize("name", GOLDEN_SPECS)
def test_their_config_says_what_our_spec_says(name: str) -> None:
    entry = described(name)
    says = importer(family_of(entry)).spec(entry["config"])
    # The fixtures were made with 8 groups, where the originals have 32 in their code.
    norm = {"type": "group", **says.get("norm", {}), "groups": entry["norm_groups"]}
    read = archkit.load_spec({**says, "norm": norm})
    own = archkit.load_spec(GOLDEN_SPECS[name])
    apart = {"name", "prediction"}
    assert read.model_dump(exclude=apart) == own.model_dump(exclude=apart)


def test_the_probe_finds_the_first_node_that_differs() -> None:
    spec, reference = reference_of("small-ddpm")
    wrong = archkit.load_spec(spec, overrides=["encoder.1.block.scale=0.9"])
    report = verify(wrong, reference)
    assert not report
    assert report.first is not None
    assert report.first.path == "encoder.1.blocks.0.block"
    assert report.first.theirs == "down_blocks.1.resnets.0"
    assert "`encoder.1.blocks.0.block` (down_blocks.1.resnets.0 in theirs) is the first" in str(
        report
    )


def test_the_probe_finds_nothing_where_all_is_equal() -> None:
    spec, reference = reference_of("stable-diffusion")
    model, _ = adopt(spec, reference)
    assert probe(model, reference) is None
