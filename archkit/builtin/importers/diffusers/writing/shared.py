"""What the configs of networks of images have in common."""

from __future__ import annotations

from ...rows import Says
from ..common import ACTIVATIONS
from .seen import Seen


def options(seen: Seen) -> Says:
    """The options that both classes of images have."""
    spec, conditions = seen.spec, seen.conditions
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
        "out_channels": seen.plan.output.channels,
        "block_out_channels": list(spec.widths()),
        "norm_num_groups": norm.get("groups", 32),
        "norm_eps": norm.get("eps", 1e-5),
        "act_fn": activation((block.get("activation") or {}).get("type")),
        "dropout": block.get("dropout", 0.0),
        "downsample_padding": 0 if seen("encoder.0.pooling").get("padding") == "end" else 1,
        "flip_sin_to_cos": time.get("order") != "sin-cos",
        "freq_shift": int(time.get("shift", 0)),
        "resnet_time_scale_shift": "scale_shift"
        if block.get("method") == "scale-shift"
        else "default",
        "mid_block_scale_factor": 1 / bottom.get("scale", 1.0),
        "time_embedding_dim": time.get("width"),
        **({"time_embedding_type": "fourier"} if fourier else {}),
        "num_class_embeds": classes,
    }


def activation(name: str | None) -> str:
    """An activation by their name."""
    return next((theirs for theirs, ours in ACTIVATIONS.items() if ours == name), str(name))
