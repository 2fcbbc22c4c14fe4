"""diffusers' UNet2DConditionModel with `K` blocks: those of k-diffusion, in the x2 upscaler."""

from __future__ import annotations

from collections.abc import Sequence

from archkit import Codebase, Config, Options

from ..rows import Says, differing, finished
from . import common

_DOWN = {"KDownBlock2D": False, "KCrossAttnDownBlock2D": True}
_UP = {"KUpBlock2D": False, "KCrossAttnUpBlock2D": True}


def reads(config: Config) -> bool:
    """Whether a config of UNet2DConditionModel has such blocks, and no others."""
    kinds = set(config.get("down_block_types", ()))
    return bool(kinds) and kinds <= set(_DOWN)


def spec(config: Config) -> Says:
    """The spec of a config; raises SpecError naming every option without counterpart."""
    options = Options(config, "UNet2DConditionModel")
    widths = list(options.take("block_out_channels", (320, 640, 1280, 1280)))
    into, out = options.take("in_channels", 4), options.take("out_channels", 4)
    image, size = max(0, into - 4), options.take("sample_size") or 8 * 2 ** (len(widths) - 1)
    _refused(options)
    dropout = differing({"dropout": options.take("dropout", 0.0)}, dropout=0.0)
    stem, head = options.take("conv_in_kernel", 3), options.take("conv_out_kernel", 3)
    heads = options.take("attention_head_dim", 8)
    says: Says = {
        "input": {"channels": into - image, "size": size},
        "prediction": {"type": "noise", "path": "scaled-linear"},
        "conditioning": _told(options, widths),
        "layout": "narrowing",
        "activation": common.activation(options),
        "block": {"type": "adaptive", **dropout},
        "attention": {"type": "adaptive", "head_width": heads, "itself": False},
        "pooling": "filter",
        "upsampling": "filter",
        "stem": {"type": "conv", "kernel": stem},
        "head": {"type": "conv", "kernel": head, "norm": "none", "activation": "none"},
        "encoder": _rows(options, config, widths),
    }
    if image:
        says["conditioning"]["image"] = {"type": "image", "channels": image}
    if out != into - image:
        says |= {"output": {"channels": out}, "prediction": "none"}
    options.close()
    return finished("k-unet", says)


def _rows(options: Options, config: Config, widths: Sequence[int]) -> list[Says]:
    """The stages; the deepest looks at itself too, where it looks at the text."""
    down = common.kinds(options, "down_block_types", (), _DOWN)
    up = common.kinds(options, "up_block_types", (), _UP)[::-1]
    looks, back = [_DOWN.get(k, False) for k in down], [_UP.get(k, False) for k in up]
    finer = (widths[0], *widths)
    # A block that looks at nothing narrows in its first convolution already.
    early = [a != b and not lit for a, b, lit in zip(widths, finer, back, strict=False)]
    if back != looks or any(early):
        options.refuse("up_block_types", list(config.get("up_block_types", ())))
    blocks, lit = options.take("layers_per_block", 2), [*looks[:-1], {"itself": True}]
    return [
        {"channels": width, "blocks": blocks, "attention": attention if look else False}
        for width, attention, look in zip(widths, lit, looks, strict=False)
    ]


def _refused(options: Options) -> None:
    """Options that have one value archkit can say, or none."""
    for key in ("norm_num_groups", "mid_block_type", "addition_embed_type", "class_embed_type"):
        options.only(key, None)
    for key in ("num_class_embeds", "encoder_hid_dim", "encoder_hid_dim_type"):
        options.only(key, None)
    for key in ("num_attention_heads", "time_embedding_act_fn"):
        options.only(key, None)
    options.only("attention_type", "default")
    options.only("resnet_time_scale_shift", "scale_shift")
    options.only("time_embedding_type", "fourier")
    options.only("norm_eps", 1e-5)
    options.only("center_input_sample", False)
    options.only("cross_attention_norm", None, "layer_norm")
    options.skip("addition_embed_type_num_heads", "addition_time_embed_dim")
    options.skip("class_embeddings_concat", "downsample_padding", "dual_cross_attention")
    options.skip("freq_shift", "mid_block_only_cross_attention", "mid_block_scale_factor")
    options.skip("only_cross_attention", "resnet_out_scale_factor")
    options.skip("projection_class_embeddings_input_dim", "resnet_skip_time_act")
    options.skip("reverse_transformer_layers_per_block")
    options.skip("transformer_layers_per_block", "upcast_attention", "use_linear_projection")


def _told(options: Options, widths: Sequence[int]) -> Says:
    """The time, what joins it, and the text."""
    width = options.take("time_embedding_dim") or 2 * widths[0]
    finer = [widths[max(0, level - 1)] for level in range(len(widths))]
    same = [here == there == width for here, there in zip(widths, finer, strict=True)]
    if same != [False] * (len(widths) - 1) + [True]:
        mend = "it takes a level for the deepest by its width, that of the time and of the next"
        options.refuse("block_out_channels", list(widths), mend)
    after = options.take("timestep_post_act")
    order = "cos-sin" if options.take("flip_sin_to_cos", True) else "sin-cos"
    time = {"type": "fourier", "channels": width, "width": width, "std": 1.0, "order": order}
    told: Says = {"time": differing(time, order="cos-sin")}
    told["embedding"] = {"type": "sum", "activation": after or "none"}
    if pooled := options.take("time_cond_proj_dim"):
        vector = {"type": "vector", "channels": pooled, "layers": 1, "bias": False}
        told["pooled"] = {**vector, "into": "time"}
    told["text"] = {"type": "sequence", "channels": options.take("cross_attention_dim", 1280)}
    return told


def codebase(config: Config, usual: Codebase) -> Codebase:
    """The names, as far as they are not those of all of diffusers."""
    return usual.but(
        places={"conditioning.pooled": "time_embedding.cond_proj"},
        tables={
            "conditioning.pooled": {"linear1": ""},
            "block.adaptive": {
                "norm1.linear": "norm1.linear",
                "conv1": "conv1",
                "norm2.linear": "norm2.linear",
                "conv2": "conv2",
                "shortcut": "conv_shortcut",
            },
            "attention.adaptive": {
                "own.norm.linear": "norm1.linear",
                "own.qkv": ("attn1.to_q", "attn1.to_k", "attn1.to_v"),
                "own.out": "attn1.to_out.0",
                "cross.0.norm.linear": "norm2.linear",
                "cross.0.context_norm": "attn2.norm_cross",
                "cross.0.q": "attn2.to_q",
                "cross.0.kv": ("attn2.to_k", "attn2.to_v"),
                "cross.0.out": "attn2.to_out.0",
            },
        },
    )
