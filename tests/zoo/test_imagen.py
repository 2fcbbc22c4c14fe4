"""Imagen's networks: counted, and equal to those of imagen_pytorch.

Its answers are in tests/golden: reduced networks, every tensor drawn at random, two samples of
different sizes, every condition.
"""

from functools import cache
from typing import Any

import pytest
from references import GOLDEN, described, importer
from safetensors.torch import load_file
from torch import Tensor

import archkit
from archkit.conversion import read_foreign
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
    **{"lowres_cond_img": "small", "lowres_noise_times": "noise"},
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
    model = archkit.assemble(f"specs/{name}.yaml", initialise=False)
    built = sum(p.numel() for p in model.parameters())
    assert built == model.plan.cost.parameters == model.plan.spec.parameters == PUBLISHED[name]


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
    ],
)
def test_parity(name: str, call: int) -> None:
    report = verify(*reference(name, call))
    assert report, str(report)


@pytest.mark.parametrize("name", FLIPS)
def test_wrong_options_are_noticed(name: str) -> None:
    spec, wanted = reference(name, call=1)
    report = verify(spec, wanted, FLIPS[name].split(), tolerance=2e-6)
    assert not report.survivors, str(report)
