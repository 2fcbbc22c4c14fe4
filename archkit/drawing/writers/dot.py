"""Scene to DOT with every position pinned, so that every Graphviz engine draws the same picture.

Automatic layouts differ between versions of Graphviz; nothing is left to them here.
"""

from __future__ import annotations

from .. import font
from ..palette import Theme, colour
from ..scene import Box, Item, Line, Point, Scene, Text, corners, shaft
from .svg import number

# The one name that is bold in every engine when `-Bold` is added.
FACE = "Helvetica"
INCH = 72.0


def dot(scene: Scene, theme: Theme = "light", *, width: float | None = None) -> str:
    """The scene as DOT; `auto` is light.

    Arguments:
        width: Of the picture in points; as it is drawn if left out.
    """
    pen = _Pen(scene, "light" if theme == "auto" else theme)
    # Two unseen points keep the canvas as large as the picture in every engine.
    hooks = [pen.hook("corner-0", (0, 0)), pen.hook("corner-1", (scene.width, scene.height))]
    drawn = [line for item in scene for line in pen.draw(item)]
    size = ""
    if width:
        high = width / scene.width * scene.height
        size = f', size="{number(width / INCH)},{number(high / INCH)}!"'
    graph = (
        f'charset="utf-8", layout=nop2, bb="0,0,{number(scene.width)},{number(scene.height)}", '
        f"bgcolor={_quoted(pen.ink('ground'))}, outputorder=breadthfirst, pad=0, margin=0{size}, "
        f"fontname={FACE}, tooltip={_quoted(scene.title)}"
    )
    node = f'fontname={FACE}, shape=box, style="filled,rounded", fixedsize=true, margin=0, label=""'
    head = [
        f"  graph [{graph}];",
        f"  node [{node}];",
        f"  edge [fontname={FACE}, arrowsize=0.55];",
    ]
    title = _quoted(scene.title)
    return "\n".join([f"digraph {title} {{", *head, *hooks, *drawn, "}"]) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


class _Pen:
    """Writes items as nodes and edges; y grows upwards in Graphviz."""

    def __init__(self, scene: Scene, theme: Theme) -> None:
        self.width, self.height, self.theme = scene.width, scene.height, theme
        self.names: set[str] = set()

    def ink(self, ink: str) -> str:
        return colour(ink, self.theme)

    def hook(self, name: str, point: Point) -> str:
        """An unseen point that an edge can hold on to."""
        style = "shape=point, style=invis, width=0.001, height=0.001"
        return f'  {_quoted(self._name(name))} [{style}, pos="{self._at(*point)}"];'

    def draw(self, item: Item) -> list[str]:
        if isinstance(item, Box):
            return [self._box(item)]
        return [self._text(item)] if isinstance(item, Text) else self._line(item)

    def _name(self, wanted: str) -> str:
        name = wanted or f"item-{len(self.names)}"
        self.names.add(name)
        return name

    def _at(self, x: float, y: float) -> str:
        return f"{number(x)},{number(self.height - y)}"

    def _box(self, box: Box) -> str:
        round_ = box.w == box.h == 2 * box.rounding
        style = "filled" + (",rounded" if box.radius and not round_ else "")
        style += ",dashed" if box.dashed else ""
        told = [
            f'pos="{self._at(*box.centre)}"',
            f"width={box.w / INCH:.4f}",
            f"height={box.h / INCH:.4f}",
            f"style={_quoted(style)}",
            f"fillcolor={_quoted(self.ink(box.fill))}",
            f"color={_quoted(self.ink(box.stroke or box.fill))}",
            f"penwidth={number(box.line if box.stroke else 0)}",
            f"tooltip={_quoted(box.tip or ' ')}",
        ]
        told += [f"class={_quoted(box.role)}"] if box.role else []
        told += ["shape=circle"] if round_ else []
        return f"  {_quoted(self._name(box.id))} [{', '.join(told)}];"

    def _text(self, text: Text) -> str:
        words = text.words + (f"_{text.sub}" if text.sub else "")
        # Other fonts may be wider than the one measured with; but what reaches beyond the canvas
        # makes engines shift everything.
        left, right = text.x, self.width - text.x
        room = {"start": right, "middle": 2 * min(left, right), "end": left}[text.anchor]
        w = min(font.width(words, text.size, bold=text.bold) * 1.4 + 6, room)
        x = text.x + {"start": w / 2, "middle": 0.0, "end": -w / 2}[text.anchor]
        side = {"start": "\\l", "middle": "", "end": "\\r"}[text.anchor]
        label = _quoted(words)[:-1] + side + '"'
        face = FACE + ("-Bold" if text.bold else "")
        told = [
            'shape=none, style=""',
            f'pos="{self._at(x, text.y)}"',
            f"width={w / INCH:.4f}",
            f"height={text.size * 1.6 / INCH:.4f}",
            f"label={label}",
            f"fontsize={number(text.size)}",
            f"fontcolor={_quoted(self.ink(text.ink))}",
            f'fontname="{face}"',
            'tooltip=" "',
        ]
        return f"  {_quoted(self._name(''))} [{', '.join(told)}];"

    def _line(self, line: Line) -> list[str]:
        tail, tip = (f"end-{len(self.names) + i}" for i in (0, 1))
        hooks = [self.hook(tail, line.points[0]), self.hook(tip, line.points[-1])]
        curve = " ".join(self._at(*point) for point in _spline(line))
        end = f"e,{self._at(*line.points[-1])} " if line.head else ""
        told = [
            f'pos="{end}{curve}"',
            f"color={_quoted(self.ink(line.ink))}",
            f"penwidth={number(line.width)}",
            f"class={_quoted(line.role)}",
            f"tooltip={_quoted(line.tip or ' ')}",
        ]
        told += [] if line.head else ["arrowhead=none"]
        told += ["style=dashed"] if line.dashed else []
        return [*hooks, f"  {_quoted(tail)} -> {_quoted(tip)} [{', '.join(told)}];"]


def _spline(line: Line) -> list[Point]:
    """A line as Graphviz wants it: a start, and three control points for each piece."""
    points = shaft(line)
    curve = [points[0]]
    stops = [points[0]]
    for begin, corner, end in corners(points, line.radius):
        curve += [*_straight(stops[-1], begin), _toward(begin, corner), _toward(end, corner), end]
        stops.append(end)
    return [*curve, *_straight(stops[-1], points[-1])]


def _straight(a: Point, b: Point) -> list[Point]:
    (x0, y0), (x1, y1) = a, b
    dx, dy = (x1 - x0) / 3, (y1 - y0) / 3
    return [(x0 + dx, y0 + dy), (x0 + 2 * dx, y0 + 2 * dy), b]


def _toward(end: Point, corner: Point) -> Point:
    (x0, y0), (x1, y1) = end, corner
    return x0 + 0.55 * (x1 - x0), y0 + 0.55 * (y1 - y0)
