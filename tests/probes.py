"""Small networks to measure, and a plugin whose components say little of themselves."""

from __future__ import annotations

from typing import Any


def small(**more: Any) -> dict[str, Any]:
    """A little network of plain convolutions, whose every path a gradient takes."""
    return {
        "archkit": 1,
        "name": "probe",
        "input": {"channels": 1, "size": 32},
        "conditioning": {"time": "none"},
        "prediction": "none",
        "norm": "none",
        "activation": "none",
        "block": {"type": "conv"},
        "encoder": [{"channels": 2, "blocks": 1}, {"channels": 2, "blocks": 1}],
        **more,
    }


PLUGIN = '''
from typing import Literal
from archkit import Block, Cost, hookimpl

class Silent(Block):
    """A block that states no cost."""
    type: Literal["silent"] = "silent"

    def build(self, site):
        from torch import nn
        return nn.Conv2d(site.x.channels, site.width, 3, padding=1)

class Curt(Silent):
    """A block that states parameters and MACs alone."""
    type: Literal["curt"] = "curt"

    def cost(self, site):
        out = site.x.with_channels(site.width)
        told = Cost.convolution(site.x.channels, site.width, kernel=3, out=out)
        return Cost(told.parameters, told.macs)

@hookimpl
def archkit_components():
    return {"block.silent": Silent, "block.curt": Curt}
'''
