"""A plan as a config of diffusers: that of the nearest network, which the importer then judges."""

from __future__ import annotations

from dataclasses import dataclass

from archkit import Config, Node, Plan, Problem, SpecError

from ..rows import Says
from . import controlnet
from .common import ACTIVATIONS


@dataclass
class Seen:
    """What stands at which path, as plain options; nothing where nothing does."""

    plan: Plan

    def __post_init__(self) -> None:
        self._nodes = {node.path: node for node in self.plan.nodes}

    def __call__(self, path: str) -> Says:
        """The options of a node."""
        return self._nodes[path].component.model_dump() if path in self._nodes else {}

    def count(self, side: str, word: str) -> int:
        """How many nodes below a path are called so."""
        return sum(p.startswith(f"{side}.") and p.endswith(f".{word}") for p in self._nodes)

    def first(self, side: str) -> Node | None:
        """The first attention below a path."""
        places = (n for p, n in self._nodes.items() if p.startswith(f"{side}."))
        return next((n for n in places if n.path.endswith(".attention")), None)


def config(plan: Plan) -> Config:
    """The config whose network is, or comes nearest to, that of a plan."""
    spec, seen = plan.spec, Seen(plan)
    if len(spec.input.space) != 2:
        what = f"diffusers has no U-Net of {len(spec.input.space)} dimensions that archkit writes"
        raise SpecError([Problem("no-counterpart", what, "", ("input", "dims"))])
    conditions = {n: c.model_dump() for n, c in spec.conditioning.conditions.items()}
    conditional = any(says["type"] == "sequence" for says in conditions.values())
    says = _shared(plan, seen, conditions)
    says |= _conditional(plan, seen, conditions) if conditional else _plain(plan, seen)
    if plan.offers:
        return {"_class_name": "ControlNetModel", **controlnet.config(says, conditions)}
    name = "UNet2DConditionModel" if conditional else "UNet2DModel"
    return {"_class_name": name, **says}


def _shared(plan: Plan, seen: Seen, conditions: dict[str, Says]) -> Says:
    spec, widths = plan.spec, list(plan.spec.widths())
    block, time = seen("encoder.0.blocks.0.block"), seen("conditioning.time")
    bottom, norm = seen("bottleneck.0.block"), block.get("norm") or {}
    beside = sum(c["channels"] for c in conditions.values() if c["type"] == "image")
    space = spec.input.space
    fourier = time.get("type") == "fourier"
    labels = [c for c in conditions.values() if c["type"] == "label"]
    # A null class is one more row of the table.
    classes = labels[0]["classes"] + (labels[0].get("dropout") is not None) if labels else None
    return {
        "sample_size": space[0] if len(set(space)) == 1 else list(space),
        "in_channels": spec.input.channels + beside,
        "out_channels": plan.output.channels,
        "block_out_channels": widths,
        "norm_num_groups": norm.get("groups", 32),
        "norm_eps": norm.get("eps", 1e-5),
        "act_fn": _activation((block.get("activation") or {}).get("type")),
        "dropout": block.get("dropout", 0.0),
        "downsample_padding": 0 if seen("encoder.0.pooling").get("padding") == "end" else 1,
        "flip_sin_to_cos": time.get("order") != "sin-cos",
        "freq_shift": int(time.get("shift", 0)),
        "resnet_time_scale_shift": "scale_shift"
        if block.get("method") == "scale-shift"
        else "default",
        "mid_block_scale_factor": 1 / bottom.get("scale", 1.0),
        "time_embedding_dim": time.get("channels" if fourier else "width"),
        **({"time_embedding_type": "fourier"} if fourier else {}),
        "num_class_embeds": classes,
    }


