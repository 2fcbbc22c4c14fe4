"""diffusers: the config.json of a network, and its tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from archkit import Codebase, Config, Importer, Problem, SpecError

from . import skip_blocks, unet1d, unet2d, unet2d_condition
from .names import codebase

_CLASSES: dict[str, Callable[[Config], dict[str, Any]]] = {
    "UNet1DModel": unet1d.spec,
    "UNet2DModel": unet2d.spec,
    "UNet2DConditionModel": unet2d_condition.spec,
}


class Diffusers(Importer):
    """A network of diffusers; ``_class_name`` in its config says which class.

    The original's arguments become conditions: ``encoder_hidden_states`` is ``text``,
    ``class_labels`` is ``label`` (or ``vector``, where it is one), ``timestep_cond`` is
    ``guidance``; the pooled text and time ids of SDXL are one vector, ``micro``; channels that
    join the sample are ``image``.
    """

    type: Literal["diffusers"] = "diffusers"

    def reads(self, config: Config) -> bool:
        return "_class_name" in config

    def spec(self, config: Config) -> dict[str, Any]:
        name = config.get("_class_name")
        if name not in _CLASSES:
            known = ", ".join(f"`{k}`" for k in _CLASSES)
            what = f"archkit can't read diffusers' `{name}`" if name else "the config has no class"
            where = ("_class_name",)
            raise SpecError([Problem("unknown-class", what, f"it reads {known}", where)])
        own = {k: v for k, v in config.items() if not k.startswith("_")}
        return skip_blocks.spec(own) if skip_blocks.reads(own) else _CLASSES[name](own)

    def codebase(self, config: Config) -> Codebase:
        return codebase(config)
