"""What a spec is made of: `extends`, `set` and overrides, with every place kept."""

import io
import os
import textwrap
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archkit import inherit
from archkit.document import Document
from archkit.errors import Problem, SpecError
from archkit.source import parse

SHIPPED = Path(__file__).parent.parent / "specs"
NAMES = sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def library(name: str) -> Path | None:
    path = SHIPPED / f"{name}.yaml"
    return path if name in NAMES else None


def load(source: object, *overrides: str) -> Document:
    return inherit.load(source, overrides=overrides, library=library, known=NAMES)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(**files: str) -> None:
    """Files of these names, `__` standing for a slash, in the current folder."""
    for name, text in files.items():
        path = Path(f"{name.replace('__', '/')}.yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")


def complaints(source: object, *overrides: str) -> str:
    with pytest.raises(SpecError) as caught:
        load(source, *overrides)
    return str(caught.value)


MERGES = {
    "mappings merge deeply": (
        "{a: {b: {c: 1, d: 2}}, e: 3}",
        "{a: {b: {c: 4}}}",
        {"a": {"b": {"c": 4, "d": 2}}, "e": 3},
    ),
    "lists replace": ("{a: [1, 2, 3]}", "{a: [4]}", {"a": (4,)}),
    "scalars replace": ("{a: 1, b: {c: 1}}", "{a: 2, b: 3}", {"a": 2, "b": 3}),
    "mappings replace lists": ("{a: [1]}", "{a: {b: 1}}", {"a": {"b": 1}}),
    "null is a value": ("{a: {b: 1}}", "{a: null}", {"a": None}),
    "the same type refines": (
        "{a: {type: x, b: 1}}",
        "{a: {type: x, c: 2}}",
        {"a": {"type": "x", "b": 1, "c": 2}},
    ),
    "another type replaces": (
        "{a: {type: x, b: 1}}",
        "{a: {type: y, c: 2}}",
        {"a": {"type": "y", "c": 2}},
    ),
    "no type refines": ("{a: {type: x, b: 1}}", "{a: {b: 2}}", {"a": {"type": "x", "b": 2}}),
    "a type joins options without one": (
        "{a: {b: 1}}",
        "{a: {type: y}}",
        {"a": {"b": 1, "type": "y"}},
    ),
    "a bare name opens": ("{a: conv}", "{a: {kernel: 5}}", {"a": {"type": "conv", "kernel": 5}}),
    "a bare name of another type goes": ("{a: conv}", "{a: {type: max}}", {"a": {"type": "max"}}),
    "a bare name replaces": ("{a: {type: conv, kernel: 5}}", "{a: conv}", {"a": "conv"}),
    "true is replaced": ("{a: true}", "{a: {depth: 2}}", {"a": {"depth": 2}}),
    "order is the base's": ("{b: 1, a: 2}", "{c: 3, a: 4}", {"b": 1, "a": 4, "c": 3}),
    "what describes a spec is its own": (
        "{name: n, about: a, reference: r, parameters: 5, archkit: 1}",
        "{about: mine}",
        {"archkit": 1, "about": "mine"},
    ),
    "fragments are dropped": ("{x-a: &a 1, b: *a}", "{x-a: &a 2, c: *a}", {"b": 1, "c": 2}),
}


@pytest.mark.parametrize(("base", "top", "means"), MERGES.values(), ids=MERGES)
@pytest.mark.usefixtures("folder")
def test_a_spec_over_its_base(base: str, top: str, means: dict[str, object]) -> None:
    write(base=base, top=top.replace("{", "{extends: base.yaml, ", 1))
    data = load(Path("top.yaml")).data
    assert data == means
    assert list(data) == list(means)


@pytest.mark.usefixtures("folder")
def test_the_last_base_is_the_nearest() -> None:
    write(
        a="{v: a, only-a: 1, set: {w: set-by-a}}",
        b="{v: b, w: b, only-b: 1}",
        c="{extends: [a.yaml, b.yaml], only-c: 1}",
    )
    assert load("c.yaml").data == {"v": "b", "w": "b", "only-a": 1, "only-b": 1, "only-c": 1}


