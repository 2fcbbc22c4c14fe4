"""A plan as a config of diffusers: that of the nearest network, which the importer then judges.

A module a class: whether a plan comes `near` its networks, and the `config` of the nearest.
"""

from __future__ import annotations

from typing import Protocol

from archkit import Config, Plan, Problem, SpecError

from ...rows import Says
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
)
from .seen import Seen


class Writes(Protocol):
    """How the configs of a class are written."""

    def near(self, seen: Seen) -> bool:
        """Whether a plan is of the kind that networks of this class are."""

    def config(self, seen: Seen) -> Says:
        """The options of the class whose network is, or comes nearest to, that of a plan."""


_CLASSES: tuple[tuple[str, Writes], ...] = (
    ("ControlNetModel", controlnet),
    ("Kandinsky3UNet", kandinsky3),
    ("StableCascadeUNet", stable_cascade),
    ("UNet1DModel", unet1d),
    ("UNetSpatioTemporalConditionModel", spatiotemporal),
    ("UNet3DConditionModel", unet3d),
    ("UNetMotionModel", motion),
    ("UNet2DConditionModel", simple_blocks),
    ("UNet2DConditionModel", k_blocks),
    ("UNet2DConditionModel", unet2d_condition),
    ("UNet2DModel", skip_blocks),
    ("UNet2DModel", unet2d),
)
"""The first that is near is asked."""


def config(plan: Plan) -> Config:
    """The config whose network is, or comes nearest to, that of a plan."""
    seen = Seen(plan)
    for name, network in _CLASSES:
        if network.near(seen):
            return {"_class_name": name, **network.config(seen)}
    what = f"diffusers has no U-Net of {len(seen.spec.input.space)} dimensions"
    raise SpecError([Problem("no-counterpart", what, "", ("input", "dims"))])
