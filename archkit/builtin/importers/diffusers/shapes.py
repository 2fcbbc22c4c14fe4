"""The config of a Stable Diffusion or of a ControlNet, told from the shapes of its tensors as
diffusers names them."""

from __future__ import annotations

from itertools import count
from typing import Any

from archkit import Shapes

_EIGHT_HEADS = (768, 1280)  # the widths of texts that CLIP and BERT give
_SHOWN = "controlnet_cond_embedding.conv_in.weight"


def config(shapes: Shapes) -> dict[str, Any] | None:
    """The config of a UNet2DConditionModel or a ControlNetModel; None for another network.

    Heads leave no trace in shapes. Published networks that project by linear layers have heads 64
    wide, those that project by convolutions and read CLIP's or BERT's text have 8 heads; for any
    other, nothing can be told.
    """
    crossing = [name for name in shapes if name.endswith("attn2.to_k.weight")]
    if "conv_in.weight" not in shapes or not crossing or any(map(_of_videos, shapes)):
        return None
    context = shapes[crossing[0]][1]
    projection = crossing[0].split(".transformer_blocks")[0] + ".proj_in.weight"
    linear = len(shapes.get(projection, ())) == 2
    if not (linear or context in _EIGHT_HEADS) or not _stages(shapes, "down_blocks"):
        return None
    found = {**_half(shapes, linear), "cross_attention_dim": context, **_conditions(shapes)}
    if {"controlnet_mid_block.weight", _SHOWN} <= set(shapes):
        return {"_class_name": "ControlNetModel", **found, **_hint(shapes)}
    if "conv_out.weight" not in shapes:
        return None
    head, up = shapes["conv_out.weight"], _stages(shapes, "up_blocks")
    return {
        "_class_name": "UNet2DConditionModel",
        **found,
        "out_channels": head[0],
        "conv_in_kernel": shapes["conv_in.weight"][2],
        "conv_out_kernel": head[2],
        "up_block_types": [_class("Up", stage) for stage in up],
    }


def _half(shapes: Shapes, linear: bool) -> dict[str, Any]:
    """What encoder and bottleneck tell."""
    down = _stages(shapes, "down_blocks")
    widths = [stage["width"] for stage in down]
    middle = _depth(shapes, "mid_block.attentions.0")
    depths = [stage["depth"] or 1 for stage in down]
    if not down[-1]["depth"]:
        depths[-1] = middle or 1
    return {
        "in_channels": shapes["conv_in.weight"][1],
        "block_out_channels": widths,
        "layers_per_block": [stage["blocks"] for stage in down],
        "down_block_types": [_class("Down", stage) for stage in down],
        "mid_block_type": "UNetMidBlock2DCrossAttn" if middle else "UNetMidBlock2D",
        "transformer_layers_per_block": depths,
        "attention_head_dim": [max(1, w // 64) for w in widths] if linear else 8,
        "use_linear_projection": linear,
    }


def _hint(shapes: Shapes) -> dict[str, Any]:
    """What is shown, and the widths of what encodes it."""
    convs = [_SHOWN, *(f"controlnet_cond_embedding.blocks.{i}.weight" for i in range(1, 99, 2))]
    widths = [shapes[name][0] for name in convs if name in shapes]
    return {
        "conditioning_channels": shapes[_SHOWN][1],
        "conditioning_embedding_out_channels": widths,
    }


def _of_videos(name: str) -> bool:
    return any(word in name for word in (".temp_", ".temporal_", ".motion_modules."))


def _class(way: str, stage: dict[str, int]) -> str:
    return f"{'CrossAttn' if stage['depth'] else ''}{way}Block2D"


def _stages(shapes: Shapes, side: str) -> list[dict[str, int]]:
    """Width, blocks and depth of the transformers of each stage, in the order of its names."""
    stages: list[dict[str, int]] = []
    for level in count():
        place = f"{side}.{level}"
        blocks = next(j for j in count() if f"{place}.resnets.{j}.conv1.weight" not in shapes)
        if not blocks:
            return stages
        width = shapes[f"{place}.resnets.0.conv1.weight"][0]
        depth = _depth(shapes, f"{place}.attentions.0")
        stages.append({"width": width, "blocks": blocks, "depth": depth})
    return stages


def _depth(shapes: Shapes, transformer: str) -> int:
    """How many layers a transformer has; 0 if there is none."""
    layer = f"{transformer}.transformer_blocks"
    return next(d for d in count() if f"{layer}.{d}.norm1.weight" not in shapes)


def _conditions(shapes: Shapes) -> dict[str, Any]:
    says: dict[str, Any] = {}
    if table := shapes.get("class_embedding.weight"):
        says["num_class_embeds"] = table[0]
    if guidance := shapes.get("time_embedding.cond_proj.weight"):
        says["time_cond_proj_dim"] = guidance[1]
    if added := shapes.get("add_embedding.linear_1.weight"):
        says |= {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 256,
            "projection_class_embeddings_input_dim": added[1],
        }
    return says
