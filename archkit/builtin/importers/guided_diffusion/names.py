"""guided-diffusion, and the networks that kept its names: improved-diffusion, LDM, sgm."""

from archkit import Codebase, Packed, Table

from ..tables import CONVOLUTION, TRANSFORMER

_RESNET: Table = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "embedding": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "shortcut": "skip_connection",
}
_ATTENTION: Table = {"norm": "norm", "qkv": "qkv", "out": "proj_out"}

GUIDED = Codebase(
    "guided-diffusion",
    # Its module lists are the stack program itself, cut at the taps and joins.
    places={
        "stem": "input_blocks.{tap}.{step}",
        "encoder.block": "input_blocks.{tap}.{step}",
        "encoder.attention": "input_blocks.{tap}.{step}",
        "down": "input_blocks.{tap}.{step}",
        "bottleneck.block": "middle_block.{step}",
        "bottleneck.attention": "middle_block.{step}",
        "decoder.block": "output_blocks.{join}.{step}",
        "decoder.attention": "output_blocks.{join}.{step}",
        "up": "output_blocks.{join}.{step}",
        "head": "out",
        "conditioning.time": "time_embed",
        "condition.label": "label_emb",
        "condition.vector": "label_emb.0",
    },
    tables={
        "block.resnet": _RESNET,
        "attention.self": {**_ATTENTION, "qkv": Packed("qkv", "h3c")},
        "attention.transformer": TRANSFORMER,
        "pooling.conv": {"": "op"},
        "pooling.block": _RESNET,
        "upsampling.nearest": {"conv": "conv"},
        "upsampling.block": _RESNET,
        "stem.conv": CONVOLUTION,
        "head.conv": {"norm": "0", "conv": "2"},
        "time.sinusoidal": {"linear1": "0", "linear2": "2"},
        "condition.label": {"table": ""},
        "condition.vector": {"linear1": "0", "linear2": "2"},
    },
    inside=("model.diffusion_model.", "module."),
)
"""With the first order of qkv, which every network but ADM's for ImageNet 64 has."""

GUIDED_NEW_ORDER = GUIDED.but(tables={"attention.self": _ATTENTION})
"""With `use_new_attention_order`."""
