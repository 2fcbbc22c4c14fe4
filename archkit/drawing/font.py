"""The bundled font: how wide text is, and which signs there are.

Archkit Sans is cut from Arimo, whose widths are those of Helvetica, Arial and Liberation Sans:
text that is measured with it fits in all of them.
"""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "typeface"
REGULAR, BOLD = FOLDER / "ArchkitSans-Regular.ttf", FOLDER / "ArchkitSans-Bold.ttf"
FAMILY = "Archkit Sans"
SUBSCRIPT = 0.72
"""Size of a subscript, as a share of its text's."""


def width(text: str, size: float, *, bold: bool = False) -> float:
    """How wide `text` is, in the unit of `size`.

    Examples:
        >>> round(width("ResNet", 8), 2)
        26.68
    """
    advances = _advances(BOLD if bold else REGULAR)
    widest = advances["W"]
    return sum(advances.get(sign, widest) for sign in text) * size


def missing(text: str) -> str:
    """The signs of `text` that the font lacks.

    Examples:
        >>> missing("ε → 32×32"), missing("U 日本")
        ('', '日本')
    """
    advances = _advances(REGULAR)
    return "".join(dict.fromkeys(s for s in text if s not in advances and not s.isspace()))


@cache
def _advances(path: Path) -> dict[str, float]:
    """The advance width of every sign, in units of the font size."""
    data = path.read_bytes()
    tables = {
        data[at : at + 4]: struct.unpack_from(">I", data, at + 8)[0]
        for at in range(12, 12 + 16 * struct.unpack_from(">H", data, 4)[0], 16)
    }
    (em,) = struct.unpack_from(">H", data, tables[b"head"] + 18)
    (count,) = struct.unpack_from(">H", data, tables[b"hhea"] + 34)
    metrics = struct.unpack_from(">" + "Hh" * count, data, tables[b"hmtx"])[::2]
    return {
        chr(code): metrics[min(glyph, count - 1)] / em
        for code, glyph in _glyphs(data, tables[b"cmap"])
    }


def _glyphs(data: bytes, cmap: int) -> list[tuple[int, int]]:
    """Code points and glyphs of the table of the basic plane (format 4)."""
    for record in range(cmap + 4, cmap + 4 + 8 * struct.unpack_from(">H", data, cmap + 2)[0], 8):
        at = cmap + struct.unpack_from(">I", data, record + 4)[0]
        if struct.unpack_from(">H", data, at)[0] == 4:
            break
    segments = struct.unpack_from(">H", data, at + 6)[0] // 2
    ends, starts, deltas, offsets = (
        struct.unpack_from(f">{segments}{kind}", data, at + 14 + skip + 2 * i * segments)
        for i, (kind, skip) in enumerate((("H", 0), ("H", 2), ("h", 2), ("H", 2)))
    )
    table = at + 16 + 6 * segments
    found = []
    for i, (end, start, delta, offset) in enumerate(
        zip(ends, starts, deltas, offsets, strict=True)
    ):
        for code in range(start, min(end, 0xFFFE) + 1):
            glyph = code
            if offset:
                place = table + 2 * i + offset + 2 * (code - start)
                glyph = struct.unpack_from(">H", data, place)[0]
            if glyph or not offset:
                found.append((code, (glyph + delta) % 65536))
    return found
