"""Every code is explained, by examples that are told so, and mended ones that are not."""

import ast
import contextlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError
from test_messages import completed

from archkit import ArchkitError, check
from archkit.explanations import Example, Explanation, explanations

ROOT = Path(__file__).parent.parent
CODES = re.compile(r"(?:error\[|warning\[|\[type=)([a-z0-9.-]+)")
WORD = re.compile(r"[a-z]+(-[a-z0-9.]+)*")
RAISERS = {"Problem", "complain", "refused", "_complaint", "PydanticCustomError", "_Refused"}
GATE = """
from typing import Literal

from archkit import Activation, hookimpl


class Gate(Activation):
    '''x · sigmoid(x).'''

    type: Literal["gate"] = "gate"

    def build(self, site):
        raise NotImplementedError


@hookimpl
def archkit_components():
    return {"activation.gate": Gate}
"""


def raised(source: str) -> Iterator[str]:
    """The codes in a source: what is given to a Problem and its like, or named `code`."""
    for node in ast.walk(ast.parse(source)):
        values: list[ast.expr] = []
        if isinstance(node, ast.Call):
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if called in RAISERS:
                values += node.args[:1]
            values += [word.value for word in node.keywords if word.arg == "code"]
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code":
            values.append(node.value)
        elif isinstance(node, ast.FunctionDef) and node.name in ("__init__", "surprise"):
            given = [*node.args.kwonlyargs]
            defaults = zip(given, node.args.kw_defaults, strict=True)
            values += [value for word, value in defaults if word.arg == "code" and value]
            tuples = [n.value for n in ast.walk(node) if isinstance(n, ast.Return)]
            values += [value.elts[0] for value in tuples if isinstance(value, ast.Tuple)]
        yield from (word for value in values for word in _words(value))


def _words(value: ast.expr) -> list[str]:
    branches = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
    constants = [b.value for b in branches if isinstance(b, ast.Constant)]
    return [word for word in constants if isinstance(word, str) and WORD.fullmatch(word)]


def codes() -> set[str]:
    found = {c for path in (ROOT / "archkit").rglob("*.py") for c in raised(path.read_text())}
    return found | set(CODES.findall((ROOT / "tests" / "messages.md").read_text()))


def test_every_code_is_explained_and_no_other() -> None:
    assert set(explanations()) == codes()
    assert list(explanations()) == sorted(explanations())


def test_codes_are_found_however_they_are_said() -> None:
    assert set(raised('Problem("a-b", what)\nMisfit(what, code="c")')) == {"a-b", "c"}
    assert set(raised('code = "no-x" if many else "y-left"')) == {"no-x", "y-left"}
    assert {"misfit", "yaml-1.1-word", "no-skip-left"} <= codes()


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("gate.py").write_text(GATE)


def told(example: Example) -> str:
    """What archkit says of an example."""
    text = example.text
    if example.language == "yaml":
        Path("spec.yaml").write_text(text if example.whole else completed(text))
        return "\n".join(map(str, check(Path("spec.yaml"))))
    if example.language == "python":
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            try:
                exec(compile(text, "example.py", "exec"), {"__name__": "example"})
            except (ArchkitError, ValidationError) as error:
                print(error)
        return said.getvalue()
    Path("spec.yaml").write_text(completed(""))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", text], capture_output=True, text=True, env={**os.environ, "PATH": path}
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("told_of", explanations().values(), ids=explanations())
def test_the_wrong_example_is_told_so(told_of: Explanation) -> None:
    assert told_of.code in CODES.findall(told(told_of.wrong))


@pytest.mark.parametrize("told_of", explanations().values(), ids=explanations())
def test_the_right_example_is_not(told_of: Explanation) -> None:
    said = told(told_of.right)
    assert not CODES.findall(said)
    assert "rror" not in said
    assert told_of.right.language != "sh" or said
