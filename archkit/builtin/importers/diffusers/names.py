"""How diffusers names its tensors."""

from __future__ import annotations

from archkit import Codebase, Config, Table

from ..tables import CONVOLUTION, TRANSFORMER
from . import (
    controlnet,
    k_blocks,
    kandinsky3,
    motion,
    simple_blocks,
    skip_blocks,
    spatiotemporal,
    stable_cascade,
    unet1d,
    unet3d,
)

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

_SKIP_BLOCKS = DIFFUSERS.but(
    places={
        "decoder.attention": "up_blocks.{rise}.attentions.0",
        "down": "down_blocks.{level}.resnet_down",
        "up": "up_blocks.{rise}.resnet_up",
        "image.join": "down_blocks.{level}",
        "rgb.head": "",
    },
    tables={
        "skip.add": {"project": "skip_conv"},
        "head.conv": {
            "norm": "up_blocks.{rise}.skip_norm",
            "conv": "up_blocks.{rise}.skip_conv",
        },
        "decoder.0.rgb.head": DIFFUSERS.tables["head.conv"],
    },
)
"""With the pyramids of NCSN++."""


def codebase(config: Config) -> Codebase:
    """The names; a projection of one layer is a linear layer by itself."""
    if config.get("_class_name") == "UNet1DModel":
        return unet1d.codebase(config, DIFFUSERS)
    if config.get("_class_name") == "Kandinsky3UNet":
        return kandinsky3.codebase(config)
    if config.get("_class_name") == "StableCascadeUNet":
        return stable_cascade.codebase(config)
    if config.get("_class_name") == "UNet3DConditionModel":
        return unet3d.codebase(DIFFUSERS)
    if config.get("_class_name") == "UNetSpatioTemporalConditionModel":
        return spatiotemporal.codebase(DIFFUSERS)
    if config.get("_class_name") == "UNetMotionModel":
        return motion.codebase(DIFFUSERS)
    if k_blocks.reads(config):
        return k_blocks.codebase(DIFFUSERS)
    if simple_blocks.reads(config):
        return simple_blocks.codebase(DIFFUSERS)
    if skip_blocks.reads(config):
        return _SKIP_BLOCKS
    usual = DIFFUSERS
    if config.get("class_embed_type") == "simple_projection":
        usual = DIFFUSERS.but(tables={"conditioning.vector": {"linear1": ""}})
    return controlnet.codebase(usual) if config.get("_class_name") == "ControlNetModel" else usual
