"""k-diffusion's image_transformer_v2, the hourglass diffusion transformer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import lcm
from typing import Any, Literal

from archkit import Codebase, Config, Importer, Options, Table

from .patches import Patches
from .rows import Says, differing, finished


class HDiT(Importer):
    """An `image_transformer_v2` of k-diffusion, by its JSON config or its constructor's arguments.

    By the config, the denoiser; by the arguments, the network alone, told ¼ ln σ. Its `aug_cond`
    is the condition ``augment``, `class_cond` ``label`` and `mapping_cond` ``mapping_cond``.

    References:
        | Scalable High-Resolution Pixel-Space Image Synthesis with Hourglass Diffusion
          Transformers (Crowson et al., 2024)
        | https://arxiv.org/abs/2401.11605
    """

    type: Literal["hdit"] = "hdit"

    def reads(self, config: Config) -> bool:
        return {"levels", "mapping"} <= set(config) or _is(config) or _is(config.get("model"))

    def spec(self, config: Config) -> dict[str, Any]:
        options = Options(_arguments(config), "image_transformer_v2")
        levels, mapping = options.take("levels"), options.take("mapping")
        sizes = options.take("patch_size")
        fewest = [n * _fewest(levels) for n in sizes]
        size = sizes[0] if len(set(sizes)) == 1 else list(sizes)
        into, out = options.take("in_channels"), options.take("out_channels")
        told = {
            **_time(mapping["width"]),
            **_conditions(options, into),
            "embedding": _mapping(mapping),
        }
        says: Says = {
            "input": {"channels": into, "size": options.take("input_size") or fewest},
            "output": {} if out == into else {"channels": out},
            "prediction": {"type": "sample", "path": "edm"},
            "conditioning": told,
            "layout": "hourglass",
            "block": _SHARED,
            "stem": {"type": "patch", "size": size, "bias": False},
            "head": {"type": "patch", "norm": "rms", "size": size, "bias": False},
            "pooling": {"type": "unshuffle", "width": "next", "bias": False},
            "upsampling": {"type": "shuffle", "width": "next", "bias": False},
            "skip": "lerp",
            **_rows(levels, options),
        }
        if sigma := options.take("sigma_data"):
            says["precondition"] = {
                "type": "edm",
                **differing({"sigma_data": sigma}, sigma_data=0.5),
            }
        options.close()
        return finished("image-transformer-v2", says)

    def codebase(self, config: Config) -> Codebase:
        arguments = _arguments(config)
        size = tuple(arguments["patch_size"])
        splits = range(len(arguments["levels"]) - 1)
        return _NAMES.but(
            places={f"decoder.{level}.upsampling": f"splits.{level}" for level in splits},
            tables={
                "stem.patch": {"patches.conv": Patches("proj", size)},
                "head.patch": {
                    "norm.weight": "out_norm.scale",
                    "linear": Patches("patch_out.proj", size, apart=True),
                },
            },
        )


_SHARED: Says = {
    **{"type": "transformer", "norm": {"type": "rms", "affine": False}, "similarity": "cosine"},
    **{"positions": "axial", "gated": True, "linear_bias": False},
}
# What changes nothing in the network.
_TRAINING = """loss_config loss_weighting loss_scales augment_prob sigma_min sigma_max
    sigma_sample_density""".split()


def _is(config: Any) -> bool:
    return isinstance(config, Mapping) and config.get("type") == "image_transformer_v2"


def _arguments(config: Config) -> dict[str, Any]:
    """The constructor's arguments, and size and deviation of the data, out of either form."""
    if "levels" in config:
        return dict(config)
    data = config.get("dataset", {})
    model = {**config.get("model", config)}
    for key in ("type", *_TRAINING):
        model.pop(key, None)
    widths, depths = model.pop("widths"), model.pop("depths")
    attends = model.pop("self_attns", None)
    if attends is None:
        attends = [{"type": "neighborhood"}] * (len(widths) - 1) + [{"type": "global"}]
    inner = model.pop("d_ffs", None) or [3 * width for width in widths]
    dropout = model.pop("dropout_rate", 0.0)
    dropped = dropout if isinstance(dropout, list | tuple) else [dropout] * len(widths)
    rows = zip(depths, widths, inner, attends, dropped, strict=True)
    names = ("depth", "width", "d_ff", "self_attn", "dropout")
    width = model.pop("mapping_width", 256)
    channels = model.pop("input_channels")
    return {
        "levels": [dict(zip(names, row, strict=True)) for row in rows],
        "mapping": {
            **{"depth": model.pop("mapping_depth", 2), "width": width},
            "d_ff": model.pop("mapping_d_ff", None) or 3 * width,
            "dropout": model.pop("mapping_dropout_rate", 0.0),
        },
        "in_channels": channels,
        "out_channels": channels,
        "num_classes": data.get("num_classes", 0),
        "cond_dropout_rate": data.get("cond_dropout_rate", 0.0),
        "sigma_data": 1.0,
        **model,
    }


