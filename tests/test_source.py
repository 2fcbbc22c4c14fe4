"""Reading YAML: what it means, and writing it again."""

import math
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from archkit import composer
from archkit.document import Document, Node
from archkit.errors import Problem, SpecError
from archkit.source import dump, parse

SPECS = sorted((Path(__file__).parent.parent / "specs").glob("*.yaml"))


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser in C, and the one in Python that stands in where there is no other."""
    monkeypatch.setattr(composer, "_Loader", getattr(yaml, request.param))


def value(text: str) -> object:
    return parse(f"key: {text}", "a.yaml").data["key"]


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("1e-4", 1e-4),
        ("1.0e-6", 1e-6),
        ("-.5", -0.5),
        ("5.", 5.0),
        ("+12", 12),
        ("0x1F", 31),
        ("0o17", 15),
        ("010", 10),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("1e999", math.inf),
        ("true", True),
        ("FALSE", False),
        ("", None),
        ("~", None),
        ("Null", None),
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("tRue", "tRue"),
        ("nUll", "nUll"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("2026-01-02", "2026-01-02"),
        ("1.2.3", "1.2.3"),
        ("e5", "e5"),
        (".", "."),
        ("+", "+"),
        ("=", "="),
        ("'1'", "1"),
        ('"true"', "true"),
        ('"\\x24{a}"', "${a}"),
        ("[1, [2, x], {}]", (1, (2, "x"), {})),
        ("{<<: {a: 1, b: 2}, a: 3}", {"a": 3, "b": 2}),
        ("{<<: [{a: 1}, {a: 2, b: 2}]}", {"a": 1, "b": 2}),
        ('{"<<": 1}', {"<<": 1}),
        ("[&x {a: 1}, *x]", ({"a": 1}, {"a": 1})),
        ("[&x 1, &x 2, *x]", (1, 2, 2)),
    ],
)
@pytest.mark.usefixtures("loader")
def test_yaml_is_read_as_yaml_1_2(text: str, means: object) -> None:
    found = value(text)
    assert found == means
    assert type(found) is type(means)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_is_read_in_its_encodings(encoding: str) -> None:
    assert parse("name: 🧩 é".encode(encoding), "a.yaml").data == {"name": "🧩 é"}


# Random texts that are nearly YAML, and plain noise.
WORDS = [
    *"[]{},:-?|>&*!%@`#'\"~<= \t\n",
    ": ",
    "- ",
    "\n  ",
    "&a",
    "*a",
    "<<: ",
    "a",
    "1",
    "${",
    "é",
]
NEARLY = st.lists(st.sampled_from(WORDS), max_size=30).map("".join)


@given(st.one_of(st.binary(max_size=80), NEARLY, st.text(max_size=60)))
@example("a: \ufeff")
@example("\ufeff\ufeff")
@example("a: '\u2028'\u2028b: c: d")
@example(b"\xff\xfe\x00")
def test_whatever_is_read_only_spec_errors_come(text: str | bytes) -> None:
    for name in ("CSafeLoader", "SafeLoader"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(composer, "_Loader", getattr(yaml, name))
            document, problems = attempt(text)
        if document:
            assert isinstance(document.data, dict)
            problems = [document.locate(Problem("misfit", "what", path=("a", 0)))]
        assert any(problem.severity == "error" for problem in problems)
        assert all(problem.span for problem in problems)
        assert "\n".join(map(str, problems)).encode()


def attempt(text: str | bytes) -> tuple[Document | None, Sequence[Problem]]:
    try:
        return parse(text, "a.yaml"), ()
    except SpecError as error:
        return None, error.problems


FLOATS = st.floats(allow_nan=False)
AWKWARD = ["", " ", "no", "Yes", "null", "~", "1", "1e3", "0x1", ".5", "1_0", "1:30", "true", "?"]
AWKWARD += ["a: b", "a #b", "- a", "-", "<<", "=", "${a}", "a,b", "[a]", "{a}", "'", '"', "\\", "é"]
AWKWARD += [
    "\t",
    "a\nb",
    "\r",
    "\x85",
    "\u2028",
    "\ufeff",
    "🧩",
    "\x00",
    "\x7f",
    "\ufffe",
    "a\xa0b",
]
AWKWARD += ["2026-01-02", "http://a/b:c", "%a", "@", "`", "!a", "&a", "*a", "|", ">", "---", "..."]
AWKWARD += ["a ", "a:", "x" * 200]
TEXTS = st.sampled_from(AWKWARD) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | FLOATS | TEXTS
DATA = st.recursive(
    SCALARS,
    lambda below: (
        st.lists(below, max_size=4).map(tuple) | st.dictionaries(TEXTS, below, max_size=4)
    ),
    max_leaves=25,
)


def same(a: object, b: object) -> bool:
    """Equal, of the same types, and in the same order."""
    return repr(a) == repr(b)


@given(st.dictionaries(TEXTS, DATA, max_size=5))
@example({"a": 1e-6, "b": 1e16, "c": -0.0, "d": math.inf, "e": 1e22, "f": 5e-324})
@example({"a": ((), ({},), (((1,),),)), "b": {"": {"": {}}}})
@example({word: word for word in AWKWARD})
@example({"a": tuple(AWKWARD)})
def test_what_is_dumped_reads_back_the_same(data: dict[str, object]) -> None:
    text = dump(data)
    document = parse(text, "a.yaml")
    assert same(document.data, data)
    assert document.warnings == ()
    assert dump(document.data) == text


@given(st.dictionaries(TEXTS, DATA, max_size=5))
def test_both_parsers_say_the_same(data: dict[str, object]) -> None:
    text = dump(data)
    trees = []
    for name in ("CSafeLoader", "SafeLoader"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(composer, "_Loader", getattr(yaml, name))
            trees.append(parse(text, "a.yaml").root)
    assert places(trees[0]) == places(trees[1])


def places(node: Node) -> object:
    below = node.data
    if isinstance(below, dict):
        below = {key: places(child) for key, child in below.items()}
    elif isinstance(below, tuple):
        below = tuple(map(places, below))
    return below, node.place, node.key


@given(st.dictionaries(TEXTS.filter(lambda text: "\x85" not in text), DATA, max_size=5))
@example({word: word for word in AWKWARD})
def test_older_readers_read_dumps_the_same(data: dict[str, object]) -> None:
    assert same(yaml.safe_load(dump(data)), plain(data))


def plain(data: object) -> object:
    if isinstance(data, dict):
        return {key: plain(value) for key, value in data.items()}
    return [plain(item) for item in data] if isinstance(data, tuple) else data


def test_dumps_are_compact() -> None:
    text = """\
archkit: 1
name: tiny
about: The smallest U-Net worth running (Ho, 2020); a place to start from
reference: https://arxiv.org/abs/2006.11239
input: {channels: 3, size: [32, 48]}
norm: {type: group, groups: 8, eps: 1.0e-06}
block:
  type: resnet
  norm: {type: group, groups: 8, eps: 1.0e-06}
conditioning: {}
encoder:
  - {channels: 16, blocks: 1}
  - {channels: 32, attention: {type: self, heads: 4}}
  - channels: 64
    attention:
      type: transformer
      norm: {type: group, groups: 32}
    blocks: [resnet, resnet]
"""
    assert dump(parse(text, "a.yaml").data) == text
    assert max(map(len, dump({"a": list(range(80))}).splitlines())) < 10


def test_a_dump_takes_plain_data_only() -> None:
    with pytest.raises(TypeError, match="YAML has no word for complex"):
        dump({"a": 1j})


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_shipped_specs_are_dumped_as_they_read(path: Path) -> None:
    data = parse(path.read_bytes(), str(path)).data
    assert same(parse(dump(data), "a.yaml").data, data)
