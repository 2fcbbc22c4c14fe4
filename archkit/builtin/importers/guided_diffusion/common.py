"""What the configs of guided-diffusion and of latent diffusion have in common."""

from __future__ import annotations

from typing import Any

from archkit import Options

from ..rows import Attention, Rows, Says


class Levels:
    """The arguments of a `UNetModel` that say what stands at which level.

    Attributes:
        widths: Channels of each level.
        attends: Which of them have attention; `attention_resolutions` are factors by which the
            input has shrunk.
    """

    def __init__(self, options: Options, channel_mult: tuple[int, ...] = (1, 2, 4, 8)) -> None:
        self.base: int = options.need("model_channels")
        self.widths = [int(m * self.base) for m in options.take("channel_mult", channel_mult)]
        factors = options.need("attention_resolutions")
        self.attends = [2**level in factors for level in range(len(self.widths))]
        blocks = options.need("num_res_blocks")
        each = blocks if isinstance(blocks, list | tuple) else [blocks] * len(self.widths)
        self.blocks = list(each)
        self.dims: int = options.take("dims", 2)
        self.inside = options.take("resblock_updown", False)
        self.convolves = options.take("conv_resample", True)

    def rows(self, encoder: list[Says], decoder: list[Says], bottleneck: Attention) -> Rows:
        """The rows, with these attentions where there are any."""
        steps = len(self.widths) - 1
        stride: Says = {"stride": [1, 2, 2]} if self.dims == 3 else {}
        average: Says = {"type": "avg", **stride}
        if self.inside:
            pooling: Says = {"type": "block", "by": average if stride else "avg"}
            upsampling: Says = {"type": "block", "by": "nearest"}
        elif self.convolves:
            pooling, upsampling = {"type": "conv", **stride}, {"type": "nearest"}
        else:
            pooling, upsampling = average, {"type": "nearest", "conv": False}
        return Rows(
            self.widths,
            self.blocks,
            [a if lit else False for a, lit in zip(encoder, self.attends, strict=True)],
            [a if lit else False for a, lit in zip(decoder, self.attends, strict=True)],
            bottleneck,
            [pooling] * steps,
            [upsampling] * steps,
        )


def sample(options: Options, levels: Levels) -> Says:
    """Sample, output and time; more channels in than out are an image that joins the sample."""
    into, out = options.need("in_channels"), options.need("out_channels")
    size: Any = options.take("image_size") or 2 ** (len(levels.widths) + 2)
    says: Says = {"input": {"channels": min(into, out), "size": size}, "conditioning": {}}
    if levels.dims != 2:
        says["input"]["dims"] = levels.dims
    if out == 2 * into:
        says["output"] = {"variance": "learned"}
    elif into > out:
        says["conditioning"]["image"] = {"type": "image", "channels": into - out}
    elif out != into:
        says |= {"output": {"channels": out}, "prediction": "none"}
    if levels.widths[0] != levels.base:
        time = {"type": "sinusoidal", "channels": levels.base, "width": 4 * levels.base}
        says["conditioning"]["time"] = time
    if options.take("use_scale_shift_norm", False):
        says["conditioning"]["method"] = "scale-shift"
    dropout = options.take("dropout", 0)
    says["block"] = {"type": "resnet", "dropout": float(dropout)} if dropout else None
    return says
