"""MONAI's DiffusionModelUNet."""

from __future__ import annotations

from typing import Any, Literal

from archkit import Codebase, Config, Importer, Options, Table

from .rows import Attention, Rows, Says, differing, finished
from .tables import TRANSFORMER

_LAYER = "transformer_blocks.*"
_CONVOLUTION: Table = {"": "conv"}
_RESNET: Table = {
    "norm1": "norm1",
    "conv1": "conv1.conv",
    "embedding": "time_emb_proj",
    "norm2": "norm2",
    "conv2": "conv2.conv",
    "shortcut": "skip_connection.conv",
}

MONAI = Codebase(
    "monai",
    places={
        "stem": "conv_in",
        "encoder.block": "down_blocks.{level}.resnets.{unit}",
        "encoder.attention": "down_blocks.{level}.attentions.{unit}",
        "down": "down_blocks.{level}.downsampler",
        "bottleneck.block": "middle_block.resnet_{nth}",
        "bottleneck.attention": "middle_block.attention",
        "decoder.block": "up_blocks.{rise}.resnets.{unit}",
        "decoder.attention": "up_blocks.{rise}.attentions.{unit}",
        "up": "up_blocks.{rise}.upsampler",
        "head": "out",
        "conditioning.time": "time_embed",
        "condition.label": "class_embedding",
    },
    tables={
        "block.resnet": _RESNET,
        "attention.self": {
            "norm": "norm",
            "qkv": ("attn.to_q", "attn.to_k", "attn.to_v"),
            "out": "attn.out_proj",
        },
        "attention.transformer": {
            **TRANSFORMER,
            "enter": "proj_in.conv",
            "leave": "proj_out.conv",
            "layers.*.attention.out": f"{_LAYER}.attn1.out_proj",
            "layers.*.cross.0.out": f"{_LAYER}.attn2.out_proj",
            "layers.*.feed_forward.up": f"{_LAYER}.ff.linear1",
            "layers.*.feed_forward.down": f"{_LAYER}.ff.linear2",
        },
        "pooling.conv": {"": "op.conv"},
        "pooling.block": _RESNET,
        "upsampling.nearest": {"conv": "postconv.conv"},
        "upsampling.block": _RESNET,
        "stem.conv": _CONVOLUTION,
        "head.conv": {"norm": "0", "conv": "2.conv"},
        "time.sinusoidal": {"linear1": "0", "linear2": "2"},
        "condition.label": {"table": ""},
    },
)


class Monai(Importer):
    """A `DiffusionModelUNet`, by the arguments of its constructor.

    The original's `context` is the condition ``text``, its `class_labels` are ``label``.

    References:
        | Generative AI for Medical Imaging: extending the MONAI Framework (Pinaya et al., 2023)
        | https://arxiv.org/abs/2307.15208
    """

    type: Literal["monai"] = "monai"

    def spec(self, config: Config) -> dict[str, Any]:
        options = Options(config, "MONAI's DiffusionModelUNet")
        options.only("include_fc", True)
        options.only("use_combined_linear", False)
        # How attention is computed and trained changes no number of the answer.
        options.skip("upcast_attention", "use_flash_attention", "dropout_cattn")
        says = _sample(options)
        groups, eps = options.take("norm_num_groups", 32), options.take("norm_eps", 1e-6)
        says["norm"] = {"type": "group", **differing({"groups": groups, "eps": eps}, groups=32)}
        crosses = options.take("with_conditioning", False)
        context, classes = options.take("cross_attention_dim"), options.take("num_class_embeds")
        if crosses:
            says["conditioning"]["text"] = {"type": "sequence", "channels": context}
        if classes:
            says["conditioning"]["label"] = {"type": "label", "classes": classes}
        kind = {"type": "transformer" if crosses else "self"}
        says |= _rows(options, crosses).spec(kind)
        options.close()
        return finished("monai", says)

    def codebase(self, config: Config) -> Codebase:
        return MONAI


def _sample(options: Options) -> Says:
    """Sample and output; more channels in than out are an image that joins the sample."""
    into, out = options.take("in_channels"), options.take("out_channels")
    sample = {"channels": min(into, out), "size": 32, "dims": options.take("spatial_dims")}
    says: Says = {"input": sample, "prediction": "noise", "conditioning": {}}
    if into > out:
        says["conditioning"]["image"] = {"type": "image", "channels": into - out}
    elif out > into:
        says |= {"output": {"channels": out}, "prediction": "none"}
    return says


def _rows(options: Options, crosses: bool) -> Rows:
    widths = options.take("channels", (32, 64, 64, 64))
    n = len(widths)
    lit = options.take("attention_levels", (False, False, True, True))
    parts = _each(options.take("num_head_channels", 8), n)
    depth = options.take("transformer_num_layers", 1)
    each: list[Says] = [
        {"head_width": part, **({"depth": depth} if crosses else {})} for part in parts
    ]
    inside = options.take("resblock_updown", False)
    attention: list[Attention] = [a if on else False for a, on in zip(each, lit, strict=True)]
    pooling: Says = {"type": "block", "by": "avg"} if inside else {"type": "conv"}
    upsampling: Says = {"type": "block", "by": "nearest"} if inside else {"type": "nearest"}
    return Rows(
        widths,
        _each(options.take("num_res_blocks", (2, 2, 2, 2)), n),
        attention,
        attention,
        each[-1],
        [pooling] * (n - 1),
        [upsampling] * (n - 1),
    )


def _each(value: Any, levels: int) -> list[Any]:
    """One value for each level, from one for all or a list."""
    return list(value) if isinstance(value, list | tuple) else [value] * levels
