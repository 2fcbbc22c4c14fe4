"""Published networks, known by how many parameters they have.

Heads leave no trace in names and shapes, so that for other networks a config has to tell them.
"""

from __future__ import annotations

from math import prod
from typing import Any

from archkit import Codebase, Config, Shapes

from .names import GUIDED

Known = dict[int, dict[str, Any]]

_LEARNED = {"in_channels": 3, "out_channels": 6, "use_scale_shift_norm": True}
_IDDPM = {**_LEARNED, "num_res_blocks": 3, "num_heads": 4, "attention_resolutions": [4, 8]}
_ADM = {**_LEARNED, "num_res_blocks": 2, "num_head_channels": 64, "resblock_updown": True}
_ADM_256 = {
    **_ADM,
    "image_size": 256,
    "model_channels": 256,
    "channel_mult": [1, 1, 2, 2, 4, 4],
    "attention_resolutions": [8, 16, 32],
}
_UPSAMPLER = {
    **_ADM_256,
    "super_res": True,
    "model_channels": 192,
    "num_heads": 4,
    "num_classes": 1000,
}

ADM: Known = {
    121063942: {**_IDDPM, "image_size": 64, "model_channels": 128, "channel_mult": [1, 2, 3, 4]},
    273049350: {
        **_IDDPM,
        "image_size": 64,
        "model_channels": 192,
        "channel_mult": [1, 2, 3, 4],
        "num_classes": 1000,
    },
    52546438: {
        **_IDDPM,
        "image_size": 32,
        "model_channels": 128,
        "channel_mult": [1, 2, 2, 2],
        "attention_resolutions": [2, 4],
        "dropout": 0.3,
    },
    295904454: {
        **_ADM,
        "image_size": 64,
        "model_channels": 192,
        "channel_mult": [1, 2, 3, 4],
        "num_res_blocks": 3,
        "attention_resolutions": [2, 4, 8],
        "num_classes": 1000,
        "dropout": 0.1,
        "use_new_attention_order": True,
    },
    421529606: {
        **_ADM,
        "image_size": 128,
        "model_channels": 256,
        "channel_mult": [1, 1, 2, 3, 4],
        "attention_resolutions": [4, 8, 16],
        "num_classes": 1000,
        "num_heads": 4,
        "num_head_channels": -1,
    },
    552814086: _ADM_256,
    553838086: {**_ADM_256, "num_classes": 1000},
    558997638: {
        **_ADM_256,
        "image_size": 512,
        "channel_mult": [0.5, 1, 1, 2, 2, 4, 4],
        "attention_resolutions": [16, 32, 64],
        "num_classes": 1000,
    },
    311795910: {**_UPSAMPLER, "num_head_channels": -1},
}
"""improved DDPM on ImageNet 64 (without and with classes) and CIFAR-10; ADM on ImageNet 64, 128,
256 (without and with classes) and 512; the upsampler to 256."""

_LDM = {"image_size": 64, "in_channels": 3, "out_channels": 3, "num_res_blocks": 2}
LATENT: Known = {
    274056163: {
        **_LDM,
        "model_channels": 224,
        "channel_mult": [1, 2, 3, 4],
        "attention_resolutions": [2, 4, 8],
        "num_head_channels": 32,
    },
    400920579: {
        **_LDM,
        "model_channels": 192,
        "channel_mult": [1, 2, 3, 5],
        "attention_resolutions": [2, 4, 8],
        "num_heads": 1,
        "use_spatial_transformer": True,
        "context_dim": 512,
    },
}
"""Latent diffusion on CelebA-HQ, and on ImageNet with classes."""


def published(shapes: Shapes, known: Known) -> Config | None:
    """The config of the published network that these tensors are of, if they are of one."""
    inside = unwrapped(shapes)
    if "input_blocks.0.0.weight" not in inside:
        return None
    return known.get(sum(prod(shape) for shape in inside.values()))


def unwrapped(shapes: Shapes, codebase: Codebase = GUIDED) -> Shapes:
    """The tensors of the network inside a larger checkpoint."""
    for prefix in codebase.inside:
        inside = {n.removeprefix(prefix): s for n, s in shapes.items() if n.startswith(prefix)}
        if inside:
            return inside
    return shapes
