"""diffusers' UNet1DModel: the planner of Diffuser, and the waveforms of Dance Diffusion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archkit import Codebase, Config, Constant, Options, Table

from ...filters import KERNELS
from ..rows import Says, differing, finished
from . import common

if TYPE_CHECKING:
    from torch import Tensor

_PLANS = {"DownResnetBlock1D": False}
_WAVES = {"DownBlock1DNoSkip": False, "DownBlock1D": False, "AttnDownBlock1D": True}
_UP_WAVES = {"UpBlock1DNoSkip": False, "UpBlock1D": False, "AttnUpBlock1D": True}
_FIXED = "it is a filter that is fixed"


def spec(config: Config) -> Says:
    """The spec of a config; raises SpecError naming every option without counterpart."""
    options = Options(config, "UNet1DModel")
    options.skip("sample_rate")
    options.only("downsample_each_block", False)
    channels = options.take("in_channels", 2)
    says: Says = {"input": {"channels": channels, "size": [options.take("sample_size", 65536)]}}
    out = options.take("out_channels", 2)
    says |= {} if out == channels else {"output": {"channels": out}, "prediction": "none"}
    widths = list(options.take("block_out_channels", (32, 32, 64)))
    says = {**(_plans if _plans_ahead(config) else _waves)(options, widths), **says}
    options.close()
    return finished("unet1d-model", says)


def _plans_ahead(config: Config) -> bool:
    return "DownResnetBlock1D" in config.get("down_block_types", ())


_HEAD = {"type": "conv", "kernel": 1, "norm": "none", "activation": "none", "zero_init": False}


def _plans(options: Options, widths: Sequence[int]) -> Says:
    """Residual blocks that are told the time: Diffuser."""
    common.kinds(options, "down_block_types", (), _PLANS)
    up = common.kinds(options, "up_block_types", (), ("UpResnetBlock1D",))
    if len(up) != len(widths) - 1:
        options.refuse("up_block_types", up, "name one less than of `down_block_types`")
    for key, only in (
        ("use_timestep_embedding", True),
        ("extra_in_channels", 0),
        ("time_embedding_type", "positional"),
        ("mid_block_type", "MidResTemporalBlock1D"),
        ("out_block_type", "OutConv1DBlock"),
    ):
        options.only(key, only)
    options.skip("time_embedding_dim")
    first, blocks = widths[0], options.take("layers_per_block", 1) + 1
    activation, groups = common.activation(options), options.take("norm_num_groups", 8)
    norm = {"type": "group", "groups": 8}
    end: Says = {"type": "conv", "kernel": 5, "method": "none", "activation": activation}
    end |= {} if groups == 8 else {"norm": {"type": "group", "groups": groups}}
    order, shift = options.take("flip_sin_to_cos", True), options.take("freq_shift", 0.0)
    time: Says = {"type": "sinusoidal", "order": "cos-sin" if order else "sin-cos"}
    time |= {"shift": float(shift), "hidden": 4 * first, "width": first, "activation": activation}
    layout = differing({"middle": " ".join(["(block)"] * blocks)}, middle="(block) (block)")
    return {
        "prediction": "sample",
        "conditioning": {"time": differing(time, order="cos-sin", shift=0.0)},
        "activation": "mish",
        "norm": norm,
        "block": {"type": "residual", "kernel": 5, "enters": "activation"},
        "layout": {"type": "diffuser", **layout} if layout else "diffuser",
        "upsampling": {"type": "transposed", "kernel": 4, "width": "keep"},
        "head": dict(_HEAD),
        "encoder": [{"channels": width, "blocks": blocks} for width in widths],
        "decoder": [
            {"channels": first, "blocks": 1, "skip": "none", "block": end},
            *({"channels": width} for width in widths[:-1]),
        ],
    }


def _waves(options: Options, widths: Sequence[int]) -> Says:
    """Convolutions that are not told the time, which joins the sample: Dance Diffusion."""
    down = common.kinds(options, "down_block_types", tuple(_WAVES), _WAVES)
    up = common.kinds(options, "up_block_types", tuple(_UP_WAVES)[::-1], _UP_WAVES)[::-1]
    for key, kinds in (("down_block_types", down), ("up_block_types", up)):
        ends = [kind.endswith("NoSkip") for kind in kinds]
        if len(kinds) != len(widths) or ends != [True] + [False] * (len(widths) - 1):
            options.refuse(key, kinds, "the finest is the one without a skip")
    for key, only in (
        ("use_timestep_embedding", False),
        ("time_embedding_type", "fourier"),
        ("mid_block_type", "UNetMidBlock1D"),
        ("out_block_type", None),
    ):
        options.only(key, only)
    options.skip("act_fn", "norm_num_groups", "layers_per_block", "freq_shift")
    time = _planes(options, widths[0])
    decoder = _narrowing(options, widths, [_UP_WAVES.get(kind, False) for kind in up])
    encoder = [
        _row({"channels": width, "blocks": 3}, _WAVES.get(kind, False))
        for width, kind in zip(widths, down, strict=False)
    ]
    return {
        "prediction": "v",
        "conditioning": {"time": time},
        "layout": "dance-diffusion",
        "activation": "gelu",
        "norm": {"type": "group", "groups": 1},
        "block": {"type": "residual", "kernel": 5, "shortcut_bias": False},
        "attention": {"type": "self", "head_width": 32},
        "pooling": {"type": "filter", "kernel": "cubic"},
        "upsampling": {"type": "filter", "kernel": "cubic"},
        "head": {"type": "block", "block": {"last": "none"}},
        "encoder": encoder,
        "bottleneck": {"attention": True},
        "decoder": decoder,
    }


def _planes(options: Options, first: int) -> Says:
    channels = options.take("time_embedding_dim") or 2 * first
    if (extra := options.take("extra_in_channels", 0)) != channels:
        options.refuse("extra_in_channels", extra, f"the time takes {channels} channels")
    order = "cos-sin" if options.take("flip_sin_to_cos", True) else "sin-cos"
    return differing({"type": "planes", "channels": channels, "order": order}, order="cos-sin")


def _narrowing(options: Options, widths: Sequence[int], attends: Sequence[bool]) -> list[Says]:
    """The rows of the decoder: where there is attention, the first block changes the width, and
    not the last."""
    rows: list[Says] = [{"blocks": 2}]
    for level in range(1, len(widths)):
        here, finer = widths[level], widths[level - 1]
        early = attends[level] and here != finer
        rows.append(_row({"channels": finer} if early else {}, attends[level]))
        if "channels" in rows[level - 1] and rows[level - 1]["channels"] != finer:
            options.refuse("block_out_channels", list(widths))
    return rows


def _row(row: Says, attends: bool) -> Says:
    return {**row, "attention": attends}


_BLOCK: Table = {
    "branch.convs.0": "conv_in.conv1d",
    "branch.norms.0": "conv_in.group_norm",
    "branch.embedding": "time_emb",
    "branch.convs.1": "conv_out.conv1d",
    "branch.norms.1": "conv_out.group_norm",
    "shortcut.conv": "residual_conv",
}
_WAVE_BLOCK: Table = {
    "branch.convs.0": "conv_1",
    "branch.norms.0": "group_norm_1",
    "branch.convs.1": "conv_2",
    "branch.norms.1": "group_norm_2",
    "shortcut.conv": "conv_skip",
}


def codebase(config: Config, usual: Codebase) -> Codebase:
    """The names, as far as they are not those of all of diffusers."""
    if _plans_ahead(config):
        return usual.but(
            places={
                "down": "down_blocks.{level}.downsample",
                "up": "up_blocks.{rise}.upsample",
                "decoder.0.blocks.0.block": "out_block",
                "head": "out_block",
                "time.sinusoidal": "time_mlp",
            },
            tables={
                "block.residual": _BLOCK,
                "decoder.0.blocks.0.block": {
                    "convs.0": "final_conv1d_1",
                    "norms.0": "final_conv1d_gn",
                },
                "upsampling.transposed": {"": "conv"},
                "head.conv": {"conv": "final_conv1d_2"},
            },
        )
    return usual.but(
        places={"time.planes": "", "head": "up_blocks.{rise}.resnets.2"},
        tables={
            "block.residual": _WAVE_BLOCK,
            "head.block": _WAVE_BLOCK,
            "attention.self": {
                "norm": "group_norm",
                "qkv": ("query", "key", "value"),
                "out": "proj_attn",
            },
            "time.planes": {"features.frequencies": "time_proj.weight"},
        },
        dropped={"*.down.kernel": _FIXED, "*.up.kernel": _FIXED},
        constants={"*.down.kernel": _filter(1), "*.up.kernel": _filter(2)},
    )


def _filter(gain: int) -> Constant:
    """Makes the filter of every step: taps that add up to so much."""

    def make(shape: tuple[int, ...]) -> Tensor:
        import torch

        taps = torch.tensor(KERNELS["cubic"])
        return gain * taps / taps.sum()

    return make