@pytest.mark.usefixtures("folder")
def test_bases_are_found_beside_the_file_that_names_them() -> None:
    write(
        top="extends: family/middle.yaml",
        family__middle="extends: ../base.yaml",
        base="a: {b: 1}",
    )
    document = load(Path("top.yaml"))
    assert document.data == {"a": {"b": 1}}
    where = document.locate(Problem("misfit", "what", path=("a", "b"))).span
    assert where
    assert os.path.normpath(where.file) == "base.yaml"


@pytest.mark.usefixtures("folder")
def test_a_shipped_spec_is_a_base_and_a_file_goes_before_it() -> None:
    write(top="{extends: tiny, input: {size: 8}}")
    assert load("top.yaml").data["input"] == {"channels": 3, "size": 8}
    Path("tiny").write_text("own: true")
    assert load("top.yaml").data == {"own": True, "input": {"size": 8}}


@pytest.mark.usefixtures("folder")
def test_text_mappings_and_stdin_extend_from_here(monkeypatch: pytest.MonkeyPatch) -> None:
    write(base="a: 1")
    text = b"extends: base.yaml\nb: 2\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert load("-").data == {"a": 1, "b": 2}
    assert load(text.decode()).data == {"a": 1, "b": 2}
    assert load({"extends": ["base.yaml"], "b": 2}).data == {"a": 1, "b": 2}


@pytest.mark.usefixtures("folder")
def test_set_applies_after_the_bases_and_overrides_after_set() -> None:
    write(
        base="{rows: [{a: 1}, {a: 2}], set: {rows.0.a: 3}}",
        top="{extends: base.yaml, set: {rows.1.a: 4, rows+: {a: 5}}}",
    )
    assert load("top.yaml").data == {"rows": ({"a": 3}, {"a": 4}, {"a": 5})}
    assert load("top.yaml", "rows.*.a=0", "rows.2.a=6").data["rows"][1:] == ({"a": 0}, {"a": 6})


def test_objects_of_python_pass_through_untouched() -> None:
    kernel = object()
    source = {"a": {"b": kernel}, "c": [kernel, (1, 2)], "set": {"c.1.0": 5}}
    data = load(source, "d.e=1").data
    assert data == {"a": {"b": kernel}, "c": (kernel, (5, 2)), "d": {"e": 1}}
    assert "`a.b` is an object of Python" in complaints(source, "a.b.c=1")


PLACED = {
    "base": """\
        pooling: conv
        norm: {type: group,
               groups: 8}
        input:
          size: 32
        """,
    "top": """\
        extends: base.yaml
        pooling: {kernel: 5}
        norm: {eps: 1.0}
        input: {channels: 3}
        set:
          input.dims: 2
          "norm.affine": true
        """,
}
PLACES = [
    (("pooling", "type"), "misfit", "base.yaml:1:10", "conv"),
    (("pooling", "kernel"), "misfit", "top.yaml:2:19", "5"),
    (("pooling", "kernel"), "unknown-key", "top.yaml:2:11", "kernel"),
    (("pooling",), "misfit", "top.yaml:2:10", "{kernel: 5}"),
    (("norm", "groups"), "misfit", "base.yaml:3:16", "8"),
    (("norm", "groups"), "unknown-key", "base.yaml:3:8", "groups"),
    (("norm", "eps"), "misfit", "top.yaml:3:13", "1.0"),
    (("norm",), "missing-key", "top.yaml:3:1", "norm"),
    (("norm", "affine"), "misfit", "top.yaml:7:18", "true"),
    (("norm", "affine"), "unknown-key", "top.yaml:7:9", "affine"),
    (("input", "size"), "misfit", "base.yaml:5:9", "32"),
    (("input", "dims"), "unknown-key", "top.yaml:6:9", "dims"),
    (("input", "channels"), "misfit", "<override 1>:1:16", "4"),
    (("input", "channels"), "unknown-key", "<override 1>:1:7", "channels"),
    ((), "missing-key", "top.yaml:1:1", "extends: base.yaml"),
]


