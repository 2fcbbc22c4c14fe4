"""imagen_pytorch's Unet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from archkit import Codebase, Config, Importer, Options, Shapes

from .imagen_cascade import NUMBER, chosen, inside, whole
from .imagen_names import TABLES
from .rows import Says, differing, finished

OWN = {
    *("layer_attns", "layer_cross_attns", "num_resnet_blocks", "memory_efficient", "lowres_cond"),
    NUMBER,
}
"""Options that no other `Unet` of its author has."""
_UNTOLD = "this network is told no text"


class Imagen(Importer):
    """A `Unet` of imagen_pytorch, by the arguments of its constructor, or one of an `Imagen`.

    Where a config or a checkpoint holds several, ``unet_number`` in the config says which, from 1.
    A text is told by its encoded tokens alone: a token of zeros is one that its mask leaves out.
    The small image is ``small``, and what `self_cond` is told, or zeros, is ``estimate``.

    References:
        | imagen-pytorch (Wang), after Saharia et al., 2022
        | https://github.com/lucidrains/imagen-pytorch
    """

    type: Literal["imagen"] = "imagen"

    def reads(self, config: Config) -> bool:
        return bool(OWN & set(config)) or whole(config) is not None

    def told(self, config: Config | None, shapes: Shapes) -> Config | None:
        return None if config is None else chosen(config, shapes)

    def spec(self, config: Config) -> dict[str, Any]:
        options = Options(config, "imagen_pytorch's Unet")
        _without_counterpart(options)
        net = _Net.read(options)
        says: Says = {
            **_sample(options, net),
            "conditioning": {**_vectors(options, net), **_texts(options, net)},
            **_ends(options, net),
            "block": "imagen",
            "pooling": {"type": "unshuffle", "width": "next"},
            "skip": {"type": "concat"},
            "upsampling": {"type": "nearest", "width": "next"},
            **_stages(options, net),
        }
        if options.take("scale_skip_connection", True):
            says["skip"] |= {"scale": "sqrt(1/2)"}
        if options.take("pixel_shuffle_upsample", True):
            says["upsampling"] |= {"type": "shuffle", "then": "silu"}
        options.close()
        return finished("imagen", says)

    def codebase(self, config: Config) -> Codebase:
        levels = len(config.get("dim_mults", (1, 2, 4, 8)))
        efficient = config.get("memory_efficient", False)
        places = {
            "stem": "init_conv",
            "down": "downs.{level}." + ("0" if efficient else "4"),
            "bottleneck.block": "mid_block{nth}",
            "bottleneck.attention": "mid_attn",
            "decoder.attention": "ups.{rise}.2",
            "up": "ups.{rise}.3",
            "output.block": "final_res_block",
            "head": "final_conv",
            **dict.fromkeys(("time.learned", "embedding.sum"), ""),
            **dict.fromkeys((key for key in TABLES if key.startswith("condition.")), ""),
        }
        counts = _each(config.get("num_resnet_blocks", 1), levels)
        for theirs, count in enumerate(counts):
            level, rise = theirs + efficient, levels - 1 - theirs
            places[f"encoder.{level}.attention"] = f"downs.{theirs}.3"
            for side, place in (("encoder", f"downs.{theirs}"), ("decoder", f"ups.{rise}")):
                first = int(side == "encoder")
                for unit in range(count + 1):
                    below = f"{first}" if unit == 0 else f"{first + 1}.{unit - 1}"
                    places[f"{side}.{level}.blocks.{unit}.block"] = f"{place}.{below}"
        if efficient:
            places["encoder.0.blocks.0.block"] = "init_resnet_block"
            places["decoder.0.blocks.0.block"] = "final_res_block"
        dropped = {}
        if not config.get("cond_on_text", True):
            dropped = dict.fromkeys(("null_text_*", "attn_pool.*"), _UNTOLD)
        number = config.get(NUMBER)
        return Codebase("imagen", places, TABLES, dropped, inside(number) if number else ())


def _without_counterpart(options: Options) -> None:
    """Options that archkit has no counterpart for, and those that do nothing."""
    options.only("cond_images_channels", 0)
    options.only("combine_upsample_fmaps", False)
    options.only("cross_embed_downsample", False)
    crosses = options.take("use_linear_cross_attn", False)
    if any(_each(crosses, 1)):
        options.refuse("use_linear_cross_attn", crosses)
    options.skip(NUMBER, "out_dim", "num_image_tokens", "dropout", "layer_attns_add_text_cond")
    options.skip("resize_mode", "cross_embed_downsample_kernel_sizes")


@dataclass(frozen=True)
class _Net:
    """What several parts of a spec depend on; `widths` are those of the stem and of each level."""

    dim: int
    widths: tuple[int, ...]
    channels: int
    cond: int
    heads: int
    inner: int
    small: bool
    efficient: bool

    @classmethod
    def read(cls, options: Options) -> _Net:
        dim, times = options.need("dim"), options.take("dim_mults", (1, 2, 4, 8))
        widths = (options.take("init_dim") or dim, *(dim * n for n in times))
        efficient, heads = options.take("memory_efficient", False), options.take("attn_heads", 8)
        said = ("init_dim", widths[0]) if efficient else ("dim_mults", list(times))
        if dim != widths[0 if efficient else 1]:
            mend = f"the last block is {dim} wide, and so has to be what comes before it"
            options.refuse(said[0], said[1], mend)
        channels, cond = options.take("channels", 3), options.take("cond_dim") or dim
        inner = heads * options.take("attn_dim_head", 64)
        small = options.take("lowres_cond", False)
        return cls(dim, widths, channels, cond, heads, inner, small, efficient)


def _sample(options: Options, net: _Net) -> Says:
    out = options.take("channels_out")
    usual = {"type": "noise", "path": {"type": "cosine", "told": "log-snr"}}
    says: Says = {
        "input": {"channels": net.channels, "size": options.take("image_size", 64)},
        "prediction": options.take("prediction", usual),
    }
    if out not in (None, net.channels):
        says |= {"output": {"channels": out}, "prediction": "none"}
    return says


def _vectors(options: Options, net: _Net) -> Says:
    """The time, and what there is of a small image."""
    waves = options.take("learned_sinu_pos_emb_dim", 16)
    time: Says = {"type": "learned", "channels": waves + 1, "layers": 1, "then": "silu"}
    width = 4 * net.dim * (2 if net.small else 1)
    time = {**time, **differing({"width": width}, width=4 * net.widths[0])}
    image = {"type": "image", "channels": net.channels}
    estimate = {"estimate": image} if options.take("self_cond", False) else {}
    if not net.small:
        return {"time": time, "embedding": {"layers": ["time"]}, **estimate}
    return {
        **estimate,
        "time": time,
        "embedding": {"layers": ["time", "noise"]},
        "noise": {"type": "noise-level", "channels": waves + 1},
        "small": image,
        "last": {**image, "of": "small", "into": "head"},
    }


def _texts(options: Options, net: _Net) -> Says:
    """The text, and all that is told as one sequence."""
    text: Says = {
        "type": "resampled",
        "channels": options.take("text_embed_dim", 768),
        "tokens": options.take("max_text_len", 256),
        "width": net.cond,
        "depth": 2 if options.take("attn_pool_text", True) else 0,
        "latents": options.take("attn_pool_num_latents", 32),
        "heads": net.heads,
        "inner": net.inner,
    }
    vectors = ["time", "noise"] if net.small else ["time"]
    told = {"type": "gathered", "tokens": options.take("num_time_tokens", 2)}
    if not options.take("cond_on_text", True):
        return {"told": {**told, "of": vectors, "width": net.cond}}
    pooled = {"type": "averaged", "of": "text"}
    return {"text": text, "pooled": pooled, "told": {**told, "of": [*vectors, "text"]}}


def _ends(options: Options, net: _Net) -> Says:
    """The layout, the stem and the head."""
    layout: Says = {"type": "efficient" if net.efficient else "imagen"}
    last = options.take("final_resnet_block", True)
    kept = options.take("init_conv_to_final_conv_residual", False)
    says: Says = {"layout": layout}
    if net.efficient and kept:
        options.refuse("init_conv_to_final_conv_residual", kept)
    elif kept:
        layout |= {"enter": "stem keep=stem", "leave": "join=stem block head"}
        says["registers"] = {"stem": {"skip": {"type": "concat", "scale": 1.0}}}
    if net.efficient and not last:
        options.refuse("final_resnet_block", last)
    elif not last:
        layout["leave"] = "join=stem head" if kept else "head"
    kernel, kernels = (
        options.take("init_conv_kernel_size", 7),
        options.take("init_cross_embed_kernel_sizes", (3, 7, 15)),
    )
    says["stem"] = {"type": "conv", "kernel": kernel}
    if options.take("init_cross_embed", True):
        says["stem"] = {"type": "cross-embed", "kernels": list(kernels)}
    says["head"] = {
        **{"type": "conv", "norm": "none", "activation": "none"},
        "kernel": options.take("final_conv_kernel_size", 3),
    }
    return says


def _stages(options: Options, net: _Net) -> Says:
    """The stages of both sides, and the bottleneck."""
    levels = len(net.widths) - 1
    counts = _each(options.take("num_resnet_blocks", 1), levels)
    crosses = _each(options.take("layer_cross_attns", True), levels)
    attends = _each(options.take("layer_attns", True), levels)
    depths = _each(options.take("layer_attns_depth", 1), levels)
    sizes = {"heads": net.heads, "inner": net.inner}
    looks = {"type": "imagen", "context": "told", "gate": False, **sizes}
    blind = {"type": "imagen", "gate": False}
    then = {"type": "imagen", "gate": options.take("use_global_context_attn", True)}
    attention = {"type": "imagen", **sizes, "expansion": float(options.take("ff_mult", 2.0))}
    blocks = [[looks if c else blind, *[then] * n] for c, n in zip(crosses, counts, strict=True)]
    linear = options.take("use_linear_attn", False)
    if any(less and not a for less, a in zip(_each(linear, levels), attends, strict=True)):
        options.refuse("use_linear_attn", linear)
    lit = [{**attention, "depth": d} if a else False for a, d in zip(attends, depths, strict=True)]
    rows = [{"blocks": b, "attention": a} for b, a in zip(blocks, lit, strict=True)]
    here, there = (net.widths[1:],) * 2 if net.efficient else (net.widths[:-1], net.widths[1:])
    encoder: list[Says] = [{"channels": c, **row} for c, row in zip(here, rows, strict=True)]
    decoder: list[Says] = [{"channels": c, **row} for c, row in zip(there, rows, strict=True)]
    if net.efficient:
        encoder.insert(0, {"channels": net.widths[0], "blocks": [then]})
        decoder.insert(0, {"blocks": [{"type": "imagen"}], "skip": "none"})
    else:
        encoder[-1]["pooling"] = {"type": "parallel", "width": "next"}
    middle = {"type": "imagen", "context": "none", **sizes, "expansion": 2.0}
    middle["depth"] = options.take("layer_mid_attns_depth", 1)
    bottleneck = {
        "channels": net.widths[-1],
        "block": {"type": "imagen", "context": "told", "gate": False},  # 8 heads of 64, always
        "attention": middle if options.take("attend_at_middle", True) else False,
    }
    return {"encoder": encoder, "bottleneck": bottleneck, "decoder": decoder}


def _each(value: Any, levels: int) -> tuple[Any, ...]:
    """An option of every level, which may be said once for all."""
    return tuple(value) if isinstance(value, list | tuple) else (value,) * levels
