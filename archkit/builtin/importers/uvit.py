"""U-ViT's UViT."""

from __future__ import annotations

from typing import Any, Literal

from archkit import Codebase, Config, Importer, Options, Table

from .patches import Flat, Patches
from .rows import Says, differing, finished


class UViT(Importer):
    """A `UViT`, by the arguments of its constructor; its `y` is the condition ``label``.

    References:
        | All are Worth Words: A ViT Backbone for Diffusion Models (Bao et al., 2023)
        | https://arxiv.org/abs/2209.12152
    """

    type: Literal["uvit"] = "uvit"

    def reads(self, config: Config) -> bool:
        return "mlp_time_embed" in config or config.get("name") == "uvit"

    def spec(self, config: Config) -> dict[str, Any]:
        options = Options(config, "UViT")
        options.skip("name", "use_checkpoint")
        options.only("qk_scale", None)
        options.only("norm_layer", None)
        width, size = options.take("embed_dim", 768), options.take("patch_size", 16)
        block = {"heads": options.take("num_heads", 12), "bias": options.take("qkv_bias", False)}
        block["expansion"] = options.take("mlp_ratio", 4.0)
        time: Says = {"type": "sinusoidal", "into": "tokens", "layers": 0}
        if options.take("mlp_time_embed", False):
            time |= {"layers": 2, "hidden": 4 * width}
        told: Says = {"time": time}
        if (classes := options.take("num_classes", -1)) > 0:
            told["label"] = {"type": "label", "classes": classes, "into": "tokens"}
        kernel = 3 if options.take("conv", True) else None
        skip: Says = {"type": "concat", "fuse": 1}
        says: Says = {
            "input": {
                "channels": options.take("in_chans", 3),
                "size": options.take("img_size", 224),
            },
            "prediction": "noise",
            "conditioning": told,
            "layout": "flat",
            "block": {"type": "transformer", **differing(block, bias=False, expansion=4.0)},
            "stem": {"type": "tokens", "size": size},
            "head": {"type": "tokens", "norm": "layer", "size": size, "kernel": kernel},
            "skip": skip if options.take("skip", True) else "none",
            "encoder": [{"channels": width, "blocks": options.take("depth", 12) // 2}],
        }
        options.close()
        return finished("uvit", says)

    def codebase(self, config: Config) -> Codebase:
        size = config.get("patch_size", 16)
        return _NAMES.but(
            tables={
                "head.tokens": {
                    "norm": "norm",
                    "linear": Patches("decoder_pred", (size, size), apart=True),
                    "conv": "final_layer",
                }
            }
        )


_LAYER: Table = {
    "norm1.norm": "norm1",
    "attention.qkv": "attn.qkv",
    "attention.out": "attn.proj",
    "norm2.norm": "norm2",
    "feed_forward.up": "mlp.fc1",
    "feed_forward.down": "mlp.fc2",
}
_NAMES = Codebase(
    "uvit",
    places={
        **{"stem": "", "head": "", "time.sinusoidal": "time_embed"},
        "condition.label": "label_emb",
        "encoder.block": "in_blocks.{unit}",
        "bottleneck.block": "mid_block",
        "decoder.block": "out_blocks.{unit}",
        "join": "out_blocks.{unit}",
    },
    tables={
        "stem.tokens": {
            "patches.conv.weight": Flat("patch_embed.proj.weight"),
            "patches.conv.bias": "patch_embed.proj.bias",
            "places": "pos_embed",
        },
        "time.sinusoidal": {"linear1": "0", "linear2": "2"},
        "condition.label": {"table": ""},
        "block.transformer": _LAYER,
        "skip.concat": {"fuse": "skip_linear"},
    },
    inside=("module.",),
)
