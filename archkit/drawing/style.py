"""How a picture is to look: what is shown, and the sizes of type and space."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal, TypedDict, get_args

from ..errors import DrawingError
from .palette import Theme

Detail = Literal["overview", "stage", "block"]
Preset = Literal["screen", "paper"]

PAPER_WIDTH = 497.0
"""The text width of a paper in points: 6.9 inches."""
LEAST_PRINTED = 5.5
"""The smallest type that is read with ease in print, in points."""


@dataclass(frozen=True, slots=True)
class Style:
    """What the caller wants.

    Arguments:
        detail: ``overview`` folds repeats, ``stage`` shows every block and skip, ``block`` the
            inside of each kind of block.
        theme: ``auto`` follows the reader's, where the format can.
        preset: ``paper`` has larger type in less space, and no title.
        width: Of the printed picture, in points; by itself as large as it is drawn, or the width
            of a page of text for ``paper``.
        title: Whether name and totals stand above it; not on paper unless said.
        costs: Whether stages show their parameters and MACs.
        legend: Whether colours and lines are explained below it.

    Raises:
        DrawingError: If a word is none of its choices, or the width is not positive.
    """

    detail: Detail = "overview"
    theme: Theme = "auto"
    preset: Preset = "screen"
    width: float | None = None
    title: bool | None = None
    costs: bool = True
    legend: bool = True

    def __post_init__(self) -> None:
        for name, choices in (("detail", Detail), ("theme", Theme), ("preset", Preset)):
            value, words = getattr(self, name), get_args(choices)
            if value not in words:
                raise DrawingError(f"`{name}` is one of {', '.join(words)}, not {value!r}")
        if self.width is not None and not self.width > 0:
            raise DrawingError(
                f"a picture can't be {self.width} points wide; give a positive width"
            )

    @property
    def titled(self) -> bool:
        return self.preset == "screen" if self.title is None else self.title

    @property
    def printed(self) -> float | None:
        """The width it is printed at; None where it is as wide as it is drawn."""
        return self.width or (PAPER_WIDTH if self.preset == "paper" else None)


class StyleOptions(TypedDict, total=False):
    """The options of a Style, for functions that pass them on."""

    detail: Detail
    theme: Theme
    preset: Preset
    width: float | None
    title: bool | None
    costs: bool
    legend: bool


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes of type, and of what stands around it, in points."""

    title: float = 13.0
    facts: float = 8.0
    name: float = 9.0
    shape: float = 8.0
    chip: float = 8.0
    flow: float = 7.0
    skip: float = 7.5
    strand: float = 6.8
    cost: float = 6.2
    pill: float = 8.5
    lane: float = 6.2
    legend: float = 7.2
    pad: float = 8.0
    indent: float = 18.0
    row_gap: float = 26.0
    skip_room: float = 50.0
    bus: float = 9.0
    wrap: float = 236.0
    widen: float = 12.0
    heighten: float = 20.0
    inner: float = 300.0

    def enlarged(self, times: float) -> Sizes:
        """The same space with larger type."""
        type_of = {f.name: getattr(self, f.name) * times for f in fields(self)[:12]}
        return replace(self, **type_of)


SCREEN = Sizes()
PAPER = Sizes(indent=8.0, skip_room=30.0, widen=6.0, inner=200.0, pad=6.0, wrap=200.0, row_gap=24.0)
ENLARGED = (1.25, 1.5, 1.75, 2.0, 2.25, 2.5)
"""How much larger type is tried on paper."""
