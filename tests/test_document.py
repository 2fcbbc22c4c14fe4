"""Where everything stands that was read, so that a complaint can point at it."""

import textwrap
from pathlib import Path

import pytest
import yaml

from archkit import composer
from archkit.document import Document, Node
from archkit.errors import Problem
from archkit.source import parse

SPECS = sorted((Path(__file__).parent.parent / "specs").glob("*.yaml"))


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser in C, and the one in Python that stands in where there is no other."""
    monkeypatch.setattr(composer, "_Loader", getattr(yaml, request.param))


# Where things stand: path, the stretch of text a complaint about it marks, and line:column.
PLACED = textwrap.dedent("""\
    # a comment
    name: 'tiny 🧩 net'
    about: |
      two lines
      of text
    input: {channels: 3, size: [32, 48]}  # 🧩 {x: 1}
    norm: {groups: "8"}
    conditioning:
      text:
        type: sequence

      label: &label
        type: label

    encoder:
    - channels: 64
      attention: true
    - *label
    "head": null
    skip:
    """)
PLACES = [
    ("wrong-type", ("name",), "'tiny 🧩 net'", "2:7-19"),
    ("wrong-type", ("about",), "|", "3:8-1"),
    ("wrong-type", ("input",), "{channels: 3, size: [32, 48]}", "6:8-37"),
    ("wrong-type", ("input", "channels"), "3", "6:19-20"),
    ("unknown-key", ("input", "channels"), "channels", "6:9-17"),
    ("wrong-type", ("input", "size", 1), "48", "6:33-35"),
    ("wrong-type", ("norm", "groups"), '"8"', "7:16-19"),
    ("unknown-key", ("norm", "groups"), "groups", "7:8-14"),
    ("missing-key", ("norm",), "norm", "7:1-5"),
    ("misfit", ("conditioning",), "text:", "9:3-16"),
    ("missing-key", ("conditioning",), "conditioning", "8:1-13"),
    ("unread-condition", ("conditioning", "label"), "label", "12:3-8"),
    ("misfit", ("conditioning", "text", "type"), "sequence", "10:11-19"),
    ("misfit", ("conditioning", "text", "channels"), "text", "9:3-7"),
    ("misfit", ("encoder",), "- channels: 64", "16:1-9"),
    ("misfit", ("encoder", 0), "channels: 64", "16:3-18"),
    ("missing-key", ("encoder", 0), "channels: 64", "16:3-18"),
    ("misfit", ("encoder", 0, "attention", "heads"), "true", "17:14-18"),
    ("misfit", ("encoder", 1, "type"), "label", "13:11-16"),
    ("misfit", ("encoder", 7), "encoder", "15:1-8"),
    ("unknown-key", ("head",), '"head"', "19:1-7"),
    ("misfit", ("skip",), "", "20:6-6"),
    ("missing-key", (), "name: 'tiny 🧩 net'", "2:1-5"),
    ("misfit", ("upsampling", "type"), "name: 'tiny 🧩 net'", "2:1-5"),
]


@pytest.mark.parametrize(("code", "path", "marked", "place"), PLACES)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.usefixtures("loader")
def test_complaints_know_their_place(
    code: str, path: tuple[str, ...], marked: str, place: str, newline: str, mark: str
) -> None:
    document = parse((mark + PLACED.replace("\n", newline)).encode(), "a.yaml")
    found = document.locate(Problem(code, "what", path=path))
    span = found.span
    assert span is not None
    assert f"{span.line}:{span.column}-{span.end_column}" == place
    assert found.excerpt == PLACED.splitlines()[span.line - 1]
    end = len(found.excerpt) + 1 if span.end_line > span.line else span.end_column
    assert found.excerpt[span.column - 1 : end - 1] == marked
    assert str(found).splitlines()[2].count("^") == max(1, len(marked))


def test_a_located_problem_stays_where_it_is() -> None:
    document = parse("a: 1\nb: 2\n", "a.yaml")
    found = document.locate(Problem("misfit", "what", path=("b",)))
    assert parse("c: {b: 1}", "b.yaml").locate(found) == found


def test_a_list_of_nothing_ends_where_it_begins() -> None:
    found = parse("a:\n-\n", "a.yaml").locate(Problem("misfit", "what", path=("a",)))
    assert found.span
    assert (found.span.line, found.span.column) == (2, 1)
    assert (found.span.end_line, found.span.end_column) == (2, 2)


@pytest.mark.usefixtures("loader")
def test_a_byte_order_mark_takes_no_place() -> None:
    for text in ("\ufeffno: no", "\ufeffno: no".encode()):
        (warning,) = parse(text, "a.yaml").warnings
        assert (str(warning.span), warning.excerpt) == ("a.yaml:1:5", "no: no")


def test_data_of_python_stands_nowhere() -> None:
    document = Document(Node({"a": Node(1)}))
    problem = Problem("misfit", "what", path=("a",))
    assert document.locate(problem) == problem


def leaves(node: Node) -> list[Node]:
    below = node.data.values() if isinstance(node.data, dict) else node.data
    if not isinstance(node.data, dict | tuple):
        return [node]
    return [leaf for child in below for leaf in leaves(child)]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_scalar_of_the_specs_stands_where_it_says(path: Path) -> None:
    document = parse(path.read_bytes(), str(path))
    for node in leaves(document.root):
        assert node.place is not None
        place = node.place
        words = place.text.line(place.line)[place.column : place.end_column]
        assert parse(f"key: {words}", "a.yaml").data == {"key": node.data}


def test_a_tab_may_stand_before_a_value() -> None:
    document = parse("norm:\t{groups:\t8}\n", "a.yaml")
    told = str(document.locate(Problem("misfit", "8 is wrong", path=("norm", "groups"))))
    assert told.splitlines()[1:3] == ["  1 | norm:\t{groups:\t8}", "    |      \t        \t^"]


def test_aliases_and_merges_keep_the_places_of_what_they_name() -> None:
    text = "x-base: &base {type: conv, kernel: 3}\na: *base\nb: {<<: *base, kernel: 5}\n"
    document = parse(text, "a.yaml")
    assert document.data["b"] == {"type": "conv", "kernel": 5}

    def place(*path: str, code: str = "misfit") -> str:
        return str(document.locate(Problem(code, "what", path=path)).span)

    assert place("a", code="unknown-key") == "a.yaml:2:1"
    assert place("a", "kernel") == place("x-base", "kernel") == "a.yaml:1:36"
    assert place("b", "type") == "a.yaml:1:22"
    assert place("b", "kernel") == "a.yaml:3:24"
