"""The house rules that no tool keeps: sizes, names, and what a built-in may import."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "archkit").rglob("*.py"))
BUILTINS = [path for path in SOURCES if "builtin" in path.parts]
LINES, LENGTH, PARAMETERS = 300, 40, 8
VAGUE = re.compile(r"(^|_)(util|helper|manager|misc|stuff)s?$", re.IGNORECASE)
# What imports torch, or reaches it in some function.
TORCH = {
    *("__main__", "accounts", "api", "builtin", "cli", "conversion", "diffusers", "diffusion"),
    "exports",
    *("measures", "module", "nn", "sweeps", "testing", "weights"),
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(tree: ast.AST) -> Iterator[Function]:
    yield from (node for node in ast.walk(tree) if isinstance(node, Function))


def parameters(function: Function) -> list[str]:
    """Its parameters, without `self`, `cls` and what `*` and `**` gather."""
    given = function.args
    words = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return [word for word in words if word not in ("self", "cls")]


def lines(node: ast.stmt) -> int:
    return (node.end_lineno or 0) - node.lineno + 1


def too_long(source: str) -> list[str]:
    """Functions of too many lines; what they say of themselves is not counted."""
    found = []
    for function in functions(ast.parse(source)):
        said = lines(function.body[0]) if ast.get_docstring(function) else 0
        if lines(function) - said > LENGTH:
            found.append(function.name)
    return found


def too_wide(source: str) -> list[str]:
    return [f.name for f in functions(ast.parse(source)) if len(parameters(f)) > PARAMETERS]


def unsaid(source: str) -> list[str]:
    """Names that say nothing, and strings that stand for a type."""
    tree = ast.parse(source)
    words = [n.name for n in ast.walk(tree) if isinstance(n, Function | ast.ClassDef)]
    typed = [word for f in functions(tree) for word in parameters(f) if word.endswith("_type")]
    return [word for word in words if VAGUE.search(word)] + typed


def imported_early(source: str) -> set[str]:
    """The modules that a file imports when it is loaded."""
    found: set[str] = set()
    for node in _at_once(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return found


def _at_once(node: ast.AST) -> Iterator[ast.AST]:
    """Everything outside of functions, and of what only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        checked = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        if not isinstance(child, Function) and not checked:
            yield child
            yield from _at_once(child)


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_file_is_one_idea(path: Path) -> None:
    source = path.read_text()
    assert len(source.splitlines()) <= LINES
    assert not too_long(source)
    assert not too_wide(source)
    assert not unsaid(source)
    assert not re.search(r"\b(TODO|FIXME|XXX|hasattr)\b", source)
    assert ast.get_docstring(ast.parse(source)), "a file says what it is"


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_files_have_plain_names(path: Path) -> None:
    assert not re.fullmatch(r"(util|helper|manager|misc|base|core|type)s?", path.stem)


@pytest.mark.parametrize("path", BUILTINS, ids=name)
def test_built_ins_import_what_plugins_may(path: Path) -> None:
    """The front door, one another, pydantic and Python: no torch, and nothing deeper."""
    for module in imported_early(path.read_text()):
        known = module.partition(".")[0] in {*sys.stdlib_module_names, "pydantic"}
        ours = module == "archkit" or module.startswith((".", "archkit.builtin"))
        assert known or ours, module


def test_every_file_on_paper_is_kept_from_torch() -> None:
    """import-linter is told the files; a new one is on paper unless it is listed here."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    kept = next(c for c in settings["contracts"] if c.get("forbidden_modules") == ["torch"])
    inside = {path.relative_to(ROOT / "archkit").parts[0].removesuffix(".py") for path in SOURCES}
    inside.remove("__init__")
    assert {module.partition(".")[2] for module in kept["source_modules"]} == inside - TORCH


SAMPLE = (
    """
def helper(a, b, c, d, e, f, g, h, i): ...
def norm(self, norm_type, b, c, d, e, f, g, h, *rest, **more): ...
class Utils:
    def long(self):
        import torch
"""
    + "        pass\n" * LENGTH
)


def test_the_rules_can_be_broken() -> None:
    assert too_long(SAMPLE) == ["long"]
    assert too_wide(SAMPLE) == ["helper"]
    assert sorted(unsaid(SAMPLE)) == ["Utils", "helper", "norm_type"]
    assert imported_early(SAMPLE) == set()
    assert imported_early("import torch\nfrom .parts import Block\n") == {"torch", ".parts"}
