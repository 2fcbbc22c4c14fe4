"""What the configs of several classes have in common."""

from __future__ import annotations

from ...rows import Says
from ..common import ACTIVATIONS
from .seen import Seen


def sample(seen: Seen) -> Says:
    """Sample, output and widths."""
    spec = seen.spec
    beside = sum(c["channels"] for c in seen.conditions.values() if c["type"] == "image")
    space = spec.input.space[-2:]  # the frames of a video are an axis before these
    return {
        "sample_size": space[0] if len(set(space)) == 1 else list(space),
        "in_channels": spec.input.channels + beside,
        "out_channels": seen.plan.output.channels,
        "block_out_channels": list(spec.widths()),
    }


def trunk(seen: Seen, block: Says, bottom: Says) -> Says:
    """What the options of blocks of images say of all stages, and of the bottleneck's."""
    norm = block.get("norm") or {}
    return {
        "norm_num_groups": norm.get("groups", 32),
        "norm_eps": norm.get("eps", 1e-5),
        "downsample_padding": 0 if seen("encoder.0.pooling").get("padding") == "end" else 1,
        "mid_block_scale_factor": 1 / bottom.get("scale", 1.0),
    }


def options(seen: Seen) -> Says:
    """The options that both classes of images have."""
    block, time = seen("encoder.0.blocks.0.block"), seen("conditioning.time")
    fourier = time.get("type") == "fourier"
    labels = [c for c in seen.conditions.values() if c["type"] == "label"]
    # A null class is one more row of the table.
    classes = labels[0]["classes"] + (labels[0].get("dropout") is not None) if labels else None
    return {
        **sample(seen),
        **trunk(seen, block, seen("bottleneck.0.block")),
        "act_fn": activation((block.get("activation") or {}).get("type")),
        "dropout": block.get("dropout", 0.0),
        "flip_sin_to_cos": time.get("order") != "sin-cos",
        "freq_shift": int(time.get("shift", 0)),
        "resnet_time_scale_shift": "scale_shift"
        if block.get("method") == "scale-shift"
        else "default",
        "time_embedding_dim": time.get("width"),
        **({"time_embedding_type": "fourier"} if fourier else {}),
        "num_class_embeds": classes,
    }


def vectors(seen: Seen) -> Says:
    """Vectors that join the time: guidance, and numbers beside a text."""
    says: Says = {}
    for vector in (c for c in seen.conditions.values() if c["type"] == "vector"):
        if vector["into"] == "time":
            says["time_cond_proj_dim"] = vector["channels"]
        elif sizes := vector["sizes"]:
            wide = vector["channels"] + sizes * vector["size_width"]
            says |= {
                "addition_embed_type": "text_time",
                "addition_time_embed_dim": vector["size_width"],
                "projection_class_embeddings_input_dim": wide,
            }
    return says


def classes(seen: Seen) -> Says:
    """The vector that stands where a label would, by how it is embedded."""
    beside = seen.spec.conditioning.embedding.type == "concat"
    says: Says = {"class_embeddings_concat": True} if beside else {}
    for vector in (c for c in seen.conditions.values() if c["type"] == "vector"):
        if vector["into"] != "time" and not vector["sizes"]:
            kinds = ("identity", "simple_projection", "projection")
            says["class_embed_type"] = kinds[vector["layers"]]
            if vector["layers"]:
                says["projection_class_embeddings_input_dim"] = vector["channels"]
    return says


def heads(transformer: Says, width: int) -> int:
    """The number of heads of a transformer of so many channels."""
    if transformer.get("head_width"):
        return max(1, width // int(transformer["head_width"]))
    return int(transformer.get("heads") or 8)


def activation(name: str | None) -> str:
    """An activation by their name."""
    return next((theirs for theirs, ours in ACTIVATIONS.items() if ours == name), str(name))
