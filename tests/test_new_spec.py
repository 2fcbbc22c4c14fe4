"""`archkit new NAME.yaml`: a spec from a few words, or from another spec."""

import itertools
import json
import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from archkit import SpecError, check, default_registry, load_spec, plan, zoo
from archkit.cli import archkit
from archkit.sketch import sketch

REGISTRY = default_registry()


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def new(*arguments: str) -> Result:
    return CliRunner().invoke(archkit, ["new", *arguments], standalone_mode=False)


def test_the_words_of_the_help_are_what_they_say() -> None:
    spec = load_spec(sketch("mine", "ddpm, 64x64, 4 stages, class 10", REGISTRY))
    assert spec.name == "mine"
    assert spec.input.space == (64, 64)
    assert spec.layout.type == "ddpm"
    assert [stage.channels for stage in spec.encoder] == [64, 128, 256, 256]
    assert spec.conditioning.conditions["label"].model_dump()["classes"] == 10


@pytest.mark.parametrize(
    ("words", "shape", "said"),
    [
        ("1-D, 128, 1 channel", "1×128", "dims: 1"),
        ("32x32x32, 2 stages", "3×32×32×32", "dims: 3"),
        ("48x64", "3×48×64", "size: [48, 64]"),
        ("33x40, noise", "3×40×40", "fit: pad"),  # what runs inside
        ("16, width 48", "3×16×16", "norm: {groups: 16}"),
        ("16, skip add, 3 stages", "3×16×16", "skip: add"),
        ("16, classic, text", "3×16×16", "attention: transformer"),
        ("16, text 512", "3×16×16", "channels: 512}"),
        ("16, image 2", "3×16×16", "image: {type: image, channels: 2}"),
        ("16, attention 2, 1 block", "3×16×16", "{channels: 256, blocks: 1, attention: true}"),
        ("16, attention 0", "3×16×16", "  - {channels: 256, blocks: 2}\n"),
        ("", "3×64×64", "prediction: velocity"),
    ],
)
def test_words(words: str, shape: str, said: str) -> None:
    text = sketch("mine", words, REGISTRY)
    assert said in text
    assert str(plan(text).output) == shape


@pytest.mark.parametrize("layout", REGISTRY.names("layout"))
def test_every_layout_becomes_a_spec_without_further_words(layout: str) -> None:
    for words in ("", "40x56, 3 stages, class 3", "1-D, 100, 2 stages, text", "skip add"):
        assert check(sketch("mine", f"{layout}, {words}", REGISTRY)) == [], words


@pytest.mark.parametrize("layout", [n for n in REGISTRY.names("layout") if n in ("ddpm", "edm")])
def test_words_go_together(layout: str) -> None:
    sizes = ("16", "8x24", "1-D, 32", "8x8x8, 2 stages")
    told = ("", "class 3", "text", "image", "class 3, text, image 1")
    widths = ("width 32", "width 40", "skip add", "skip none")
    for words in itertools.product(sizes, told, widths, ("velocity", "v")):
        assert check(sketch("mine", f"{layout}, {', '.join(words)}", REGISTRY)) == [], words


@pytest.mark.parametrize(
    ("words", "mend"),
    [
        ("dpm", "did you mean `ddpm`?"),
        ("4 stage, 3 bloks", "did you mean `3 blocks`?"),
        ("class ten", "did you mean `class 4`?"),
        ("skip ad", "did you mean `skip add`?"),
        ("witdh 64", "did you mean `width 64`?"),
        ("64x64x64x64", "see `archkit new NAME.yaml --help`"),
        ("qqq", "see `archkit new NAME.yaml --help`"),
    ],
)
def test_other_words_are_refused_with_the_nearest(words: str, mend: str) -> None:
    with pytest.raises(SpecError) as caught:
        sketch("mine", words, REGISTRY)
    (problem,) = caught.value.problems
    assert (problem.code, problem.mend) == ("unknown-word", mend)


def test_all_unknown_words_are_told_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        sketch("mine", "dpm, 16, stages", REGISTRY)
    assert len(caught.value.problems) == 2


def test_the_files_are_written_with_the_schema_beside() -> None:
    result = new("sub/mine.yaml", "--like", "ddpm, 32")
    assert "wrote sub/mine.yaml and sub/archkit.schema.json" in result.stdout
    first = Path("sub/mine.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=archkit.schema.json"
    assert json.loads(Path("sub/archkit.schema.json").read_text())["title"] == "archkit spec"
    assert check(Path("sub/mine.yaml")) == []
    assert "and" not in new("sub/other.yaml").stdout


@pytest.mark.parametrize("name", zoo.names())
def test_any_shipped_spec_can_be_copied(name: str) -> None:
    assert new("mine.yaml", "--from", name).exception is None
    text = Path("mine.yaml").read_text()
    assert re.search(r"^name: mine$", text, re.MULTILINE)
    assert check(Path("mine.yaml")) == []
    old = load_spec(zoo.folder() / f"{name}.yaml").data()
    own = {"name": "mine", "parameters": None}
    assert load_spec(Path("mine.yaml")).data() == {**old, **own}


def test_nothing_is_overwritten_and_nothing_half_written() -> None:
    Path("mine.yaml").write_text("precious")
    assert "there already" in str(new("mine.yaml").exception)
    Path("link.yaml").symlink_to("nowhere.yaml")
    assert "there already" in str(new("link.yaml").exception)
    assert "no-size-fits" in str(new("other.yaml", "--like", "upsampling none").exception)
    assert "missing-file" in str(new("other.yaml", "--from", "nothing").exception)
    assert "take one" in str(new("other.yaml", "--from", "tiny", "--like", "ddpm").exception)
    assert sorted(os.listdir()) == ["link.yaml", "mine.yaml"]
    assert Path("mine.yaml").read_text() == "precious"


def test_what_is_neither_is_told_how() -> None:
    said = "write `mine.yaml` for a spec, or `plugin mine` for a plugin"
    assert said in str(new("mine").exception)
