"""How diffusers names its tensors: what its classes have in common."""

from __future__ import annotations

from archkit import Codebase, Table

from ..tables import CONVOLUTION, TRANSFORMER

_RESNET: Table = {
    "norm1": "norm1",
    "conv1": "conv1",
    "embedding": "time_emb_proj",
    "norm2": "norm2",
    "conv2": "conv2",
    "shortcut": "conv_shortcut",
}
_MLP: Table = {"linear1": "linear_1", "linear2": "linear_2"}
_RESAMPLER: Table = {"": "conv", "conv": "conv"}

DIFFUSERS = Codebase(
    "diffusers",
    places={
        "stem": "conv_in",
        "encoder.block": "down_blocks.{level}.resnets.{unit}",
        "encoder.attention": "down_blocks.{level}.attentions.{unit}",
        "down": "down_blocks.{level}.downsamplers.0",
        "bottleneck.block": "mid_block.resnets.{unit}",
        "bottleneck.attention": "mid_block.attentions.{unit}",
        "decoder.block": "up_blocks.{rise}.resnets.{unit}",
        "decoder.attention": "up_blocks.{rise}.attentions.{unit}",
        "up": "up_blocks.{rise}.upsamplers.0",
        "head": "",
        "time.sinusoidal": "time_embedding",
        "time.fourier": "",
        "conditioning.guidance": "time_embedding.cond_proj",
        "conditioning.micro": "add_embedding",
        "conditioning.label": "class_embedding",
        "conditioning.vector": "class_embedding",
    },
    tables={
        "block.resnet": _RESNET,
        "attention.self": {
            "norm": "group_norm",
            "qkv": ("to_q", "to_k", "to_v"),
            "out": "to_out.0",
        },
        "attention.transformer": TRANSFORMER,
        "pooling.conv": _RESAMPLER,
        "pooling.block": _RESNET,
        "upsampling.nearest": _RESAMPLER,
        "upsampling.block": _RESNET,
        "stem.conv": CONVOLUTION,
        "head.conv": {"norm": "conv_norm_out", "conv": "conv_out"},
        "time.sinusoidal": _MLP,
        "time.fourier": {
            "linear1": "time_embedding.linear_1",
            "linear2": "time_embedding.linear_2",
            "features.frequencies": "time_proj.weight",
        },
        "condition.label": {"table": ""},
        "condition.vector": _MLP,
        "conditioning.guidance": {"linear1": ""},
    },
)
