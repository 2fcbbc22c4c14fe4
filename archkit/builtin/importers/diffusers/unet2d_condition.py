"""diffusers' UNet2DConditionModel: Stable Diffusion 1, 2 and XL, and their kin."""

from __future__ import annotations

from typing import Any

from archkit import Codebase, Config, Options

from ..rows import Attention, Rows, Says, differing, finished
from . import common

_CROSS = ("CrossAttnDownBlock2D", "CrossAttnUpBlock2D")
_DOWN = {"DownBlock2D", "CrossAttnDownBlock2D", "ResnetDownsampleBlock2D"}
_UP = {"UpBlock2D", "CrossAttnUpBlock2D", "ResnetUpsampleBlock2D"}
_MIDDLES = {"UNetMidBlock2DCrossAttn": None, "UNetMidBlock2D": "(block)", None: ""}
_POOLED = 1280  # channels of SDXL's pooled text


def spec(config: Config) -> Says:
    """The spec of a config; raises SpecError naming every option without counterpart."""
    return read(Options(config, "UNet2DConditionModel"))


def read(options: Options) -> Says:
    """The spec that the options say that are left, of this class or of one that shares them."""
    _refused(options)
    widths = options.take("block_out_channels", (320, 640, 1280, 1280))
    says = common.sample(options, 4, len(widths))
    says.setdefault("prediction", {"type": "noise", "path": "scaled-linear"})
    activation = common.activation(options)
    says["activation"] = None if activation == "silu" else activation
    norm = common.norm(options)
    dropout, eps = options.take("dropout", 0.0), norm.pop("eps", None)
    says["norm"] = norm if len(norm) > 1 else None
    if dropout or eps:  # the transformer's norm has an eps of its own
        own = differing({"dropout": dropout, "norm": eps and {"eps": eps}}, dropout=0.0)
        says["block"] = {"type": "resnet", **own}
    stem = options.take("conv_in_kernel", 3)
    says["stem"] = {"type": "conv", "kernel": stem} if stem != 3 else None
    kernel = options.take("conv_out_kernel", 3)
    head = differing({"kernel": kernel, "norm": eps and {"eps": eps}}, kernel=3)
    says["head"] = {"type": "conv", **head} if head else None
    says["conditioning"] |= _conditioning(options, widths[0])
    projection = "linear" if options.take("use_linear_projection", False) else "conv"
    transformer = differing({"type": "transformer", "projection": projection}, projection="conv")
    says |= _rows(options, widths, says).spec(transformer)
    factor = options.take("mid_block_scale_factor", 1)
    if factor != 1:
        says.setdefault("bottleneck", {})["block"] = {"scale": 1 / factor}
    options.close()
    return finished("unet2d-condition-model", says)


def _refused(options: Options) -> None:
    """Options that have one value archkit can say, or none."""
    for key in ("center_input_sample", "dual_cross_attention", "class_embeddings_concat"):
        options.only(key, False)
    for key in (
        "encoder_hid_dim",
        "encoder_hid_dim_type",
        "num_attention_heads",
        "time_embedding_act_fn",
        "timestep_post_act",
        "cross_attention_norm",
        "reverse_transformer_layers_per_block",
    ):
        options.only(key, None)
    options.only("resnet_skip_time_act", False)
    options.only("resnet_out_scale_factor", 1, 1.0)
    options.only("attention_type", "default")
    options.only("mid_block_only_cross_attention", None, False)
    # The first changes no number since attention is torch's own; the second is of a head that
    # is refused by itself.
    options.skip("upcast_attention", "addition_embed_type_num_heads")


def _conditioning(options: Options, stem: int) -> Says:
    cross = options.take("cross_attention_dim", 1280)
    if not isinstance(cross, int):
        if len(set(cross)) > 1:
            options.refuse("cross_attention_dim", list(cross))
        cross = cross[0]
    says: Says = {"text": {"type": "sequence", "channels": cross}}
    order, shift = options.take("flip_sin_to_cos", True), options.take("freq_shift", 0)
    time = _time(options, stem, order, shift)
    if time != {"type": "sinusoidal"}:
        says["time"] = time
    if guidance := options.take("time_cond_proj_dim"):
        says["guidance"] = _linear(guidance, into="time", bias=False)
    width = options.take("projection_class_embeddings_input_dim")
    says |= _class(options, width)
    if (method := common.method(options)) != "add":
        says["method"] = method
    kind = options.take("addition_embed_type")
    ids = options.take("addition_time_embed_dim")
    if kind == "text_time":
        if not order or shift:
            options.refuse("flip_sin_to_cos", order)
        says["micro"] = micro(width, ids)
    elif kind is not None:
        options.refuse("addition_embed_type", kind)
    return says


