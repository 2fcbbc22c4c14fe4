"""What the configs of several classes of diffusers have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archkit import Options

from ..rows import Says, differing

ACTIVATIONS = {"silu": "silu", "swish": "silu", "gelu": "gelu", "relu": "relu", "mish": "mish"}
POOLING_BLOCK = {"type": "block", "by": "avg"}
UPSAMPLING_BLOCK = {"type": "block", "by": "nearest"}


def sample(options: Options, channels: int, levels: int) -> Says:
    """Sample and output; more channels in than out are an image that joins the sample."""
    into = options.take("in_channels", channels)
    out = options.take("out_channels", channels)
    size = options.take("sample_size") or 8 * 2 ** (levels - 1)
    says: Says = {"input": {"channels": min(into, out), "size": size}, "conditioning": {}}
    if out == 2 * into:
        says["output"] = {"variance": "learned"}
    elif into > out:
        says["conditioning"]["image"] = {"type": "image", "channels": into - out}
    elif out != into:
        says |= {"output": {"channels": out}, "prediction": "none"}
    return says


def sinusoidal(options: Options, stem: int, order: bool, shift: float) -> Says:
    """The time as sines and cosines."""
    options.take("time_embedding_type")
    says = {
        "type": "sinusoidal",
        "order": "cos-sin" if order else "sin-cos",
        "shift": float(shift),
        "width": options.take("time_embedding_dim") or 4 * stem,
    }
    return differing(says, order="cos-sin", shift=0.0, width=4 * stem)


def activation(options: Options) -> str:
    """The one activation of the network, by our name."""
    name: str = options.take("act_fn", "silu")
    if name not in ACTIVATIONS:
        options.refuse("act_fn", name)
    return ACTIVATIONS.get(name, name)


def norm(options: Options) -> Says:
    """The norm of blocks, attention and head."""
    groups = options.take("norm_num_groups", 32)
    if groups is None:
        options.refuse("norm_num_groups", groups)
    says = differing({"groups": groups, "eps": options.take("norm_eps", 1e-5)}, groups=32, eps=1e-5)
    return {"type": "group", **says} if says else {}


def method(options: Options) -> str:
    """How blocks take the embedding."""
    name = options.take("resnet_time_scale_shift", "default")
    if name not in ("default", "scale_shift"):
        options.refuse("resnet_time_scale_shift", name)
    return "add" if name == "default" else "scale-shift"


def kinds(options: Options, key: str, default: Sequence[str], known: Any) -> list[str]:
    """The classes of the blocks of one side, those that archkit has a counterpart for."""
    names = list(options.take(key, default))
    for name in dict.fromkeys(n for n in names if n not in known):
        options.refuse(key, name)
    return names


def pooling(options: Options) -> Says:
    """A convolution that strides."""
    padding = options.take("downsample_padding", 1)
    if padding not in (0, 1):
        options.refuse("downsample_padding", padding)
    return {"type": "conv", "padding": "end"} if padding == 0 else {"type": "conv"}
