"""Reading YAML: what it means, where it stands, what is refused, and writing it again."""

import math
import textwrap
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


def complaints(text: str | bytes) -> str:
    with pytest.raises(SpecError) as caught:
        parse(text, "a.yaml")
    return str(caught.value)


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


# What is refused, and every word of the complaint.
REFUSED = {
    """\
a: 1
b: 2
a: 3
""": """\
a.yaml:3:1: error[duplicate-key]: `a` is given twice, on line 1 and on line 3
  3 | a: 3
    | ^
  at a
  mend: remove one of them""",
    "a: {b: 1, 'b': 2}": """\
a.yaml:1:11: error[duplicate-key]: `b` is given twice, on line 1 and on line 1
  1 | a: {b: 1, 'b': 2}
    |           ^^^
  at a.b
  mend: remove one of them""",
    "norm: !!python/object/apply:os.system [ls]": """\
a.yaml:1:7: error[yaml-tag]: the tag `!!python/object/apply:os.system` is refused
  1 | norm: !!python/object/apply:os.system [ls]
    |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  at norm
  mend: a spec is data: write the value without a tag""",
    "🧩: [&x !foo {}, ! z]": """\
a.yaml:1:8: error[yaml-tag]: the tag `!foo` is refused
  1 | 🧩: [&x !foo {}, ! z]
    |        ^^^^
  at 🧩.0
  mend: a spec is data: write the value without a tag
a.yaml:1:17: error[yaml-tag]: the tag `!` is refused
  1 | 🧩: [&x !foo {}, ! z]
    |                 ^
  at 🧩.1
  mend: a spec is data: write the value without a tag""",
    "!!str a: 1": """\
a.yaml:1:1: error[yaml-tag]: the tag `!!str` is refused
  1 | !!str a: 1
    | ^^^^^
  mend: a spec is data: write the value without a tag""",
    "a: !e!x y": """\
a.yaml:1:4: error[broken-yaml]: tags are refused
  1 | a: !e!x y
    |    ^
  mend: a spec is data: write the value without a tag""",
    "about: costs ${price}": """\
a.yaml:1:8: error[interpolation]: `${` is reserved
  1 | about: costs ${price}
    |        ^^^^^^^^^^^^^^
  at about
  mend: use an anchor, &name and *name; as text, write it "\\x24{\"""",
    "1: a\ntrue: b\n~: c\n[d]: e\n: f": """\
a.yaml:1:1: error[bad-key]: the key `1` is not text
  1 | 1: a
    | ^
  mend: put it in quotes if it is meant as a name
a.yaml:2:1: error[bad-key]: the key `true` is not text
  2 | true: b
    | ^^^^
  mend: put it in quotes if it is meant as a name
a.yaml:3:1: error[bad-key]: the key `~` is not text
  3 | ~: c
    | ^
  mend: put it in quotes if it is meant as a name
a.yaml:4:1: error[bad-key]: a key can't be a list, a mapping or an alias
  4 | [d]: e
    | ^
  mend: write a word
a.yaml:5:1: error[broken-yaml]: there is no key before this `:`
  5 | : f
    | ^
  mend: write `key: value`""",
    "{: f}": """\
a.yaml:1:2: error[broken-yaml]: there is no key before this `:`
  1 | {: f}
    |  ^
  mend: write `key: value`""",
    "?\n: f": """\
a.yaml:1:2: error[bad-key]: there is no key here
  1 | ?
    |  ^
  mend: write `key: value`""",
    "": """\
a.yaml:1:1: error[empty-file]: `a.yaml` is empty
  mend: a spec starts with `archkit: 1`""",
    "# nothing yet\n": """\
a.yaml:1:1: error[empty-file]: `a.yaml` is empty
  1 | # nothing yet
    | ^
  mend: a spec starts with `archkit: 1`""",
    "---\n": """\
a.yaml:1:1: error[empty-file]: `a.yaml` is empty
  1 | ---
    | ^
  mend: a spec starts with `archkit: 1`""",
    "- channels: 64": """\
a.yaml:1:1: error[not-a-mapping]: a spec is a mapping of keys to values, not a list
  1 | - channels: 64
    | ^^^^^^^^^^^^^^
  mend: a spec starts with `archkit: 1`""",
    "unet": """\
a.yaml:1:1: error[not-a-mapping]: a spec is a mapping of keys to values, not a single value
  1 | unet
    | ^^^^
  mend: a spec starts with `archkit: 1`""",
    "a: 1\n---\nb: 2\n": """\
a.yaml:2:1: error[several-documents]: a second document begins here
  2 | ---
    | ^^^
  mend: keep one spec in a file""",
    "base: &base {a: 1}\nb: *bass": """\
a.yaml:2:4: error[bad-alias]: there is no `&bass` above this
  2 | b: *bass
    |    ^^^^^
  at b
  mend: did you mean `*base`?""",
    "b: *a": """\
a.yaml:1:4: error[bad-alias]: there is no `&a` above this
  1 | b: *a
    |    ^^
  at b
  mend: name a value: `&a …`""",
    "a: &a [1, {b: *a}]": """\
a.yaml:1:15: error[bad-alias]: `*a` stands inside `&a`
  1 | a: &a [1, {b: *a}]
    |               ^^
  at a.1.b
  mend: nothing can contain itself""",
    "<<: [{a: 1}, 5]": """\
a.yaml:1:5: error[bad-merge]: `<<` takes a mapping, or a list of mappings
  1 | <<: [{a: 1}, 5]
    |     ^^^^^^^^^^^
  at <<
  mend: for example `<<: *base`""",
    f"a: 1{'0' * 100}": f"""\
a.yaml:1:4: error[long-number]: this number has more than 100 digits
  1 | a: 1{"0" * 100}
    |    {"^" * 101}
  at a
  mend: write it as 1e100""",
    b"a: 1\nb: caf\xe9": """\
a.yaml:2:7: error[bad-encoding]: byte 0xe9 is not UTF-8
  2 | b: caf\ufffd
    |       ^
  mend: save the file as UTF-8""",
    "é: 1".encode("utf-16")[:-1]: """\
a.yaml:1:4: error[bad-encoding]: byte 0x31 is not UTF-16
  1 | é: \ufffd
    |    ^
  mend: save the file as UTF-8""",
    b"a: 1\n\x00": """\
a.yaml:2:1: error[bad-character]: the character U+0000 may not stand in YAML
  2 | \ufffd
    | ^
  mend: remove it, if this is meant to be a text file""",
    "a: \ud800": """\
a.yaml:1:4: error[bad-character]: the character U+D800 may not stand in YAML
  1 | a: \ufffd
    |    ^
  mend: remove it, if this is meant to be a text file""",
    "a: \x1b[31mred": """\
a.yaml:1:4: error[bad-character]: the character U+001B may not stand in YAML
  1 | a: \ufffd[31mred
    |    ^
  mend: remove it, if this is meant to be a text file""",
    "a: " + "x" * 1_000_000: """\
a.yaml:1:1: error[too-long]: `a.yaml` is longer than 1,000,000 characters
  mend: is this file a spec?""",
    # Broken YAML; the last complaint of many.
    "a:\n\tb: 1\n": """\
a.yaml:2:1: error[broken-yaml]: a tab can't indent
  2 | \tb: 1
    | ^
  mend: indent with spaces""",
    "a: b: c\n": """\
a.yaml:1:5: error[broken-yaml]: a `:` is not allowed here
  1 | a: b: c
    |     ^
  mend: put text with a colon in quotes, or indent the line like those around it""",
    "a: [1, 2\n": """\
a.yaml:1:4: error[broken-yaml]: this is never closed
  1 | a: [1, 2
    |    ^
  mend: close it with `]`""",
    "a: [1, 2\nb: 3\n": """\
a.yaml:2:2: error[broken-yaml]: there should be a `,` or a `]` here
  2 | b: 3
    |  ^
  mend: separate with commas, and close what was opened""",
    "a: 'x\nb: 1\n": """\
a.yaml:1:4: error[broken-yaml]: this quote is never closed
  1 | a: 'x
    |    ^
  mend: close the quote""",
    "a: 1\nb\n": """\
a.yaml:2:1: error[broken-yaml]: there is no `:` after this key
  2 | b
    | ^
  mend: write `key: value`""",
    "a: ]\n": """\
a.yaml:1:4: error[broken-yaml]: there should be a value here
  1 | a: ]
    |    ^
  mend: write one, or null""",
    "a: @b\n": """\
a.yaml:1:4: error[broken-yaml]: a value can't begin with @
  1 | a: @b
    |    ^
  mend: put it in quotes""",
    "a: - b\n": """\
a.yaml:1:4: error[broken-yaml]: a list can't begin on this line
  1 | a: - b
    |    ^
  mend: begin it on the next line, or write it in brackets""",
    "a: 'x' y\n": """\
a.yaml:1:8: error[broken-yaml]: this does not belong to what stands before it
  1 | a: 'x' y
    |        ^
  mend: check the indentation, the brackets and the quotes""",
    # Everything at once, in the order of the file, warnings too.
    "a: no\na: &x ${y}\nb: !t 1\nc: *y\n": """\
a.yaml:1:4: warning[yaml-1.1-word]: `no` is text here, as YAML 1.2 reads it
  1 | a: no
    |    ^^
  at a
  mend: write true or false if you mean a switch, or put the text in quotes
a.yaml:2:1: error[duplicate-key]: `a` is given twice, on line 1 and on line 2
  2 | a: &x ${y}
    | ^
  at a
  mend: remove one of them
a.yaml:2:4: error[interpolation]: `${` is reserved
  2 | a: &x ${y}
    |    ^^^^^^^
  at a
  mend: use an anchor, &name and *name; as text, write it "\\x24{"
a.yaml:3:4: error[yaml-tag]: the tag `!t` is refused
  3 | b: !t 1
    |    ^^
  at b
  mend: a spec is data: write the value without a tag
a.yaml:4:4: error[bad-alias]: there is no `&y` above this
  4 | c: *y
    |    ^^
  at c
  mend: name a value: `&y …`""",
}


