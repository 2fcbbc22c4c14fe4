"""StableCascadeUNet."""

from __future__ import annotations

from collections.abc import Sequence

from ...rows import Says
from ..stable_cascade import LAYER, TELLS
from .seen import Seen


def near(seen: Seen) -> bool:
    """Whether its blocks are Stable Cascade's."""
    return seen.has("block.stable-cascade")


def config(seen: Seen) -> Says:
    """The options of the nearest StableCascadeUNet."""
    down, up = ([_stage(seen, side, i) for i in seen.levels] for side in ("encoder", "decoder"))
    up.reverse()
    shuffled = (seen("encoder.0.pooling").get("by") or {}).get("type") == "unshuffle"
    return {
        "in_channels": seen.spec.input.channels,
        "out_channels": seen.plan.output.channels,
        "timestep_ratio_embedding_dim": seen("conditioning.time").get("channels"),
        "patch_size": seen("stem").get("size", 1),
        "block_out_channels": list(seen.spec.widths()),
        "num_attention_heads": [stage.get("heads") or 0 for stage in down],
        "down_num_layers_per_block": [stage.get("depth", 1) for stage in down],
        "up_num_layers_per_block": [stage.get("depth", 1) for stage in up],
        "down_blocks_repeat_mappers": [stage.get("repeats", 1) for stage in down],
        "up_blocks_repeat_mappers": [stage.get("repeats", 1) for stage in up],
        "block_types_per_layer": [
            list(LAYER if stage.get("heads") else LAYER[:2]) for stage in down
        ],
        "dropout": [stage.get("dropout", 0.0) for stage in down],
        "kernel_size": down[0].get("kernel", 3),
        "switch_level": [False] * (len(down) - 1) if shuffled else None,
        **_told(seen),
    }


def _stage(seen: Seen, side: str, level: int) -> Says:
    return seen(f"{side}.{level}.blocks.0.block")


def _told(seen: Seen) -> Says:
    """The conditions: sequences by their order, of which a text comes with an image."""
    conditions = list(seen.conditions.values())
    made = [says for says in conditions if says["type"] == "expanded"]
    text, image, pooled = made if len(made) == 3 else ({}, {}, *(made or [{}])[:1])
    mapped = [says for says in conditions if says["type"] == "mapped-image"]
    images = {says["resized"]: says["channels"] for says in mapped}
    numbers = [name for name, says in seen.conditions.items() if says["type"] == "number"]
    return {
        "timestep_conditioning_type": _kinds(numbers),
        "conditioning_dim": pooled.get("width"),
        "clip_seq": pooled.get("tokens"),
        "clip_text_in_channels": text.get("channels"),
        "clip_image_in_channels": image.get("channels"),
        "clip_text_pooled_in_channels": pooled.get("channels"),
        "effnet_in_channels": images.get("first"),
        "pixel_mapper_in_channels": images.get("last"),
    }


def _kinds(names: Sequence[str]) -> list[str]:
    """What each number tells: what it is called, or else what no other tells."""
    left = iter([kind for kind in TELLS if kind not in names])
    kinds = (name if name in TELLS else next(left, None) for name in names)
    return [kind for kind in kinds if kind]
