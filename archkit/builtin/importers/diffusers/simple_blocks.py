"""diffusers' UNet2DConditionModel with `SimpleCrossAttn` blocks: DeepFloyd IF, Kandinsky 2.2."""

from __future__ import annotations

from archkit import Codebase, Config, Options

from ..rows import Attention, Rows, Says, differing, finished
from . import common, unet2d_condition

_DOWN = {"ResnetDownsampleBlock2D": False, "SimpleCrossAttnDownBlock2D": True}
_UP = {"ResnetUpsampleBlock2D": False, "SimpleCrossAttnUpBlock2D": True}
_CLIP = 32  # tokens that Kandinsky makes of the embedding of an image


def reads(config: Config) -> bool:
    """Whether a config of UNet2DConditionModel has such blocks, and no others."""
    kinds = set(config.get("down_block_types", ()))
    return "SimpleCrossAttnDownBlock2D" in kinds and kinds <= set(_DOWN)


def spec(config: Config) -> Says:
    """The spec of a config; raises SpecError naming every option without counterpart."""
    options = Options(config, "UNet2DConditionModel")
    widths = list(options.take("block_out_channels", (320, 640, 1280, 1280)))
    says = common.sample(options, 4, len(widths))
    says.setdefault("prediction", "noise")
    _refused(options)
    activation = common.activation(options)
    says["activation"] = None if activation == "silu" else activation
    groups = {"groups": options.take("norm_num_groups", 32)}
    eps = {"eps": options.take("norm_eps", 1e-5)}
    says["norm"] = {"type": "group", **groups} if groups != {"groups": 32} else None
    own = differing({"dropout": options.take("dropout", 0.0), "norm": eps}, dropout=0.0)
    if eps == {"eps": 1e-5}:  # that of attention is always so
        own.pop("norm")
    else:
        says["head"] = {"type": "conv", "norm": eps}
    says["block"] = {"type": "resnet", **own} if own else None
    says["conditioning"] |= _told(options, widths[0])
    says |= _rows(options, widths).spec(_joint(options))
    options.close()
    return finished("unet2d-condition-model", says)


def _refused(options: Options) -> None:
    """Options that have one value archkit can say, or none."""
    for key in ("center_input_sample", "resnet_skip_time_act", "class_embeddings_concat"):
        options.only(key, False)
    for key in (
        *("time_cond_proj_dim", "num_attention_heads"),
        *("time_embedding_act_fn", "timestep_post_act"),
    ):
        options.only(key, None)
    options.only("time_embedding_type", "positional")
    options.only("mid_block_type", "UNetMidBlock2DSimpleCrossAttn")
    options.only("mid_block_only_cross_attention", None, False)
    options.only("only_cross_attention", False)
    options.only("attention_type", "default")
    options.only("dual_cross_attention", False)
    for key in ("conv_in_kernel", "conv_out_kernel"):
        options.only(key, 3)
    for key in ("resnet_out_scale_factor", "mid_block_scale_factor"):
        options.only(key, 1, 1.0)
    # These change no number of such blocks.
    options.skip("upcast_attention", "use_linear_projection", "transformer_layers_per_block")
    options.skip("reverse_transformer_layers_per_block", "downsample_padding")
    options.skip("addition_time_embed_dim")


def _told(options: Options, stem: int) -> Says:
    """The time, and what is looked at: a text, or the embedding of an image."""
    order, shift = options.take("flip_sin_to_cos", True), options.take("freq_shift", 0)
    time = common.sinusoidal(options, stem, order, shift)
    told: Says = {} if time == {"type": "sinusoidal"} else {"time": time}
    if (method := common.method(options)) != "add":
        told["method"] = method
    projected = options.take("projection_class_embeddings_input_dim")
    told |= unet2d_condition.class_labels(options, projected, time.get("width", 4 * stem))
    width, hidden = options.take("cross_attention_dim", 1280), options.take("encoder_hid_dim")
    kind = options.take("encoder_hid_dim_type") or ("text_proj" if hidden else None)
    added = options.take("addition_embed_type")
    heads = options.take("addition_embed_type_num_heads", 64)
    if kind == "image_proj":
        told["clip"] = {"type": "projected", "channels": hidden}
        tokens = {"tokens": _CLIP, "width": width, "channels": hidden}
        told["clip_tokens"] = {"type": "projected", "of": "clip", **tokens}
    elif kind in (None, "text_proj"):
        text: Says = {"type": "sequence", "channels": hidden or width}
        told["text"] = text | ({"width": width} if hidden else {})
    else:
        options.refuse("encoder_hid_dim_type", kind)
    if added == "text" and "text" in told:
        channels = told["text"]["channels"]
        told["pooled"] = {"type": "pooled", "of": "text", "heads": heads, "channels": channels}
    elif added != ("image" if kind == "image_proj" else None):
        options.refuse("addition_embed_type", added)
    return told


def _joint(options: Options) -> Says:
    norm = options.take("cross_attention_norm")
    if norm not in (None, "group_norm"):
        options.refuse("cross_attention_norm", norm)
    context = {"type": "group", "groups": 32} if norm else None
    return {"type": "joint", **({"context_norm": context} if norm else {})}


def _rows(options: Options, widths: list[int]) -> Rows:
    down = common.kinds(options, "down_block_types", (), _DOWN)
    up = common.kinds(options, "up_block_types", (), _UP)[::-1]
    heads = options.take("attention_head_dim", 8)
    each = heads if isinstance(heads, list | tuple) else [heads] * len(widths)
    joint: list[Attention] = [{"head_width": head} for head in each]
    blocks = options.take("layers_per_block", 2)
    counts = blocks if isinstance(blocks, list | tuple) else [blocks] * len(widths)
    steps = len(widths) - 1
    return Rows(
        widths,
        list(counts),
        [a if _DOWN.get(kind) else False for a, kind in zip(joint, down, strict=True)],
        # The original reads its heads in the order of either walk: upwards, from the deepest.
        [a if _UP.get(kind) else False for a, kind in zip(joint[::-1], up, strict=True)],
        joint[-1],
        [common.POOLING_BLOCK] * steps,
        [common.UPSAMPLING_BLOCK] * steps,
    )


def codebase(config: Config, usual: Codebase) -> Codebase:
    """The names, as far as they are not those of all of diffusers."""
    return unet2d_condition.codebase(config, usual).but(
        places={
            "conditioning.text": "encoder_hid_proj",
            "conditioning.pooled": "add_embedding",
            "conditioning.clip": "add_embedding",
            "conditioning.clip_tokens": "encoder_hid_proj",
        },
        tables={
            "condition.sequence": {"": ""},
            "condition.pooled": {
                "norm1": "norm1",
                "position": "pool.positional_embedding",
                "q": "pool.q_proj",
                "kv": ("pool.k_proj", "pool.v_proj"),
                "out": "proj",
                "norm2": "norm2",
            },
            "conditioning.clip": {"linear": "image_proj", "norm": "image_norm"},
            "conditioning.clip_tokens": {"linear": "image_embeds", "norm": "norm"},
            "attention.joint": {
                "norm": "group_norm",
                "qkv": ("to_q", "to_k", "to_v"),
                "kv.0": ("add_k_proj", "add_v_proj"),
                "context_norms.0": "norm_cross",
                "out": "to_out.0",
            },
        },
    )