@pytest.mark.parametrize(("text", "words"), REFUSED.items(), ids=lambda text: str(text[:24]))
@pytest.mark.usefixtures("loader")
def test_what_is_refused_is_told(text: str | bytes, words: str) -> None:
    assert complaints(text) == words


@pytest.mark.parametrize(
    ("word", "code", "words"),
    [
        ("no", "yaml-1.1-word", "`no` is text here, as YAML 1.2 reads it"),
        ("Off", "yaml-1.1-word", "`Off` is text here, as YAML 1.2 reads it"),
        ("010", "yaml-1.1-number", "`010` is the number 10 here, not octal"),
        ("1:30", "yaml-1.1-number", "`1:30` is text here, as YAML 1.2 reads it"),
        ("1_000", "yaml-1.1-number", "`1_000` is text here, as YAML 1.2 reads it"),
        ("0b101", "yaml-1.1-number", "`0b101` is text here, as YAML 1.2 reads it"),
    ],
)
def test_what_older_yaml_reads_otherwise_is_a_warning(word: str, code: str, words: str) -> None:
    (warning,) = parse(f"no: [{word}]", "a.yaml").warnings
    assert (warning.code, warning.message) == (code, words)
    assert (warning.severity, warning.path, str(warning.span)) == (
        "warning",
        ("no", 0),
        "a.yaml:1:6",
    )


