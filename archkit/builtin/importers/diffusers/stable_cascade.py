"""diffusers' StableCascadeUNet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archkit import Codebase, Config, Options, Table

from ..rows import Says, differing, finished

LAYER = ("SDCascadeResBlock", "SDCascadeTimestepBlock", "SDCascadeAttnBlock")
_NORM = {"type": "layer", "affine": False, "eps": 1e-6}
TELLS = ("sca", "crp")
_WIDTHS, _TYPES = (2048, 2048), (LAYER, LAYER)


def spec(config: Config) -> Says:
    """The spec of a config; raises SpecError naming every option without counterpart.

    The time counts a thousand steps: theirs is a thousandth of it. `clip_text` is the condition
    ``text``, `clip_text_pooled` ``pooled`` and `clip_img` ``image``, sequences all three.
    """
    options = Options(config, "StableCascadeUNet")
    widths = list(options.take("block_out_channels", _WIDTHS))
    size, channels = options.take("patch_size", 1), options.take("in_channels", 16)
    out, told = options.take("out_channels", 16), _told(options)
    kernel = options.take("kernel_size", 3)
    says: Says = {
        "input": {"channels": channels, "size": size * 2 ** len(widths)},
        **({} if out == channels else {"output": {"channels": out}, "prediction": "none"}),
        "conditioning": told,
        "layout": "k-diffusion",
        "stem": {"type": "patch", "size": size, "out_norm": _NORM},
        "head": {"type": "patch", "size": size, "norm": _NORM},
        "block": {
            **{"type": "stable-cascade", "vectors": 1 + sum(name in told for name in TELLS)},
            **differing({"kernel": kernel}, kernel=3),
        },
        **_resamplers(options),
        **_rows(options, widths),
    }
    says.setdefault("prediction", {"type": "noise", "path": "cosine"})
    options.close()
    return finished("stable-cascade-unet", says)


def _told(options: Options) -> Says:
    """Time and conditions."""
    features = options.take("timestep_ratio_embedding_dim", 64)
    waves = {"order": "sin-cos", "shift": 1}
    told: Says = {
        "time": {**{"type": "sinusoidal", "channels": features, "layers": 0, "scale": 10}, **waves},
        "embedding": {"type": "concat", "activation": "none"},
    }
    kinds = options.take("timestep_conditioning_type", TELLS)
    if not set(kinds) <= set(TELLS) or len(set(kinds)) < len(kinds):
        options.refuse("timestep_conditioning_type", list(kinds))
    told |= {kind: {"type": "number", "scale": 10000, **waves} for kind in kinds}
    width, tokens = options.take("conditioning_dim", 2048), options.take("clip_seq", 4)
    made: Says = {"type": "expanded", "width": width}
    text, image = options.take("clip_text_in_channels"), options.take("clip_image_in_channels")
    if (text is None) != (image is None):
        options.refuse("clip_text_in_channels", text, "it is used together with an image alone")
    if text and image:
        told["text"] = {**made, "channels": text, "vectors": 77}
        told["image"] = {**made, "channels": image, "tokens": tokens}
    pooled = options.take("clip_text_pooled_in_channels", 1280)
    told["pooled"] = {**made, "channels": pooled, "tokens": tokens}
    if effnet := options.take("effnet_in_channels"):
        told["effnet"] = {"type": "mapped-image", "channels": effnet}
    if pixels := options.take("pixel_mapper_in_channels"):
        image_of = {"type": "mapped-image", "channels": pixels, "resized": "last"}
        told["pixels"] = {**image_of, "optional": True}
    return told


def _resamplers(options: Options) -> Says:
    switches = options.take("switch_level")
    down: Says | str = {"type": "conv", "kernel": 2, "width": "next"}
    up: Says | str = "transposed"
    if switches is not None:
        if any(switches):
            options.refuse("switch_level", list(switches))
        down = {"type": "unshuffle", "stride": 1, "width": "next"}
        up = {"type": "shuffle", "width": "next"}
    return {
        "pooling": {"type": "normed", "norm": _NORM, "by": down},
        "upsampling": {"type": "normed", "norm": _NORM, "by": up},
    }


def _rows(options: Options, widths: Sequence[int]) -> Says:
    count, types = len(widths), _types(options.take("block_types_per_layer", _TYPES))
    down, up = _depths(options, "down", count), _depths(options, "up", count)
    heads = options.take("num_attention_heads", (32, 32))
    dropout, itself = options.take("dropout", (0.1, 0.1)), options.take("self_attn", True)
    dropped = list(dropout) if isinstance(dropout, list | tuple) else [dropout] * count
    if not all(itself if isinstance(itself, list | tuple) else [itself]):
        options.refuse("self_attn", itself)
    if any(each not in (LAYER, LAYER[:2]) for each in types):
        options.refuse("block_types_per_layer", [list(each) for each in types])
    shared = [
        {
            **({"heads": heads[level]} if each == LAYER else {}),
            **differing({"dropout": dropped[level]}, dropout=0.0),
        }
        for level, each in enumerate(types)
    ]
    rows: Says = {
        "encoder": [
            {"channels": width, "blocks": 1, "block": {**own, **layers}}
            for width, own, layers in zip(widths, shared, down, strict=True)
        ]
    }
    if up != down:
        rows["decoder"] = [
            # A row has what the encoder's has, unless it says otherwise.
            {"block": {**own, **dict.fromkeys(below.keys() - layers.keys(), 1), **layers}}
            for own, below, layers in zip(shared, down, up, strict=True)
        ]
    return rows


def _types(says: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    return [tuple(each) for each in says]


def _depths(options: Options, way: str, count: int) -> list[Says]:
    """Layers of each level, the finest first, and how often they run."""
    usual = {"down": (8, 24), "up": (24, 8)}[way]
    layers = options.take(f"{way}_num_layers_per_block", usual)
    times = options.take(f"{way}_blocks_repeat_mappers", (1,) * count) or (1,) * count
    rows = [
        {"depth": depth, **differing({"repeats": repeats}, repeats=1)}
        for depth, repeats in zip(layers, times, strict=True)
    ]
    return rows[::-1] if way == "up" else rows


def codebase(config: Config, usual: Codebase) -> Codebase:
    """The names of a network; the layers of a stage are numbered with all that is in them."""
    types = _types(config.get("block_types_per_layer", _TYPES))
    levels, tells = len(types), config.get("timestep_conditioning_type", TELLS)
    tables: dict[str, Table] = {}
    places: dict[str, str] = {}
    for level, each in enumerate(types):
        rise = levels - 1 - level
        for way, index in (("down", level), ("up", rise)):
            side = {"down": "encoder", "up": "decoder"}[way]
            depths = config.get(
                f"{way}_num_layers_per_block", {"down": (8, 24), "up": (24, 8)}[way]
            )
            path = f"{side}.{level}.blocks.0.block"
            tables[path] = _stage(way, index, len(each), depths[index], tells)
        places[f"encoder.{level}.pooling"] = f"down_downscalers.{level + 1}"
    switched = config.get("switch_level") is not None
    return _NAMES.but(places, {**tables, **_resampled(switched)})


def _stage(way: str, index: int, step: int, depth: int, tells: Sequence[str]) -> Table:
    table: dict[str, Any] = {"between.*": f"{way}_repeat_mappers.{index}.*"}
    for layer in range(depth):
        ours = f"layers.{layer}"
        block, told, look = (f"{way}_blocks.{index}.{step * layer + i}" for i in range(3))
        table |= {
            f"{ours}.block.conv": f"{block}.depthwise",
            f"{ours}.block.up": f"{block}.channelwise.0",
            f"{ours}.block.response.scale": f"{block}.channelwise.2.gamma",
            f"{ours}.block.response.shift": f"{block}.channelwise.2.beta",
            f"{ours}.block.down": f"{block}.channelwise.4",
            f"{ours}.modulation.layers.0": f"{told}.mapper",
            **{
                f"{ours}.modulation.layers.{i}": f"{told}.mapper_{name}"
                for i, name in enumerate(tells, start=1)
            },
            f"{ours}.attention.context": f"{look}.kv_mapper.1",
            f"{ours}.attention.q": f"{look}.attention.to_q",
            f"{ours}.attention.kv": (f"{look}.attention.to_k", f"{look}.attention.to_v"),
            f"{ours}.attention.out": f"{look}.attention.to_out.0",
        }
    return table


def _resampled(switched: bool) -> Mapping[str, Table]:
    down: Table = {"by.conv": "1.blocks.0"} if switched else {"by": "1"}
    up: Table = {"by.conv": "1.blocks.1"} if switched else {"by": "1"}
    return {"pooling.normed": down, "upsampling.normed": up}


_NAMES = Codebase(
    "diffusers",
    places={
        **{"stem": "embedding.1", "head": "clf.1", "encoder.block": "", "decoder.block": ""},
        "up": "up_upscalers.{rise}",
        "conditioning.text": "clip_txt_mapper",
        "conditioning.pooled": "clip_txt_pooled_mapper",
        "conditioning.image": "clip_img_mapper",
        "conditioning.effnet": "effnet_mapper",
        "conditioning.pixels": "pixels_mapper",
    },
    tables={
        "stem.patch": {"patches.conv": ""},
        "head.patch": {"linear": ""},
        "condition.expanded": {"linear": ""},
        "condition.mapped-image": {"conv1": "0", "conv2": "2"},
    },
)
