"""k-diffusion's ImageDenoiserModelV1."""

from __future__ import annotations

from typing import Any, Literal

from archkit import Codebase, Config, Importer, Options

from .rows import Says, differing, finished
from .tables import CONVOLUTION


class KDiffusion(Importer):
    """An `ImageDenoiserModelV1` of k-diffusion, by the arguments of its constructor.

    The network alone, told ¼ ln σ; around it, k-diffusion stands what ``precondition: edm`` is.
    Its `mapping_cond` and `unet_cond` are conditions of the same names.

    References:
        | k-diffusion (Crowson, 2022)
        | https://github.com/crowsonkb/k-diffusion
    """

    type: Literal["k-diffusion"] = "k-diffusion"

    def reads(self, config: Config) -> bool:
        return {"feats_in", "self_attn_depths"} <= set(config)

    def spec(self, config: Config) -> dict[str, Any]:
        options = Options(config, "ImageDenoiserModelV1")
        widths, depths = options.take("channels"), options.take("depths")
        attends = options.take("self_attn_depths")
        if any(options.take("cross_attn_depths") or ()):
            options.refuse("cross_attn_depths", list(config["cross_attn_depths"]))
        for key, only in (("cross_cond_dim", 0), ("patch_size", 1), ("skip_stages", 0)):
            options.only(key, only)
        options.only("has_variance", False)
        features = options.take("feats_in")
        told: Says = {
            "time": {"type": "fourier", "channels": features, "width": features, "std": 1}
        }
        if told_numbers := options.take("mapping_cond_dim", 0):
            vector = {"type": "vector", "channels": told_numbers, "layers": 1, "bias": False}
            told["mapping_cond"] = {**vector, "into": "time"}
        if more := options.take("unet_cond_dim", 0):
            told["unet_cond"] = {"type": "image", "channels": more}
        dropout = differing({"dropout": options.take("dropout_rate", 0.0)}, dropout=0.0)
        says: Says = {
            "input": {"channels": options.take("c_in"), "size": 4 * 2 ** (len(widths) - 1)},
            "prediction": {"type": "sample", "path": "edm"},
            "conditioning": told,
            "layout": "narrowing",
            "activation": "gelu",
            "block": {"type": "adaptive", **dropout},
            "attention": "adaptive",
            "pooling": "filter",
            "upsampling": "filter",
            "stem": {"type": "conv", "kernel": 1},
            "head": {"type": "conv", "kernel": 1, "norm": "none", "activation": "none"},
            "encoder": [
                {"channels": width, "blocks": depth, "attention": bool(attention)}
                for width, depth, attention in zip(widths, depths, attends, strict=True)
            ],
        }
        options.close()
        return finished("image-v1", says)

    def codebase(self, config: Config) -> Codebase:
        return _NAMES


_NAMES = Codebase(
    "k-diffusion",
    places={
        "stem": "proj_in",
        "time.fourier": "",
        "conditioning.mapping_cond": "mapping_cond",
        "encoder.block": "u_net.d_blocks.{level}.{step}",
        "encoder.attention": "u_net.d_blocks.{level}.{step}",
        "decoder.block": "u_net.u_blocks.{rise}.{before}",
        "decoder.attention": "u_net.u_blocks.{rise}.{before}",
        "head": "proj_out",
    },
    tables={
        "stem.conv": CONVOLUTION,
        "time.fourier": {
            "features.frequencies": "timestep_embed.weight",
            "linear1": "mapping.0",
            "linear2": "mapping.2",
        },
        "condition.vector": {"linear1": ""},
        "block.adaptive": {
            "norm1.linear": "main.0.mapper",
            "conv1": "main.2",
            "norm2.linear": "main.4.mapper",
            "conv2": "main.6",
            "shortcut": "skip",
        },
        "attention.adaptive": {
            "own.norm.linear": "norm_in.mapper",
            "own.qkv": "qkv_proj",
            "own.out": "out_proj",
        },
        "head.conv": {"conv": ""},
    },
    dropped={"u_net.*.kernel": "it is a filter that is fixed"},
    inside=("inner_model.",),
)
