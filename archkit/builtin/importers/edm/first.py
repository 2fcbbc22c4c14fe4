"""EDM: DDPM++, NCSN++ and ADM in the form of Karras et al., 2022."""

from __future__ import annotations

from typing import Any, Literal

from archkit import Codebase, Config, Importer, Options

from ..rows import Says, differing, finished
from .common import Levels, Resampling, label, resampling, wrapped
from .names import DHARIWAL, SONG

_HALF = "sqrt(1/2)"
_SONG, _DHARIWAL = "SongUNet", "DhariwalUNet"
_OWN = {"model_type", "embedding_type", "encoder_type", "decoder_type", "augment_dim"}


class EDM(Importer):
    """A `SongUNet` or `DhariwalUNet`, or `EDMPrecond` around it, by the constructor's arguments.

    ``model_type`` says which of the two, as for `EDMPrecond`. The original's `class_labels`,
    one-hot vectors, are the condition ``label``, a class; `augment_labels` are ``augment``.

    References:
        | Elucidating the Design Space of Diffusion-Based Generative Models (Karras et al., 2022)
        | https://arxiv.org/abs/2206.00364
    """

    type: Literal["edm"] = "edm"

    def reads(self, config: Config) -> bool:
        return "img_resolution" in config and bool(_OWN & set(config))

    def spec(self, config: Config) -> dict[str, Any]:
        options = Options(config, "EDM")
        kind = _kind(options)
        says = _surroundings(options)
        made = _song(options) if kind == _SONG else _dhariwal(options)
        says["conditioning"] = made.pop("conditioning")
        says["input"]["size"] = made.pop("size")
        options.close()
        return finished("edm", {**says, **made})

    def codebase(self, config: Config) -> Codebase:
        return SONG if _kind(Options(config, "EDM")) == _SONG else DHARIWAL


def _kind(options: Options) -> str:
    """The class; the one that only `SongUNet` has arguments of is told by them."""
    kind: str | None = options.take("model_type")
    if kind not in (_SONG, _DHARIWAL, None):
        options.refuse("model_type", kind)
    return kind or _DHARIWAL


def _surroundings(options: Options) -> Says:
    into, out = options.take("in_channels"), options.take("out_channels")
    if into is None:
        return wrapped(options)
    says: Says = {"input": {"channels": into}, "prediction": "none"}
    return says if out == into else {**says, "output": {"channels": out}}


def _song(options: Options) -> Says:
    levels, by = Levels(options, 128, (1, 2, 2, 2), 4), resampling(options)
    base, one = levels.base, [{"heads": 1}] * len(levels.widths)
    says = levels.rows(one, options.take("attn_resolutions", (16,)), by).spec(
        {"type": "self", "scale": _HALF}
    )
    block = {"shortcut": "resample", "scale": _HALF, "dropout": options.take("dropout", 0.1)}
    says["block"] = {"type": "resnet", **differing(block, dropout=0)}
    says["norm"] = {"type": "group", "min_width": 4, "eps": 1e-6}
    says["size"] = levels.size
    says["stem"] = {"type": "conv", "channels": base}  # whatever the first stage has
    says["conditioning"] = {
        "time": _time(options, base),
        **_augment(options),
        **label(options, into="time"),
    }
    return {**says, **_pyramids(options, by)}


def _time(options: Options, base: int) -> Says:
    width = base * options.take("channel_mult_emb", 4)
    channels = base * options.take("channel_mult_noise", 1)
    kind = options.take("embedding_type", "positional")
    says = {"channels": channels, "width": width, "order": "sin-cos"}
    says = differing(says, channels=base, width=4 * base)
    if kind == "fourier":
        return {"type": "fourier", **says}
    if kind != "positional":
        options.refuse("embedding_type", kind)
    return {"type": "sinusoidal", "shift": 1.0, **says}


def _augment(options: Options) -> Says:
    channels = options.take("augment_dim", 0)
    if not channels:
        return {}
    says = {"type": "vector", "channels": channels, "layers": 1, "bias": False, "into": "time"}
    return {"augment": says}


def _pyramids(options: Options, by: Resampling) -> Says:
    """The layout, and the images beside the trunk: ``image`` on the way down, ``rgb`` up."""
    down = options.take("encoder_type", "standard")
    up = options.take("decoder_type", "standard")
    layout: Says = {"type": "edm"}
    registers: Says = {}
    if down in ("skip", "residual"):
        kept = "keep=image " if down == "residual" else ""
        layout["enter"] = "keep=image stem tap"
        layout["descend"] = f"down down@image join=image {kept}tap"
        registers["image"] = _shrinking(down, by[0])
    elif down != "standard":
        options.refuse("encoder_type", down)
    if up == "skip":
        layout["decode"] = "(join block)*n (join block attention) head@rgb"
        layout |= {"ascend": "up up@rgb", "leave": "use=rgb"}
        grown = {"type": "nearest", "conv": False} if by[1] == "nearest" else by[1]
        registers["rgb"] = {"upsampling": grown, "skip": "add"}
    elif up != "standard":
        options.refuse("decoder_type", up)
    return {"layout": layout, "registers": registers}


def _shrinking(kind: str, pool: Says | str) -> Says:
    """How an image shrinks, and how it is merged."""
    if kind == "skip":
        return {"pooling": pool, "skip": {"type": "add", "project": True}}
    taps = {"taps": [1.0, 1.0]} if isinstance(pool, str) else {**pool, "type": "conv-blur"}
    pooling = {"type": "conv-blur", "width": "next", **taps}
    return {"pooling": pooling, "skip": {"type": "add", "scale": _HALF}}


def _dhariwal(options: Options) -> Says:
    levels = Levels(options, 192, (1, 2, 3, 4), 3)
    sizes = options.take("attn_resolutions", (32, 16, 8))
    says = levels.rows(levels.heads(64), sizes, ("avg", "nearest")).spec({"type": "self"})
    dropout = options.take("dropout", 0.1)
    says["block"] = {"type": "resnet", "dropout": dropout} if dropout else None
    says["norm"] = {"type": "group", "min_width": 4}
    says["size"] = levels.size
    base, stem = levels.base, levels.widths[0]
    width = base * options.take("channel_mult_emb", 4)
    time = differing({"channels": base, "width": width}, channels=stem, width=4 * stem)
    says["conditioning"] = {
        "method": "scale-shift",
        **({"time": {"type": "sinusoidal", **time}} if time else {}),
        **_augment(options),
        **label(options, scaled=False, bias=False),
    }
    return says