@pytest.mark.parametrize(("path", "code", "place", "marked"), PLACES)
@pytest.mark.usefixtures("folder")
def test_places_survive_inheritance(
    path: tuple[str, ...], code: str, place: str, marked: str
) -> None:
    write(**PLACED)
    found = load(Path("top.yaml"), "input.channels=4").locate(Problem(code, "what", path=path))
    assert found.span
    assert str(found.span) == place
    assert str(found).splitlines()[2].count("^") == len(marked)
    assert found.excerpt[found.span.column - 1 :].startswith(marked)


@pytest.mark.usefixtures("folder")
def test_warnings_of_bases_and_overrides_are_kept_once() -> None:
    write(
        base="a: no",
        left="extends: base.yaml",
        right="extends: base.yaml",
        top="extends: [left.yaml, right.yaml]",
    )
    warnings = load("top.yaml", "b.0x=off").warnings
    assert [str(warning.span) for warning in warnings] == ["base.yaml:1:4", "<override 1>:1:6"]
    assert warnings[1].path == ("b", "0x")


REFUSED = {
    "extends: tinny": """\
top.yaml:1:10: error[missing-extends]: `tinny` is no file, and no spec that ships with archkit
  1 | extends: tinny
    |          ^^^^^
  at extends
  mend: did you mean `tiny`?""",
    "extends: [base.yaml, b]": """\
top.yaml:1:22: error[missing-extends]: `b` is no file, and no spec that ships with archkit
  1 | extends: [base.yaml, b]
    |                      ^
  at extends.1
  mend: did you mean `b.yaml`?""",
    "extends: nowhere/at/all.yaml": """\
top.yaml:1:10: error[missing-extends]: `nowhere/at/all.yaml` is no file, and no spec that ships \
with archkit
  1 | extends: nowhere/at/all.yaml
    |          ^^^^^^^^^^^^^^^^^^^
  at extends
  mend: looked in `nowhere/at`""",
    'extends: "a\\0b"': """\
top.yaml:1:10: error[missing-extends]: `a\0b` is no file, and no spec that ships with archkit
  1 | extends: "a\\0b"
    |          ^^^^^^
  at extends
  mend: looked in `.`""",
    "extends: 5": """\
top.yaml:1:10: error[bad-extends]: `extends` takes a name, or a list of names
  1 | extends: 5
    |          ^
  at extends
  mend: for example `extends: ddpm-cifar10`""",
    "extends: top.yaml": """\
top.yaml:1:10: error[extends-circle]: `extends` goes in a circle: top.yaml → top.yaml
  1 | extends: top.yaml
    |          ^^^^^^^^
  at extends
  mend: remove one of these `extends`""",
    "extends: left.yaml": """\
right.yaml:1:10: error[extends-circle]: `extends` goes in a circle: left.yaml → right.yaml → \
left.yaml
  1 | extends: left.yaml
    |          ^^^^^^^^^
  at extends
  mend: remove one of these `extends`""",
    "extends: step1.yaml": """\
step16.yaml:1:10: error[extends-depth]: more than 16 levels of `extends`
  1 | extends: step17.yaml
    |          ^^^^^^^^^^^
  at extends
  mend: extend a spec that is nearer to the first""",
    # Both bases are read, and what only would fail because of them is not told.
    "extends: [broken.yaml, twice.yaml, broken.yaml]\nset: {rows.0.a: 1, a..b: 1}": """\
broken.yaml:1:4: error[broken-yaml]: this is never closed
  1 | a: [1
    |    ^
  mend: close it with `]`
twice.yaml:1:8: error[duplicate-key]: `a` is given twice, on line 1 and on line 1
  1 | {a: 1, a: 2}
    |        ^
  at a
  mend: remove one of them
top.yaml:2:20: error[bad-override]: `a..b` is no path into a spec
  2 | set: {rows.0.a: 1, a..b: 1}
    |                    ^^^^
  mend: for example `encoder.0.channels=64`""",
}