def _plain(plan: Plan, seen: Seen) -> Says:
    """What UNet2DModel has beside."""
    levels = range(len(plan.spec.encoder))
    down = [_kind(seen, f"encoder.{i}", "Down", "pooling") for i in levels]
    # Across from each pooling stands the upsampling that reaches the same level.
    up = [_kind(seen, f"decoder.{i}", "Up", "upsampling", i - 1) for i in levels]
    attention = next(filter(None, map(seen.first, ("encoder", "bottleneck", "decoder"))), None)
    middle = seen.first("bottleneck")
    own = middle.component.model_dump() if middle else {}
    scales = seen("encoder.0.blocks.0.block").get("method") == "scale-shift"
    groups = (own.get("norm") or {}).get("groups") if scales else None
    return {
        "layers_per_block": seen.count("encoder.0", "block"),
        "down_block_types": down,
        "up_block_types": up[::-1],
        "attention_head_dim": _head_width(attention, plan),
        "add_attention": middle is not None,
        "attn_norm_num_groups": groups,
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


def _conditional(plan: Plan, seen: Seen, conditions: dict[str, Says]) -> Says:
    """What UNet2DConditionModel has beside."""
    levels = range(len(plan.spec.encoder))
    middle = seen.first("bottleneck")
    stages = [seen.first(f"encoder.{i}") for i in levels]
    last = stages[-1] or middle
    each = [*stages[:-1], last]
    down = ["CrossAttnDownBlock2D" if stage else "DownBlock2D" for stage in stages]
    up = [
        "CrossAttnUpBlock2D" if seen.first(f"decoder.{i}") else "UpBlock2D"
        for i in reversed(levels)
    ]
    for level in levels[:-1]:
        if seen(f"encoder.{level}.pooling").get("type") == "block" and not stages[level]:
            down[level] = "ResnetDownsampleBlock2D"
        if seen(f"decoder.{level}.upsampling").get("type") == "block" and not stages[level + 1]:
            up[-2 - level] = "ResnetUpsampleBlock2D"
    some = next(filter(None, [*stages, middle]), None)
    own = some.component.model_dump() if some else {}
    text = next(c for c in conditions.values() if c["type"] == "sequence")
    mid = "UNetMidBlock2DCrossAttn" if middle else "UNetMidBlock2D"
    heads = [_heads(n or some, w) for n, w in zip(each, plan.spec.widths(), strict=True)]
    return {
        "layers_per_block": [seen.count(f"encoder.{i}", "block") for i in levels],
        "down_block_types": down,
        "up_block_types": up,
        "mid_block_type": mid if seen.count("bottleneck", "block") else None,
        "attention_head_dim": heads,
        "transformer_layers_per_block": [_depth(node) for node in each],
        "use_linear_projection": own.get("projection") == "linear",
        "cross_attention_dim": text["channels"],
        "conv_in_kernel": seen("stem").get("kernel", 3),
        "conv_out_kernel": seen("head").get("kernel", 3),
        **_crossing(stages),
        **_vectors(conditions),
    }


def _crossing(stages: list[Node | None]) -> Says:
    """Where the first attention looks at the text too."""
    firsts = [node.component.model_dump().get("first") if node else None for node in stages]
    only = [first == "cross" for first in firsts]
    return {"only_cross_attention": only} if any(only) else {}


def _vectors(conditions: dict[str, Says]) -> Says:
    """Conditions that are vectors: by where they go and how they are embedded."""
    says: Says = {}
    for vector in (c for c in conditions.values() if c["type"] == "vector"):
        wide = vector["channels"]
        if vector["into"] == "time":
            says["time_cond_proj_dim"] = wide
        elif sizes := vector["sizes"]:
            says |= {
                "addition_embed_type": "text_time",
                "addition_time_embed_dim": vector["size_width"],
                "projection_class_embeddings_input_dim": wide + sizes * vector["size_width"],
            }
        else:
            kind = "projection" if vector["layers"] == 2 else "simple_projection"
            says["class_embed_type"] = kind
            says["projection_class_embeddings_input_dim"] = wide
    return says


def _heads(node: Node | None, width: int) -> int:
    says = node.component.model_dump() if node else {}
    if says.get("head_width"):
        return max(1, width // int(says["head_width"]))
    return int(says.get("heads") or 1)


def _depth(node: Node | None) -> int:
    return int(node.component.model_dump().get("depth", 1)) if node else 1


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


def _activation(name: str | None) -> str:
    return next((theirs for theirs, ours in ACTIVATIONS.items() if ours == name), str(name))
