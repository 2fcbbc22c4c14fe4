"""Scene to PNG, by resvg and the bundled font: the same picture on every machine."""

from __future__ import annotations

from ...errors import DrawingError
from .. import font
from ..palette import Theme
from ..scene import Scene
from .svg import POINT, svg

DENSITY = 2.0
"""Pixels for each pixel of a plain screen."""
LARGEST = 16_000
"""The most pixels a side may have."""


def png(scene: Scene, theme: Theme = "light", *, width: float | None = None) -> bytes:
    """The scene as a PNG file, its ground painted; `auto` is light."""
    text = svg(scene, "light" if theme == "auto" else theme, width=width, fonts=font.FAMILY)
    return pixels(text, density(scene, width))


def pixels(text: str, zoom: float) -> bytes:
    """SVG as a PNG file; DrawingError where resvg is missing.

    Arguments:
        zoom: Pixels for each pixel of a plain screen.
    """
    try:
        import resvg_py
    except ModuleNotFoundError as error:
        what = "a PNG is made by resvg-py, which is not installed"
        raise DrawingError(f"{what}: `pip install resvg-py`, or save it as SVG") from error
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=text,
            zoom=zoom,
            skip_system_fonts=True,
            font_files=[str(font.REGULAR), str(font.BOLD)],
            font_family=font.FAMILY,
        )
    )


def density(scene: Scene, width: float | None) -> float:
    """Pixels for each pixel of a plain screen; fewer where a side would grow too long."""
    scale = (width / scene.width if width else 1.0) * POINT
    return min(DENSITY, LARGEST / (max(scene.width, scene.height) * scale))
