"""diffusers' UNet3DConditionModel: the text-to-video model of ModelScope."""

from __future__ import annotations

from typing import Any

from archkit import Codebase, Config, Options, Table

from ..rows import Attention, Rows, Says, finished
from ..tables import TRANSFORMER
from . import common

_DOWN = {"DownBlock3D": False, "CrossAttnDownBlock3D": True}
_UP = {"UpBlock3D": False, "CrossAttnUpBlock3D": True}
FRAMES = 16
"""For how many a plan is made; configs do not say, and any number runs."""
STAGES = {
    "encoder.block": "down_blocks.{level}",
    "encoder.attention": "down_blocks.{level}",
    "bottleneck.block": "mid_block",
    "bottleneck.attention": "mid_block",
    "decoder.block": "up_blocks.{rise}",
    "decoder.attention": "up_blocks.{rise}",
}
"""Where the nodes of a stage are, as whole stages: parts of one node stand in several lists."""
FRAME_TRANSFORMER: Table = {
    "norm": "norm",
    "enter": "proj_in",
    "leave": "proj_out",
    "layers.*.norms.0": "transformer_blocks.*.norm1",
    "layers.*.looks.0.qkv": tuple(f"transformer_blocks.*.attn1.to_{t}" for t in "qkv"),
    "layers.*.looks.0.out": "transformer_blocks.*.attn1.to_out.0",
    "layers.*.norms.1": "transformer_blocks.*.norm2",
    "layers.*.looks.1.qkv": tuple(f"transformer_blocks.*.attn2.to_{t}" for t in "qkv"),
    "layers.*.looks.1.out": "transformer_blocks.*.attn2.to_out.0",
    "layers.*.norms.2": "transformer_blocks.*.norm3",
    "layers.*.feed_forward.up": "transformer_blocks.*.ff.net.0.proj",
    "layers.*.feed_forward.down": "transformer_blocks.*.ff.net.2",
}


def spec(config: Config) -> Says:
    """The spec of a config; raises SpecError naming every option without counterpart."""
    options = Options(config, "UNet3DConditionModel")
    widths = options.take("block_out_channels", (320, 640, 1280, 1280))
    says = video(options, len(widths), FRAMES)
    options.only("num_attention_heads", None)
    options.only("act_fn", "silu", "swish")
    # Only the blocks of frames, and the head, have the eps of the config.
    norm = common.norm(options)
    eps = {"norm": {"eps": norm.pop("eps")}} if "eps" in norm else {}
    says["norm"] = norm if len(norm) > 1 else None
    says["head"] = {"type": "conv", **eps} if eps else None
    width = options.take("attention_head_dim", 64)
    if any(channels % width for channels in widths):
        options.refuse(
            "attention_head_dim", width, "give a width of heads that divides the channels"
        )
    four = {"type": "pre-activation", "count": 4, "kernel": [3, 1, 1], "dropout": 0.1}
    says["block"] = {"type": "video", **_spatial(eps), "temporal": four}
    says["stem"] = {"type": "video", "temporal": {"head_width": width, "width": 8 * width}}
    says["conditioning"]["text"] = _text(options.take("cross_attention_dim", 1024))
    if guidance := options.take("time_cond_proj_dim"):
        linear = {"type": "vector", "channels": guidance, "layers": 1, "bias": False}
        says["conditioning"]["guidance"] = {**linear, "into": "time"}
    transformer = {"type": "transformer", "head_width": width, "projection": "linear"}
    attention = {"type": "video", "spatial": transformer, "temporal": {"head_width": width}}
    says |= _rows(options, widths).spec(attention)
    if (factor := options.take("mid_block_scale_factor", 1)) != 1:
        block = {"spatial": {"scale": 1 / factor}}
        says.setdefault("bottleneck", {})["block"] = block
    options.close()
    return finished("unet3d-condition-model", says)


def video(options: Options, levels: int, frames: int) -> Says:
    """Sample and output of a network of videos."""
    says = common.sample(options, 4, levels)
    says["input"]["frames"] = frames
    says.setdefault("prediction", {"type": "noise", "path": "scaled-linear"})
    return says


def _spatial(eps: Says) -> Says:
    return {"spatial": {"type": "resnet", **eps}} if eps else {}


def _text(channels: int) -> Says:
    return {"type": "sequence", "channels": channels}


def _rows(options: Options, widths: Any) -> Rows:
    down = common.kinds(
        options, "down_block_types", (*("CrossAttnDownBlock3D",) * 3, "DownBlock3D"), _DOWN
    )
    up = common.kinds(options, "up_block_types", ("UpBlock3D", *("CrossAttnUpBlock3D",) * 3), _UP)
    encoder: list[Attention] = [{} if _DOWN.get(kind) else False for kind in down]
    decoder: list[Attention] = [{} if _UP.get(kind) else False for kind in reversed(up)]
    blocks = [options.take("layers_per_block", 2)] * len(widths)
    pooling = [common.pooling(options)] * (len(widths) - 1)
    return Rows(widths, blocks, encoder, decoder, {}, pooling)


def below(place: str, table: Table, inside: str = "") -> Table:
    """A table whose names stand below a place, and ours inside a part of the node."""
    return {
        f"{inside}.{ours}".strip("."): theirs
        for ours, entry in table.items()
        for theirs in (_placed(place, entry),)
    }


def _placed(place: str, entry: Any) -> Any:
    if isinstance(entry, tuple):
        return tuple(f"{place}.{name}" for name in entry)
    return f"{place}.{entry}"


def codebase(config: Config, usual: Codebase) -> Codebase:
    """The names, as far as they are not those of all of diffusers."""
    convolutions = {
        key: value
        for i in range(4)
        for key, value in {
            f"temporal.norms.{i}": f"temp_convs.{{unit}}.conv{i + 1}.0",
            # Dropout stands before every one but the first.
            f"temporal.convs.{i}": f"temp_convs.{{unit}}.conv{i + 1}.{3 if i else 2}",
        }.items()
    }
    spatial = below("resnets.{unit}", usual.tables["block.resnet"], "spatial")
    return usual.but(
        places={**STAGES, "stem": ""},
        tables={
            "stem.video": {
                "spatial": "conv_in",
                **below("transformer_in", FRAME_TRANSFORMER, "temporal"),
            },
            "block.video": {**spatial, **convolutions},
            "attention.video": {
                **below("attentions.{unit}", TRANSFORMER, "spatial"),
                **below("temp_attentions.{unit}", FRAME_TRANSFORMER, "temporal"),
            },
        },
    )