@pytest.mark.parametrize(("top", "words"), REFUSED.items(), ids=ascii)
@pytest.mark.usefixtures("folder")
def test_what_is_refused_is_told(top: str, words: str) -> None:
    steps = {f"step{n}": f"extends: step{n + 1}.yaml" for n in range(1, 20)}
    write(base="a: 1", b="a: 2", broken="a: [1", twice="{a: 1, a: 2}", top=top, **steps)
    write(left="extends: right.yaml", right="extends: left.yaml")
    assert complaints(Path("top.yaml")) == words


@pytest.mark.parametrize("steps", [16, 17])
@pytest.mark.usefixtures("folder")
def test_levels_are_counted_over_files_read_before(steps: int) -> None:
    """The short way to a file is no way around the bound."""
    write(**{f"s{n}": f"extends: s{n + 1}.yaml" for n in range(1, steps)}, **{f"s{steps}": "a: 1"})
    names = ", ".join(f"s{n}.yaml" for n in range(steps, 0, -1))
    write(top=f"extends: [{names}]")
    if steps == 16:
        assert load("top.yaml").data == {"a": 1}
    else:
        assert "error[extends-depth]" in complaints("top.yaml")


@pytest.mark.usefixtures("folder")
def test_a_family_tree_with_many_ways_is_read_once() -> None:
    for n in range(15):
        write(**{f"s{n}": f"extends: [s{n + 1}.yaml, s{n + 1}.yaml, s{n + 1}.yaml]"})
    write(s15="a: no")
    assert len(load("s0.yaml").warnings) == 1


@pytest.mark.usefixtures("folder")
def test_files_that_are_none_are_told() -> None:
    write(unet="a: 1")
    Path("specs").mkdir()
    assert complaints(Path("unett.yaml")) == (
        "unett.yaml:1:1: error[missing-file]: there is no file `unett.yaml`\n"
        "  mend: did you mean `unet.yaml`?"
    )
    assert complaints("tinyy") == (
        "tinyy:1:1: error[missing-file]: there is no file `tinyy`\n  mend: did you mean `tiny`?"
    )
    assert complaints("a\0b") == (
        "a\0b:1:1: error[missing-file]: there is no file `a\0b`\n  mend: check the path"
    )
    assert complaints("specs") == (
        "specs:1:1: error[not-a-file]: `specs` is a folder\n  mend: name a file in it"
    )
    assert complaints("unet.yaml/x") == (
        "unet.yaml/x:1:1: error[unreadable-file]: `unet.yaml/x` can't be read: Not a directory\n"
        "  mend: check the path and its permissions"
    )
    assert "File name too long" in complaints("x" * 300)
    assert "error[missing-extends]" in complaints({"extends": "x" * 300})
    assert "error[missing-extends]" in complaints({"extends": "specs"})


@pytest.mark.usefixtures("folder")
def test_a_file_without_permission_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    write(unet="a: 1", top="extends: unet.yaml")

    def refuse(path: Path, mode: str) -> io.BytesIO:
        if path.name == "unet.yaml":
            raise PermissionError(13, "Permission denied")
        return io.BytesIO(b"extends: unet.yaml")

    monkeypatch.setattr(Path, "open", refuse)
    what = "error[unreadable-file]: `unet.yaml` can't be read: Permission denied"
    assert complaints("unet.yaml").splitlines()[0] == f"unet.yaml:1:1: {what}"
    assert complaints("top.yaml").splitlines()[:2] == [
        f"top.yaml:1:10: {what}",
        "  1 | extends: unet.yaml",
    ]


