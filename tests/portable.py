"""The text of a PDF as a reader of PDFs selects it: characters drawn, mapped to Unicode."""

from __future__ import annotations

import re
import zlib
from base64 import a85decode

_OBJECT = re.compile(rb"(\d+) 0 obj\s(.*?)\sendobj", re.DOTALL)
_ESCAPED = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_SHOWN = re.compile(rb"/(\S+) [\d.]+ Tf|\(((?:[^\\()]|\\.)*)\) Tj", re.DOTALL)


def texts(data: bytes) -> list[str]:
    """Every piece of text of the one page, in the order it is drawn."""
    objects = {int(number): body for number, body in _OBJECT.findall(data)}
    (content,) = (int(n) for n in re.findall(rb"/Contents (\d+) 0 R", data))
    fonts = {
        name: _unicode(_stream(objects[int(number)]))
        for body in objects.values()
        for name in re.findall(rb"/Name /(\S+)", body)
        for number in re.findall(rb"/ToUnicode (\d+) 0 R", body)
    }
    found, font = [], {}
    for name, shown in _SHOWN.findall(_stream(objects[content])):
        if name:
            font = fonts[name]
        else:
            found.append("".join(font[code] for code in _ESCAPED.sub(_byte, shown)))
    return found


def _stream(body: bytes) -> bytes:
    data = body.partition(b"stream")[2].rpartition(b"endstream")[0].strip()
    if b"/ASCII85Decode" in body:
        data = a85decode(b"<~" + data, adobe=True)
    return zlib.decompress(data) if b"/FlateDecode" in body else data


def _unicode(table: bytes) -> dict[int, str]:
    """Which sign each code of a font stands for."""
    pairs = re.findall(rb"<([0-9A-F]{2})> <([0-9A-F]{4})>\n", table)
    return {int(code, 16): chr(int(sign, 16)) for code, sign in pairs}


def _byte(escaped: re.Match[bytes]) -> bytes:
    word = escaped[1]
    plain = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
    return bytes([int(word, 8)]) if len(word) == 3 else plain.get(word, word)
