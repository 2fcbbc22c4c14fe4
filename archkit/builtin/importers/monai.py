"""MONAI: DiffusionModelUNet."""

from archkit import Codebase, Table

from .tables import TRANSFORMER

_LAYER = "transformer_blocks.*"
_CONVOLUTION: Table = {"": "conv"}
_RESNET: Table = {
    "norm1": "norm1",
    "conv1": "conv1.conv",
    "embedding": "time_emb_proj",
    "norm2": "norm2",
    "conv2": "conv2.conv",
    "shortcut": "skip_connection.conv",
}

MONAI = Codebase(
    "monai",
    places={
        "stem": "conv_in",
        "encoder.block": "down_blocks.{level}.resnets.{unit}",
        "encoder.attention": "down_blocks.{level}.attentions.{unit}",
        "down": "down_blocks.{level}.downsampler",
        "bottleneck.block": "middle_block.resnet_{nth}",
        "bottleneck.attention": "middle_block.attention",
        "decoder.block": "up_blocks.{rise}.resnets.{unit}",
        "decoder.attention": "up_blocks.{rise}.attentions.{unit}",
        "up": "up_blocks.{rise}.upsampler",
        "head": "out",
        "conditioning.time": "time_embed",
        "condition.label": "class_embedding",
    },
    tables={
        "block.resnet": _RESNET,
        "attention.self": {
            "norm": "norm",
            "qkv": ("attn.to_q", "attn.to_k", "attn.to_v"),
            "out": "attn.out_proj",
        },
        "attention.transformer": {
            **TRANSFORMER,
            "enter": "proj_in.conv",
            "leave": "proj_out.conv",
            "layers.*.attention.out": f"{_LAYER}.attn1.out_proj",
            "layers.*.cross.0.out": f"{_LAYER}.attn2.out_proj",
            "layers.*.feed_forward.up": f"{_LAYER}.ff.linear1",
            "layers.*.feed_forward.down": f"{_LAYER}.ff.linear2",
        },
        "pooling.conv": {"": "op.conv"},
        "pooling.block": _RESNET,
        "upsampling.nearest": {"conv": "postconv.conv"},
        "upsampling.block": _RESNET,
        "stem.conv": _CONVOLUTION,
        "head.conv": {"norm": "0", "conv": "2.conv"},
        "time.sinusoidal": {"linear1": "0", "linear2": "2"},
        "condition.label": {"table": ""},
    },
)
