"""diffusers' ControlNetModel: the half of a UNet2DConditionModel that offers what it taps."""

from __future__ import annotations

from archkit import Codebase, Config, Options

from ..rows import Says
from . import unet2d_condition

WHOLE = (
    "sample_size",
    "out_channels",
    "up_block_types",
    "dropout",
    "conv_in_kernel",
    "conv_out_kernel",
    "time_embedding_dim",
    "class_embeddings_concat",
    "reverse_transformer_layers_per_block",
)
"""Options that a ControlNetModel has not."""
_DOWN = (*("CrossAttnDownBlock2D",) * 3, "DownBlock2D")


def spec(config: Config) -> Says:
    """The spec of a config; raises SpecError naming every option without counterpart."""
    kinds = config.get("down_block_types", _DOWN)
    mirrored = [kind.replace("Down", "Up") for kind in reversed(kinds)]
    options = Options({**config, "up_block_types": mirrored}, "ControlNetModel")
    options.only("controlnet_conditioning_channel_order", "rgb")
    options.only("global_pool_conditions", False)
    hint: Says = {
        "type": "hint",
        "channels": options.take("conditioning_channels", 3),
        "widths": list(options.take("conditioning_embedding_out_channels", (16, 32, 96, 256))),
    }
    says = unet2d_condition.read(options)
    if says.get("activation"):  # the hint has its own, whatever `act_fn` says
        hint["activation"] = "silu"
    says["conditioning"]["hint"] = hint
    middle = says.get("layout", {}).get("middle")
    # Its own middle, where the whole network has another than usual.
    says["layout"] = {"type": "controlnet", **({"middle": f"{middle} offer"} if middle else {})}
    says["head"] = {"type": "conv", "kernel": 1, "norm": "none", "activation": "none"}
    return {**says, "name": "controlnet"}


def codebase(config: Config, usual: Codebase) -> Codebase:
    """The names: those of the whole network, and of what makes it a half."""
    return unet2d_condition.codebase(config, usual).but(
        places={
            "offer": "controlnet_down_blocks.{tap}",
            "bottleneck.offer": "controlnet_mid_block",
            "conditioning.hint": "controlnet_cond_embedding",
        },
        tables={
            "head.conv": {"conv": ""},
            "condition.hint": {
                "convs.0": "conv_in",
                **{f"convs.{i + 1}": f"blocks.{i}" for i in range(16)},
                "last": "conv_out",
            },
        },
    )
