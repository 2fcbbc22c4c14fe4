"""Plugins with one fault each, and what has to catch it: the loader, or one law and no other."""

from __future__ import annotations

SOUND = '''\
"""A plugin of a test."""

from typing import Annotated, Literal

import torch
from pydantic import AfterValidator, BeforeValidator, PlainSerializer
from torch import nn

from archkit import Block, Cost, Shape, hookimpl
from archkit.nn.axes import convolution

ARCHKIT_API = 1


class Sound(Block):
    """A convolution of each position alone."""

    type: Literal["sound"] = "sound"
    gain: float = 1.0
    """What it is multiplied with."""

    def infer(self, site):
        return Shape(site.width, site.x.space)

    def cost(self, site):
        out = site.x.with_channels(site.width)
        return Cost.convolution(site.x.channels, site.width, kernel=1, out=out)

    def build(self, site):
        return Module(site.dims, site.x.channels, site.width)


class Module(nn.Module):
    def __init__(self, dims, channels, width):
        super().__init__()
        self.conv = convolution(dims, channels, width, 1)

    def forward(self, x):
        return self.conv(x)


class Word:
    """Text that is no text."""

    def __init__(self, text):
        self.text = str(text)

    def __eq__(self, other):
        return self.text == str(other)

    def __str__(self):
        return self.text


@hookimpl
def archkit_components():
    return {"block.sound": Sound}
'''

_GAIN = '    gain: float = 1.0\n    """What it is multiplied with."""\n'
_MADE = "        self.conv = convolution(dims, channels, width, 1)\n"
_ANSWER = "        return self.conv(x)\n"
_COUNT = "        return Cost.convolution(site.x.channels, site.width, kernel=1, out=out)\n"


def _option(annotation: str, default: str) -> tuple[str, str]:
    return _GAIN, f'    gain: {annotation} = {default}\n    """What it is multiplied with."""\n'


# What is wrong; what stands in the place of what; the law that says so.
UNLAWFUL: dict[str, tuple[str, str, str]] = {
    "an option of which nothing is said": (_GAIN, "    gain: float = 1.0\n", "documented"),
    "a class of which nothing is said": (
        '    """A convolution of each position alone."""\n',
        "",
        "documented",
    ),
    "an option without a default": (_GAIN, _GAIN.replace(" = 1.0", ""), "bare-name"),
    "an option that grows when it is read again": (
        *_option("Annotated[float, AfterValidator(lambda n: n + 1)]", "1.0"),
        "round-trip",
    ),
    "an option without a schema": (
        *_option(
            'Annotated["Word", BeforeValidator(lambda w: Word(w)), PlainSerializer(str)]', '"a"'
        ),
        "schema",
    ),
    "a channel too many on paper": ("Shape(site.width, ", "Shape(site.width + 1, ", "shape"),
    "a bias that is not counted": (
        _COUNT,
        _COUNT.replace("out=out", "out=out, bias=False"),
        "cost",
    ),
    "positions that are not counted": (
        _COUNT,
        "        return Cost.linear(site.x.channels, site.width)\n",
        "cost",
    ),
    "a batch of one that loses its axis": (
        _ANSWER,
        "        return self.conv(x).squeeze(0) if x.shape[0] == 1 else self.conv(x)\n",
        "batch-of-one",
    ),
    "an input that is written to": (
        _ANSWER,
        "        return self.conv(x if torch.is_grad_enabled() else x.add_(1))\n",
        "untouched",
    ),
    "the mean over the batch": (
        _ANSWER,
        "        return self.conv(x - x.mean(0, keepdim=True))\n",
        "batch-independence",
    ),
    "a weight that is multiplied with zero": (
        _ANSWER,
        "        return self.conv(x) * 0.0 + x.sum(1, keepdim=True)\n",
        "gradients",
    ),
    "an input that is cut off": (_ANSWER, _ANSWER.replace("(x)", "(x.detach())"), "gradients"),
    "a dtype that is wired in": (_ANSWER, _ANSWER.replace("(x)", "(x).float()"), "dtypes"),
    "dtypes that are mixed": (
        _ANSWER,
        "        return torch.lerp(self.conv(x), x.mean(1, keepdim=True), 0.5)\n",
        "autocast",
    ),
    "a device that is wired in": (
        _ANSWER,
        '        return self.conv(x) + torch.zeros(1, device="cpu", dtype=x.dtype)\n',
        "meta",
    ),
    "a buffer that no file fills": (
        _MADE + "\n    def forward(self, x):\n" + _ANSWER,
        _MADE
        + '        self.register_buffer("two", torch.full((1,), 2.0), persistent=False)\n'
        + "\n    def forward(self, x):\n        return self.conv(x) * self.two.to(x.dtype)\n",
        "meta",
    ),
    "a parameter with two names": (
        _MADE,
        _MADE + "        self.again = self.conv.weight\n",
        "state",
    ),
    "a function that can't be pickled": (_MADE, _MADE + "        self.f = lambda x: x\n", "copies"),
    "a mode that can't be changed": (
        _MADE,
        _MADE + "\n    def train(self, mode=True):\n        return self\n",
        "modes",
    ),
    "another answer each time it trains": (
        _ANSWER,
        '        self.turn = self.training and not getattr(self, "turn", False)\n'
        "        return self.conv(x.square() if self.turn else x)\n",
        "checkpointing",
    ),
    "a graph that breaks": (
        _ANSWER,
        "        torch._dynamo.graph_break()\n" + _ANSWER,
        "compile",
    ),
    "a branch on the number of samples": (
        _ANSWER,
        "        return self.conv(x) if len(x) <= 2 else self.conv(x + 0)\n",
        "export",
    ),
}

