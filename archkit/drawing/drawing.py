"""A drawing: a plan and a style, to be looked at or saved in any format."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from ..errors import ArchkitError, DrawingError, Problem
from ..files import whole
from ..plans import Plan
from . import font
from .outline import Outline, outline
from .picture import printed_type, scene
from .scene import Scene, Text
from .style import LEAST_PRINTED, Detail, Style

if TYPE_CHECKING:
    from graphviz import Source

SUFFIXES = {
    "svg": "svg",
    "png": "png",
    "pdf": "pdf",
    "html": "html",
    "dot": "dot",
    "gv": "dot",
    "mmd": "mermaid",
    "tex": "tikz",
    "txt": "text",
}
"""What each suffix is written as."""
_FORMS = frozenset(SUFFIXES.values())
_TOLD, _EMBEDDED = ("mermaid", "text"), ("png", "pdf")
_WIDEST, _MOST = 4000, 1500


@dataclass(frozen=True)
class Drawing:
    """A picture of a plan; nothing is drawn before it is asked for.

    In a notebook it shows itself.

    Arguments:
        plan: The network.
        style: How it is to look.
        before: Another plan; what differs from it is marked.
        writers: More formats, by their suffix: what plugins offer.
    """

    plan: Plan
    style: Style = field(default_factory=Style)
    before: Plan | None = None
    writers: Mapping[str, Callable[[Drawing], str | bytes]] = field(
        default_factory=dict, compare=False, repr=False
    )

    @cached_property
    def outline(self) -> Outline:
        """What there is to show."""
        return outline(self.plan, self.before)

    @cached_property
    def scene(self) -> Scene:
        """Where everything stands."""
        return scene(self.outline, self.style)

    @cached_property
    def svg(self) -> str:
        """The picture as SVG, the same bytes every time."""
        return str(self._own("svg"))

    @property
    def text(self) -> str:
        """The picture as text."""
        return self.as_text()

    def as_text(self, columns: int | None = None) -> str:
        """The picture as text, for a terminal of so many columns."""
        from .writers.text import text

        return text(self.outline, columns)

    def write(self, form: str) -> bytes:
        """The picture in a format.

        Arguments:
            form: ``svg``, ``png``, ``pdf``, ``html``, ``dot``, ``mermaid``, ``tikz`` or ``text``,
                or a suffix of `writers`.

        Raises:
            DrawingError: The writer of a plugin fails.
        """
        written = self._own(form) if form in _FORMS else self._foreign(form)
        return written.encode() if isinstance(written, str) else written

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the picture, in the format of the suffix; whole or not at all.

        Raises:
            DrawingError: If the suffix is unknown, or the place can't be written.
        """
        path = Path(path)
        form = form_of(path, self.writers)
        for note in self.notes(form):
            warnings.warn(f"{note.message}; {note.mend}", stacklevel=2)
        placed(self.write(form), path)
        return path

    def to_graphviz(self) -> Source:
        """The picture as a `graphviz.Source`, every position pinned."""
        from graphviz import Source

        return Source(str(self._own("dot")), filename=f"{self.plan.spec.name}.gv")

    def notes(self, form: str) -> list[Problem]:
        """What the picture would suffer from in a format; each is a warning."""
        if form not in _FORMS or form in _TOLD:
            return []
        found = [*self._small(), *self._large()]
        return [*found, *self._glyphs(form)] if form in _EMBEDDED else found

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": self.text}

    def _own(self, form: str) -> str | bytes:
        """The picture in a format of archkit's own; its writer is imported now."""
        write: Callable[..., str | bytes]
        write = getattr(import_module(f".writers.{form}", __package__), form)
        if form in _TOLD:
            return write(self.outline)
        if form != "html":
            return write(self.scene, self.style.theme, width=self.style.printed)
        bare = replace(self.style, preset="screen", title=False, width=None)
        scenes = {d: scene(self.outline, replace(bare, detail=d)) for d in get_args(Detail)}
        return write(self.outline, scenes, self.style.theme)

    def _foreign(self, form: str) -> str | bytes:
        """What a plugin makes of this drawing."""
        try:
            written = self.writers[form](self)
        except ArchkitError:
            raise
        except Exception as error:
            what = f"the writer of .{form} files failed: {type(error).__name__}: {error}"
            raise DrawingError(what) from error
        if isinstance(written, str | bytes):
            return written
        name = type(written).__name__
        raise DrawingError(f"the writer of .{form} files has to return text or bytes, not {name}")

    def _small(self) -> list[Problem]:
        size = printed_type(self.scene, self.style)
        if size >= LEAST_PRINTED - 0.005:
            return []
        what = f"the smallest type is {size:.1f} points in print, and {LEAST_PRINTED} can be read"
        mend = "make it wider, or use `preset: paper`, or leave out the costs"
        return [Problem("small-type", what, mend, severity="warning")]

    def _large(self) -> list[Problem]:
        wide, many = self.scene.width, len(self.scene.items)
        if wide <= _WIDEST and many <= _MOST:
            return []
        what = f"the picture is {wide:.0f} points wide and has {many} items"
        return [Problem("large-picture", what, "draw the overview", severity="warning")]

    def _glyphs(self, form: str) -> list[Problem]:
        words = "".join(
            item.words + item.sub for item in self.scene.items if isinstance(item, Text)
        )
        lacking = font.missing(words)
        if not lacking:
            return []
        what = f"the font of {form} files has no sign for {', '.join(lacking)}"
        return [Problem("missing-glyph", what, "save it as SVG or HTML", severity="warning")]


def form_of(path: Path, more: Iterable[str] = ()) -> str:
    """The format of a suffix, its own word for one of `more`; DrawingError where it is neither."""
    suffix = path.suffix.lower().lstrip(".")
    form = SUFFIXES.get(suffix) or (suffix if suffix in more else None)
    if form is None:
        known = ", ".join(f".{suffix}" for suffix in (*SUFFIXES, *more))
        raise DrawingError(f"can't write {path}: suffixes are {known}")
    return form


def placed(data: bytes, path: Path) -> None:
    """Writes a file whole or not at all; DrawingError where its place can't be written."""
    try:
        with whole(path) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        raise DrawingError(
            f"can't write {path}: {error.strerror or error}; choose another place"
        ) from error
