"""What each code of a complaint means, with an example that is told so and one that is not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)( \w+)?\n(.*?)^```\n?", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Example:
    """What somebody wrote: YAML, Python, or commands of a shell.

    Arguments:
        language: ``yaml``, ``python`` or ``sh``.
        text: The lines.
        whole: Whether it is a spec with nothing left out.
    """

    language: str
    text: str
    whole: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a code means.

    Arguments:
        code: The word in brackets, as in ``error[unknown-key]``.
        meaning: Some sentences.
        wrong: An example that is told so.
        right: The example as it is fine.
    """

    code: str
    meaning: str
    wrong: Example
    right: Example


@cache
def explanations() -> Mapping[str, Explanation]:
    """Every code that archkit complains with, in the order of the alphabet.

    Read when somebody asks, from the Markdown that lies beside this file.

    Examples:
        >>> explanations()["unknown-component"].right.text
        'block: resnet\\n'
    """
    text = Path(__file__).with_name("codes.md").read_text(encoding="utf-8")
    return {found.code: found for found in map(_read, text.split("\n## ")[1:])}


def _read(section: str) -> Explanation:
    code, _, body = section.partition("\n")
    blocks = _BLOCK.findall(body)
    wrong, right = (Example(language, text, bool(whole)) for language, whole, text in blocks)
    return Explanation(code, _BLOCK.sub("", body).strip(), wrong, right)
