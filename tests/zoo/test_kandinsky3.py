"""Kandinsky 3's network, asked of diffusers itself."""

from functools import cache
from typing import Any

import pytest
import torch
from diffusers import Kandinsky3UNet
from proofs import agree, counted, notice
from references import drawn, importer

import archkit
from archkit import SpecError
from archkit.conversion import read_foreign
from archkit.testing.parity import Reference, randomise

PUBLISHED = 3_055_348_228
SMALL: dict[str, dict[str, Any]] = {
    "three blocks": {
        **{
            "_class_name": "Kandinsky3UNet",
            "in_channels": 3,
            "block_out_channels": [16, 24, 32, 40],
        },
        **{"time_embedding_dim": 32, "groups": 4, "attention_head_dim": 4},
        **{"cross_attention_dim": 20, "encoder_hid_dim": 14},
    },
    "two blocks": {
        **{"_class_name": "Kandinsky3UNet", "block_out_channels": [16, 16, 32, 32]},
        **{"time_embedding_dim": 24, "groups": 2, "attention_head_dim": 8},
        **{"cross_attention_dim": 16, "encoder_hid_dim": 9, "layers_per_block": 2},
    },
    "three levels": {
        **{"_class_name": "Kandinsky3UNet", "block_out_channels": [16, 24, 32]},
        **{"time_embedding_dim": 24, "groups": 4, "attention_head_dim": 4},
        **{"cross_attention_dim": 16, "encoder_hid_dim": 9},
    },
}
FLIPS = """skip.order=skip-first conditioning.time.order=cos-sin conditioning.time.shift=0
    conditioning.text.eps=1e-1 conditioning.embedding.activation=none block.activation=gelu
    block.norm.groups=2 attention.norm.eps=1e-1 head.norm.eps=1e-1 conditioning.pooled.head_width=8
    block.head_width=2 attention.head_width=2 head.activation=relu
    conditioning.time.activation=gelu""".split()


@cache
def reference(name: str, space: tuple[int, int]) -> tuple[dict[str, Any], Reference]:
    """Our spec of a small network by its config, and what the original answers to a padded text."""
    config = SMALL[name]
    module = randomise(Kandinsky3UNet(**{k: v for k, v in config.items() if k[0] != "_"}))
    inputs = {"x": drawn(2, config.get("in_channels", 4), *space), "t": torch.tensor([7, 901])}
    inputs["text"] = drawn(2, 5, config["encoder_hid_dim"])
    told, padding = tuple(inputs.values()), torch.tensor([[0, 0, 0, 1, 1], [0, 0, 0, 0, 1]])
    inputs["padding"] = padding

    def ask(model: Any) -> torch.Tensor:
        return model(*told, 1 - padding).sample

    family = importer("diffusers")
    return family.spec(config), Reference.of(module, family.codebase(config), inputs, ask)


def test_counts() -> None:
    assert counted("kandinsky-3") == PUBLISHED
    with torch.device("meta"):
        assert sum(p.numel() for p in Kandinsky3UNet().parameters()) == PUBLISHED


def test_their_config_is_our_spec() -> None:
    own = archkit.plan("specs/kandinsky-3.yaml")
    read = archkit.plan(read_foreign({"_class_name": "Kandinsky3UNet"}).spec, size=own.space)
    assert [(n.path, n.component, n.shape) for n in read] == [
        (n.path, n.component, n.shape) for n in own
    ]


@pytest.mark.parametrize("space", [(16, 16), (8, 24)])
@pytest.mark.parametrize("name", SMALL)
def test_parity(name: str, space: tuple[int, int]) -> None:
    agree(*reference(name, space))


def test_wrong_options_are_noticed() -> None:
    notice(*reference("three blocks", (16, 16)), FLIPS)


def test_a_size_that_it_would_round_down_is_refused() -> None:
    """The original answers 33 with 32, because its skips are as small as its trunk."""
    with pytest.raises(SpecError, match="use 32 or 40"):
        archkit.plan("specs/kandinsky-3.yaml", size=33)


@pytest.mark.parametrize(
    ("option", "value"), [("block_out_channels", [64]), ("layers_per_block", [3, 3, 3, 3])]
)
def test_what_has_no_counterpart_is_told(option: str, value: Any) -> None:
    with pytest.raises(SpecError, match=f"`{option}: "):
        importer("diffusers").spec({**SMALL["three blocks"], option: value})
