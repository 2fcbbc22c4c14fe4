"""check: everything that is wrong with a spec; mended where that is safe, again at every change."""

from __future__ import annotations

import codecs
import difflib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click

from .. import api, inherit
from ..document import Text
from ..errors import Problem, counted
from ..files import whole
from ..fixes import fixed
from ..registry import Registry
from . import common

FORMAT = 1
"""Version of what `check --format json` prints."""
_POLL = 0.2
"""Seconds between looks at the files, while they are watched."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a check was asked for."""

    files: tuple[str, ...]
    size: tuple[int, ...] | None
    overrides: tuple[str, ...]
    form: Literal["text", "json", "github"]
    registry: Registry

    def problems(self, source: Any) -> list[Problem]:
        return api.check(source, self.size, overrides=self.overrides, registry=self.registry)


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@common.size
@common.overrides
@click.option("--format", "form", type=click.Choice(["text", "json", "github"]), default="text")
@click.option("--fix", is_flag=True, help="Mend misspelt words that can only mean one other.")
@click.option("--watch", is_flag=True, help="Check again whenever a file changes, until Ctrl-C.")
@click.pass_context
def check(context: click.Context, /, fix: bool, watch: bool, **asked: Any) -> int:
    """Say everything that is wrong with each FILE (- is stdin): structure and shapes.

    Exits with 1 if anything is. With --fix, what changes is shown, and nothing else in the file is
    touched; words of a base are mended where the base is named as well.
    """
    wanted = _Asked(registry=common.registry(context), **asked)
    no_files = [name for name in wanted.files if not Path(name).is_file()]
    if fix and watch:
        raise click.UsageError("--fix mends once, --watch looks on: take one of them")
    if (fix or watch) and no_files:
        flag = "--fix" if fix else "--watch"
        raise click.UsageError(f"{flag} is for files, and `{no_files[0]}` is none")
    if fix:
        for name in wanted.files:
            _mend(Path(name), wanted)
    return _watched(wanted) if watch else _checked(wanted)


def _checked(asked: _Asked) -> int:
    found: list[tuple[str, Problem]] = []
    for name in asked.files:
        source, file = common.source(name), "<stdin>" if name == "-" else name
        problems = asked.problems(source)
        if asked.form == "text":
            _say(file, problems)
        elif asked.form == "github":
            for problem in problems:
                click.echo(_annotation(file, problem))
        found += [(file, problem) for problem in problems]
    valid = all(problem.severity != "error" for _, problem in found)
    if asked.form == "json":
        told = [{"file": file, **problem.as_dict()} for file, problem in found]
        report = {"format_version": FORMAT, "valid": valid, "diagnostics": told}
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    return 0 if valid else 1


def _say(file: str, problems: list[Problem]) -> None:
    for problem in problems:
        click.echo(f"{problem}\n", err=True)
    errors = sum(p.severity == "error" for p in problems)
    if not errors:
        click.echo(f"{file}: fine")
    else:
        click.echo(f"{file}: {counted(errors, 'error')}", err=True)


def _annotation(file: str, problem: Problem) -> str:
    """One line that GitHub shows beside the code."""
    place = f"file={file},"
    if span := problem.span:
        place = f"file={span.file},line={span.line},col={span.column},"
        if span.end_line == span.line:  # columns of several lines are refused
            place += f"endColumn={span.end_column},"
    text = problem.message + (f"; {problem.mend}" if problem.mend else "")
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{problem.severity} {place}title=archkit {problem.code}::{escaped}"


def _mend(path: Path, asked: _Asked) -> None:
    """Mends one file, all of it or nothing, and shows what changed."""
    raw = path.read_bytes()
    mark = codecs.BOM_UTF8 if raw.startswith(codecs.BOM_UTF8) else b""
    try:
        text = Text(str(path), raw.removeprefix(mark).decode())
    except UnicodeDecodeError:
        return  # a complaint that no word mends
    mended = fixed(text, asked.problems)
    if mended == text:
        return
    before, after = (side.text.splitlines(keepends=True) for side in (text, mended))
    for line in difflib.unified_diff(before, after, str(path), str(path)):
        click.echo(line.rstrip("\r\n"), err=asked.form != "text")
    real = path.resolve()  # what a link leads to is changed, not the link
    mode = real.stat().st_mode
    with whole(real) as temporary:
        temporary.write_bytes(mark + mended.text.encode())
    real.chmod(mode)


def _watched(asked: _Asked) -> int:
    """Checks at every change of a file, or of one that it extends; the last answer remains."""
    result, before = 0, None
    try:
        while True:
            if before != (before := _stamps(asked)):
                result = _checked(asked)
                files = counted(len(before), "file")
                click.echo(f"watching {files}; Ctrl-C ends it", err=True)
            time.sleep(_POLL)
    except KeyboardInterrupt:
        return result


def _stamps(asked: _Asked) -> dict[Path, int | None]:
    """When each file was last written; None for one that is sought and not there."""
    paths = {p for f in asked.files for p in inherit.files(Path(f), asked.registry.spec)}
    return {path: _stamp(path) for path in sorted(paths)}


def _stamp(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None
