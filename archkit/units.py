"""Numbers as people read them: three significant digits, and a unit."""

from __future__ import annotations

import re

UNCOUNTED = "not counted"
"""What stands where a component states no cost."""
_COUNTS = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_BYTES = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
_TIMES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
_SIZES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12} | {
    name: size for size, name in _BYTES
}
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kKMGT]i?B|B)")


def count(n: float, unit: str = "") -> str:
    """A number of things.

    Examples:
        >>> count(35_746_307), count(6_221_856_768, "MACs"), count(999_960), count(512, "MACs")
        ('35.7 M', '6.22 GMACs', '1.00 M', '512 MACs')
    """
    for step, prefix in _COUNTS:
        if float(f"{n:.3g}") >= step:
            return f"{_digits(n / step)} {prefix}{unit}"
    return f"{n:.0f} {unit}".rstrip()


def memory(n: float) -> str:
    """A number of bytes.

    Examples:
        >>> memory(3_437_096_960), memory(1000)
        ('3.20 GiB', '1000 B')
    """
    for step, name in _BYTES:
        if n >= step:
            return f"{_digits(n / step)} {name}"
    return f"{n:.0f} B"


def duration(seconds: float) -> str:
    """A stretch of time.

    Examples:
        >>> duration(0.0123), duration(75)
        ('12.3 ms', '75.0 s')
    """
    for step, name in _TIMES:
        if float(f"{seconds:.3g}") >= step:
            return f"{_digits(seconds / step)} {name}"
    return f"{seconds:.3g} s"


def share(part: float, whole: float) -> str:
    """A part of the whole in percent.

    Examples:
        >>> share(1, 3), share(0, 0)
        ('33.3 %', '0.0 %')
    """
    return f"{100 * part / whole if whole else 0:.1f} %"


def parse_memory(text: str) -> int | None:
    """Bytes; None for what is no amount of memory.

    Examples:
        >>> parse_memory("24GiB"), parse_memory("1.5 GB"), parse_memory("24")
        (25769803776, 1500000000, None)
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None or found[2] not in _SIZES:
        return None
    return int(float(found[1]) * _SIZES[found[2]])


def _digits(value: float) -> str:
    value = float(f"{value:.3g}")
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f}"
