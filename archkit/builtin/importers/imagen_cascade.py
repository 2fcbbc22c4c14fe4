"""Imagen's cascade: several Unets in one config and in one checkpoint, of which one is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from archkit import Config, Options, Shapes, WeightError

from .rows import Says

NUMBER = "unet_number"
"""Which Unet is meant, counted from 1, as imagen_pytorch does."""

_PLACE = re.compile(r"unets\.(\d+)\.|(\d+)\.ema_model\.")
_TEXTS = {"small": 512, "base": 768, "large": 1024, "xl": 2048, "xxl": 4096}
_OBJECTIVES = {"noise": "noise", "x_start": "sample", "v": "v"}
_PATHS = {"cosine": "cosine", "linear": "ddpm"}
_TRAINING = (
    *("loss_type", "cond_drop_prob", "timesteps", "random_crop_sizes", "lowres_noise_schedule"),
    *("lowres_sample_noise_level", "per_sample_random_aug_noise_level", "auto_normalize_img"),
    *("dynamic_thresholding", "dynamic_thresholding_percentile", "only_train_unet_number"),
    *("min_snr_loss_weight", "min_snr_gamma", "resize_mode", "resize_cond_video_frames"),
)


def inside(number: int) -> tuple[str, ...]:
    """What the names of a Unet begin with: in a cascade, and in the averages of its trainer."""
    return f"unets.{number - 1}.", f"{number - 1}.ema_model."


def whole(config: Config) -> Config | None:
    """The arguments of `Imagen` in its config, or in that of its command line."""
    here = config.get("imagen", config)
    unets = here.get("unets") if isinstance(here, Mapping) else None
    listed = isinstance(unets, list) and all(isinstance(unet, Mapping) for unet in unets)
    return here if listed else None


def chosen(config: Config, shapes: Shapes) -> Config:
    """The arguments of one Unet, and what the cascade says of it; raises WeightError where it is
    not said which.

    Arguments:
        config: That of a Unet, or of the cascade; ``unet_number`` in it says which Unet.
        shapes: Tensors of one or of all of them; none where only a config was given.
    """
    there, cascade = _held(shapes), whole(config)
    number = _number(config, there, len(cascade["unets"]) if cascade else 0)
    said = dict(config) if cascade is None else _of(cascade, config, number)
    if not there:
        return said
    first = next(p for p in inside(number) if any(name.startswith(p) for name in shapes))
    own = {n.removeprefix(first): s for n, s in shapes.items() if n.startswith(first)}
    return {**said, NUMBER: number, **_cast(own)}


def _held(shapes: Shapes) -> list[int]:
    """The numbers of the Unets whose tensors there are."""
    found = {int(at[1] or at[2]) + 1 for name in shapes if (at := _PLACE.match(name))}
    return sorted(found)


def _number(config: Config, there: list[int], listed: int) -> int:
    """The number that was said, or that of the only Unet there is."""
    held = there or [n + 1 for n in range(listed)]
    allowed = [n for n in held if n <= listed] if listed else held
    number = config.get(NUMBER, allowed[0] if len(allowed) == 1 else 1 if not held else None)
    known = ", ".join(map(str, allowed)) or "none that the config lists"
    if number is None:
        what = f"there are {len(allowed)} Unets of imagen_pytorch"
        raise WeightError(f"{what}; say which with `{NUMBER}` in `config`: {known}")
    if held and number not in allowed:
        raise WeightError(f"there is no Unet with the `{NUMBER}` {number}; there are {known}")
    return int(number)


def _cast(shapes: Shapes) -> Says:
    """What a cascade makes of each Unet, whatever that one was made with, as its tensors tell."""
    says: Says = {"lowres_cond": "to_lowres_time_hiddens.1.weight" in shapes}
    if out := shapes.get("final_conv.weight"):
        says |= {"channels": out[0], "channels_out": None}
    if text := shapes.get("text_to_cond.weight"):
        says["text_embed_dim"] = text[1]
    return {**says, "cond_on_text": text is not None}


def _of(cascade: Config, config: Config, number: int) -> Says:
    """The arguments of one Unet, as `Imagen` changes them, and what it says of its samples."""
    kinds = {} if cascade is config else {"type": config.get("type", "original")}
    options = Options({**cascade, **kinds}, "imagen_pytorch's Imagen")
    options.only("type", "original")
    options.only("video", False)
    options.only("temporal_downsample_factor", 1)
    options.skip(*_TRAINING, NUMBER)
    unets = options.take("unets")
    # As `UnetConfig` has them, which are not those of `Unet`.
    said = {"attn_dim_head": 32, "attn_heads": 16, **unets[number - 1]}
    if said.get("is_null"):
        options.refuse("is_null", True)
    said |= {
        **{"channels": options.take("channels", 3), "channels_out": None},
        **{"lowres_cond": number > 1, "cond_on_text": options.take("condition_on_text", True)},
        **{"text_embed_dim": _text(options), NUMBER: number},
        "prediction": _prediction(options, number, len(unets)),
        "image_size": _one(options, "image_sizes", 64, number, len(unets)),
    }
    options.close()
    return said


def _text(options: Options) -> int | None:
    """Channels of the encoded text."""
    told, name = options.take("text_embed_dim"), options.take("text_encoder_name", "base")
    width: int | None = told or _TEXTS.get(name.rpartition("-")[2])
    if width is None:
        options.refuse("text_encoder_name", name, "say `text_embed_dim`, the width of its tokens")
    return width


def _prediction(options: Options, number: int, count: int) -> Says:
    schedules = options.take("noise_schedules", "cosine")
    schedules = list(schedules) if isinstance(schedules, list | tuple) else [schedules]
    schedules += ["cosine"] * (2 - len(schedules))
    schedules += ["linear"] * (count - len(schedules))
    schedule = schedules[number - 1]
    objective = _one(options, "pred_objectives", "noise", number, count)
    if schedule not in _PATHS:
        options.refuse("noise_schedules", schedule)
    if objective not in _OBJECTIVES:
        options.refuse("pred_objectives", objective)
    path = {"type": _PATHS.get(schedule), "told": "log-snr"}
    return {"type": _OBJECTIVES.get(objective), "path": path}


def _one(options: Options, key: str, default: Any, number: int, count: int) -> Any:
    """What is said for a Unet, or for all."""
    value = options.take(key, default)
    if not isinstance(value, list | tuple):
        return value
    if len(value) != count:
        options.refuse(key, value, f"say one for each of the {count}")
        return default
    return value[number - 1]
