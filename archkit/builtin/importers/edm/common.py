"""What the configs of EDM and EDM2 have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archkit import Options

from ..rows import Attention, Rows, Says, differing

Resampling = tuple[Says | str, Says | str]
"""What pools and what upsamples inside blocks."""


class Levels:
    """The arguments that say what stands at which level.

    Attributes:
        base: The number that widths are multiples of.
        widths: Channels of each level.
        blocks: Blocks of each level of the encoder.
        attends: Which levels have attention; `attn_resolutions` are sizes.
    """

    def __init__(self, options: Options, base: int, mult: Sequence[int], blocks: int) -> None:
        self.size: int = options.take("img_resolution")
        self.base: int = options.take("model_channels", base)
        self.widths = [self.base * m for m in options.take("channel_mult", mult)]
        count = options.take("num_blocks", blocks)
        if count < 1:
            options.refuse("num_blocks", count)
        self.blocks = [max(1, count)] * len(self.widths)

    def rows(self, attention: Sequence[Attention], sizes: Sequence[int], by: Resampling) -> Rows:
        """The rows, with these attentions at these sizes, and the last of them at the bottom."""
        each = [a if self.size >> level in sizes else False for level, a in enumerate(attention)]
        steps = len(self.widths) - 1
        pooling, upsampling = ({"type": "block", "by": inside} for inside in by)
        return Rows(
            self.widths,
            self.blocks,
            each,
            each,
            attention[-1],
            [pooling] * steps,
            [upsampling] * steps,
        )

    def heads(self, width: int) -> list[Attention]:
        """Attention with heads so wide at every level; none where a level is narrower."""
        if all(w % width == 0 for w in self.widths):
            return [{"head_width": width} for _ in self.widths]
        return [{"heads": w // width} if w >= width else False for w in self.widths]


def resampling(options: Options) -> Resampling:
    """A filter, or what its simplest form is."""
    taps = [float(tap) for tap in options.take("resample_filter", [1, 1])]
    if taps == [1.0, 1.0]:
        return "avg", "nearest"
    blur = differing({"type": "blur", "taps": taps}, taps=[1.0, 3.0, 3.0, 1.0])
    return blur, blur


def wrapped(options: Options) -> Says:
    """What the precondition wraps the network in; nothing where it is the network itself."""
    channels: Any = options.take("img_channels")
    options.skip("use_fp16", "sigma_min", "sigma_max")
    sigma = options.take("sigma_data", 0.5)
    says: Says = {"type": "edm"} if sigma == 0.5 else {"type": "edm", "sigma_data": sigma}
    return {
        "input": {"channels": channels},
        "prediction": {"type": "sample", "path": "edm"},
        "precondition": says,
    }


def label(options: Options, **says: Any) -> Says:
    """The class, where there is one."""
    classes, dropout = options.take("label_dim", 0), options.take("label_dropout", 0)
    if not classes:
        return {}
    told = {"type": "one-hot", "classes": classes, **says}
    return {"label": {**told, "dropout": float(dropout)} if dropout else told}
