"""k-diffusion's ImageDenoiserModelV1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from archkit import Codebase, Config, Importer, Options, Table

from .rows import Says, differing, finished
from .tables import CONVOLUTION


class KDiffusion(Importer):
    """An `ImageDenoiserModelV1` of k-diffusion, by the arguments of its constructor.

    The network alone, told ¼ ln σ; around it, k-diffusion stands what ``precondition: edm`` is.
    Its `mapping_cond`, `unet_cond`, `cross_cond` and `cross_cond_padding` are conditions of the
    same names. With `has_variance` it answers a pair, the second of which is the `logvar`.

    References:
        | k-diffusion (Crowson, 2022)
        | https://github.com/crowsonkb/k-diffusion
    """

    type: Literal["k-diffusion"] = "k-diffusion"

    def reads(self, config: Config) -> bool:
        return {"feats_in", "self_attn_depths"} <= set(config)

    def spec(self, config: Config) -> dict[str, Any]:
        options = Options(config, "ImageDenoiserModelV1")
        crosses, widths = _crosses(config), options.take("channels")
        first, patch = options.take("skip_stages", 0), options.take("patch_size", 1)
        rows = _rows(options, widths, crosses)[first:]
        if not rows:
            options.refuse("skip_stages", first, "one stage has to be left")
        dropout = differing({"dropout": options.take("dropout_rate", 0.0)}, dropout=0.0)
        size = 4 * patch * 2 ** max(0, len(rows) - 1)
        variance = {"output": {"variance": "per-sample"}} if config.get("has_variance") else {}
        says: Says = {
            "input": {"channels": options.take("c_in"), "size": size},
            **variance,
            "prediction": {"type": "sample", "path": "edm"},
            "conditioning": _told(options, any(crosses)),
            "layout": {"type": "narrowing", "finest": "stem"} if first else "narrowing",
            "activation": "gelu",
            "block": {"type": "adaptive", **dropout},
            "attention": "adaptive",
            "pooling": "filter",
            "upsampling": "filter",
            **_ends(patch, bool(variance)),
            "encoder": rows,
        }
        if first:
            says["stem"]["channels"] = widths[first - 1]
        options.skip("has_variance")
        options.close()
        return finished("image-v1", says)

    def codebase(self, config: Config) -> Codebase:
        places: dict[str, str] = {}
        tables: dict[str, Table] = {}
        dropped: dict[str, str] = {}
        stages, first = len(config["depths"]), config.get("skip_stages", 0)
        for stage in range(stages):
            down, up = f"u_net.d_blocks.{stage}", f"u_net.u_blocks.{stages - 1 - stage}"
            if stage < first:
                dropped |= dict.fromkeys((f"{down}.*", f"{up}.*"), "its stage is skipped")
                continue
            for side, where, before in (("encoder", down, 1), ("decoder", up, 0)):
                for unit, (place, table) in enumerate(_units(config, stage, where, before)):
                    ours = f"{side}.{stage - first}.blocks.{unit}"
                    places[f"{ours}.block"], tables[f"{ours}.attention"] = place, table
        return _NAMES.but(places, tables, dropped)


def _crosses(config: Config) -> list[bool]:
    """Which stages look at a sequence: none where it is as wide as nothing."""
    depths = config.get("cross_attn_depths") if config.get("cross_cond_dim") else None
    return list(depths or [False] * len(config["self_attn_depths"]))


def _rows(options: Options, widths: Sequence[int], crosses: Sequence[bool]) -> list[Says]:
    """The stages, the skipped ones too."""
    depths, attends = options.take("depths"), options.take("self_attn_depths")
    options.skip("cross_attn_depths")
    for key, told in (("depths", depths), ("self_attn_depths", attends)):
        if len(told) != len(widths):
            options.refuse(key, told, "give one for each stage")
    if len(crosses) != len(widths):
        options.refuse("cross_attn_depths", crosses, "give one for each stage")
    looks = {
        (False, False): False,
        (True, True): True,
        (True, False): {"context": "none"} if any(crosses) else True,
        (False, True): {"itself": False},
    }
    stages = zip(widths, depths, attends, crosses, strict=False)
    return [
        {"channels": width, "blocks": depth, "attention": looks[bool(own), bool(cross)]}
        for width, depth, own, cross in stages
    ]


def _told(options: Options, crosses: bool) -> Says:
    """The time, and what is told beside it."""
    features = options.take("feats_in")
    told: Says = {"time": {"type": "fourier", "channels": features, "width": features, "std": 1}}
    if numbers := options.take("mapping_cond_dim", 0):
        vector = {"type": "vector", "channels": numbers, "layers": 1, "bias": False}
        told["mapping_cond"] = {**vector, "into": "time"}
    if more := options.take("unet_cond_dim", 0):
        told["unet_cond"] = {"type": "image", "channels": more}
    channels = options.take("cross_cond_dim", 0)
    if crosses:
        told["cross_cond"] = {"type": "sequence", "channels": channels}
        told["cross_cond_padding"] = {"type": "padding", "of": "cross_cond"}
    return told


def _ends(patch: int, variance: bool) -> Says:
    """Stem and head; a variance is told once for a patch."""
    if patch == 1:
        head: Says = {"type": "conv", "kernel": 1, "norm": "none", "activation": "none"}
        return {"stem": {"type": "conv", "kernel": 1}, "head": head}
    head = {"type": "patch", "size": patch, "norm": "none", "flat": variance}
    ends: Says = {"stem": {"type": "patch", "size": patch}, "head": differing(head, flat=False)}
    return ends


def _units(config: Config, stage: int, where: str, before: int) -> Iterator[tuple[str, Table]]:
    """For each unit of a stage of theirs, a flat list: where its block is, and its attention."""
    own, cross = bool(config["self_attn_depths"][stage]), bool(_crosses(config)[stage])
    for unit in range(config["depths"][stage]):
        block = before + unit * (1 + own + cross)
        attention = f"{where}.{block + 1}", f"{where}.{block + 1 + own}"
        table = _placed(_OWN, attention[0]) if own else {}
        yield f"{where}.{block}", {**table, **(_placed(_CROSS, attention[1]) if cross else {})}


def _placed(table: dict[str, str], where: str) -> dict[str, str]:
    return {ours: f"{where}.{theirs}" for ours, theirs in table.items()}


_OWN = {
    "own.norm.linear": "norm_in.mapper",
    "own.qkv": "qkv_proj",
    "own.out": "out_proj",
}
_CROSS = {
    "cross.0.norm.linear": "norm_dec.mapper",
    "cross.0.context_norm": "norm_enc",
    "cross.0.q": "q_proj",
    "cross.0.kv": "kv_proj",
    "cross.0.out": "out_proj",
}
_NAMES = Codebase(
    "k-diffusion",
    places={
        "stem": "proj_in",
        "time.fourier": "",
        "conditioning.mapping_cond": "mapping_cond",
        # Two of theirs are one of ours, whose table has their whole names.
        "attention": "",
        "head": "proj_out",
    },
    tables={
        "stem.conv": CONVOLUTION,
        "stem.patch": {"patches.conv": ""},
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
        "head.conv": {"conv": ""},
        "head.patch": {"linear": ""},
    },
    dropped={"u_net.*.kernel": "it is a filter that is fixed"},
    inside=("inner_model.",),
)
