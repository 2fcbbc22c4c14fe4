"""What is refused when YAML is read, what is warned of, and in which words."""

import textwrap

import pytest
import yaml

from archkit import composer
from archkit.errors import SpecError
from archkit.source import parse


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
