"""Diffusion Policy's ConditionalUnet1D."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from archkit import Codebase, Config, Importer, Options, Table

from .rows import Says, finished

if TYPE_CHECKING:
    from torch import Tensor, nn


class DiffusionPolicy(Importer):
    """A `ConditionalUnet1D` of Diffusion Policy, by the arguments of its constructor.

    Its `global_cond` is the condition ``observation``. It takes samples as (B, time, channels), and
    ours as (B, channels, time).

    References:
        | Diffusion Policy: Visuomotor Policy Learning via Action Diffusion (Chi et al., 2023)
        | https://arxiv.org/abs/2303.04137
    """

    type: Literal["diffusion-policy"] = "diffusion-policy"

    def reads(self, config: Config) -> bool:
        named = str(config.get("_target_", "")).endswith("ConditionalUnet1D")
        return named or {"input_dim", "cond_predict_scale"} <= set(config)

    def spec(self, config: Config) -> dict[str, Any]:
        options = Options(config, "ConditionalUnet1D")
        options.skip("_target_")
        options.only("local_cond_dim", None)
        widths = list(options.take("down_dims", (256, 512, 1024)))
        kernel, groups = options.take("kernel_size", 3), options.take("n_groups", 8)
        features = options.take("diffusion_step_embed_dim", 256)
        told: Says = {
            "time": {
                **{"type": "sinusoidal", "channels": features, "order": "sin-cos", "shift": 1},
                **{"hidden": 4 * features, "width": features},
            }
        }
        if options.take("cond_predict_scale", False):
            told["method"] = "scale-shift"
        if observed := options.take("global_cond_dim"):
            told["embedding"] = "concat"
            told["observation"] = {"type": "vector", "channels": observed, "layers": 0}
        says: Says = {
            "input": {"channels": options.take("input_dim"), "size": [4 * 2 ** (len(widths) - 1)]},
            "prediction": {"type": "noise", "path": "cosine"},
            "conditioning": told,
            "activation": "mish",
            "norm": {"type": "group", "groups": groups},
            "block": {"type": "residual", "kernel": kernel, "enters": "activation"},
            "layout": "diffuser",
            "upsampling": {"type": "transposed", "kernel": 4, "width": "keep"},
            "head": {
                **{"type": "conv", "kernel": 1, "norm": "none", "activation": "none"},
                "zero_init": False,
            },
            "encoder": [{"channels": width, "blocks": 2} for width in widths],
            "decoder": [
                {"channels": widths[0], "blocks": 1, "skip": "none", "block": _end(kernel, groups)},
                *({"channels": width} for width in widths[:-1]),
            ],
        }
        options.close()
        return finished("conditional-unet-1d", says)

    def codebase(self, config: Config) -> Codebase:
        if config.get("cond_predict_scale", False):
            return _NAMES
        return _NAMES.but(tables={"block.residual": {**_BLOCK, "branch.embedding.bias": _BIAS}})


def _end(kernel: int, groups: int) -> Says:
    """The last convolution, whose norm has eight groups, whatever `n_groups` says."""
    norm: Says = {"type": "group", "groups": 8}
    return {
        **{"type": "conv", "kernel": kernel, "method": "none"},
        **({} if groups == 8 else {"norm": norm}),
    }


@dataclass(frozen=True, slots=True)
class LessOne:
    """A bias whose first half is a scale: theirs is s, and ours is added to one."""

    name: str

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def how(self) -> str:
        return "less one where it scales"

    def make(self, theirs: Sequence[Tensor], module: nn.Module) -> Tensor:
        (bias,) = theirs
        less = bias.clone()
        less[: len(bias) // 2] -= 1
        return less


_BIAS = "cond_encoder.1.bias"
_BLOCK: Table = {
    "branch.convs.*": "blocks.*.block.0",
    "branch.norms.*": "blocks.*.block.1",
    "branch.embedding": "cond_encoder.1",
    "branch.embedding.bias": LessOne(_BIAS),
    "shortcut.conv": "residual_conv",
}
_NAMES = Codebase(
    "diffusion-policy",
    places={
        "time.sinusoidal": "diffusion_step_encoder",
        "encoder.block": "down_modules.{level}.{unit}",
        "down": "down_modules.{level}.2",
        "bottleneck.block": "mid_modules.{unit}",
        "decoder.0.blocks.0.block": "final_conv.0.block",
        "decoder.block": "up_modules.{rise}.{unit}",
        "up": "up_modules.{rise}.2",
        "head": "final_conv.1",
    },
    tables={
        "time.sinusoidal": {"linear1": "1", "linear2": "3"},
        "block.residual": _BLOCK,
        "decoder.0.blocks.0.block": {"convs.0": "0", "norms.0": "1"},
        "pooling.conv": {"": "conv"},
        "upsampling.transposed": {"": "conv"},
        "head.conv": {"conv": ""},
    },
    inside=("model.",),
)
