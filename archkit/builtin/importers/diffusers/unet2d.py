"""diffusers' UNet2DModel: DDPM, and the consistency models' form of ADM."""

from __future__ import annotations

from typing import Any

from archkit import Codebase, Config, Options

from ..rows import Attention, Rows, Says, differing, finished
from . import common

_DOWN = {"DownBlock2D", "AttnDownBlock2D", "ResnetDownsampleBlock2D"}
_UP = {"UpBlock2D", "AttnUpBlock2D", "ResnetUpsampleBlock2D"}


def spec(config: Config) -> Says:
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
    block = differing(
        {"dropout": dropout, "activation": activation}, dropout=0.0, activation="silu"
    )
    if block:
        says["block"] = {"type": "resnet", **block}
    middle = options.take("mid_block_type", "UNetMidBlock2D")
    if middle is None:
        says["layout"] = {"type": "ddpm", "middle": ""}
    elif middle != "UNetMidBlock2D":
        options.refuse("mid_block_type", middle)
    attends = options.take("add_attention", True) and middle is not None
    says |= _rows(options, widths, attends).spec({"type": "self"})
    bottom = _bottleneck(options, says, attends)
    says["bottleneck"] = None if middle is None else bottom
    options.close()
    return finished("unet2d-model", says)


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


def _rows(options: Options, widths: Any, attends: bool) -> Rows:
    levels = len(widths)
    down = common.kinds(
        options, "down_block_types", ("DownBlock2D", *("AttnDownBlock2D",) * 3), _DOWN
    )
    up = common.kinds(options, "up_block_types", (*("AttnUpBlock2D",) * 3, "UpBlock2D"), _UP)
    up.reverse()
    attention = _attention(options.take("attention_head_dim", 8), widths)
    conv, inside = common.pooling(options), {}
    for key in ("downsample_type", "upsample_type"):
        inside[key] = options.take(key, "conv") == "resnet"
    pooling = [
        common.POOLING_BLOCK if _resamples(kind, inside["downsample_type"]) else conv
        for kind in down[:-1]
    ]
    upsampling = [
        common.UPSAMPLING_BLOCK
        if _resamples(kind, inside["upsample_type"])
        else {"type": "nearest"}
        for kind in up[1:]
    ]
    return Rows(
        widths,
        [options.take("layers_per_block", 2)] * levels,
        [a if "Attn" in kind else False for a, kind in zip(attention, down, strict=True)],
        [a if "Attn" in kind else False for a, kind in zip(attention, up, strict=True)],
        attention[-1] if attends else False,
        pooling,
        upsampling,
    )


def _attention(part: int | None, widths: Any) -> list[Attention]:
    """That of each level: as many heads of that width as there is room for, or a single one."""
    if not part:
        return [{"heads": 1} for _ in widths]
    if all(width % part == 0 for width in widths):
        return [{"head_width": part} for _ in widths]
    return [{"head_width": part, "width": max(width // part, 1) * part} for width in widths]


def _resamples(kind: str, inside: bool) -> bool:
    """Whether a block of that class resamples inside a further ResNet block."""
    return kind.startswith("Resnet") or ("Attn" in kind and inside)


def _bottleneck(options: Options, says: Says, attends: bool) -> Says:
    """The middle block has a scale of its own, and a norm of its own in its attention."""
    bottom: Says = says.get("bottleneck", {})
    factor = options.take("mid_block_scale_factor", 1)
    groups = options.take("attn_norm_num_groups")
    own: Says = {}
    if factor != 1:
        bottom["block"] = own = {"scale": 1 / factor}
    if groups is None and says["conditioning"].get("method"):
        own = {**own, "norm": "none"}
    elif groups not in (None, says["norm"].get("groups", 32)):
        own = {**own, "norm": {"type": "group", "groups": groups}}
    if own and attends:
        said = bottom.get("attention")
        bottom["attention"] = {**said, **own} if isinstance(said, dict) else own
    return bottom


def codebase(config: Config, usual: Codebase) -> Codebase:
    """The names: those of all of diffusers."""
    return usual
