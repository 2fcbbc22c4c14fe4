"""UNet3DConditionModel."""

from __future__ import annotations

from ...rows import Says
from . import shared, videos
from .seen import Seen


def near(seen: Seen) -> bool:
    """Whether parts of it look at each frame, and then across them."""
    return seen.has("stem.video") or seen.has("block.video")


def config(seen: Seen) -> Says:
    """The options of the nearest UNet3DConditionModel."""
    blocks = [seen(f"{side}.block") for side in ("encoder.0.blocks.0", "bottleneck.0")]
    first, bottom = (block.get("spatial") or {} for block in blocks)
    wide, look = seen.spec.widths()[-1], seen.attention("bottleneck").get("spatial")
    return {
        **shared.sample(seen),
        **shared.trunk(seen, first, bottom),
        **videos.stages(seen, "{}Block3D", "video"),
        "layers_per_block": seen.count("encoder.0", "block"),
        "cross_attention_dim": videos.text(seen, 1024),
        "attention_head_dim": wide // shared.heads(look or videos.NARROW, wide),
        "time_cond_proj_dim": shared.vectors(seen).get("time_cond_proj_dim"),
    }
