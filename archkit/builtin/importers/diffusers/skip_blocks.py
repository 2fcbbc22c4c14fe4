"""diffusers' UNet2DModel with `Skip` blocks: NCSN++, with its pyramids of images."""

from __future__ import annotations

from math import isclose, sqrt
from typing import Any

from archkit import Codebase, Config, Options

from ..rows import Attention, Rows, Says, differing, finished
from . import common

_DOWN = {"SkipDownBlock2D", "AttnSkipDownBlock2D"}
_UP = {"SkipUpBlock2D", "AttnSkipUpBlock2D"}
_HALF = "sqrt(1/2)"
_BLUR = {"type": "block", "by": "blur"}
_NARROW = 128  # where the groups of the original are not those of a fourth of the channels


def reads(config: Config) -> bool:
    """Whether a config of UNet2DModel has such blocks."""
    kinds = (*config.get("down_block_types", ()), *config.get("up_block_types", ()))
    return any(kind in _DOWN | _UP for kind in kinds)


def spec(config: Config) -> Says:
    """The spec of a config; raises SpecError naming every option without counterpart."""
    options = Options(config, "UNet2DModel")
    widths = options.take("block_out_channels", (224, 448, 672, 896))
    down = common.kinds(options, "down_block_types", (), _DOWN)
    up = common.kinds(options, "up_block_types", (), _UP)
    up.reverse()
    _narrow(options, widths, down)
    _narrow(options, widths, up)
    says = common.sample(options, 3, len(widths))
    _refused(options, says["input"]["channels"])
    eps = options.take("norm_eps", 1e-5)
    says["norm"] = {"type": "group", "min_width": 4, **differing({"eps": eps}, eps=1e-5)}
    dropout = differing({"dropout": options.take("dropout", 0.0)}, dropout=0.0)
    says["block"] = {"type": "resnet", "shortcut": "resample", "scale": _HALF, **dropout}
    says |= _time(options, widths[0])
    head = options.take("attention_head_dim", 8)
    attention: Attention = {"head_width": head} if head else {"heads": 1}
    each: list[Attention] = [attention if "Attn" in kind else False for kind in down]
    back: list[Attention] = [attention if "Attn" in kind else False for kind in up]
    blocks, steps = [options.take("layers_per_block", 2)] * len(widths), len(widths) - 1
    rows = Rows(widths, blocks, each, back, attention, [_BLUR] * steps, [_BLUR] * steps)
    says |= rows.spec({"type": "self", "scale": _HALF})
    factor = options.take("mid_block_scale_factor", 1)
    if not isclose(factor, sqrt(2)):
        bottom = says.setdefault("bottleneck", {})
        told = bottom.get("attention")
        bottom["block"] = {"scale": 1 / factor}
        bottom["attention"] = {**(told if isinstance(told, dict) else {}), "scale": 1 / factor}
    options.close()
    return finished("unet2d-model", {**says, **_pyramids()})


def _pyramids() -> Says:
    """The image that shrinks beside the trunk, and the one that grows."""
    return {
        "layout": {
            "type": "edm",
            "enter": "keep=image stem tap",
            "descend": "down down@image join=image tap",
            "ascend": "up up@rgb",
            "decode": "(join block)*n (join block attention) head@rgb",
            "leave": "use=rgb",
        },
        "registers": {
            "image": {"pooling": "blur", "skip": {"type": "add", "project": True}},
            "rgb": {"upsampling": "blur", "skip": "add"},
        },
    }


def _refused(options: Options, channels: int) -> None:
    """Options that have one value archkit can say, or none."""
    if channels != 3:
        options.refuse("in_channels", channels, "`Skip` blocks have 3 channels in their code")
    options.only("norm_num_groups", None)
    options.only("attn_norm_num_groups", None)
    options.only("act_fn", "silu", "swish")
    options.only("mid_block_type", "UNetMidBlock2D")
    options.only("resnet_time_scale_shift", "default")
    options.only("class_embed_type", None)
    options.only("num_class_embeds", None)
    options.only("add_attention", True)
    options.only("center_input_sample", False)
    # Of blocks of other kinds.
    options.skip("downsample_padding", "downsample_type", "upsample_type", "num_train_timesteps")


def _narrow(options: Options, widths: Any, kinds: list[str]) -> None:
    """Blocks with attention have norms of 32 groups in their code, however narrow they are."""
    lit = [width for width, kind in zip(widths, kinds, strict=True) if "Attn" in kind]
    if lit and min(lit) < _NARROW:
        mend = f"blocks with attention take at least {_NARROW} channels"
        options.refuse("block_out_channels", list(widths), mend)


def _time(options: Options, stem: int) -> Says:
    if options.take("time_embedding_type", "positional") == "positional":
        order, shift = options.take("flip_sin_to_cos", True), options.take("freq_shift", 0)
        time = common.sinusoidal(options, stem, order, shift)
        return {"conditioning": {"time": time}, "prediction": "noise"}
    options.skip("flip_sin_to_cos", "freq_shift")
    width = options.take("time_embedding_dim") or 4 * stem
    time = {"type": "fourier", "channels": 2 * stem, "order": "sin-cos", "width": width}
    return {
        "conditioning": {"time": differing(time, width=4 * stem)},
        "prediction": {"type": "score", "path": "edm"},
        "precondition": "over-sigma",
    }


def codebase(config: Config, usual: Codebase) -> Codebase:
    """The names, as far as they are not those of all of diffusers."""
    return usual.but(
        places={
            "decoder.attention": "up_blocks.{rise}.attentions.0",
            "down": "down_blocks.{level}.resnet_down",
            "up": "up_blocks.{rise}.resnet_up",
            "image.join": "down_blocks.{level}",
            "rgb.head": "",
        },
        tables={
            "skip.add": {"project": "skip_conv"},
            "head.conv": {
                "norm": "up_blocks.{rise}.skip_norm",
                "conv": "up_blocks.{rise}.skip_conv",
            },
            "decoder.0.rgb.head": usual.tables["head.conv"],
        },
    )
