"""Kandinsky3UNet."""

from __future__ import annotations

from ...rows import Says
from .seen import Seen


def near(seen: Seen) -> bool:
    """Whether its blocks are Kandinsky 3's."""
    return seen.has("block.kandinsky3")


def config(seen: Seen) -> Says:
    """The options of the nearest Kandinsky3UNet."""
    block = seen("encoder.0.blocks.0.block")
    text = next((c for c in seen.conditions.values() if c["type"] == "expanded"), {})
    return {
        "in_channels": seen.spec.input.channels,
        "time_embedding_dim": seen("conditioning.time").get("width"),
        "groups": (block.get("norm") or {}).get("groups", 32),
        "attention_head_dim": block.get("head_width"),
        "layers_per_block": seen.count("encoder.0", "block") + 1,  # the last of a level pools
        "block_out_channels": list(seen.spec.widths()),
        "cross_attention_dim": text.get("width"),
        "encoder_hid_dim": text.get("channels"),
    }
