"""Report → one HTML file that needs nothing else: light and dark, to read and to print."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from .figures import Report, Row
from .table import HEADINGS, brief, cells, field, matrices, notes, totals

_STYLE = """
:root { color-scheme: light dark; --ground: #fff; --text: #1f2937; --muted: #5b6675;
  --card: #f6f8fa; --line: #d0d7de; --bar: #33669a; }
@media (prefers-color-scheme: dark) { :root { --ground: #0d1117; --text: #e6edf3;
  --muted: #9ba7b4; --card: #161b22; --line: #30363d; --bar: #6ca6de; } }
* { box-sizing: border-box; }
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; background: var(--ground);
  color: var(--text); font: 14px/1.5 system-ui, "Segoe UI", Roboto, Arial, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0; color: var(--muted); } a { color: inherit; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .75rem;
  margin: 1.25rem 0; }
dl div { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: .6rem .8rem; }
dt { color: var(--muted); font-size: .8rem; } dd { margin: 0; font-size: 1.2rem; }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
th { background: var(--card); font-weight: 600; } tr:last-child td { border-bottom: 0; }
th:first-child, td:first-child { text-align: left; }
td.share { background: linear-gradient(to right, var(--bar) var(--part), var(--card) var(--part))
  center bottom 3px / calc(100% - 1.4rem) 3px no-repeat; min-width: 6rem; color: var(--muted); }
details summary { cursor: pointer; margin: 2rem 0 .5rem; font-size: 1.05rem; font-weight: 600; }
@media print { details > *:not(summary) { display: block; } .wide { overflow: visible; } }
"""


def page(report: Report) -> str:
    """The report as an HTML document."""
    name = escape(report.name)
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{name}: numbers</title>',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<style>{_STYLE}</style></head><body>",
            f"<h1>{name}</h1>",
            f"<p>{report.sample}, a batch of {report.batch}, {report.dtype}</p>",
            _cards(report),
            *(f"<p>{key}: {_marked(value)}</p>" for key, value in totals(report)),
            "<h2>Stages</h2>",
            _table(report, report.stages, "stage", fields=True),
            "<p>Receptive fields are of a stage's centre, in pixels of the sample; a star: it "
            "covers the whole sample.</p>",
            _attention(report),
            "<details><summary>Nodes</summary>",
            _table(report, report.nodes, "node"),
            "</details>",
            *(f"<p>{escape(note)}</p>" for note in notes(report)),
            "</body></html>",
            "",
        ]
    )


def _marked(text: str) -> str:
    """Text in which `names` are set as code."""
    return re.sub("`([^`]*)`", r"<code>\1</code>", escape(text))


def _cards(report: Report) -> str:
    cards = brief(report)
    items = (f"<div><dt>{key}</dt><dd>{escape(value)}</dd></div>" for key, value in cards)
    return f"<dl>{''.join(items)}</dl>"


def _table(report: Report, rows: Sequence[Row], heading: str, *, fields: bool = False) -> str:
    last = ("receptive field",) if fields else ()
    lines = [_line("th", ((h, "") for h in (heading, *HEADINGS, *last)))]
    for row in rows:
        values = [(row.path, "")]
        for title, value in zip(HEADINGS, cells(report, row), strict=True):
            values.append((value, "" if title else value.rstrip(" %")))
        if fields:
            values.append((field(row.field), ""))
        lines.append(_line("td", values))
    return f'<div class="wide"><table>{"".join(lines)}</table></div>'


def _attention(report: Report) -> str:
    if not report.scores:
        return ""
    heading, *rows = matrices(report)
    lines = [_line("th", ((h, "") for h in heading))]
    lines += [_line("td", ((cell, "") for cell in row)) for row in rows]
    note = "<p>Fused kernels never hold a whole score matrix.</p>"
    return f'<h2>Attention</h2><div class="wide"><table>{"".join(lines)}</table></div>{note}'


def _line(tag: str, values: Iterable[tuple[str, str]]) -> str:
    """A row of cells; a cell with a share gets a bar of so many percent."""
    made = []
    for value, part in values:
        bar = f' class="share" style="--part: {part}%"' if part else ""
        made.append(f"<{tag}{bar}>{escape(value)}</{tag}>")
    return f"<tr>{''.join(made)}</tr>"
