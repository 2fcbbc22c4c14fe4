"""denoising-diffusion-pytorch's Unet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from archkit import Codebase, Config, Importer, Options, Table

from .imagen import OWN
from .rows import Says, differing, finished

if TYPE_CHECKING:
    from torch import Tensor, nn

_NORM: Says = {"type": "rms", "eps": 1e-24}


@dataclass(frozen=True, slots=True)
class Turned:
    """A memory whose channels stand before its tokens: (2, heads, width, memory)."""

    name: str
    how: str = "turned"

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def make(self, theirs: Sequence[Tensor], module: nn.Module) -> Tensor:
        (tensor,) = theirs
        return tensor.transpose(2, 3)


_LOOK: Table = {"norm.weight": "norm.g", "qkv": "to_qkv"}
_TABLES: dict[str, Table] = {
    "stem.conv": {"": ""},
    "block.residual": {
        "branch.embedding": "mlp.1",
        "branch.convs.0": "block1.proj",
        "branch.norms.0.weight": "block1.norm.g",
        "branch.convs.1": "block2.proj",
        "branch.norms.1.weight": "block2.norm.g",
        "shortcut.conv": "res_conv",
    },
    "attention.self": {**_LOOK, "memory": "mem_kv", "out": "to_out"},
    "attention.linear": {
        **_LOOK,
        "memory": Turned("mem_kv"),
        "out": "to_out.0",
        "out_norm.weight": "to_out.1.g",
    },
    "pooling.unshuffle": {"conv": "1"},
    "pooling.conv": {"": ""},
    "upsampling.nearest": {"conv": "1"},
    "output.upsampling": {"conv": ""},
    "time.sinusoidal": {"linear1": "1", "linear2": "3"},
    "time.learned": {"features.frequencies": "0.weights", "linear1": "1", "linear2": "3"},
    "head.conv": {"conv": ""},
}


class Lucidrains(Importer):
    """A `Unet` of denoising-diffusion-pytorch, by the arguments of its constructor.

    References:
        | denoising-diffusion-pytorch (Wang), after Ho, Jain, Abbeel, 2020
        | https://github.com/lucidrains/denoising-diffusion-pytorch
    """

    type: Literal["lucidrains"] = "lucidrains"

    def reads(self, config: Config) -> bool:
        return "dim_mults" in config and not OWN & set(config)

    def spec(self, config: Config) -> dict[str, Any]:
        options = Options(config, "denoising-diffusion-pytorch's Unet")
        dim, times = options.need("dim"), options.take("dim_mults", (1, 2, 4, 8))
        widths = [options.take("init_dim") or dim, *(dim * n for n in times)]
        if widths[0] != widths[1]:
            options.refuse("init_dim", widths[0], f"the first stage is {widths[1]} wide")
        options.only("self_condition", False)
        options.only("random_fourier_features", False)
        options.only("dropout", 0, 0.0)
        options.skip("flash_attn")
        says = _sample(options)
        says |= {
            "conditioning": {"time": _time(options, dim), "method": "scale-shift"},
            "layout": "lucidrains",
            "norm": _NORM,
            "block": "residual",
            "upsampling": {"type": "nearest", "width": "next"},
            "stem": {"type": "conv", "kernel": 7},
            "head": {
                **{"type": "conv", "kernel": 1, "zero_init": False},
                **{"norm": "none", "activation": "none"},
            },
            "pooling": {"type": "unshuffle", "width": "next"},
        }
        attention = _attention(options, len(times))
        says["encoder"] = [
            {"channels": c, "blocks": 2, "attention": a}
            for c, a in zip(widths, attention, strict=False)
        ]
        says["encoder"][-1]["pooling"] = {"type": "conv", "stride": 1, "width": "next"}
        bottom = {key: value for key, value in attention[-1].items() if key != "out_norm"}
        says["bottleneck"] = {"channels": widths[-1], "attention": {**bottom, "type": "self"}}
        says["decoder"] = [{"channels": c} for c in widths[1:]]
        options.close()
        return finished("lucidrains", says)

    def codebase(self, config: Config) -> Codebase:
        last = len(config.get("dim_mults", (1, 2, 4, 8))) - 1
        places = {
            "stem": "init_conv",
            "encoder.block": "downs.{level}.{unit}",
            "encoder.attention": "downs.{level}.2",
            "down": "downs.{level}.3",
            "bottleneck.block": "mid_block{nth}",
            "bottleneck.attention": "mid_attn",
            "decoder.block": "ups.{rise}.{unit}",
            "decoder.attention": "ups.{rise}.2",
            "up": "ups.{rise}.3",
            "output.upsampling": f"ups.{last}.3",
            "output.block": "final_res_block",
            "head": "final_conv",
            "conditioning.time": "time_mlp",
        }
        return Codebase("lucidrains", places, _TABLES)


def _sample(options: Options) -> Says:
    channels, out = options.take("channels", 3), options.take("out_dim")
    says: Says = {"input": {"channels": channels, "size": 128}, "prediction": "v"}
    if options.take("learned_variance", False) and out is None:
        says["output"] = {"variance": "learned"}
    elif out not in (None, channels):
        says |= {"output": {"channels": out}, "prediction": "none"}
    return says


def _time(options: Options, dim: int) -> Says:
    learned = options.take("learned_sinusoidal_cond", False)
    channels, period = options.take("learned_sinusoidal_dim", 16), 10000
    period = options.take("sinusoidal_pos_emb_theta", period)
    told: Says = {"type": "sinusoidal", "order": "sin-cos", "shift": 1, "period": float(period)}
    if learned:
        told = {"type": "learned", "channels": channels + 1}
    return {**differing(told, period=10000.0), "activation": "gelu", "width": 4 * dim}


def _attention(options: Options, levels: int) -> list[Says]:
    """The attention of each level: linear, or full in the last."""
    full = options.take("full_attn") or (*(False,) * (levels - 1), True)
    heads, parts = options.take("attn_heads", 4), options.take("attn_dim_head", 32)
    kinds: list[Says] = []
    for i in range(levels):
        count, part = _at(heads, i), _at(parts, i)
        kind: Says = {"heads": count, "width": count * part, "memory": 4, "bias": False}
        type_: Says = {"type": "self"} if _at(full, i) else {"type": "linear", "out_norm": _NORM}
        kinds.append({**type_, **kind})
    return kinds


def _at(value: Any, level: int) -> Any:
    return value[level] if isinstance(value, Sequence) else value
