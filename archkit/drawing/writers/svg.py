"""Scene to SVG: one text for every reader, the same bytes every time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from zlib import crc32

from ..font import SUBSCRIPT
from ..palette import DARK, LIGHT, Theme, colour
from ..scene import Box, Item, Line, Scene, Text, corners, head, shaft

FONTS = "'Helvetica Neue',Helvetica,Arial,'Liberation Sans',Arimo,'Archkit Sans',sans-serif"
POINT = 4 / 3
"""How many pixels of a screen a point is wide."""
BASELINE = 0.35
"""How far the baseline lies below the middle of a line, as a share of its size."""


def svg(
    scene: Scene,
    theme: Theme = "auto",
    *,
    width: float | None = None,
    ground: bool = True,
    fonts: str = FONTS,
) -> str:
    """The scene as an SVG document.

    Arguments:
        theme: ``auto`` follows what the reader prefers.
        width: Of the picture in points; as it is drawn if left out.
        ground: Whether the ground is painted.
        fonts: Families to set text in.
    """
    written = _Writer(theme)
    body = written.body(scene)
    uid = f"archkit-{crc32((body + scene.title + theme).encode()):08x}"
    body = body.replace(_UID, uid)
    scale = (width / scene.width if width else 1.0) * POINT
    size = f'width="{number(scene.width * scale)}" height="{number(scene.height * scale)}"'
    back = (
        f'<rect width="{number(scene.width)}" height="{number(scene.height)}"'
        f"{written.paint('fill', 'ground')}/>\n"
        if ground
        else ""
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{uid}" {size} '
        f'viewBox="0 0 {number(scene.width)} {number(scene.height)}" role="img" '
        f'aria-labelledby="{uid}-title {uid}-desc" font-family="{fonts}">\n'
        f'<title id="{uid}-title">{escape(scene.title)}</title>\n'
        f'<desc id="{uid}-desc">{escape(scene.description)}</desc>\n'
        f"<style>{written.style(uid)}</style>\n{back}{body}</svg>\n"
    )


_UID = "@uid@"
_XML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


def escape(text: str) -> str:
    """Text as XML holds it, in attributes too; control signs, which it can't hold, are left out."""
    return "".join(sign for sign in text if sign.isprintable() or sign == "\n").translate(_XML)


def number(value: float) -> str:
    """A coordinate with at most two decimals.

    Examples:
        >>> number(12.50), number(-0.001), number(3)
        ('12.5', '0', '3')
    """
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


class _Writer:
    """Writes items; remembers which colours the dark theme has to change."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self.used: dict[str, None] = {}

    def body(self, scene: Scene) -> str:
        lines: list[str] = []
        for stage, items in groupby(scene, key=_group):
            drawn = [self.item(item) for item in items]
            lines += [f'<g data-stage="{escape(stage)}">', *drawn, "</g>"] if stage else drawn
        return "\n".join(lines) + "\n"

    def item(self, item: Item) -> str:
        if isinstance(item, Box):
            return self._box(item)
        return self._text(item) if isinstance(item, Text) else self._line(item)

    def paint(self, how: str, ink: str) -> str:
        """An attribute with a colour, and the class by which a theme changes it."""
        name = ""
        if not ink.startswith("#"):
            name = f"{how[0]}-{ink}"
            self.used[name] = None
        tagged = f' class="{name}"' if name else ""
        return f' {how}="{colour(ink, self.theme)}"{tagged}'

    def style(self, uid: str) -> str:
        """Rules for the pointer, and for readers who prefer dark."""
        rules = "text{pointer-events:none}"
        if self.theme == "auto":
            dark = "".join(
                f"#{uid} .{name}{{{_PROPERTY[name[0]]}:{DARK[name[2:]]}}}"
                for name in ("f-ground", *self.used)
                if name[2:] in DARK
            )
            rules += f"@media (prefers-color-scheme:dark){{{dark}}}"
        return rules

    def _box(self, box: Box) -> str:
        rounding = f' rx="{number(box.rounding)}"' if box.rounding else ""
        fill, line = self.paint("fill", box.fill), ""
        if box.stroke:
            line = self.paint("stroke", box.stroke) + f' stroke-width="{number(box.line)}"'
            line += ' stroke-dasharray="3 2"' if box.dashed else ""
        rect = (
            f'<rect x="{number(box.x)}" y="{number(box.y)}" width="{number(box.w)}" '
            f'height="{number(box.h)}"{rounding}{fill}{line}/>'
        )
        rect = _one_class(rect)
        if not (box.tip or box.id):
            return rect
        name = f' id="{_UID}-{escape(box.id)}"' if box.id else ""
        tip = f"<title>{escape(box.tip)}</title>" if box.tip else ""
        return f'<g{name} class="{box.role}">{tip}{rect}</g>'

    def _text(self, text: Text) -> str:
        bold = ' font-weight="600"' if text.bold else ""
        sub = ""
        if text.sub:
            small = number(text.size * SUBSCRIPT)
            drop = number(text.size * 0.22)
            sub = f'<tspan dy="{drop}" font-size="{small}">{escape(text.sub)}</tspan>'
        return (
            f'<text x="{number(text.x)}" y="{number(text.y + text.size * BASELINE)}" '
            f'font-size="{number(text.size)}"{bold} text-anchor="{text.anchor}"'
            f"{self.paint('fill', text.ink)}>{escape(text.words)}{sub}</text>"
        )

    def _line(self, line: Line) -> str:
        way = path(line)
        dash = ' stroke-dasharray="4 2.5"' if line.dashed else ""
        drawn = (
            f'<path d="{way}" fill="none" stroke-width="{number(line.width)}"{dash}'
            f"{self.paint('stroke', line.ink)}/>"
        )
        if line.head:
            ends = "L".join(f"{number(x)} {number(y)}" for x, y in head(line))
            drawn += f'<path d="M{ends}Z"{self.paint("fill", line.ink)}/>'
        tip = f"<title>{escape(line.tip)}</title>" if line.tip else ""
        reach = f'<path d="{way}" fill="none" stroke="#000" stroke-opacity="0" stroke-width="9"/>'
        ends = ""
        if line.source and line.target:
            ends = f' data-from="{escape(line.source)}" data-to="{escape(line.target)}"'
        return f'<g class="edge {line.role}"{ends}>{tip}{reach if tip else ""}{drawn}</g>'


_PROPERTY = {"f": "fill", "s": "stroke"}


def _group(item: Item) -> str:
    """The stage whose contents an item belongs to; its card stands alone."""
    return "" if isinstance(item, Box) and item.role == "stage" else item.stage


def _one_class(tag: str) -> str:
    """A tag with its classes in one attribute."""
    names: Iterable[str] = re.findall(r' class="([^"]*)"', tag)
    bare = re.sub(r' class="[^"]*"', "", tag)
    listed = " ".join(names)
    return bare.replace("/>", f' class="{listed}"/>') if listed else bare


def path(line: Line) -> str:
    """The way of a line, with rounded corners, as SVG writes it."""
    points = shaft(line)
    way = [f"M{number(points[0][0])} {number(points[0][1])}"]
    for begin, corner, end in corners(points, line.radius):
        way.append(f"L{number(begin[0])} {number(begin[1])}")
        bend = " ".join(number(v) for v in (*corner, *end))
        way.append(f"Q{bend}")
    way.append(f"L{number(points[-1][0])} {number(points[-1][1])}")
    return "".join(way)


assert LIGHT.keys() == DARK.keys()
