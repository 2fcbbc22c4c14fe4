"""EDM2: the magnitude-preserving network of Karras et al., 2024."""

from __future__ import annotations

from typing import Any, Literal

from archkit import Codebase, Config, Importer, Options

from ..rows import Says, differing, finished
from .common import Levels, label, resampling, wrapped
from .first import EDM
from .names import SECOND

_KEEPS = "magnitude-preserving"


class EDM2(Importer):
    """EDM2's `Precond`, and the `UNet` in it, by the arguments of its constructor.

    The original's `class_labels`, one-hot vectors, are the condition ``label``, a class. What it
    knows of its own uncertainty (`logvar`) weighs the loss in training, and is left out.

    References:
        | Analyzing and Improving the Training Dynamics of Diffusion Models (Karras et al., 2024)
        | https://arxiv.org/abs/2312.02696
    """

    type: Literal["edm2"] = "edm2"

    def reads(self, config: Config) -> bool:
        return "img_resolution" in config and not EDM().reads(config)

    def spec(self, config: Config) -> dict[str, Any]:
        options = Options(config, "EDM2")
        options.skip("logvar_channels")
        levels = Levels(options, 192, (1, 2, 3, 4), 3)
        says = {**wrapped(options), **_rows(options, levels)}
        says["input"]["size"] = levels.size
        balance = options.take("concat_balance", 0.5)
        says["skip"] = {"type": _KEEPS, **differing({"balance": balance}, balance=0.5)}
        says["conditioning"] = _conditioning(options, levels)
        says |= {"stem": _KEEPS, "head": _KEEPS}
        options.close()
        return finished("edm2", says)

    def codebase(self, config: Config) -> Codebase:
        return SECOND


def _rows(options: Options, levels: Levels) -> Says:
    heads = levels.heads(options.take("channels_per_head", 64))
    sizes = options.take("attn_resolutions", (16, 8))
    rows = levels.rows(heads, sizes, resampling(options))
    clip = differing({"clip": float(options.take("clip_act", 256))}, clip=256.0)
    branch = {"balance": options.take("attn_balance", 0.3)}
    says = rows.spec({"type": _KEEPS, **differing(branch, balance=0.3), **clip})
    block = {"balance": options.take("res_balance", 0.3), "dropout": options.take("dropout", 0)}
    says["block"] = {"type": _KEEPS, **differing(block, balance=0.3, dropout=0), **clip}
    return says


def _conditioning(options: Options, levels: Levels) -> Says:
    stem, base = levels.widths[0], levels.base
    noise, emb = options.take("channel_mult_noise"), options.take("channel_mult_emb")
    features = stem if noise is None else base * noise
    width = max(levels.widths) if emb is None else base * emb
    time = differing({"channels": features, "width": width}, channels=stem, width=4 * stem)
    balance = differing({"balance": options.take("label_balance", 0.5)}, balance=0.5)
    return {
        "time": {"type": _KEEPS, **time},
        "embedding": {"type": _KEEPS, **balance},
        **label(options, bias=False, normalised=True),
    }