def _fewest(levels: Sequence[Mapping[str, Any]]) -> int:
    """Patches along an axis that suit every level, and the window or neighbourhood it has."""
    looks = [level["self_attn"] for level in levels]
    reach = (look.get("window_size", look.get("kernel_size", 1)) for look in looks)
    return lcm(*(2**level * size for level, size in enumerate(reach)))


def _time(width: int) -> Says:
    time = {"type": "fourier", "std": 1, "channels": width, "width": width}
    return {"time": {**time, "layers": 1, "bias": False}}


def _conditions(options: Options, channels: int) -> Says:
    told: Says = {"augment": {"type": "fourier", "channels": 9, "bias": False}}
    dropped = options.take("cond_dropout_rate")
    if classes := options.take("num_classes", 0):
        told["label"] = {"type": "label", "classes": classes}
        if dropped is not None:  # a config counts the classes without the null, which there is
            told["label"]["dropout"] = dropped
    if numbers := options.take("mapping_cond_dim", 0):
        told["mapping_cond"] = {
            **{"type": "vector", "channels": numbers, "layers": 1, "bias": False}
        }
    return told


def _mapping(mapping: Mapping[str, Any]) -> Says:
    says = {
        "depth": mapping["depth"],
        "expansion": mapping["d_ff"] / mapping["width"],
        "dropout": mapping.get("dropout", 0.0),
    }
    return {"type": "mapping", **differing(says, depth=2, expansion=3.0, dropout=0.0)}


def _rows(levels: Sequence[Mapping[str, Any]], options: Options) -> Says:
    """A row for each level; windows are moved in every other block, on the way down and up."""
    encoder: list[Says] = []
    decoder: list[Says] = []
    for level in levels:
        look, depth = dict(level["self_attn"]), level["depth"]
        block: Says = {
            "head_width": look.get("d_head", 64),
            **differing({"dropout": level.get("dropout", 0.0)}, dropout=0.0),
            "expansion": level["d_ff"] / level["width"],
        }
        row: Says = {"channels": level["width"], "blocks": depth, "block": block}
        up: Says = {}
        if look["type"] == "neighborhood":
            block |= {"area": "neighbours", "size": look.get("kernel_size", 7)}
        elif look["type"] == "shifted-window":
            size = look["window_size"]
            block |= {"area": "windows", "size": size}
            moved = [{"shift": index % 2 * (size // 2)} for index in range(2 * depth)]
            row["blocks"], up = moved[:depth], {"blocks": moved[depth:]}
        elif look["type"] != "global":
            options.refuse("self_attn", look)
        encoder.append(row)
        decoder.append(up)
    return {"encoder": encoder, **({"decoder": decoder[:-1]} if any(decoder[:-1]) else {})}


_LAYER: Table = {
    "norm1.linear": "self_attn.norm.linear",
    "attention.qkv": "self_attn.qkv_proj",
    "attention.scale": "self_attn.scale",
    "attention.out": "self_attn.out_proj",
    "norm2.linear": "ff.norm.linear",
    "feed_forward.up": "ff.up_proj",
    "feed_forward.down": "ff.down_proj",
}
_NAMES = Codebase(
    "hdit",
    places={
        **{"stem": "patch_in", "head": "", "time.fourier": "", "condition.fourier": ""},
        **{"condition.label": "class_emb", "condition.vector": "mapping_cond_in_proj"},
        "embedding.mapping": "mapping",
        "encoder.block": "down_levels.{level}.{unit}",
        "bottleneck.block": "mid_level.{unit}",
        "decoder.block": "up_levels.{level}.{unit}",
        "down": "merges.{level}",
        "join": "splits.{level}",
    },
    tables={
        "block.transformer": _LAYER,
        "pooling.unshuffle": {"conv": Patches("proj", (2, 2))},
        "upsampling.shuffle": {"conv": Patches("proj", (2, 2), apart=True)},
        "skip.lerp": {"share": "fac"},
        "time.fourier": {"features.frequencies": "time_emb.weight", "linear1": "time_in_proj"},
        "condition.fourier": {"projections": "aug_emb.weight", "linear": "aug_in_proj"},
        "condition.label": {"table": ""},
        "condition.vector": {"linear1": ""},
        "embedding.mapping": {
            "enter.weight": "in_norm.scale",
            "norms.*.weight": "blocks.*.norm.scale",
            "layers.*.up": "blocks.*.up_proj",
            "layers.*.down": "blocks.*.down_proj",
            "leave.weight": "out_norm.scale",
        },
    },
    dropped={"*.pos_emb.freqs": "it follows from the width of the heads"},
    inside=("inner_model.",),
)
