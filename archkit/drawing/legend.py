"""The legend: all that occurs, and nothing else, in balanced rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from . import font
from .changes import SIGNS
from .chips import PORT, Desk, badge
from .palette import CHIP_TEXT, PLAIN, Group
from .scene import Box, Item, Line, Text

ROW = 13.0
_SAMPLE, _LINE, _GAP = 14.0, 24.0, 13.0


@dataclass(frozen=True)
class Entry:
    """A sample and what it means; `draw` puts the sample at x, with its middle at 0."""

    words: str
    room: float
    draw: Callable[[float], list[Item]]


def legend(
    size: float, entries: list[Entry], centre: float, width: float, y: float
) -> tuple[list[Item], float]:
    """The rows of the legend about a middle line, and how high they are."""
    wide = [e.room + font.width(e.words, size) + _GAP for e in entries]
    rows = _balanced(wide, width)
    items: list[Item] = []
    at = 0
    for row, count in enumerate(rows):
        x = centre - (sum(wide[at : at + count]) - _GAP) / 2
        middle = y + row * (ROW + size - 7.2)
        for entry, w in zip(entries[at : at + count], wide[at : at + count], strict=True):
            items += [item.moved(0, middle) for item in entry.draw(x)]
            text = Text(
                x=x + entry.room, y=middle, words=entry.words, size=size, ink="muted", role="legend"
            )
            items.append(text)
            x += w
        at += count
    return items, len(rows) * (ROW + size - 7.2)


def _balanced(wide: list[float], width: float) -> list[int]:
    """How many entries each row has: as few rows as fit, about equally wide."""
    if not wide:
        return []
    for rows in range(1, len(wide) + 1):
        aim = sum(wide) / rows
        counts, used = [0], 0.0
        for i, w in enumerate(wide):
            left = len(wide) - i
            if (
                counts[-1]
                and len(counts) < rows
                and (used + w / 2 > aim or left == rows - len(counts))
            ):
                counts.append(0)
                used = 0.0
            counts[-1] += 1
            used += w
        starts = [sum(counts[:i]) for i in range(len(counts))]
        longest = max(sum(wide[s : s + c]) for s, c in zip(starts, counts, strict=True))
        if longest - _GAP <= width or rows == len(wide):
            return counts
    return [len(wide)]


def kinds(groups: Iterable[Group]) -> list[Entry]:
    """An entry for each group of chips."""
    return [_group(group) for group in groups]


def entries(desk: Desk) -> list[Entry]:
    """Everything that occurs in a U."""
    found = desk.outline
    used = dict.fromkeys(piece.group for piece in found.pieces)
    entries = kinds(desk.groups[group] for group in used)
    if any(not strand.offered for strand in found.strands):
        entries.append(Entry("skip", _LINE, _skip))
    elif found.strands:
        entries.append(Entry("is offered", _LINE, _skip))
    reads = [bus for piece in found.pieces for bus in piece.reads]
    if reads:
        entries.append(Entry("reads a condition", _SAMPLE, _port(desk.inks[reads[0]])))
    if desk.costs and found.stages:
        entries += [_bar("parameters", "parameters"), _bar("macs", "MACs of a stage")]
    told = [found.changes.told(spring.name) for bus in found.buses for spring in bus.spring]
    told += ["removed"] * bool(found.changes.untold)
    marks = {*told, *(p.mark for p in found.pieces), *(s.mark for s in found.strands)}
    entries += [_mark(desk, mark) for mark in SIGNS if mark in marks]
    return entries


def _group(group: Group) -> Entry:
    def draw(x: float) -> list[Item]:
        line = CHIP_TEXT if group.fill == PLAIN else ""
        sample = Box(
            x=x, y=-4.5, w=10.0, h=9.0, fill=group.fill, stroke=line, radius=2, role="legend"
        )
        return [sample]

    return Entry(group.words, _SAMPLE, draw)


def _skip(x: float) -> list[Item]:
    points = ((x, 0.0), (x + 19, 0.0))
    return [Line(points=points, ink="skip", width=1.3, role="sample")]


def _port(ink: str) -> Callable[[float], list[Item]]:
    def draw(x: float) -> list[Item]:
        half = PORT / 2
        return [
            Box(x=x + 3, y=-half, w=PORT, h=PORT, fill=ink, radius=half, role="legend"),
        ]

    return draw


def _bar(kind: str, words: str) -> Entry:
    def draw(x: float) -> list[Item]:
        return [Box(x=x, y=-1.7, w=10, h=3.4, fill=kind, radius=1.7, role="legend")]

    return Entry(words, _SAMPLE, draw)


def _mark(desk: Desk, mark: str) -> Entry:
    return Entry(mark, _SAMPLE, lambda x: badge(x + 5, 0, mark, ""))
