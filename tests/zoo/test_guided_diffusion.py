"""guided-diffusion's networks and those that kept its names equal what the originals answered."""

from typing import Any

import pytest
from references import importer
from shared import config_of, fixture, reference

import archkit
from archkit import Spec
from archkit.testing.parity import verify

FAMILY = {"guided_diffusion": "guided-diffusion", "ldm": "latent-diffusion"}
FAMILY["sgm"] = "latent-diffusion"
# Fixture, what its class says by itself, which of its questions, and inputs by our names.
CASES: dict[str, tuple[dict[str, Any], int, dict[str, str]]] = {
    "guided-adm-given-1": ({}, 0, {}),
    "guided-adm32-given-1": ({}, 0, {}),
    "guided-iddpm-given-1": ({}, 0, {}),
    "guided-superres-given-1": ({"super_res": True}, 0, {}),
    "guided-1d-given-1": ({}, 0, {}),
    "ldm-sd-given-1": ({}, 0, {}),
    "ldm-cin-given-1": ({}, 0, {}),
    "ldm-cin-given-1, one token": ({}, 1, {}),
    "ldm-attn32-given-1": ({}, 0, {}),
    "sgm-sdxl-given-1": ({}, 0, {"label": "vector"}),
}


def imported(name: str, more: dict[str, Any], *flips: str) -> Spec:
    """The spec of a fixture's config; its groups are in the original's code, and not its 32."""
    entry = fixture(name)[0]
    says = importer(family(name)).spec(config_of(name, **more))
    norm = {"type": "group", "groups": entry["norm_groups"]}
    return archkit.load_spec({**says, "norm": norm}, overrides=flips)


def family(name: str) -> str:
    return FAMILY[fixture(name)[0]["class"].partition(".")[0]]


@pytest.mark.parametrize("case", CASES)
def test_it_answers_the_same(case: str) -> None:
    more, call, renamed = CASES[case]
    name = case.partition(",")[0]
    config = config_of(name, **more)
    asked = reference(name, importer(family(name)), config, call, **renamed)
    report = verify(imported(name, more), asked)
    assert report, str(report)
    assert report.parameters == fixture(name)[0]["parameters"]


def test_a_wrong_order_of_qkv_is_caught() -> None:
    name = "guided-adm-given-1"
    config = config_of(name, use_new_attention_order=True)
    assert not verify(imported(name, {}), reference(name, importer("guided-diffusion"), config))


@pytest.mark.parametrize(
    ("name", "flip"),
    [
        ("guided-1d-given-1", "conditioning.time.order=sin-cos"),
        ("guided-superres-given-1", "conditioning.low_res.resize=nearest"),
        ("ldm-attn32-given-1", "attention.heads=2"),
        ("sgm-sdxl-given-1", "attention.norm.eps=1e-4"),
        ("ldm-cin-given-1", "block.norm.eps=1e-3"),
    ],
)
def test_a_wrong_option_is_caught(name: str, flip: str) -> None:
    more, call, renamed = CASES[name]
    config = config_of(name, **more)
    asked = reference(name, importer(family(name)), config, call, **renamed)
    assert not verify(imported(name, more, flip), asked)
