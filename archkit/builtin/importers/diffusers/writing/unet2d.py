"""UNet2DModel."""

from __future__ import annotations

from archkit import Node, Plan, Problem, SpecError

from ...rows import Says
from . import shared
from .seen import Seen


def near(seen: Seen) -> bool:
    """Whether it is a network of images."""
    return len(seen.spec.input.space) == 2


def config(seen: Seen) -> Says:
    """The options of the nearest UNet2DModel."""
    levels = seen.levels
    down = [_kind(seen, f"encoder.{i}", "Down", "pooling") for i in levels]
    # Across from each pooling stands the upsampling that reaches the same level.
    up = [_kind(seen, f"decoder.{i}", "Up", "upsampling", i - 1) for i in levels]
    attention = next(filter(None, map(seen.first, ("encoder", "bottleneck", "decoder"))), None)
    middle = seen.first("bottleneck")
    own = middle.component.model_dump() if middle else {}
    return {
        **shared.options(seen),
        "layers_per_block": seen.count("encoder.0", "block"),
        "down_block_types": down,
        "up_block_types": up[::-1],
        "attention_head_dim": _head_width(attention, seen.plan),
        "add_attention": middle is not None,
        "attn_norm_num_groups": (own.get("norm") or {}).get("groups"),
        "downsample_type": _inside(seen, "encoder.{}", "pooling", 0, len(levels)),
        "upsample_type": _inside(seen, "decoder.{}", "upsampling", -1, len(levels)),
        **({} if seen.count("bottleneck", "block") else {"mid_block_type": None}),
    }


def _kind(seen: Seen, stage: str, way: str, step: str, level: int | None = None) -> str:
    """The class of one stage; the resampler that goes with it stands at `level` if given."""
    if seen.first(stage):
        return f"Attn{way}Block2D"
    path = f"{stage}.{step}" if level is None else f"decoder.{level}.{step}"
    sample = "Downsample" if way == "Down" else "Upsample"
    return f"Resnet{sample}Block2D" if seen(path).get("type") == "block" else f"{way}Block2D"


def _inside(seen: Seen, stage: str, step: str, offset: int, levels: int) -> str:
    """How stages with attention resample; the step of a level stands at `offset` from it."""
    lit = (i for i in range(levels) if seen.first(stage.format(i)))
    steps = (seen(f"{stage.format(i + offset)}.{step}").get("type") for i in lit)
    return "resnet" if "block" in steps else "conv"


def _head_width(node: Node | None, plan: Plan) -> int | None:
    """Channels of a head, which are the same everywhere; None for a single head, however wide."""
    says = node.component.model_dump() if node else {"head_width": 8}
    if says.get("head_width"):
        return int(says["head_width"])
    heads = int(says.get("heads") or 1)
    wide = sorted({n.shape.channels for n in plan if n.path.endswith(".attention")})
    if heads > 1 and len(wide) > 1:
        widths = " and ".join(str(w // heads) for w in wide)
        what = f"UNet2DModel has heads of one width, and these {heads} are {widths} wide"
        raise SpecError([Problem("no-counterpart", what, "", ("attention", "heads"))])
    return None if heads == 1 else wide[0] // heads
