"""Formats of `archkit draw` that come in by the hook of plugins; pictures are archkit's own."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archkit.drawing import Drawing

_HEAD = ("path", "component", "inputs", "channels", "size", "parameters", "macs")


def table(drawing: Drawing) -> str:
    """The nodes for a spreadsheet, one a row; what is not counted is left empty."""
    text = StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_HEAD)
    for node in drawing.plan:
        size = "×".join(map(str, node.shape.space))
        counted = (node.cost.parameters, node.cost.macs) if node.cost else ("", "")
        inputs = " ".join(node.inputs)
        rows.writerow([node.path, node.name, inputs, node.shape.channels, size, *counted])
    return text.getvalue()
