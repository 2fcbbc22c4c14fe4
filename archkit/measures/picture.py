"""Effective receptive fields as a picture, each beside the box that theory gives it."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Mapping
from html import escape

from torch import Tensor

from ..drawing.font import FAMILY
from ..reports.receptive import Field
from .effective import effective_size

_PANEL, _GAP, _TOP, _CAPTION, _COLUMNS = 180.0, 24.0, 44.0, 34.0, 4
# Dark to bright through violet and orange; evenly rising in lightness.
_ANCHORS = ((0, 0, 4), (60, 9, 101), (148, 38, 103), (223, 83, 58), (252, 165, 10), (252, 255, 164))
_BOX, _TEXT, _MUTED = "#5CE1E6", "#1F2937", "#5B6675"
_DECADES = 4.0


def picture(title: str, fields: Mapping[str, Tensor], theory: Mapping[str, Field | None]) -> str:
    """An SVG with a panel for each field: gradients on a logarithmic scale, and the box.

    Arguments:
        fields: From `effective_fields`; of a volume, the slice through its centre is shown.
        theory: The theoretical receptive fields by the same names.
    """
    columns = min(_COLUMNS, len(fields))
    rows = -(-len(fields) // _COLUMNS)
    tall = max(_extent(field)[1] for field in fields.values())
    width = _GAP + columns * (_PANEL + _GAP)
    height = _TOP + rows * (tall + _CAPTION + _GAP) + _GAP
    panels = [
        _panel(name, field, theory.get(name), _place(index, tall))
        for index, (name, field) in enumerate(fields.items())
    ]
    legend = (
        f"brightness: gradient, over {_DECADES:.0f} decades; line: theoretical receptive field; "
        "a faint glow beyond it is what the statistics of norms see"
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
            f'width="{width:g}" height="{height:g}" font-family="{FAMILY}, Arial, sans-serif">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{width:g}" height="{height:g}" fill="#FFFFFF"/>',
            _text(_GAP, 24, title, 13, _TEXT, bold=True),
            *panels,
            _text(_GAP, height - 12, legend, 9, _MUTED),
            "</svg>",
            "",
        ]
    )


def _extent(field: Tensor) -> tuple[float, float]:
    """Width and height of what is shown of a field; a stretch is a band."""
    if field.ndim == 1:
        return _PANEL, _PANEL / 4
    rows, columns = field.shape[-2:]
    scale = _PANEL / max(rows, columns)
    return columns * scale, rows * scale


def _place(index: int, tall: float) -> tuple[float, float]:
    row, column = divmod(index, _COLUMNS)
    return _GAP + column * (_PANEL + _GAP), _TOP + row * (tall + _CAPTION + _GAP)


def _panel(name: str, field: Tensor, theory: Field | None, at: tuple[float, float]) -> str:
    x, y = at
    flat = field if field.ndim == 2 else field[None] if field.ndim == 1 else field[len(field) // 2]
    (rows, columns), (wide, high) = flat.shape, _extent(field)
    effective = f"effective {effective_size(field):.0f}"
    told = "theoretical unknown" if theory is None else f"theoretical {theory}"
    parts = [
        f'<image x="{x:g}" y="{y:g}" width="{wide:g}" height="{high:g}" '
        f'preserveAspectRatio="none" image-rendering="optimizeSpeed" href="{_png(flat)}"/>',
        _text(x, y + high + 14, name, 11, _TEXT, bold=True),
        _text(x, y + high + 28, f"{told}, {effective}", 9, _MUTED),
    ]
    if theory is not None:
        parts.append(_box(theory, field.ndim, (x, y), (wide / columns, high / rows)))
    return "\n".join(parts)


def _box(theory: Field, axes: int, at: tuple[float, float], unit: tuple[float, float]) -> str:
    across = theory.inside[-1]
    down = theory.inside[-2] if axes > 1 else (0, 0)
    x, y = at[0] + across[0] * unit[0], at[1] + down[0] * unit[1]
    width, height = (across[1] - across[0] + 1) * unit[0], (down[1] - down[0] + 1) * unit[1]
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="none" '
        f'stroke="{_BOX}" stroke-width="1.5"/>'
    )


def _text(x: float, y: float, text: str, size: int, fill: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{fill}"{weight}>{escape(text)}</text>'
    )


def _png(field: Tensor) -> str:
    """A picture of a field (rows, columns) with values up to 1, as a data URI."""
    levels = (1 + field.clamp_min(1e-30).log10() / _DECADES).clamp(0, 1)
    rows = (levels * 255).round().byte().tolist()
    height, width = field.shape
    data = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows), 9)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", bytes(channel for level in range(256) for channel in _colour(level / 255))),
        (b"IDAT", data),
        (b"IEND", b""),
    )
    png = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks)
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)


def _colour(level: float) -> tuple[int, ...]:
    place = level * (len(_ANCHORS) - 1)
    index = min(int(place), len(_ANCHORS) - 2)
    pair = zip(_ANCHORS[index], _ANCHORS[index + 1], strict=True)
    return tuple(round(a + (b - a) * (place - index)) for a, b in pair)