_HOOK = '    return {"block.sound": Sound}\n'

# What is wrong; what stands in the place of what; what the loader says, first.
REFUSED: dict[str, tuple[str, str, str]] = {
    "a version of tomorrow": (
        "ARCHKIT_API = 1",
        "ARCHKIT_API = 2",
        "it was made for version 2 of the hooks, and this archkit has 1",
    ),
    "a module that is not there": (
        "import torch\n",
        "import torch\nimport no_such_module\n",
        "ModuleNotFoundError: No module named 'no_such_module'",
    ),
    "a misspelt hook": (
        "def archkit_components",
        "def archkit_component",
        "`archkit_component` is no hook; did you mean `archkit_components`?",
    ),
    "a hook without its mark": (
        "@hookimpl\n",
        "",
        "the hook `archkit_components` is not marked with `@hookimpl`",
    ),
    "a hook with an argument": (
        "archkit_components()",
        "archkit_components(registry)",
        "the hook `archkit_components` takes no `registry`",
    ),
    "a list instead of a mapping": (
        _HOOK,
        "    return [Sound]\n",
        "`archkit_components` returned a list, and not a mapping from `kind.name` to a component",
    ),
    "a kind that is none": (
        _HOOK,
        _HOOK.replace("block", "blok"),
        "`blok` of `blok.sound` is no kind of component; did you mean `block`?",
    ),
    "a class of another kind": (
        "class Sound(Block)",
        "from archkit import Norm\n\n\nclass Sound(Norm)",
        "`block.sound`: `Sound` does not derive from `Block`",
    ),
    "another name than it says": (
        _HOOK,
        _HOOK.replace("sound", "noise"),
        "`block.noise`: `Sound` calls itself `sound`",
    ),
    "no build": (
        "    def build(self, site):",
        "    def built(self, site):",
        "`block.sound`: `Sound` has no `build`",
    ),
}


def broken(old: str, new: str) -> str:
    """The text of the sound plugin with one fault."""
    assert SOUND.count(old) == 1
    return SOUND.replace(old, new)
