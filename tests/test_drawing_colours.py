"""Colours that can be told apart, by eyes of every kind, on light ground and on dark."""

from itertools import combinations
from math import dist

import pytest

from archkit.drawing.palette import CHIP_TEXT, CONDITIONS, DARK, GROUPS, LIGHT

THEMES = {"light": LIGHT, "dark": DARK}
LINES = ("flow", "skip", *CONDITIONS)
MARKS = ("added", "removed", "changed")
Vector = tuple[float, float, float]

# Machado, Oliveira, Fernandes (2009), severity 1: what is left of red, green and blue.
EYES = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
TO_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))


def times(matrix: tuple[tuple[float, ...], ...], vector: Vector) -> Vector:
    x, y, z = (sum(m * v for m, v in zip(row, vector, strict=True)) for row in matrix)
    return x, y, z


def linear(colour: str) -> Vector:
    values = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return r, g, b


def luminance(colour: str) -> float:
    return times(TO_XYZ, linear(colour))[1]


def contrast(a: str, b: str) -> float:
    """As the Web Content Accessibility Guidelines define it."""
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def seen(colour: str, eyes: str) -> Vector:
    """A colour in CIELAB, as these eyes see it."""
    r, g, b = (min(1.0, max(0.0, v)) for v in times(EYES[eyes], linear(colour)))
    xyz = times(TO_XYZ, (r, g, b))
    x, y, z = (
        t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116
        for t in (v / w for v, w in zip(xyz, (0.9505, 1.0, 1.089), strict=True))
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def test_the_measures_measure() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert dist(seen("#777777", "deutan"), seen("#777777", "normal")) < 2
    assert dist(seen("#FF0000", "protan"), seen("#806000", "protan")) < 60


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("inks", [LINES, MARKS], ids=["lines", "marks"])
def test_lines_are_told_apart(inks: tuple[str, ...], theme: str, eyes: str) -> None:
    for a, b in combinations(inks, 2):
        apart = dist(*(seen(THEMES[theme][ink], eyes) for ink in (a, b)))
        assert apart > 11, (a, b, apart)


@pytest.mark.parametrize("theme", THEMES)
def test_text_and_lines_stand_out(theme: str) -> None:
    palette = THEMES[theme]
    for ground in ("ground", "card", "lane", "tray"):
        assert contrast(palette["text"], palette[ground]) >= 7
        if ground != "tray":
            assert contrast(palette["muted"], palette[ground]) >= 4.5
    for ink in (*LINES, *MARKS):
        assert contrast(palette[ink], palette["ground"]) >= 3
    for ink in ("skip", *MARKS):  # these are read as text, too
        assert contrast(palette[ink], palette["ground"]) >= 4.5
        assert contrast(palette["ground"], palette[ink]) >= 4.5


def test_chips_can_be_read() -> None:
    for group in GROUPS.values():
        assert contrast(CHIP_TEXT, group.fill) >= 7


def test_both_themes_have_every_role() -> None:
    assert LIGHT.keys() == DARK.keys()
