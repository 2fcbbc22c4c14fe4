"""The config of a latent diffusion network, told from the shapes of its tensors."""

from __future__ import annotations

from itertools import count
from typing import Any

from archkit import Shapes

from .published import unwrapped

_STEM, _TIME = "input_blocks.0.0.weight", "time_embed.0.weight"
_EMBEDDING, _NORM, _CONV = (
    f"input_blocks.1.0.{name}.weight" for name in ("emb_layers.1", "out_layers.0", "out_layers.3")
)
_TELLING = {_STEM, _TIME, _EMBEDDING, _NORM, _CONV}


def config(shapes: Shapes) -> dict[str, Any] | None:
    """The arguments of ldm's `UNetModel`; None for another network."""
    shapes = unwrapped(shapes)
    if "out.2.weight" not in shapes or (found := half(shapes)) is None:
        return None
    return {**found, "out_channels": shapes["out.2.weight"][0]}


def half(shapes: Shapes) -> dict[str, Any] | None:
    """What encoder and bottleneck tell; None for another network.

    Heads leave no trace in shapes. Published networks that project by linear layers have heads 64
    wide, those that project by convolutions and read CLIP's or BERT's text have 8 heads; for any
    other, nothing can be told.
    """
    transformers = [name for name in shapes if name.endswith("attn2.to_k.weight")]
    if not transformers or not set(shapes) >= _TELLING:
        return None
    context = shapes[transformers[0]][1]
    projection = transformers[0].split(".transformer_blocks")[0] + ".proj_in.weight"
    linear = len(shapes.get(projection, ())) == 2
    if not linear and context not in (768, 1280):
        return None
    levels = _levels(shapes)
    base = shapes[_TIME][1]
    scales = shapes[_EMBEDDING][0] > shapes[_NORM][0]
    return {
        "in_channels": shapes[_STEM][1],
        "model_channels": base,
        "channel_mult": [level["width"] / base for level in levels],
        "num_res_blocks": [level["blocks"] for level in levels],
        "attention_resolutions": [2**i for i, level in enumerate(levels) if level["depth"]],
        "transformer_depth": [level["depth"] or 1 for level in levels],
        "transformer_depth_middle": _depth(shapes, "middle_block.1"),
        "context_dim": context,
        "use_linear_in_transformer": linear,
        "use_scale_shift_norm": scales,
        **({"num_head_channels": 64} if linear else {"num_heads": 8}),
        **_classes(shapes),
    }


def _levels(shapes: Shapes) -> list[dict[str, int]]:
    """Width, blocks and depth of the transformers of each level of the encoder."""
    levels: list[dict[str, int]] = [{"blocks": 0}]
    k = 0
    while True:
        k += 1
        block = f"input_blocks.{k}.0"
        if f"{block}.op.weight" in shapes:
            levels.append({"blocks": 0})
        elif f"{block}.out_layers.3.weight" in shapes:
            depth = _depth(shapes, f"input_blocks.{k}.1")
            width = shapes[f"{block}.out_layers.3.weight"][0]
            levels[-1] = {"blocks": levels[-1]["blocks"] + 1, "width": width, "depth": depth}
        else:
            return [level for level in levels if level["blocks"]]


def _depth(shapes: Shapes, transformer: str) -> int:
    """How many layers a transformer has; 0 if there is none."""
    layer = f"{transformer}.transformer_blocks"
    return next(d for d in count() if f"{layer}.{d}.norm1.weight" not in shapes)


def _classes(shapes: Shapes) -> dict[str, Any]:
    if "label_emb.weight" in shapes:
        return {"num_classes": shapes["label_emb.weight"][0]}
    if "label_emb.0.0.weight" in shapes:
        return {"num_classes": "sequential", "adm_in_channels": shapes["label_emb.0.0.weight"][1]}
    return {}
