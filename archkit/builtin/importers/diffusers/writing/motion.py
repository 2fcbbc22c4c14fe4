"""UNetMotionModel."""

from __future__ import annotations

from ...rows import Says
from . import shared, videos
from .seen import Seen

_NUMBERED = 32  # frames that the original has numbers for, unless it is told otherwise


def near(seen: Seen) -> bool:
    """Whether it is a network of videos."""
    return seen.spec.input.frames is not None and len(seen.spec.input.space) == 3


def config(seen: Seen) -> Says:
    """The options of the nearest UNetMotionModel."""
    widths = seen.spec.widths()
    looks, moves = videos.each(seen, _look), videos.each(seen, _move)
    bottom = seen.attention("bottleneck")
    return {
        **shared.sample(seen),
        **shared.trunk(seen, seen("encoder.0.blocks.0.block"), seen("bottleneck.0.block")),
        **videos.stages(seen, "{}BlockMotion", "video"),
        "layers_per_block": videos.blocks(seen),
        "cross_attention_dim": videos.text(seen, 1280),
        "num_attention_heads": [shared.heads(a, w) for a, w in zip(looks, widths, strict=True)],
        "transformer_layers_per_block": [look.get("depth", 1) for look in looks],
        "transformer_layers_per_mid_block": _look(bottom).get("depth", 1),
        "use_linear_projection": looks[0].get("projection") == "linear",
        "motion_num_attention_heads": [
            shared.heads(a, w) for a, w in zip(moves, widths, strict=True)
        ],
        "temporal_transformer_layers_per_block": [move.get("depth", 1) for move in moves],
        "temporal_transformer_layers_per_mid_block": _move(bottom).get("depth", 1),
        "use_motion_mid_block": bool(_move(bottom)),
        "motion_max_seq_length": max(_NUMBERED, seen.spec.input.frames or 0),
        **shared.vectors(seen),
    }


def _look(attention: Says) -> Says:
    """The part of an attention that is inside each frame."""
    inside: Says = attention.get("spatial") or {}
    return attention if attention.get("type") == "transformer" else inside


def _move(attention: Says) -> Says:
    """The part of an attention that is across the frames."""
    across: Says = attention.get("temporal") or {}
    return attention if attention.get("type") == "temporal" else across
