"""The grammar of labels: shapes, channels, names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ..shapes import Shape

LONGEST = 16


def space(sizes: tuple[int, ...]) -> str:
    """A spatial size: ``32×32``, a cube as ``64³``.

    Examples:
        >>> space((32, 48)), space((64, 64, 64)), space((16,))
        ('32×48', '64³', '16')
    """
    if len(sizes) == 3 and len(set(sizes)) == 1:
        return f"{sizes[0]}³"
    return "×".join(map(str, sizes))


def shape(of: Shape) -> str:
    """A tensor as ``channels @ size``.

    Examples:
        >>> shape(Shape(128, (32, 32))), shape(Shape(512))
        ('128 @ 32×32', '512')
    """
    return f"{of.channels} @ {space(of.space)}" if of.space else str(of.channels)


def change(before: int, after: int) -> str:
    """A number of channels, and what becomes of it: ``128 → 256``."""
    return str(after) if before == after else f"{before} → {after}"


def short(name: str, longest: int = LONGEST) -> str:
    """A name, cut where it is too long for a chip.

    Examples:
        >>> short("GatedConvNeXtV2Block")
        'GatedConvNeXtV2…'
    """
    return name if len(name) <= longest else name[: longest - 1] + "…"


def channels(widths: Iterable[int]) -> str:
    """Numbers of channels, equal ones counted: ``2 × 256 + 128 ch``.

    Examples:
        >>> channels([256, 256, 128]), channels([64])
        ('2 × 256 + 128 ch', '64 ch')
    """
    counted = Counter(widths)
    return " + ".join(f"{n} × {c}" if n > 1 else str(c) for c, n in counted.items()) + " ch"


def listed(names: Iterable[str]) -> str:
    """Names as a sentence lists them.

    Examples:
        >>> listed(["enc 0", "enc 1", "mid"])
        'enc 0, enc 1 and mid'
    """
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
