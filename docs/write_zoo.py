"""Writes docs/zoo.md, from what `archkit zoo` lists."""

from __future__ import annotations

from pathlib import Path

from archkit import zoo
from archkit.cli.zoo import markdown, rows
from archkit.registry import load_registry

PAGE = Path(__file__).with_name("zoo.md")
HEAD = """\
# The zoo

Every published network that ships as a spec. Commands take them by name (`archkit plan sdxl-base`,
`archkit zoo copy sdxl-base`), and a spec may extend them. The parameters of each are counted on
paper and by torch, and both are the number that is known of the original. Where it says *equals*,
networks with every tensor drawn at random were compared with the original or its recorded answers,
to a relative error of 1e-5 in float32, with the same weights.

This page is made by `python docs/write_zoo.py`.

"""


def page() -> str:
    """The whole page."""
    own = set(zoo.names())
    return f"{HEAD}{markdown([row for row in rows(load_registry()) if row.name in own])}\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
