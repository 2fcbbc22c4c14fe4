"""diffusers' Kandinsky3UNet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archkit import Codebase, Config, Options, Table

from ..rows import Says, differing, finished
from ..tables import CONVOLUTION

_LEVELS = range(2, 5)
_WIDTHS = (384, 768, 1536, 3072)


def spec(config: Config) -> Says:
    """The spec of a config; raises SpecError naming every option without counterpart.

    `encoder_hidden_states` is the condition ``text``; ``padding`` is 1 where its
    `encoder_attention_mask` is 0.
    """
    options = Options(config, "Kandinsky3UNet")
    widths, count = list(options.take("block_out_channels", _WIDTHS)), _layers(config)
    if len(widths) not in _LEVELS:
        options.refuse("block_out_channels", widths, "give it two to four levels")
    if not isinstance(options.take("layers_per_block", 3), int):
        options.refuse("layers_per_block", config["layers_per_block"])
    groups, head = options.take("groups", 32), options.take("attention_head_dim", 64)
    stem, width = widths[0] // 2, options.take("time_embedding_dim", 1536)
    text, hidden = options.take("cross_attention_dim", 4096), options.take("encoder_hid_dim", 4096)
    norm: Says = {"type": "group", "affine": False, **differing({"groups": groups}, groups=32)}
    part: Says = {"type": "kandinsky3", "norm": norm, "head_width": head}
    says: Says = {
        "input": {"channels": options.take("in_channels", 4), "size": 2 ** (len(widths) + 1)},
        "prediction": {"type": "noise", "path": "cosine"},
        "conditioning": {
            "time": {"type": "sinusoidal", "order": "sin-cos", "shift": 1, "width": width},
            "text": {
                **{"type": "expanded", "channels": hidden, "width": text, "vectors": 128},
                **{"bias": False, "affine": True, "eps": 1e-5},
            },
            "padding": {"type": "padding", "of": "text"},
            "pooled": {"type": "attention-pooled", "of": "text", "head_width": head},
        },
        "layout": "kandinsky3",
        "stem": {"type": "conv", "channels": stem},
        "head": {"type": "conv", "norm": {"type": "group", "groups": groups}},
        "block": part,
        "attention": part,
        "pooling": {"type": "block", "by": {"type": "conv", "kernel": 2}},
        "upsampling": {
            **{"type": "block", "by": {"type": "transposed", "width": "keep"}, "width": "next"}
        },
        **_rows(widths, count),
    }
    options.close()
    return finished("kandinsky3-unet", says)


def _rows(widths: Sequence[int], count: int) -> Says:
    """The stages; on the way up it is the fourth that has no attention, not the finest."""
    coarser: Says = {"blocks": count, "attention": True}
    encoder = [
        {"channels": widths[0], "blocks": count, "block": {"context": "none"}},
        *({"channels": width, **coarser} for width in widths[1:]),
    ]
    if len(widths) == len(_WIDTHS):
        return {"encoder": encoder}
    finest: Says = {"attention": True, "block": {"context": "text"}}
    return {"encoder": encoder, "decoder": [finest, *({} for _ in widths[1:])]}


def _layers(config: Config) -> Any:
    return config.get("layers_per_block", 3)


def codebase(config: Config, usual: Codebase) -> Codebase:
    """The names of a network with so many blocks in a level; the last pools, the first grows."""
    levels = len(config.get("block_out_channels", _WIDTHS))
    last, deepest = _layers(config) - 1, levels - 1
    places = {"bottleneck.0.block": f"down_blocks.{deepest}", "bottleneck.1.block": "up_blocks.0"}
    tables = {"bottleneck.0.block": _unit(last), "bottleneck.1.block": _unit(0)}
    tables |= {"pooling.block": _unit(last), "upsampling.block": _unit(0)}
    for level in range(levels):
        places[f"decoder.{level}.upsampling"] = f"up_blocks.{deepest - level}"
        for unit in range(last):
            tables[f"encoder.{level}.blocks.{unit}.block"] = _unit(unit)
            tables[f"decoder.{level}.blocks.{unit}.block"] = _unit(unit + 1)
    return _NAMES.but(places, tables)


def _unit(index: int) -> Table:
    return {
        **_bottleneck("first", f"resnets_in.{index}"),
        **_attention("attention.", f"attentions.{index + 1}."),
        **_bottleneck("second", f"resnets_out.{index}"),
    }


def _bottleneck(ours: str, theirs: str) -> Table:
    blocks = f"{theirs}.resnet_blocks"
    return {
        f"{ours}.norms.*.linear": f"{blocks}.*.group_norm.context_mlp.1",
        f"{ours}.convs.*": f"{blocks}.*.projection",
        f"{ours}.up": f"{blocks}.1.up_sample",
        f"{ours}.down": f"{blocks}.2.down_sample",
        f"{ours}.shortcut_up": f"{theirs}.shortcut_up_sample",
        f"{ours}.shortcut": f"{theirs}.shortcut_projection",
        f"{ours}.shortcut_down": f"{theirs}.shortcut_down_sample",
    }


def _attention(ours: str, theirs: str) -> Table:
    return {
        f"{ours}norm1.linear": f"{theirs}in_norm.context_mlp.1",
        f"{ours}q": f"{theirs}attention.to_q",
        f"{ours}kv": (f"{theirs}attention.to_k", f"{theirs}attention.to_v"),
        f"{ours}out": f"{theirs}attention.to_out.0",
        f"{ours}norm2.linear": f"{theirs}out_norm.context_mlp.1",
        f"{ours}up": f"{theirs}feed_forward.0",
        f"{ours}down": f"{theirs}feed_forward.2",
    }


_NAMES = Codebase(
    "diffusers",
    places={
        **{"stem": "conv_in", "head": "", "time.sinusoidal": "time_embedding"},
        "condition.expanded": "encoder_hid_proj",
        "condition.attention-pooled": "add_time_condition.attention",
        "encoder.block": "down_blocks.{level}",
        "encoder.attention": "down_blocks.{level}.attentions.0",
        "down": "down_blocks.{level}",
        "decoder.block": "up_blocks.{rise}",
        "decoder.attention": "up_blocks.{rise}.attentions.0",
    },
    tables={
        "stem.conv": CONVOLUTION,
        "time.sinusoidal": {"linear1": "linear_1", "linear2": "linear_2"},
        "condition.expanded": {"linear": "projection_linear", "norm": "projection_norm"},
        "condition.attention-pooled": {"q": "to_q", "kv": ("to_k", "to_v"), "out": "to_out.0"},
        "attention.kandinsky3": _attention("", ""),
        "head.conv": {"norm": "conv_norm_out", "conv": "conv_out"},
    },
)
