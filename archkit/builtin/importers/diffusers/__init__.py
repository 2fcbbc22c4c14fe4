"""diffusers: the config.json of a network, and its tensors."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Protocol

from archkit import Codebase, Config, Importer, Plan, Problem, Shapes, SpecError, WeightError

from ..rows import Says
from . import (
    controlnet,
    k_blocks,
    kandinsky3,
    motion,
    simple_blocks,
    skip_blocks,
    spatiotemporal,
    stable_cascade,
    unet1d,
    unet2d,
    unet2d_condition,
    unet3d,
    writing,
)
from .names import DIFFUSERS
from .shapes import config as shapes_config


class Reads(Protocol):
    """How the configs of a class are read, and its tensors named."""

    def spec(self, config: Config) -> Says:
        """The spec; raises SpecError naming every option without counterpart."""

    def codebase(self, config: Config, usual: Codebase) -> Codebase:
        """The names; `usual` are those that the classes have in common."""


_CLASSES: dict[str, Reads] = {
    "UNet1DModel": unet1d,
    "UNet2DModel": unet2d,
    "UNet2DConditionModel": unet2d_condition,
    "ControlNetModel": controlnet,
    "Kandinsky3UNet": kandinsky3,
    "StableCascadeUNet": stable_cascade,
    "UNet3DConditionModel": unet3d,
    "UNetSpatioTemporalConditionModel": spatiotemporal,
    "UNetMotionModel": motion,
}
_KINDS = (skip_blocks, k_blocks, simple_blocks)
"""Blocks that make another network of a class, and so are read by themselves."""


class Diffusers(Importer):
    """A network of diffusers; ``_class_name`` in its config says which class.

    The original's arguments become conditions: ``encoder_hidden_states`` is ``text``,
    ``class_labels`` is ``label`` (or ``vector``, where it is one), ``timestep_cond`` is
    ``guidance``; the pooled text and time ids of SDXL are one vector, ``micro``; channels that
    join the sample are ``image``, and what a ControlNet is shown is ``hint``.
    """

    type: Literal["diffusers"] = "diffusers"
    weights_file: ClassVar[str] = "diffusion_pytorch_model.safetensors"

    def reads(self, config: Config) -> bool:
        return "_class_name" in config

    def finds(self, shapes: Shapes) -> Config | None:
        return shapes_config(shapes)

    def spec(self, config: Config) -> dict[str, Any]:
        return _reader(config).spec(_options(config))

    def codebase(self, config: Config) -> Codebase:
        if "_class_name" not in config:  # what the classes have in common
            return DIFFUSERS
        return _reader(config).codebase(_options(config), DIFFUSERS)

    def config(self, plan: Plan) -> Config:
        return writing.config(plan)

    def outlines(self, config: Config) -> Shapes:
        try:
            import diffusers
        except ImportError:
            what = "what is written for diffusers is compared with it, and it is not installed"
            raise WeightError(f"{what}: pip install diffusers") from None
        import torch

        with torch.device("meta"):
            module = getattr(diffusers, config["_class_name"]).from_config(dict(config))
        return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def _reader(config: Config) -> Reads:
    """Who reads a config: the kind of its blocks, or else its class."""
    name = config.get("_class_name")
    if name not in _CLASSES:
        known = ", ".join(f"`{k}`" for k in _CLASSES)
        what = f"archkit can't read diffusers' `{name}`" if name else "the config has no class"
        where = ("_class_name",)
        raise SpecError([Problem("unknown-class", what, f"it reads {known}", where)])
    return next((kind for kind in _KINDS if kind.reads(_options(config))), _CLASSES[name])


def _options(config: Config) -> Says:
    return {key: value for key, value in config.items() if not key.startswith("_")}
