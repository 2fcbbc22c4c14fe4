"""UNet2DConditionModel with `SimpleCrossAttn` blocks: DeepFloyd IF, Kandinsky 2.2."""

from __future__ import annotations

from archkit import Node

from ...rows import Says
from . import shared
from .seen import Seen


def near(seen: Seen) -> bool:
    """Whether attention looks at itself and at what it is told, jointly."""
    return len(seen.spec.input.space) == 2 and seen.has("attention.joint")


def config(seen: Seen) -> Says:
    """The options of the nearest network."""
    down = [seen.first(f"encoder.{i}") for i in seen.levels]
    up = [seen.first(f"decoder.{i}") for i in reversed(seen.levels)]
    middle = seen.first("bottleneck")
    some = next(filter(None, [middle, *down, *up]))
    # The list of heads is read in the order of either walk.
    heads = [a or b or some for a, b in zip([*down[:-1], middle], up, strict=True)]
    normed = (_options(some).get("context_norm") or {}).get("type")
    return {
        **shared.options(seen),
        **shared.classes(seen),
        "layers_per_block": [seen.count(f"encoder.{i}", "block") for i in seen.levels],
        "down_block_types": [_kind("Down", look) for look in down],
        "up_block_types": [_kind("Up", look) for look in up],
        "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
        "attention_head_dim": [_options(node).get("head_width") for node in heads],
        "cross_attention_norm": "group_norm" if normed == "group" else None,
        **_told(seen),
    }


def _kind(way: str, look: Node | None) -> str:
    return f"SimpleCrossAttn{way}Block2D" if look else f"Resnet{way}sampleBlock2D"


def _options(node: Node) -> Says:
    return node.component.model_dump()


def _told(seen: Seen) -> Says:
    """What is looked at: a text, or the embedding of an image."""
    says: Says = {}
    for condition in seen.conditions.values():
        kind, channels, width = (condition.get(key) for key in ("type", "channels", "width"))
        if kind == "sequence":
            says["cross_attention_dim"] = width or channels
            says["encoder_hid_dim"] = channels if width else None
        elif kind == "pooled":
            says["addition_embed_type"] = "text"
            says["addition_embed_type_num_heads"] = condition["heads"]
        elif kind == "projected" and condition["of"]:
            says["encoder_hid_dim_type"], says["addition_embed_type"] = "image_proj", "image"
            says["cross_attention_dim"] = width
        elif kind == "projected":
            says["encoder_hid_dim"] = channels
    return says
