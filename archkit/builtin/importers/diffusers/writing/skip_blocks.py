"""UNet2DModel with `Skip` blocks: NCSN++, with its pyramids of images."""

from __future__ import annotations

from ...rows import Says
from . import shared
from .seen import Seen


def near(seen: Seen) -> bool:
    """Whether images shrink and grow beside the trunk."""
    return {"image", "rgb"} <= set(seen.spec.registers)


def config(seen: Seen) -> Says:
    """The options of the nearest network."""
    attention = seen.first("bottleneck")
    return {
        **shared.options(seen),
        "norm_num_groups": None,
        "layers_per_block": seen.count("encoder.0", "block"),
        "attention_head_dim": attention and attention.component.model_dump().get("head_width"),
        "down_block_types": [_kind(seen, f"encoder.{i}", "Down") for i in seen.levels],
        "up_block_types": [_kind(seen, f"decoder.{i}", "Up") for i in reversed(seen.levels)],
    }


def _kind(seen: Seen, stage: str, way: str) -> str:
    return f"{'Attn' if seen.first(stage) else ''}Skip{way}Block2D"
