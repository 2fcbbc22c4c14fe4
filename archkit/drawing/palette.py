"""Colours by what they mean, light and dark.

Chips have Paul Tol's "light" scheme, made for cells with dark text. The colours of lines keep apart
under simulated colour blindness (Machado, Oliveira, Fernandes, 2009) and stand out from the ground.
Colour never says anything alone: chips bear names, conditions pills, changes signs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Theme = Literal["light", "dark", "auto"]

LIGHT = {
    "ground": "#FFFFFF",
    "text": "#1F2937",
    "muted": "#5B6675",
    "faint": "#6E7781",
    "card": "#F6F8FA",
    "card-line": "#D0D7DE",
    "tray": "#E3E8EE",
    "lane": "#FAF7FB",
    "lane-line": "#E6DCEA",
    "flow": "#334155",
    "skip": "#33669A",
    "parameters": "#4B5A70",
    "macs": "#8A97A8",
    "time": "#AA3377",
    "sequence": "#07A070",
    "label": "#5E2A00",
    "vector": "#7A6410",
    "image": "#3F8FD6",
    "added": "#18794E",
    "removed": "#B31933",
    "changed": "#916808",
}
DARK = {
    "ground": "#0D1117",
    "text": "#E6EDF3",
    "muted": "#9BA7B4",
    "faint": "#768390",
    "card": "#161B22",
    "card-line": "#30363D",
    "tray": "#2A313A",
    "lane": "#17131C",
    "lane-line": "#3A2F42",
    "flow": "#B6C2CF",
    "skip": "#6CA6DE",
    "parameters": "#8B9AAD",
    "macs": "#56616E",
    "time": "#ED62CB",
    "sequence": "#5FE3B0",
    "label": "#C5795C",
    "vector": "#F5D76B",
    "image": "#5F929E",
    "added": "#4CC38A",
    "removed": "#FF8177",
    "changed": "#E3A13A",
}
CONDITIONS = ("time", "sequence", "label", "vector", "image")
CHIP_TEXT = "#111827"
PLAIN = "#FFFFFF"
"""The fill of a chip of no kind, which has an outline instead."""


@dataclass(frozen=True, slots=True)
class Group:
    """A kind of chip: its colour, the same in both themes, and what the legend calls it."""

    fill: str
    words: str


GROUPS = {
    "convolution": Group("#99DDFF", "convolution"),
    "resnet": Group("#77AADD", "residual block"),
    "attention": Group("#EE8866", "self-attention"),
    "transformer": Group("#EEDD88", "transformer"),
    "down": Group("#44BB99", "downsample"),
    "up": Group("#BBCC33", "upsample"),
    "plain": Group("#DDDDDD", "norm, activation, embedding"),
    "custom": Group(PLAIN, "custom block"),
}
_SPARE = ("#FFAABB", "#C5B0E6", "#AAAA00", "#F5C9A1")


def groups(used: Iterable[str]) -> dict[str, Group]:
    """The groups in use; words that plugins brought get the spare colours, in order.

    Examples:
        >>> [group.fill for group in groups(["resnet", "mamba"]).values()]
        ['#77AADD', '#FFAABB']
    """
    found: dict[str, Group] = {}
    spare = iter(_SPARE)
    for word in dict.fromkeys(used):
        found[word] = GROUPS.get(word) or Group(next(spare, PLAIN), word)
    return found


def colour(ink: str, theme: Theme) -> str:
    """The colour of a role (``flow``), or `ink` itself where it is a colour."""
    if ink.startswith("#"):
        return ink
    return (DARK if theme == "dark" else LIGHT)[ink]
