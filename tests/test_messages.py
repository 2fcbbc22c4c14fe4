"""Every complaint, word for word, as messages.md lists them; and that its advice works."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from archkit import Problem, check
from archkit.cli.common import sizes
from archkit.registry import load_registry

NEEDED = {
    "encoder": "encoder:\n  - {channels: 32}\n",
    "archkit": "archkit: 1\n",
    "name": "name: unet\n",
}
BLOCK = re.compile(r"^```(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Entry:
    """One complaint: what somebody wrote, what is said of it, and what they write instead."""

    bad: dict[str, str] = field(default_factory=dict)
    said: str = ""
    mended: dict[str, str] = field(default_factory=dict)


def entries() -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    text = Path(__file__).with_name("messages.md").read_text()
    for section in text.split("\n### ")[1:]:
        name, _, body = section.partition("\n")
        assert name not in found
        entry = found[name] = Entry()
        for info, inside in BLOCK.findall(body):
            if info == "text":
                entry.said = inside.rstrip()
            elif entry.said:
                entry.mended[info] = inside
            else:
                entry.bad[info] = inside
    return found


ENTRIES = entries()


def completed(text: str) -> str:
    """The text, and at its end whatever every spec needs and it lacks."""
    given = {line.partition(":")[0] for line in text.splitlines()}
    return text + "".join(line for key, line in NEEDED.items() if key not in given)


def told(blocks: dict[str, str]) -> Sequence[Problem]:
    """The complaints about what is written in some blocks."""
    whole = blocks.get("yaml whole")
    Path("spec.yaml").write_text(completed(blocks.get("yaml", "")) if whole is None else whole)
    Path("base.yaml").write_text(blocks.get("yaml base.yaml", ""))
    Path("extra.py").write_text(blocks.get("python", ""))
    words = shlex.split(blocks.get("sh", ""))
    options = list(zip(words[3::2], words[4::2], strict=True))
    size = next((sizes(None, None, value) for option, value in options if option == "--size"), None)
    return check(
        Path("spec.yaml"),
        size,
        overrides=[value for option, value in options if option == "--set"],
        registry=load_registry(["extra.py"] if "python" in blocks else []),
    )


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_the_words(entry: Entry) -> None:
    assert "\n".join(map(str, told(entry.bad))) == entry.said


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_the_advice_works(entry: Entry) -> None:
    assert entry.mended
    assert list(map(str, told({**entry.bad, **entry.mended}))) == []


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_each_has_a_code_a_place_and_a_mend(entry: Entry) -> None:
    for problem in told(entry.bad):
        assert re.fullmatch("[a-z]+(-[a-z0-9.]+)*", problem.code)
        assert problem.mend
        assert problem.span or "--size" in entry.bad["sh"]
        assert problem.message[-1] not in ".!"
