"""UNet2DConditionModel."""

from __future__ import annotations

from archkit import Node

from ...rows import Says
from . import shared
from .seen import Seen


def near(seen: Seen) -> bool:
    """Whether it is a network of images that looks at a text, or at itself in its place."""
    text = any(says["type"] == "sequence" for says in seen.conditions.values())
    return len(seen.spec.input.space) == 2 and (text or seen.has("attention.transformer"))


def config(seen: Seen) -> Says:
    """The options of the nearest UNet2DConditionModel."""
    levels = seen.levels
    middle = seen.first("bottleneck")
    stages = [seen.first(f"encoder.{i}") for i in levels]
    last = stages[-1] or middle
    each = [*stages[:-1], last]
    down = ["CrossAttnDownBlock2D" if stage else "DownBlock2D" for stage in stages]
    up = [
        "CrossAttnUpBlock2D" if seen.first(f"decoder.{i}") else "UpBlock2D"
        for i in reversed(levels)
    ]
    for level in levels[:-1]:
        if seen(f"encoder.{level}.pooling").get("type") == "block" and not stages[level]:
            down[level] = "ResnetDownsampleBlock2D"
        if seen(f"decoder.{level}.upsampling").get("type") == "block" and not stages[level + 1]:
            up[-2 - level] = "ResnetUpsampleBlock2D"
    some = next(filter(None, [*stages, middle]), None)
    own = some.component.model_dump() if some else {}
    texts = [c["channels"] for c in seen.conditions.values() if c["type"] == "sequence"]
    mid = "UNetMidBlock2DCrossAttn" if middle else "UNetMidBlock2D"
    heads = [_heads(n or some, w) for n, w in zip(each, seen.spec.widths(), strict=True)]
    return {
        **shared.options(seen),
        "layers_per_block": [seen.count(f"encoder.{i}", "block") for i in levels],
        "down_block_types": down,
        "up_block_types": up,
        "mid_block_type": mid if seen.count("bottleneck", "block") else None,
        "attention_head_dim": heads,
        "transformer_layers_per_block": [_depth(node) for node in each],
        **_upwards(each, [seen.first(f"decoder.{i}") for i in levels]),
        "use_linear_projection": own.get("projection") == "linear",
        "cross_attention_dim": texts[0] if texts else list(seen.spec.widths()),
        "conv_in_kernel": seen("stem").get("kernel", 3),
        "conv_out_kernel": seen("head").get("kernel", 3),
        **_crossing(stages),
        **shared.vectors(seen),
        **shared.classes(seen),
    }


def _upwards(inside: list[Node | None], outside: list[Node | None]) -> Says:
    """How deep transformers are on the way up, where they are not as on the way down."""
    down = [_depth(node) for node in inside]
    up = [_depth(node) if node else depth for node, depth in zip(outside, down, strict=True)]
    return {"reverse_transformer_layers_per_block": up[::-1]} if up != down else {}


def _crossing(stages: list[Node | None]) -> Says:
    """Where the first attention looks at the text too."""
    firsts = [node.component.model_dump().get("first") if node else None for node in stages]
    only = [first == "cross" for first in firsts]
    return {"only_cross_attention": only} if any(only) else {}


def _heads(node: Node | None, width: int) -> int:
    return shared.heads(node.component.model_dump() if node else {}, width)


def _depth(node: Node | None) -> int:
    return int(node.component.model_dump().get("depth", 1)) if node else 1
