"""UNet1DModel: the planner of Diffuser, or the waveforms of Dance Diffusion."""

from __future__ import annotations

from ...rows import Says
from . import shared
from .seen import Seen


def near(seen: Seen) -> bool:
    """Whether it is a network of sequences."""
    return len(seen.spec.input.space) == 1


def config(seen: Seen) -> Says:
    """The options of the nearest UNet1DModel."""
    time = seen("conditioning.time")
    return {
        "sample_size": seen.spec.input.space[0],
        "in_channels": seen.spec.input.channels,
        "out_channels": seen.plan.output.channels,
        "block_out_channels": list(seen.spec.widths()),
        "flip_sin_to_cos": time.get("order") != "sin-cos",
        **(_waves(seen, time) if time.get("type") == "planes" else _plans(seen, time)),
    }


def _plans(seen: Seen, time: Says) -> Says:
    count, end = len(seen.levels), seen("decoder.0.blocks.0.block")
    return {
        "down_block_types": ["DownResnetBlock1D"] * count,
        "up_block_types": ["UpResnetBlock1D"] * (count - 1),
        "mid_block_type": "MidResTemporalBlock1D",
        "out_block_type": "OutConv1DBlock",
        "use_timestep_embedding": True,
        "time_embedding_type": "positional",
        "freq_shift": time.get("shift", 0.0),
        "layers_per_block": seen.count("encoder.0", "block") - 1,
        "act_fn": shared.activation((end.get("activation") or {}).get("type")),
        "norm_num_groups": (end.get("norm") or {}).get("groups", 8),
    }


def _waves(seen: Seen, time: Says) -> Says:
    down = [_class("Down", level, seen.first(f"encoder.{level}")) for level in seen.levels]
    up = [_class("Up", level, seen.first(f"decoder.{level}")) for level in seen.levels]
    return {
        "down_block_types": down,
        "up_block_types": up[::-1],
        "mid_block_type": "UNetMidBlock1D",
        "out_block_type": None,
        "use_timestep_embedding": False,
        "time_embedding_type": "fourier",
        "time_embedding_dim": time["channels"],
        "extra_in_channels": time["channels"],
    }


def _class(way: str, level: int, attention: object) -> str:
    """The class of a stage; the finest is the one without a skip."""
    return f"{'Attn' if attention else ''}{way}Block1D{'' if level else 'NoSkip'}"
