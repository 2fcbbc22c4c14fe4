"""UNetSpatioTemporalConditionModel."""

from __future__ import annotations

from ...rows import Says
from . import shared, videos
from .seen import Seen


def near(seen: Seen) -> bool:
    """Whether its transformers look inside each frame and across the frames in turn."""
    return seen.has("attention.spatio-temporal")


def config(seen: Seen) -> Says:
    """The options of the nearest UNetSpatioTemporalConditionModel."""
    widths = seen.spec.widths()
    looks = videos.each(seen, lambda attention: attention)
    vectors = (c for c in seen.conditions.values() if c["type"] == "vector" and c["sizes"])
    micro = next(vectors, {"sizes": 3, "size_width": 256})
    return {
        **shared.sample(seen),
        **videos.stages(seen, "{}BlockSpatioTemporal", "spatio-temporal"),
        "layers_per_block": videos.blocks(seen),
        "cross_attention_dim": videos.text(seen, 1024),
        "num_attention_heads": [shared.heads(a, w) for a, w in zip(looks, widths, strict=True)],
        "transformer_layers_per_block": [attention.get("depth", 1) for attention in looks],
        "addition_time_embed_dim": micro["size_width"],
        "projection_class_embeddings_input_dim": micro["sizes"] * micro["size_width"],
        "num_frames": seen.spec.input.frames,
    }
