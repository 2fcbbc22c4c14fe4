"""The config of a network of guided-diffusion, told from the names and shapes of its tensors."""

from __future__ import annotations

from itertools import count
from typing import Any

from archkit import Config, Shapes

from .published import LATENT, published, unwrapped

_STEM, _TIME, _HEAD = "input_blocks.0.0.weight", "time_embed.0.weight", "out.2.weight"


def inferred(shapes: Shapes) -> dict[str, Any] | None:
    """The arguments of its `UNetModel`; None for another network.

    Heads leave no trace, and neither does the order of queries, keys and values in `qkv`.
    """
    inside = unwrapped(shapes)
    crosses = any(".transformer_blocks." in name for name in inside)
    if not {_STEM, _TIME, _HEAD} <= set(inside) or crosses or published(shapes, LATENT):
        return None
    blocks, updown = _blocks(inside)
    levels = _levels(inside, blocks)
    if not levels or not all(levels):
        return None
    base = inside[_TIME][1]
    widths = [inside[f"{level[0]}.0.out_layers.3.weight"][0] for level in levels]
    lit = [any(f"{block}.1.qkv.weight" in inside for block in level) for level in levels]
    scales = inside[f"{levels[0][0]}.0.emb_layers.1.weight"][0] == 2 * widths[0]
    found: dict[str, Any] = {
        "in_channels": inside[_STEM][1],
        "out_channels": inside[_HEAD][0],
        "model_channels": base,
        "channel_mult": [w // base if w % base == 0 else w / base for w in widths],
        "num_res_blocks": blocks,
        "attention_resolutions": [2**level for level, attends in enumerate(lit) if attends],
        "use_scale_shift_norm": scales,
        "resblock_updown": updown,
        "conv_resample": updown or _convolves(inside, len(levels)),
    }
    if (dims := len(inside[_STEM]) - 2) != 2:
        found["dims"] = dims
    if "label_emb.weight" in inside:
        found["num_classes"] = inside["label_emb.weight"][0]
    return found


def untold(config: Config, given: Config) -> list[str]:
    """What neither the tensors of a network nor what was given tells, in words."""
    left = []
    if not {"num_heads", "num_head_channels"} & set(given):
        left.append("`num_heads` (or `num_head_channels`)")
        left.append("`use_new_attention_order`, if it was true")
    channels = config["in_channels"]
    if channels == config["out_channels"] == 6 and "in_channels" not in given:
        left.append("`in_channels` (3, with `super_res: true`, for an upsampler)")
    return left


def _blocks(shapes: Shapes) -> tuple[int, bool]:
    """Residual blocks of each level, and whether such blocks resample.

    The decoder has one block more in each level, and the last of them is followed by what
    upsamples, which is a block or a convolution. Where neither is found, the encoder lacks the
    names of its poolings, which are averages.
    """
    for k in count():
        block = f"output_blocks.{k}"
        if f"{block}.0.in_layers.2.weight" not in shapes:
            break
        inside = [f"{block}.{i}" for i in (1, 2)]
        if any(f"{name}.in_layers.2.weight" in shapes for name in inside):
            return k, True
        if any(f"{name}.conv.weight" in shapes for name in inside):
            return k, False
    first = next(j for j in count(1) if f"input_blocks.{j}.0.in_layers.2.weight" not in shapes)
    return first - 1, False


def _levels(shapes: Shapes, blocks: int) -> list[list[str]]:
    """The blocks of each level of the encoder, without those that pool."""
    last = max(int(name.split(".")[1]) for name in shapes if name.startswith("input_blocks."))
    each = [f"input_blocks.{k}" for k in range(1, last + 1)]
    levels = [each[i : i + blocks] for i in range(0, len(each), blocks + 1)]
    found = [[b for b in level if f"{b}.0.out_layers.3.weight" in shapes] for level in levels]
    return found if all(len(level) == blocks for level in found) else []


def _convolves(shapes: Shapes, levels: int) -> bool:
    """Whether poolings are convolutions; one level has none."""
    return levels == 1 or any(name.endswith(".0.op.weight") for name in shapes)
