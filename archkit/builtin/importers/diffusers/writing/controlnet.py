"""ControlNetModel: the config of a half, from that of the whole network that it is the half of."""

from __future__ import annotations

from ...rows import Says
from ..controlnet import WHOLE
from . import unet2d_condition
from .seen import Seen


def near(seen: Seen) -> bool:
    """Whether it is a half that offers what it taps."""
    return bool(seen.plan.offers)


def config(seen: Seen) -> Says:
    """The options of the half."""
    says = {k: v for k, v in unet2d_condition.config(seen).items() if k not in WHOLE}
    depths = says["layers_per_block"]
    hint = next((c for c in seen.conditions.values() if c["type"] == "hint"), {})
    return {
        **says,
        "layers_per_block": depths[0] if len(set(depths)) == 1 else depths,
        "conditioning_channels": hint.get("channels", 3),
        "conditioning_embedding_out_channels": list(hint.get("widths", ())),
    }
