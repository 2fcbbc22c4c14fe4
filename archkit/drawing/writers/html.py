"""Scenes to one HTML file that works offline: levels, zoom, focus, a panel, keys, themes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from string import Template

from ...units import UNCOUNTED, count
from .. import labels, words
from ..outline import Outline
from ..palette import DARK, Theme
from ..pieces import Piece, Stage
from ..scene import Scene
from .svg import escape, svg

PAGE = Path(__file__).parent.parent / "page"


def html(found: Outline, scenes: Mapping[str, Scene], theme: Theme = "auto") -> str:
    """A page with a level for each scene.

    Arguments:
        scenes: By their detail: ``overview``, ``stage``, ``block``.
        theme: What it opens in; ``auto`` follows the reader's.
    """
    spec = found.plan.spec
    levels = (
        f'<div class="level" data-level="{detail}" hidden>\n'
        f"{svg(scene, 'light', ground=False)}</div>"
        for detail, scene in scenes.items()
    )
    dark = (
        f":root.dark .f-{role}{{fill:{ink}}}:root.dark .s-{role}{{stroke:{ink}}}"
        for role, ink in DARK.items()
    )
    return Template(_file("page.html")).substitute(
        theme=theme,
        name=escape(spec.name),
        about=escape(spec.about),
        facts=escape(words.facts(found)),
        css=_file("page.css"),
        dark="".join(dark),
        levels="\n".join(levels),
        rows="\n".join(_row(stage, found) for stage in found.stages),
        script_name=_script(spec.name),
        stages=_script([_stage(stage, found) for stage in found.stages]),
        js=_file("page.js"),
    )


def _file(name: str) -> str:
    return (PAGE / name).read_text(encoding="utf-8")


def _script(data: object) -> str:
    """Data as a script may hold it: nothing in it ends the script."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _row(stage: Stage, found: Outline) -> str:
    most = max(s.cost.parameters for s in found.stages) or 1
    share = 100 * stage.cost.parameters / most
    return (
        f'<tr data-stage="{escape(stage.id)}" tabindex="0"><td>{stage.name}</td>'
        f'<td class="shape">{labels.shape(stage.shape)}</td>'
        f'<td class="n">{words.amount(stage, stage.cost.parameters)}</td>'
        f'<td class="n">{words.amount(stage, stage.cost.macs)}</td>'
        f'<td style="width:56px"><div class="bar" style="width:{share:.0f}%"></div></td></tr>'
    )


def _stage(stage: Stage, found: Outline) -> dict[str, object]:
    return {
        "id": stage.id,
        "name": stage.name,
        "facts": words.of_stage(stage, found).split("\n"),
        "nodes": [_node(piece) for piece in stage.pieces],
    }


def _node(piece: Piece) -> dict[str, str]:
    node, cost = piece.node, piece.node.cost
    steps = " → ".join(op.label for op in node.component.inside(node.site))
    return {
        "name": piece.caption,
        "channels": labels.change(node.site.x.channels, node.shape.channels),
        "parameters": count(cost.parameters) if cost else UNCOUNTED,
        "macs": count(cost.macs) if cost else UNCOUNTED,
        "steps": " · ".join(part for part in (node.path, steps) if part),
    }
