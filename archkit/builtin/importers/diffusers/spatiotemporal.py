"""diffusers' UNetSpatioTemporalConditionModel: Stable Video Diffusion."""

from __future__ import annotations

from typing import Any

from archkit import Codebase, Config, Options, Table

from ..rows import Attention, Rows, Says, finished
from ..tables import TRANSFORMER
from . import common
from .unet3d import below, video

_DOWN = {"DownBlockSpatioTemporal": False, "CrossAttnDownBlockSpatioTemporal": True}
_UP = {"UpBlockSpatioTemporal": False, "CrossAttnUpBlockSpatioTemporal": True}
_CROSS = "CrossAttn{0}BlockSpatioTemporal"
_PLAIN = "{0}BlockSpatioTemporal"
_FRAME = "temporal_transformer_blocks.*."
_FRAME_LAYERS: Table = {
    "across.*.norm0": f"{_FRAME}norm_in",
    "across.*.first.up": f"{_FRAME}ff_in.net.0.proj",
    "across.*.first.down": f"{_FRAME}ff_in.net.2",
    "across.*.norm1": f"{_FRAME}norm1",
    "across.*.attention.qkv": tuple(f"{_FRAME}attn1.to_{t}" for t in "qkv"),
    "across.*.attention.out": f"{_FRAME}attn1.to_out.0",
    "across.*.norm2": f"{_FRAME}norm2",
    "across.*.cross.0.q": f"{_FRAME}attn2.to_q",
    "across.*.cross.0.kv": tuple(f"{_FRAME}attn2.to_{t}" for t in "kv"),
    "across.*.cross.0.out": f"{_FRAME}attn2.to_out.0",
    "across.*.norm3": f"{_FRAME}norm3",
    "across.*.feed_forward.up": f"{_FRAME}ff.net.0.proj",
    "across.*.feed_forward.down": f"{_FRAME}ff.net.2",
    "places.linear1": "time_pos_embed.linear_1",
    "places.linear2": "time_pos_embed.linear_2",
    "share": "time_mixer.mix_factor",
}


def spec(config: Config) -> Says:
    """The spec of a config; raises SpecError naming every option without counterpart.

    The model that it makes takes σ as the time, and answers the denoised sample; the original
    takes the sample over √(σ² + 1) and ¼ ln σ, and answers v.
    """
    options = Options({"in_channels": 8, **config}, "UNetSpatioTemporalConditionModel")
    widths = options.take("block_out_channels", (320, 640, 1280, 1280))
    says = video(options, len(widths), options.take("num_frames", 25))
    if says["prediction"] != "none":
        says["prediction"] = {"type": "sample", "path": {"type": "edm", "sigma_max": 700}}
        says["precondition"] = {"type": "edm", "sigma_data": 1, "answer": "v"}
    says["conditioning"] |= _conditions(options)
    says["block"] = {"type": "video", "blend": True, **_eps(1e-6)}
    rows = _rows(options, widths)
    says |= rows.spec({"type": "spatio-temporal"})
    _norms(says, rows)
    options.close()
    return finished("unet-spatio-temporal-condition-model", says)


def _conditions(options: Options) -> Says:
    """CLIP's embedding of an image, and numbers that are each embedded."""
    cross = options.take("cross_attention_dim", 1024)
    if not isinstance(cross, int):
        if len(set(cross)) > 1:
            options.refuse("cross_attention_dim", list(cross))
        cross = cross[0]
    width = options.take("addition_time_embed_dim", 256)
    wide = options.take("projection_class_embeddings_input_dim", 768)
    if wide % width:
        mend = f"use a multiple of `addition_time_embed_dim`, such as {3 * width}"
        options.refuse("projection_class_embeddings_input_dim", wide, mend)
    micro = {"type": "vector", "channels": 0, "sizes": wide // width, "size_width": width}
    return {"text": {"type": "sequence", "channels": cross, "tokens": 1}, "micro": micro}


def _eps(eps: float) -> Says:
    """Options of a block whose norms have so much added to the variance."""
    return {part: {"norm": {"eps": eps}} for part in ("spatial", "temporal")}


def _norms(says: Says, rows: Rows) -> None:
    """What is added to variances where the original has it otherwise: in levels of the encoder
    without attention, and at the bottom."""
    plain = [level for level, lit in enumerate(rows.encoder) if lit is False]
    for level in plain:
        says["encoder"][level]["block"] = _eps(1e-5)
        decoder = says.setdefault("decoder", [{} for _ in rows.widths])
        decoder[level]["block"] = _eps(1e-6)
    if rows.encoder[-1] is not False:
        says.setdefault("bottleneck", {})["block"] = _eps(1e-5)


def _rows(options: Options, widths: Any) -> Rows:
    n = len(widths)
    kinds = [_CROSS] * (n - 1) + [_PLAIN]
    down = common.kinds(options, "down_block_types", [k.format("Down") for k in kinds], _DOWN)
    up = common.kinds(options, "up_block_types", [k.format("Up") for k in reversed(kinds)], _UP)
    each = _attention(options, widths)
    encoder: list[Attention] = [
        a if _DOWN.get(k) else False for a, k in zip(each, down, strict=True)
    ]
    decoder: list[Attention] = [
        a if _UP.get(k) else False for a, k in zip(each, reversed(up), strict=True)
    ]
    blocks = options.take("layers_per_block", 2)
    blocks = list(blocks) if isinstance(blocks, list | tuple) else [blocks] * n
    return Rows(widths, blocks, encoder, decoder, each[-1])


def _attention(options: Options, widths: Any) -> list[Says]:
    """Heads and depth at each level."""
    heads = options.take("num_attention_heads", (5, 10, 20, 20))
    heads = list(heads) if isinstance(heads, list | tuple) else [heads] * len(widths)
    depths = options.take("transformer_layers_per_block", 1)
    depths = list(depths) if isinstance(depths, list | tuple) else [depths] * len(widths)
    if not all(isinstance(depth, int) for depth in depths):
        options.refuse("transformer_layers_per_block", depths)
        depths = [1] * len(widths)
    parts = {w // h for w, h in zip(widths, heads, strict=True)}
    if len(parts) == 1:
        return [{"head_width": part, "depth": d} for d in depths for part in parts]
    return [{"heads": h, "depth": d} for h, d in zip(heads, depths, strict=True)]


def codebase(config: Config, usual: Codebase) -> Codebase:
    """The names, as far as they are not those of all of diffusers."""
    resnet = usual.tables["block.resnet"]
    return usual.but(
        tables={
            "block.video": {
                **below("spatial_res_block", resnet, "spatial"),
                **below("temporal_res_block", resnet, "temporal"),
                "share": "time_mixer.mix_factor",
            },
            "attention.spatio-temporal": {**TRANSFORMER, **_FRAME_LAYERS},
        },
    )