def test_endless_files_are_no_bases_and_are_not_read_to_the_end() -> None:
    assert "error[missing-extends]" in complaints({"extends": "/dev/zero"})
    assert "error[too-long]" in complaints("/dev/zero")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({1: 2}, "error[bad-key]: the key `1` is not text\n  mend: keys are text"),
        (
            {"a": {None: 2}},
            "error[bad-key]: the key `None` is not text\n  at a\n  mend: keys are text",
        ),
    ],
)
def test_mappings_of_python_are_checked(source: object, words: str) -> None:
    assert complaints(source) == words


def test_a_mapping_that_holds_itself_is_refused() -> None:
    source: dict[str, object] = {}
    source["a"] = [source]
    assert complaints(source).startswith("error[yaml-depth]: this is nested deeper than 64 levels")


def test_the_file_and_the_overrides_are_told_together() -> None:
    words = complaints("a: 1\na: 2\n", "norm", "b=[1", "c.0=1")
    codes = [
        line.split("error[")[1].split("]")[0] for line in words.splitlines() if "error[" in line
    ]
    assert codes == ["duplicate-key", "bad-override", "broken-yaml"]


@pytest.mark.parametrize("name", NAMES)
def test_shipped_specs_load(name: str) -> None:
    document = load(SHIPPED / f"{name}.yaml")
    assert document.warnings == ()
    assert not {"extends", "set"} & set(document.data)
    assert document.data["name"] == name


def test_stable_diffusion_2_keeps_what_it_does_not_say() -> None:
    document = load(SHIPPED / "stable-diffusion-2.1.yaml")
    assert document.data["conditioning"] == {"text": {"type": "sequence", "channels": 1024}}
    assert document.data["input"] == {"channels": 4, "size": 96}
    assert document.data["parameters"] == 865910724
    where = document.locate(Problem("misfit", "what", path=("encoder", 3, "channels"))).span
    assert where
    assert (Path(where.file).name, where.line) == ("stable-diffusion-1.5.yaml", 17)


KEYS = [
    "a",
    "b",
    "type",
    "a.b",
    "a.0",
    "a[0]",
    "a.-1.b",
    "*",
    "a.*",
    "~a",
    "a+",
    "b.a+",
    "~*",
    "..",
    "",
]
VALUES = [
    "1",
    "conv",
    "[1, {a: 2}]",
    "{a: 1}",
    "{type: x}",
    "",
    "null",
    "true",
    "[",
    "${x}",
    "!t",
    "*a",
]
OVERRIDE = st.tuples(
    st.sampled_from(KEYS), st.sampled_from(["=", "", "=="]), st.sampled_from(VALUES)
)
ENTRY = st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)).map(lambda e: f"{e[0]!r}: {e[1]}")
SPEC = st.tuples(
    st.sampled_from(["", "extends: tiny", "extends: [tiny, 1]", "extends: '.'", "extends: {}"]),
    st.sampled_from(["", "a: conv", "a: [1, {b: 2}]", "a: {type: x, b: true}", "a: null", "a: 5"]),
    st.lists(ENTRY, max_size=3).map(lambda entries: "set: {" + ", ".join(entries) + "}"),
).map("\n".join)


@given(SPEC | st.text().map("{}\n".format), st.lists(OVERRIDE.map("".join) | st.text(), max_size=3))
@example("a: 1\n", ["a" + ".a" * 5000 + "=1", "[" * 100_000, "a=" + "[" * 100_000])
@example("a: 1\nset: {" + "a" + ".a" * 5000 + ": 1}", [])
def test_whatever_is_loaded_only_spec_errors_come(text: str, overrides: list[str]) -> None:
    try:
        document = load(text, *overrides)
    except SpecError as error:
        problems = error.problems
    else:
        assert not {"extends", "set"} & set(document.data)
        problems = document.warnings
    assert all(problem.span for problem in problems)
    "\n".join(map(str, problems)).encode()


@given(st.binary(max_size=60))
def test_whatever_bytes_a_file_holds_only_spec_errors_come(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("noise") / "noise.yaml"
    path.write_bytes(data)
    try:
        expected = parse(data, str(path)).data
    except SpecError:
        complaints(path)
    else:
        assert set(load(path).data) <= set(expected)