@pytest.mark.parametrize("word", ["'no'", "true", "00", "08", "0", "1e3", "2026-01-02", "nO", "-0"])
def test_what_is_clear_is_no_warning(word: str) -> None:
    assert parse(f"a: {word}", "a.yaml").warnings == ()


def bomb(levels: int, width: int) -> str:
    lines = ["a0: &a0 [1]"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * width)}]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (bomb(10, 10), "yaml-bomb"),
        (bomb(60, 2), "yaml-bomb"),
        ("a: [" + "1, " * 20_000 + "]", "yaml-bomb"),
        ("a: " + "[" * 64 + "]" * 64, "yaml-depth"),
        ("a: " + "[" * 100_000, "yaml-depth"),
        ("a: " + "{a: " * 500, "yaml-depth"),
        ("- " * 5000, "yaml-depth"),
        ("? " * 5000, "yaml-depth"),
        # Depth that only aliases bring about.
        ("a: &a " + "[" * 40 + "]" * 40 + "\nb: " + "[" * 40 + "*a" + "]" * 40, "yaml-depth"),
    ],
    ids=["wide", "deep", "long", "64", "brackets", "braces", "dashes", "keys", "aliases"],
)
def test_what_grows_without_bounds_is_refused(text: str, code: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text, "a.yaml")
    assert [problem.code for problem in caught.value.problems] == [code]
    assert caught.value.problems[0].span


def test_a_crowd_of_complaints_takes_no_time() -> None:
    with pytest.raises(SpecError) as caught:
        parse("a:\n" + "- !t no\n" * 9_000 + "b: [" + "no, " * 9_000 + "]", "a.yaml")
    assert len(caught.value.problems) == 18_000


def test_what_is_just_within_bounds_is_read() -> None:
    assert len(value("[" + "1, " * 19_997 + "]")) == 19_997  # type: ignore[arg-type]
    assert value("[" * 63 + "]" * 63)
    assert value("[" * 63 + "1" + "]" * 63)


@pytest.mark.parametrize("escape", ["\\ud800", "\\U00110000"])
def test_an_escape_of_no_character_is_refused(escape: str) -> None:
    assert complaints(f'a: "{escape}"') == textwrap.dedent(f"""\
        a.yaml:1:7: error[broken-yaml]: this escape stands for no character
          1 | a: "{escape}"
            |       ^
          mend: write the character""")


def test_the_parser_in_python_fails_in_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composer, "_Loader", yaml.SafeLoader)
    assert "a.yaml:1:1: error[broken-yaml]" in complaints('a: "\\U00110000"')


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
