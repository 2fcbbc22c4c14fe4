"""diffusers' UNetMotionModel: Stable Diffusion with the motion modules of AnimateDiff."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from archkit import Codebase, Config, Options

from ..rows import Attention, Rows, Says, differing, finished
from ..tables import TRANSFORMER
from . import common
from .unet2d_condition import each, micro
from .unet3d import FRAME_TRANSFORMER, FRAMES, STAGES, below, video

if TYPE_CHECKING:
    from torch import Tensor

_DOWN = {"DownBlockMotion": False, "CrossAttnDownBlockMotion": True}
_UP = {"UpBlockMotion": False, "CrossAttnUpBlockMotion": True}
_NUMBERS = "*.pos_embed.pe"
_PATH = {"type": "ddpm", "beta_start": 0.00085, "beta_end": 0.012}


def spec(config: Config) -> Says:
    """The spec of a config; raises SpecError naming every option without counterpart."""
    options = Options(config, "UNetMotionModel")
    widths = options.take("block_out_channels", (320, 640, 1280, 1280))
    says = video(options, len(widths), FRAMES)
    if says["prediction"] != "none":
        says["prediction"] = {"type": "noise", "path": _PATH}
    _refused(options)
    norm = common.norm(options)
    # The transformers have an eps of their own.
    eps = {"norm": {"eps": norm.pop("eps")}} if "eps" in norm else {}
    says["norm"] = norm if len(norm) > 1 else None
    says["block"] = {"type": "resnet", **eps} if eps else None
    says["head"] = {"type": "conv", **eps} if eps else None
    says["conditioning"] |= _conditions(options)
    says |= _rows(options, widths).spec({})
    if (factor := options.take("mid_block_scale_factor", 1)) != 1:
        says.setdefault("bottleneck", {})["block"] = {"scale": 1 / factor}
    options.close()
    return finished("unet-motion-model", says)


def _refused(options: Options) -> None:
    """Options that have one value archkit can say, or none."""
    for key in (
        "reverse_transformer_layers_per_block",
        "reverse_temporal_transformer_layers_per_block",
        "reverse_motion_num_attention_heads",
        "encoder_hid_dim",
        "encoder_hid_dim_type",
    ):
        options.only(key, None)
    options.only("act_fn", "silu", "swish")
    options.only("mid_block_layers", 1)
    # Ours tells a frame of any number which it is.
    options.skip("motion_max_seq_length")


def _conditions(options: Options) -> Says:
    cross = options.take("cross_attention_dim", 1280)
    if not isinstance(cross, int):
        if len(set(cross)) > 1:
            options.refuse("cross_attention_dim", list(cross))
        cross = cross[0]
    says: Says = {"text": {"type": "sequence", "channels": cross}}
    if guidance := options.take("time_cond_proj_dim"):
        linear = {"type": "vector", "channels": guidance, "layers": 1, "bias": False}
        says["guidance"] = {**linear, "into": "time"}
    width = options.take("projection_class_embeddings_input_dim")
    ids, kind = options.take("addition_time_embed_dim"), options.take("addition_embed_type")
    if kind == "text_time":
        says["micro"] = micro(width, ids)
    elif kind is not None:
        options.refuse("addition_embed_type", kind)
    return says


def _rows(options: Options, widths: Any) -> Rows:
    n = len(widths)
    kinds = ["CrossAttn{}BlockMotion"] * (n - 1) + ["{}BlockMotion"]
    down = common.kinds(options, "down_block_types", [k.format("Down") for k in kinds], _DOWN)
    up = common.kinds(options, "up_block_types", [k.format("Up") for k in reversed(kinds)], _UP)
    looks, moves = _looks(options, n), _moves(options, n)
    encoder: list[Attention] = [
        _both(looks[i], moves[i]) if _DOWN.get(kind) else moves[i] for i, kind in enumerate(down)
    ]
    decoder: list[Attention] = [
        _both(looks[i], moves[i]) if _UP.get(kind) else moves[i]
        for i, kind in enumerate(reversed(up))
    ]
    blocks = each(options.take("layers_per_block", 2), n)
    pooling = [common.pooling(options)] * (n - 1)
    return Rows(widths, blocks, encoder, decoder, _bottom(options, looks, moves), pooling)


def _bottom(options: Options, looks: list[Says], moves: list[Says]) -> Says:
    depth = options.take("transformer_layers_per_mid_block")
    look = looks[-1] if depth is None else {**looks[-1], "depth": depth}
    depth = options.take("temporal_transformer_layers_per_mid_block", 1)
    if not options.take("use_motion_mid_block", True):
        return look
    return _both(look, {**moves[-1], "depth": depth})


def _both(look: Says, move: Says) -> Says:
    """The attention inside each frame, and the motion module after it."""
    inside = {key: value for key, value in move.items() if key != "type"}
    return {"type": "video", "spatial": look, "temporal": inside}


def _looks(options: Options, n: int) -> list[Says]:
    """The transformers of frames, at each level."""
    heads = each(options.take("num_attention_heads", 8), n)
    depths = _depths(options, "transformer_layers_per_block", n)
    linear = options.take("use_linear_projection", False)
    says = {"type": "transformer", "projection": "linear" if linear else "conv"}
    return [
        differing({**says, "heads": h, "depth": d}, projection="conv", depth=1)
        for h, d in zip(heads, depths, strict=True)
    ]


def _moves(options: Options, n: int) -> list[Says]:
    """The motion modules, at each level."""
    heads = each(options.take("motion_num_attention_heads", 8), n)
    depths = _depths(options, "temporal_transformer_layers_per_block", n)
    says = {"type": "temporal", "positions": "sinusoidal"}
    return [{**says, "heads": h, "depth": d} for h, d in zip(heads, depths, strict=True)]


def _depths(options: Options, key: str, n: int) -> list[int]:
    depths = each(options.take(key, 1), n)
    if all(isinstance(depth, int) for depth in depths):
        return depths
    options.refuse(key, depths)
    return [1] * n


def codebase(config: Config, usual: Codebase) -> Codebase:
    """The names, as far as they are not those of all of diffusers."""
    look, move = (
        ("attentions.{unit}", TRANSFORMER),
        ("motion_modules.{unit}", FRAME_TRANSFORMER),
    )
    return usual.but(
        places={key: place for key, place in STAGES.items() if key.endswith(".attention")},
        tables={
            "attention.video": {**below(*look, "spatial"), **below(*move, "temporal")},
            "attention.transformer": below(*look),
            "attention.temporal": below(*move),
        },
        dropped={_NUMBERS: "the number of a frame tells it"},
        constants={_NUMBERS: _numbers},
    )


def _numbers(shape: tuple[int, ...]) -> Tensor:
    """The numbers of frames as sines and cosines in turn (1, F, C), rounded as theirs are."""
    import torch

    _, frames, channels = shape
    steps = torch.exp(torch.arange(0, channels, 2) * (-math.log(10000.0) / channels))
    angles = torch.arange(frames).unsqueeze(1) * steps
    return torch.stack([angles.sin(), angles.cos()], dim=2).reshape(shape)
