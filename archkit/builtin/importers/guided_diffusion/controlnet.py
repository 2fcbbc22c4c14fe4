"""ControlNet in its authors' layout: half a latent diffusion network, which steers a whole one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Literal

from archkit import Codebase, Config, Importer, Options, Shapes, WeightError

from . import latent
from .names import GUIDED
from .published import unwrapped
from .shapes import half

_PART = "control_stage_config"
_OWN = {"zero_convs.0.0.weight", "input_hint_block.0.weight"}
_DIFFERENCE = "difference"

CONTROLNET = replace(
    GUIDED.but(
        places={
            "offer": "zero_convs.{tap}",
            "bottleneck.offer": "middle_block_out",
            "condition.hint": "input_hint_block",
        },
        tables={
            "head.conv": {"conv": "0"},
            # Every other of its modules is an activation.
            "condition.hint": {**{f"convs.{i}": f"{2 * i}" for i in range(7)}, "last": "14"},
        },
    ),
    name="ControlNet",
    inside=("control_model.", "module."),
)


class ControlNet(Importer):
    """A `ControlNet` of cldm or sgm, by the arguments of its constructor, or a whole config file.

    What the original is shown is the condition ``hint``; its `context` is ``text``, and its `y`
    ``label`` or ``vector``. Of a file that also holds the network that it steers, the ControlNet
    is read; the family ``latent-diffusion`` reads the other.

    References:
        | Adding Conditional Control to Text-to-Image Diffusion Models
          (Zhang, Rao, Agrawala, 2023)
        | https://arxiv.org/abs/2302.05543
    """

    type: Literal["controlnet"] = "controlnet"
    before: ClassVar[tuple[str, ...]] = ("latent-diffusion",)

    def reads(self, config: Config) -> bool:
        return latent.arguments(config, _PART) is not config

    def finds(self, shapes: Shapes) -> Config | None:
        inside = unwrapped(shapes, CONTROLNET)
        if not set(inside) >= _OWN or (found := half(inside)) is None:
            return None
        return {**found, "hint_channels": inside["input_hint_block.0.weight"][1]}

    def told(self, config: Config | None, shapes: Shapes) -> Config | None:
        if _DIFFERENCE in shapes:
            raise WeightError(
                "these weights are what a ControlNet differs in from the network that it steers: "
                f"they hold a tensor called `{_DIFFERENCE}`; add that network's own to them first"
            )
        return super().told(config, shapes)

    def spec(self, config: Config) -> dict[str, Any]:
        said = latent.arguments(config, _PART)
        same = {"out_channels": said["in_channels"]} if "in_channels" in said else {}
        options = Options({**said, **same}, "cldm's ControlNet")
        hint = {"type": "hint", "channels": options.need("hint_channels")}
        says = latent.read(options)
        says["conditioning"]["hint"] = hint
        head = {"type": "conv", "kernel": 1, "norm": "none", "activation": "none"}
        return {**says, "name": "controlnet", "layout": "controlnet", "head": head}

    def codebase(self, config: Config) -> Codebase:
        return CONTROLNET
