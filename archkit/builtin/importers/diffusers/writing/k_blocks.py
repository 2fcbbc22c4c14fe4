"""UNet2DConditionModel with `K` blocks: those of k-diffusion, in the x2 upscaler."""

from __future__ import annotations

from ...rows import Says
from . import shared
from .seen import Seen


def near(seen: Seen) -> bool:
    """Whether the norms of all blocks are modulated, and a text is looked at."""
    return seen.has("block.adaptive") and any(c["type"] == "sequence" for c in _told(seen))


def config(seen: Seen) -> Says:
    """The options of the nearest network."""
    looks = [seen.first(f"encoder.{i}") for i in seen.levels]
    attention = next(filter(None, looks), None)
    own = attention.component.model_dump() if attention else {}
    after = seen("conditioning.embedding")["activation"]["type"]
    text = next(c for c in _told(seen) if c["type"] == "sequence")
    vector = next((c for c in _told(seen) if c["type"] == "vector"), {})
    return {
        **shared.options(seen),
        "norm_num_groups": None,
        "norm_eps": 1e-5,
        "mid_block_type": None,
        "resnet_time_scale_shift": "scale_shift",
        "layers_per_block": seen.count("encoder.0", "block"),
        "attention_head_dim": own.get("head_width"),
        "down_block_types": [_kind("Down", look) for look in looks],
        "up_block_types": [_kind("Up", look) for look in reversed(looks)],
        "conv_in_kernel": seen("stem").get("kernel", 3),
        "conv_out_kernel": seen("head").get("kernel", 3),
        "cross_attention_dim": text["channels"],
        "time_cond_proj_dim": vector.get("channels"),
        "timestep_post_act": None if after == "none" else shared.activation(after),
    }


def _told(seen: Seen) -> list[Says]:
    return list(seen.conditions.values())


def _kind(way: str, look: object) -> str:
    return f"K{'CrossAttn' if look else ''}{way}Block2D"
