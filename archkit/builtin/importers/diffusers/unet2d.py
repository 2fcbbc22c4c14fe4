"""diffusers' UNet2DModel: DDPM, and the consistency models' form of ADM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archkit import Options

from ..rows import Attention, Rows, Says, differing
from . import common

_DOWN = {"DownBlock2D", "AttnDownBlock2D", "ResnetDownsampleBlock2D"}
_UP = {"UpBlock2D", "AttnUpBlock2D", "ResnetUpsampleBlock2D"}


def spec(config: Mapping[str, Any]) -> Says:
    """The spec of a config; raises SpecError naming every option without counterpart."""
    options = Options(config, "UNet2DModel")
    options.only("center_input_sample", False)
    options.only("time_embedding_type", "positional")
    options.skip("num_train_timesteps")
    widths = options.take("block_out_channels", (224, 448, 672, 896))
    says = common.sample(options, 3, len(widths))
    says.setdefault("prediction", "noise")
    activation = common.activation(options)
    says["norm"] = common.norm(options)
    says["conditioning"] |= _conditioning(options, widths[0], activation)
    dropout = options.take("dropout", 0.0)
    block = differing({"dropout": dropout, "activation": activation}, dropout=0.0, activation="silu")
    if block:
        says["block"] = {"type": "resnet", **block}
    rows = _rows(options, widths)
    says |= rows.spec({"type": "self"})
    _bottleneck(options, says, rows.bottleneck, says["conditioning"].get("method"))
    options.close()
    return {"archkit": 1, "name": "unet2d-model", **differing(says)}


def _conditioning(options: Options, stem: int, activation: str) -> Says:
    order, shift = options.take("flip_sin_to_cos", True), options.take("freq_shift", 0)
    says: Says = {"time": common.sinusoidal(options, stem, order, shift)}
    if says["time"] == {"type": "sinusoidal"}:
        del says["time"]
    if activation != "silu":
        says["embedding"] = {"type": "sum", "activation": activation}
    options.only("class_embed_type", None)
    if classes := options.take("num_class_embeds"):
        says["label"] = {"type": "label", "classes": classes}
    if (method := common.method(options)) != "add":
        says["method"] = method
    return says


def _rows(options: Options, widths: Any) -> Rows:
    levels = len(widths)
    down = common.kinds(
        options, "down_block_types", ("DownBlock2D", *("AttnDownBlock2D",) * 3), _DOWN
    )
    up = common.kinds(options, "up_block_types", (*("AttnUpBlock2D",) * 3, "UpBlock2D"), _UP)
    up.reverse()
    width = options.take("attention_head_dim", 8)
    attention: Attention = {"head_width": width} if width else {"heads": 1}
    conv, inside = common.pooling(options), {}
    for key in ("downsample_type", "upsample_type"):
        inside[key] = options.take(key, "conv") == "resnet"
    pooling = [
        common.POOLING_BLOCK if _resamples(kind, inside["downsample_type"]) else conv
        for kind in down[:-1]
    ]
    upsampling = [
        common.UPSAMPLING_BLOCK if _resamples(kind, inside["upsample_type"]) else {"type": "nearest"}
        for kind in up[1:]
    ]
    return Rows(
        widths,
        [options.take("layers_per_block", 2)] * levels,
        [attention if "Attn" in kind else False for kind in down],
        [attention if "Attn" in kind else False for kind in up],
        attention if options.take("add_attention", True) else False,
        pooling,
        upsampling,
    )


def _resamples(kind: str, inside: bool) -> bool:
    """Whether a block of that class resamples inside a further ResNet block."""
    return kind.startswith("Resnet") or ("Attn" in kind and inside)


def _bottleneck(options: Options, says: Says, attention: Attention, method: str | None) -> None:
    """The middle block has a scale of its own, and a norm of its own in its attention."""
    if options.take("mid_block_type", "UNetMidBlock2D") != "UNetMidBlock2D":
        says["layout"] = {"type": "ddpm", "middle": ""}
        return
    factor = options.take("mid_block_scale_factor", 1)
    groups = options.take("attn_norm_num_groups")
    bottom = says.setdefault("bottleneck", {})
    own = bottom.get("attention")
    special: Says = {} if not isinstance(own, dict) else dict(own)
    if factor != 1:
        bottom["block"] = {"scale": 1 / factor}
        special["scale"] = 1 / factor
    if groups is not None:
        special["norm"] = {"type": "group", "groups": groups}
    elif method:
        special["norm"] = "none"
    if special and attention is not False:
        bottom["attention"] = special
