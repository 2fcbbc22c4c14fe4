"""Scene to TikZ: the same picture in the type of a paper; it needs only tikz and arrows.meta."""

from __future__ import annotations

from ..palette import Theme, colour
from ..scene import HEAD, Box, Item, Line, Scene, Text
from .svg import number

_SIGNS = {
    "\\": "\\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%#$_{}"},
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "×": "$\\times$",
    "→": "$\\to$",
    "↓": "$\\downarrow$",
    "↑": "$\\uparrow$",
    "·": "$\\cdot$",
    "−": "$-$",
    "≥": "$\\geq$",
    "≠": "$\\neq$",
    "²": "$^2$",
    "³": "$^3$",
    "ε": "$\\varepsilon$",
    "σ": "$\\sigma$",
    "Σ": "$\\Sigma$",
    "…": "\\dots{}",
    "–": "--",
}
_PREAMBLE = """\\documentclass[border=4pt]{standalone}
\\usepackage[T1]{fontenc}
\\usepackage[scaled]{helvet}
\\usepackage{tikz}
\\usetikzlibrary{arrows.meta}
\\begin{document}
"""


def tikz(scene: Scene, theme: Theme = "light", *, width: float | None = None) -> str:
    """The scene as a LaTeX document of its own; the picture in it can be copied out.

    Arguments:
        theme: ``auto`` is light.
        width: Of the picture in points; type keeps its size relative to it.
    """
    inks: dict[str, str] = {}
    pen = _Pen("light" if theme == "auto" else theme, inks)
    drawn = [pen.draw(item) for item in scene]
    defined = [f"\\definecolor{{{name}}}{{HTML}}{{{inks[name]}}}%" for name in sorted(inks)]
    scale = width / scene.width if width else 1.0
    length, wide = number(HEAD[0]), number(HEAD[1])
    options = (
        "x=1pt,y=-1pt,font=\\sffamily,"
        f"arrow/.style={{-{{Latex[length={length}pt,width={wide}pt]}}}}"
    )
    body = "\n".join(
        [
            f"% {_plain(scene.title)}, drawn by archkit; needs tikz and its library arrows.meta",
            "\\begingroup%",
            *defined,
            "\\newcommand\\size[1]{\\fontsize{#1}{#1}\\selectfont}%",
            f"\\scalebox{{{number(scale)}}}{{%" if scale != 1.0 else "{%",
            f"\\begin{{tikzpicture}}[{options}]",
            *drawn,
            "\\end{tikzpicture}}%",
            "\\endgroup",
        ]
    )
    return f"{_PREAMBLE}{body}\n\\end{{document}}\n"


def escaped(text: str) -> str:
    """Text as LaTeX wants it.

    Examples:
        >>> escaped("3 @ 32×32 & low_res")
        '3 @ 32$\\\\times$32 \\\\& low\\\\_res'
    """
    return "".join(_SIGNS.get(sign, sign) for sign in text)


def _plain(text: str) -> str:
    return " ".join(text.split())


class _Pen:
    """Writes items; gathers the colours that they use."""

    def __init__(self, theme: Theme, inks: dict[str, str]) -> None:
        self.theme, self.inks = theme, inks

    def draw(self, item: Item) -> str:
        if isinstance(item, Box):
            return self._box(item)
        return self._text(item) if isinstance(item, Text) else self._line(item)

    def _ink(self, ink: str) -> str:
        name = "ak" + "".join(sign for sign in ink if sign.isalnum())
        self.inks[name] = colour(ink, self.theme).lstrip("#").upper()
        return name

    def _box(self, box: Box) -> str:
        stroke = ""
        if box.stroke:
            dash = ",dash pattern=on 3pt off 2pt" if box.dashed else ""
            stroke = f"draw={self._ink(box.stroke)},line width={number(box.line)}pt{dash},"
        fill, (x, y) = self._ink(box.fill), box.centre
        if abs(box.w - box.h) < 0.2 and box.rounding >= box.w / 2 - 0.05:
            radius = number(box.w / 2)
            at = f"({number(x)},{number(y)})"
            return f"\\path[{stroke}fill={fill}] {at} circle[radius={radius}];"
        # Rounder than this, TikZ leaves no straight piece and complains.
        rounding = min(box.rounding, min(box.w, box.h) / 2 - 0.01)
        corner = f"({number(box.x)},{number(box.y)})"
        other = f"({number(box.right)},{number(box.bottom)})"
        rounded = f",rounded corners={number(max(0.0, rounding))}pt"
        return f"\\path[{stroke}fill={fill}{rounded}] {corner} rectangle {other};"

    def _text(self, text: Text) -> str:
        anchor = {"start": "anchor=west,", "middle": "", "end": "anchor=east,"}[text.anchor]
        words = escaped(text.words)
        if text.sub:
            words += f"\\textsubscript{{{escaped(text.sub)}}}"
        bold = "\\bfseries " if text.bold else ""
        return (
            f"\\node[{anchor}inner sep=0pt,text={self._ink(text.ink)}] at "
            f"({number(text.x)},{number(text.y)}) {{\\size{{{number(text.size)}}}{bold}{words}}};"
        )

    def _line(self, line: Line) -> str:
        arrow = "arrow," if line.head else ""
        dash = ",dash pattern=on 4pt off 2.5pt" if line.dashed else ""
        way = " -- ".join(f"({number(x)},{number(y)})" for x, y in line.points)
        return (
            f"\\draw[{arrow}draw={self._ink(line.ink)},line width={number(line.width)}pt{dash},"
            f"rounded corners={number(line.radius)}pt] {way};"
        )
