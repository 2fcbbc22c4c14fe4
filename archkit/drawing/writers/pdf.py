"""Scene to PDF, by reportlab: vectors, and text that can be selected, in embedded fonts."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from ...errors import DrawingError
from .. import font
from ..font import SUBSCRIPT
from ..palette import Theme, colour
from ..scene import Box, Item, Line, Point, Scene, Text, corners, head, shaft
from .svg import BASELINE

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

_FACES = {False: "ArchkitSans", True: "ArchkitSans-Bold"}
# A quarter of a circle by one Bézier curve; this much of the way to the corner.
_ROUND = 0.5523


def pdf(scene: Scene, theme: Theme = "light", *, width: float | None = None) -> bytes:
    """The scene as a PDF file of one page, as large as the picture; `auto` is light.

    Raises DrawingError where reportlab is missing.
    """
    try:
        from reportlab.pdfbase import pdfmetrics
        from reportlab.pdfbase.ttfonts import TTFont
        from reportlab.pdfgen.canvas import Canvas
    except ModuleNotFoundError as error:
        what = "a PDF is made by reportlab, which is not installed"
        raise DrawingError(f"{what}: `pip install reportlab`, or save it as SVG") from error
    for bold, path in ((False, font.REGULAR), (True, font.BOLD)):
        if _FACES[bold] not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(_FACES[bold], str(path)))
    scale = width / scene.width if width else 1.0
    page = (scene.width * scale, scene.height * scale)
    out = BytesIO()
    # `invariant` leaves the date out: the same bytes every time.
    face: Any = _FACES[False]  # the stubs take it for a number
    canvas = Canvas(out, pagesize=page, invariant=1, initialFontName=face)
    canvas.setTitle(scene.title)
    canvas.setSubject(scene.description)
    canvas.setCreator("archkit")
    canvas.scale(scale, scale)
    pen = _Pen(canvas, scene.height, "light" if theme == "auto" else theme)
    ground = Box(x=0, y=0, w=scene.width, h=scene.height, fill="ground", radius=0)
    for item in (ground, *scene):
        pen.draw(item)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


class _Pen:
    """Draws items on a canvas, whose y grows upwards."""

    def __init__(self, canvas: Canvas, height: float, theme: Theme) -> None:
        self.canvas, self.height, self.theme = canvas, height, theme

    def draw(self, item: Item) -> None:
        if isinstance(item, Box):
            self._box(item)
        elif isinstance(item, Text):
            self._text(item)
        else:
            self._line(item)

    def _ink(self, ink: str) -> Any:
        from reportlab.lib.colors import HexColor

        return HexColor(colour(ink, self.theme))

    def _box(self, box: Box) -> None:
        self.canvas.setFillColor(self._ink(box.fill))
        if box.stroke:
            self.canvas.setStrokeColor(self._ink(box.stroke))
            self.canvas.setLineWidth(box.line)
            self.canvas.setDash([3, 2] if box.dashed else [])
        self.canvas.roundRect(
            box.x,
            self.height - box.bottom,
            box.w,
            box.h,
            box.rounding,
            stroke=int(bool(box.stroke)),
            fill=1,
        )
        self.canvas.setDash([])

    def _text(self, text: Text) -> None:
        face = _FACES[text.bold]
        wide = font.width(text.words, text.size, bold=text.bold)
        small = text.size * SUBSCRIPT
        whole = wide + font.width(text.sub, small, bold=text.bold)
        x = text.x - {"start": 0.0, "middle": whole / 2, "end": whole}[text.anchor]
        y = self.height - text.y - text.size * BASELINE
        self.canvas.setFillColor(self._ink(text.ink))
        self.canvas.setFont(face, text.size)
        self.canvas.drawString(x, y, text.words)
        if text.sub:
            self.canvas.setFont(face, small)
            self.canvas.drawString(x + wide, y - text.size * 0.22, text.sub)

    def _line(self, line: Line) -> None:
        ink = self._ink(line.ink)
        self.canvas.setStrokeColor(ink)
        self.canvas.setLineWidth(line.width)
        self.canvas.setDash([4, 2.5] if line.dashed else [])
        points = shaft(line)
        way = self.canvas.beginPath()
        way.moveTo(*self._up(points[0]))
        for begin, corner, end in corners(points, line.radius):
            way.lineTo(*self._up(begin))
            ins, outs = _between(begin, corner), _between(end, corner)
            way.curveTo(*self._up(ins), *self._up(outs), *self._up(end))
        way.lineTo(*self._up(points[-1]))
        self.canvas.drawPath(way, stroke=1, fill=0)
        self.canvas.setDash([])
        if line.head:
            tip, left, right = head(line)
            arrow = self.canvas.beginPath()
            arrow.moveTo(*self._up(tip))
            arrow.lineTo(*self._up(left))
            arrow.lineTo(*self._up(right))
            arrow.close()
            self.canvas.setFillColor(ink)
            self.canvas.drawPath(arrow, stroke=0, fill=1)

    def _up(self, point: Point) -> Point:
        return point[0], self.height - point[1]


def _between(end: Point, corner: Point) -> Point:
    """Toward the corner, as far as makes a quarter of a circle."""
    return tuple(a + (b - a) * _ROUND for a, b in zip(end, corner, strict=True))  # type: ignore[return-value]