def _time(options: Options, stem: int, order: bool, shift: float) -> Says:
    if options.take("time_embedding_type", "positional") == "positional":
        return common.sinusoidal(options, stem, order, shift)
    width = options.take("time_embedding_dim") or 2 * stem
    says = {"type": "fourier", "channels": width, "width": width, "scale": 1.0}
    return {**says, "order": "cos-sin" if order else "sin-cos"}


def _class(options: Options, width: int) -> Says:
    kind, classes = options.take("class_embed_type"), options.take("num_class_embeds")
    if kind is None:
        return {"label": {"type": "label", "classes": classes}} if classes else {}
    if kind == "projection":
        return {"vector": {"type": "vector", "channels": width, "activation": "silu"}}
    if kind == "simple_projection":
        return {"vector": _linear(width)}
    options.refuse("class_embed_type", kind)
    return {}


def _linear(channels: int, **says: Any) -> Says:
    return {"type": "vector", "channels": channels, "layers": 1, **says}


def micro(width: int, size_width: int) -> Says:
    """The pooled text and the numbers beside it: six, or five where the text is then as wide as
    SDXL's, as in its refiner; the config does not say."""
    sizes = 5 if width - 5 * size_width == _POOLED else 6
    says = {"channels": width - sizes * size_width, "sizes": sizes, "size_width": size_width}
    return {"type": "vector", **differing(says, size_width=256), "activation": "silu"}


def _rows(options: Options, widths: Any, says: Says) -> Rows:
    n = len(widths)
    down = common.kinds(
        options, "down_block_types", (*("CrossAttnDownBlock2D",) * 3, "DownBlock2D"), _DOWN
    )
    up = common.kinds(options, "up_block_types", ("UpBlock2D", *("CrossAttnUpBlock2D",) * 3), _UP)
    up.reverse()
    middle = options.take("mid_block_type", "UNetMidBlock2DCrossAttn")
    if middle not in _MIDDLES:
        options.refuse("mid_block_type", middle)
    elif (template := _MIDDLES[middle]) is not None:
        says["layout"] = {"type": "ddpm", "middle": template}
    attention = _attention(options, widths)
    # Whatever the levels have, the middle block looks at its own positions first.
    bottom: Attention = {**attention[-1], **({"first": "self"} if "first" in attention[-1] else {})}
    conv = common.pooling(options)
    inside = [common.POOLING_BLOCK if k.startswith("Resnet") else conv for k in down[:-1]]
    outside = [
        common.UPSAMPLING_BLOCK if k.startswith("Resnet") else {"type": "nearest"} for k in up[1:]
    ]
    return Rows(
        widths,
        each(options.take("layers_per_block", 2), n),
        [a if kind in _CROSS else False for a, kind in zip(attention, down, strict=True)],
        [a if kind in _CROSS else False for a, kind in zip(attention, up, strict=True)],
        bottom if middle == "UNetMidBlock2DCrossAttn" else False,
        inside,
        outside,
    )


def _attention(options: Options, widths: Any) -> list[Says]:
    """Heads, depth and what is looked at first, at each level; `attention_head_dim` is the number
    of heads, whatever it is called."""
    heads = each(options.take("attention_head_dim", 8), len(widths))
    depths = each(options.take("transformer_layers_per_block", 1), len(widths))
    if not all(isinstance(depth, int) for depth in depths):
        options.refuse("transformer_layers_per_block", depths)
        depths = [1] * len(widths)
    crosses = each(options.take("only_cross_attention", False), len(widths))
    told: list[Says] = [{"depth": depth} for depth in depths]
    if any(crosses):
        for says, only in zip(told, crosses, strict=True):
            says["first"] = "cross" if only else "self"
    parts = {w // h for w, h in zip(widths, heads, strict=True)}
    if len(set(heads)) > 1 and len(parts) == 1:
        return [{"head_width": part, **rest} for rest in told for part in parts]
    return [{"heads": h, **rest} for h, rest in zip(heads, told, strict=True)]


def each(value: Any, levels: int) -> list[Any]:
    """One value for each level, from one for all or a list."""
    return list(value) if isinstance(value, list | tuple) else [value] * levels


def codebase(config: Config, usual: Codebase) -> Codebase:
    """The names; a projection of one layer is a linear layer by itself."""
    if config.get("class_embed_type") != "simple_projection":
        return usual
    return usual.but(tables={"conditioning.vector": {"linear1": ""}})
