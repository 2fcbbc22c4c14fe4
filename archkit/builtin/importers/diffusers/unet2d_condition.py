"""diffusers' UNet2DConditionModel: Stable Diffusion 1, 2 and XL, and their kin."""

from __future__ import annotations

from collections.abc import Sequence
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
    says["conditioning"] |= _conditioning(options, widths)
    projection = "linear" if options.take("use_linear_projection", False) else "conv"
    transformer = differing({"type": "transformer", "projection": projection}, projection="conv")
    if "text" not in says["conditioning"]:
        transformer["context"] = "itself"
    says |= _rows(options, widths, says).spec(transformer)
    factor = options.take("mid_block_scale_factor", 1)
    if factor != 1:
        says.setdefault("bottleneck", {})["block"] = {"scale": 1 / factor}
    options.close()
    return finished("unet2d-condition-model", says)


def _refused(options: Options) -> None:
    """Options that have one value archkit can say, or none."""
    for key in ("center_input_sample", "dual_cross_attention"):
        options.only(key, False)
    for key in (
        "encoder_hid_dim",
        "encoder_hid_dim_type",
        "num_attention_heads",
        "time_embedding_act_fn",
        "timestep_post_act",
        "cross_attention_norm",
    ):
        options.only(key, None)
    options.only("resnet_skip_time_act", False)
    options.only("resnet_out_scale_factor", 1, 1.0)
    options.only("attention_type", "default")
    options.only("mid_block_only_cross_attention", None, False)
    # The first changes no number since attention is torch's own; the second is of a head that
    # is refused by itself.
    options.skip("upcast_attention", "addition_embed_type_num_heads")


def _conditioning(options: Options, widths: Sequence[int]) -> Says:
    says, stem = _text(options, widths), widths[0]
    order, shift = options.take("flip_sin_to_cos", True), options.take("freq_shift", 0)
    time = _time(options, stem, order, shift)
    if time != {"type": "sinusoidal"}:
        says["time"] = time
    if guidance := options.take("time_cond_proj_dim"):
        says["guidance"] = _linear(guidance, into="time", bias=False)
    width = options.take("projection_class_embeddings_input_dim")
    told = class_labels(options, width, time.get("width", 4 * stem))
    if options.take("class_embeddings_concat", False):
        says["embedding"] = {"type": "concat", "conditions": "time"}
        if not told:
            options.refuse("class_embeddings_concat", True, "say what `class_embed_type` it is")
    says |= told
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


def _text(options: Options, widths: Sequence[int]) -> Says:
    """The text; none where keys and values of each level are as wide as the level (AudioLDM)."""
    cross = options.take("cross_attention_dim", 1280)
    if not isinstance(cross, int):
        if list(cross) == list(widths) and len(set(cross)) > 1:
            return {}
        if len(set(cross)) > 1:
            options.refuse("cross_attention_dim", list(cross))
        cross = cross[0]
    return {"text": {"type": "sequence", "channels": cross}}


def _time(options: Options, stem: int, order: bool, shift: float) -> Says:
    if options.take("time_embedding_type", "positional") == "positional":
        return common.sinusoidal(options, stem, order, shift)
    width = options.take("time_embedding_dim") or 2 * stem
    says = {"type": "fourier", "channels": width, "width": width, "scale": 1.0}
    return {**says, "order": "cos-sin" if order else "sin-cos"}


def class_labels(options: Options, width: Any, time: int) -> Says:
    """What `class_labels` are: classes, or a vector of `width` that becomes as wide as the time."""
    kind, classes = options.take("class_embed_type"), options.take("num_class_embeds")
    if kind is None:
        return {"label": {"type": "label", "classes": classes}} if classes else {}
    if kind == "projection":
        return {"vector": {"type": "vector", "channels": width, "activation": "silu"}}
    if kind == "simple_projection":
        return {"vector": _linear(width)}
    if kind == "identity":
        return {"vector": {"type": "vector", "channels": time, "layers": 0}}
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
    blocks = each(options.take("layers_per_block", 2), n)
    attends = tuple([kind in _CROSS for kind in kinds] for kinds in (down, up))
    encoder, decoder, bottom = _attention(options, widths, blocks, attends)
    conv = common.pooling(options)
    inside = [common.POOLING_BLOCK if k.startswith("Resnet") else conv for k in down[:-1]]
    outside = [
        common.UPSAMPLING_BLOCK if k.startswith("Resnet") else {"type": "nearest"} for k in up[1:]
    ]
    return Rows(
        widths,
        blocks,
        encoder,
        decoder,
        bottom if middle == "UNetMidBlock2DCrossAttn" else False,
        inside,
        outside,
    )


def _attention(
    options: Options, widths: Any, blocks: Sequence[int], attends: Sequence[Sequence[bool]]
) -> tuple[list[Attention], list[Attention], Says]:
    """The transformers of each level on the way down and up, and that of the middle;
    `attention_head_dim` is the number of heads, whatever it is called."""
    n = len(widths)
    heads = each(options.take("attention_head_dim", 8), n)
    if any(w % h for w, h, *lit in zip(widths, heads, *attends, strict=True) if any(lit)):
        options.refuse(
            "attention_head_dim", heads, "give numbers of heads that divide the channels"
        )
    crosses = each(options.take("only_cross_attention", False), n)
    first = [{"first": "cross" if only else "self"} if any(crosses) else {} for only in crosses]
    parts = {w // h for w, h in zip(widths, heads, strict=True)}
    counts: list[Says] = [{"heads": h} for h in heads]
    if len(set(heads)) > 1 and len(parts) == 1:
        counts = [{"head_width": parts.pop()}] * n
    inside, outside, middle = _depths(options, blocks, attends)
    both: list[list[Attention]] = [
        [
            {**count, "depth": depth, **looks} if lit else False
            for count, depth, looks, lit in zip(counts, depths, first, way, strict=True)
        ]
        for depths, way in zip((inside, outside), attends, strict=True)
    ]
    # Whatever the levels have, the middle block looks at its own positions first.
    itself = {"first": "self"} if any(crosses) else {}
    return both[0], both[1], {**counts[-1], "depth": middle, **itself}


def _depths(
    options: Options, blocks: Sequence[int], attends: Sequence[Sequence[bool]]
) -> tuple[list[int], list[int], int]:
    """Layers of the transformers of each level on the way down and up, and of the middle."""
    key, back = "transformer_layers_per_block", "reverse_transformer_layers_per_block"
    down, up = each(options.take(key, 1), len(blocks)), options.take(back)
    ways = ((key, down), (key, down) if up is None else (back, list(up)[::-1]))
    found: list[list[int]] = []
    for (name, depths), lit, more in zip(ways, attends, (0, 1), strict=True):
        used = [
            set(depth[: count + more]) if isinstance(depth, list | tuple) else {depth}
            for depth, count in zip(depths, blocks, strict=True)
        ]
        if any(yes and len(one) > 1 for yes, one in zip(lit, used, strict=True)):
            options.refuse(name, list(depths), "give all transformers of a level one depth")
        found.append([min(one) for one in used])
    last = down[-1]
    return found[0], found[1], last[0] if isinstance(last, list | tuple) else last


def each(value: Any, levels: int) -> list[Any]:
    """One value for each level, from one for all or a list."""
    return list(value) if isinstance(value, list | tuple) else [value] * levels


def codebase(config: Config, usual: Codebase) -> Codebase:
    """The names; a projection of one layer is a linear layer by itself."""
    if config.get("class_embed_type") != "simple_projection":
        return usual
    return usual.but(tables={"conditioning.vector": {"linear1": ""}})
