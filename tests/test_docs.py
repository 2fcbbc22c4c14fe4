"""What the documents say is so: every block of YAML, Python and commands is run, in order."""

from __future__ import annotations

import contextlib
import io
import re
import runpy
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from test_messages import completed

from archkit import check
from archkit.cli import main

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
REFERENCE = runpy.run_path(str(DOCS / "write_reference.py"))["pages"]
MADE = set(REFERENCE())
GUIDES = sorted(path for path in DOCS.glob("*.md") if path not in MADE and path.stem != "zoo")
BLOCK = re.compile(
    r"^(?:<!-- told: (?P<told>[\w-]+) -->\n+)?"
    r'```(?P<language>\w*)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$',
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
SHOWN = {"json", "lua", ""}
"""Of other programs: these are only shown."""


class Block(NamedTuple):
    told: str | None
    language: str
    title: str | None
    text: str


def blocks(page: Path) -> list[Block]:
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(m["told"], m["language"], m["title"], m["text"]) for m in found]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("gate", None)


def run(command: str) -> str:
    """What a command of archkit says, on both streams."""
    said = io.StringIO()
    words = shlex.split(command.partition(" #")[0])
    assert words[0] == "archkit", command
    both = contextlib.redirect_stdout(said), contextlib.redirect_stderr(said)
    with both[0], both[1], pytest.raises(SystemExit) as ended:
        main(words[1:])
    assert ended.value.code in (0, 1, None), said.getvalue()
    return said.getvalue()


def agrees(said: str, shown: str) -> bool:
    """Whether a transcript is what was said, but for widths of columns and empty lines.

    A line … stands for any number of lines.
    """
    lines = [line for line in _narrow(shown).splitlines() if line]
    pattern = "".join("(?:.*\n)*" if line == "…" else f"{re.escape(line)}\n" for line in lines)
    return re.fullmatch(pattern, _narrow(said)) is not None


def _narrow(text: str) -> str:
    return re.sub(r"\n+", "\n", re.sub(r" +$", "", re.sub(r" {2,}", "  ", text), flags=re.M))


def commands(text: str) -> Iterator[tuple[str, str]]:
    """The commands of a transcript, each with what is shown of its answer."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield command, shown.strip("\n")


def try_out(block: Block, names: dict[str, Any]) -> None:
    if block.title:
        Path(block.title).write_text(block.text, encoding="utf-8")
    elif block.language == "yaml":
        codes = {problem.code for problem in check(completed(block.text))}
        assert codes == ({block.told} if block.told else set())
    elif block.language == "python":
        exec(compile(block.text, "example.py", "exec"), names)
    elif block.language == "console":
        for command, shown in commands(block.text):
            said = run(command)
            assert not shown or agrees(said, shown), f"$ {command}\n{said}"
    else:
        assert block.language in SHOWN, block.language


@pytest.mark.parametrize("page", GUIDES, ids=lambda path: path.stem)
def test_a_page_does_what_it_says(page: Path) -> None:
    names: dict[str, Any] = {"__name__": "example"}
    for block in blocks(page):
        try_out(block, names)


@pytest.mark.parametrize("path", sorted(MADE), ids=lambda path: path.stem)
def test_the_reference_is_up_to_date(path: Path) -> None:
    told = path.read_text(encoding="utf-8") if path.is_file() else ""
    assert told == REFERENCE()[path], "run `python docs/write_reference.py`"
    extra = set((DOCS / "reference").glob("*")) - MADE
    assert not extra


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).strip().replace(" ", "-") for head in heads}


PAGES = sorted({*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"})


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    for link in LINK.findall(text):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_in_the_menu() -> None:
    menu = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    named = re.findall(r"[\w/-]+\.md", str(menu))
    assert sorted(named) == sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md"))


def test_hooks_of_pre_commit_are_commands(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(completed("norm: {grups: 8}\n"))
    for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text()):
        assert {"id", "name", "description", "entry", "language", "types"} <= set(hook)
        said = run(f"{hook['entry']} a.yaml")
        assert ("fine" in said) == ("--fix" in hook["entry"])


def test_a_wrong_transcript_is_found() -> None:
    assert agrees("a\n\nb\nc\n", "a\n…\nc")
    assert agrees("a\n", "…\na\n…")
    assert not agrees("a\nb\nc\n", "a\nc")
    with pytest.raises(AssertionError):
        try_out(Block(None, "yaml", None, "norm: {grups: 8}\n"), {})
    with pytest.raises(AssertionError):
        try_out(Block(None, "console", None, "$ archkit check tiny\ntiny: wrong\n"), {})
