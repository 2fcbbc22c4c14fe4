"""`archkit check --fix` and `--watch`: what is safe is mended, and nothing else is touched."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from archkit import check
from archkit.cli import archkit
from archkit.document import Text
from archkit.fixes import fixed

WRONG = """\
# my network
archkit: 1
name: 'mine'   # as it is called
norm: &norms {type: group, "grups": 8}

block: {type: 'resnett', zero_init: Off, norm: *norms}   # twice
encoder:
  - {chanels: 32, attention: yes}
  - channels:   64
"""
RIGHT = (
    WRONG.replace("grups", "groups")
    .replace("resnett", "resnet")
    .replace("Off", "false")
    .replace("chanels", "channels")
    .replace("yes", "true")
)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def called(*arguments: str) -> Result:
    return CliRunner().invoke(archkit, ["check", *arguments], standalone_mode=False)


def mended(text: str) -> str:
    return fixed(Text("spec.yaml", text), check).text


def test_words_are_mended_and_the_rest_stays() -> None:
    assert mended(WRONG) == RIGHT
    assert check(RIGHT) == []


def test_the_file_is_written_and_the_change_is_shown() -> None:
    Path("spec.yaml").write_text(WRONG)
    result = called("spec.yaml", "--fix")
    assert result.return_value == 0
    assert Path("spec.yaml").read_text() == RIGHT
    assert "--- spec.yaml\n+++ spec.yaml\n@@ " in result.stdout
    assert "-  - {chanels: 32, attention: yes}\n+  - {channels: 32, attention: true}\n" in (
        result.stdout.replace("-block", "\n-block")
    )
    assert "spec.yaml: fine" in result.stdout


@pytest.mark.parametrize(
    "line",
    [
        "blok: {type: resnet, dropout: 0.1}\nblock: conv",  # it would stand twice
        "encoder: [{channels: 32, blcks: 2}]",  # block, or blocks?
        "block: wavelet",  # like nothing
        "norm: {type: group, groups: 5}",  # no word mends a number
        "name: no",  # text, where text belongs
        "parameters: yes",  # a switch, where none belongs
    ],
)
def test_what_may_be_meant_otherwise_is_left(line: str) -> None:
    encoder = "" if "encoder" in line else "encoder: [{channels: 32}]\n"
    name = "" if "name" in line else "name: a\n"
    text = f"archkit: 1\n{name}{line}\n{encoder}"
    assert mended(text) == text


def test_a_word_that_was_hidden_by_another_is_mended_as_well() -> None:
    text = "archkit: 1\nname: a\nblok: {type: resnett, drpout: 0.1}\nencoder: [{channels: 32}]\n"
    assert "block: {type: resnet, dropout: 0.1}" in mended(text)


def test_a_base_is_mended_only_where_it_is_named() -> None:
    base = "archkit: 1\nname: base\nnorm: {grups: 8}\nencoder: [{channels: 32}]\n"
    Path("base.yaml").write_text(base)
    Path("spec.yaml").write_text("archkit: 1\nname: a\nextends: base.yaml\n")
    assert called("spec.yaml", "--fix").return_value == 1
    assert Path("base.yaml").read_text() == base
    assert called("spec.yaml", "base.yaml", "--fix").return_value == 0
    assert Path("base.yaml").read_text() == base.replace("grups", "groups")


def test_line_ends_marks_modes_and_links_stay() -> None:
    raw = b"\xef\xbb\xbf" + WRONG.replace("\n", "\r\n").encode()
    Path("real.yaml").write_bytes(raw)
    Path("real.yaml").chmod(0o640)
    Path("spec.yaml").symlink_to("real.yaml")
    assert called("spec.yaml", "--fix").return_value == 0
    assert Path("spec.yaml").is_symlink()
    expected = b"\xef\xbb\xbf" + RIGHT.replace("\n", "\r\n").encode()
    assert Path("real.yaml").read_bytes() == expected
    assert stat.S_IMODE(Path("real.yaml").stat().st_mode) == 0o640
    assert sorted(os.listdir()) == ["real.yaml", "spec.yaml"]


def test_what_is_fine_is_not_written() -> None:
    Path("spec.yaml").write_text(RIGHT)
    before = Path("spec.yaml").stat()
    assert called("spec.yaml", "--fix").stdout == "spec.yaml: fine\n"
    assert Path("spec.yaml").stat().st_mtime_ns == before.st_mtime_ns
    assert Path("spec.yaml").stat().st_ino == before.st_ino


def test_text_that_is_no_utf8_is_told_and_left() -> None:
    Path("spec.yaml").write_bytes(b"name: caf\xe9\n")
    result = called("spec.yaml", "--fix")
    assert (result.return_value, Path("spec.yaml").read_bytes()) == (1, b"name: caf\xe9\n")
    assert "bad-encoding" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-", "--fix"), "--fix is for files, and `-` is none"),
        (("tiny", "--fix"), "--fix is for files, and `tiny` is none"),
        (("tiny", "--watch"), "--watch is for files, and `tiny` is none"),
    ],
)
def test_only_files_are_mended(arguments: tuple[str, ...], said: str) -> None:
    assert said in str(called(*arguments).exception)


@given(
    st.lists(st.sampled_from([*"encoder chanels channels: {}[],'\"\n -#&*|yes1".split(" "), " "]))
)
def test_any_text_comes_back_with_the_same_lines(parts: list[str]) -> None:
    text = "archkit: 1\n" + "".join(parts)
    after = mended(text)
    assert len(after.splitlines()) == len(text.splitlines())
    assert mended(after) == after


def told(process: "subprocess.Popen[str]", what: str) -> str:
    """What a process says, until it says this."""
    said = ""
    while what not in said:
        line = process.stderr.readline() if process.stderr else ""
        assert line, said
        said += line
    return said


def test_watching_sees_the_file_and_what_it_extends() -> None:
    Path("base.yaml").write_text("archkit: 1\nname: base\nencoder: [{channels: 32}]\n")
    Path("spec.yaml").write_text("archkit: 1\nname: a\nextends: base.yaml\n")
    command = [sys.executable, "-m", "archkit", "check", "spec.yaml", "--watch"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        told(process, "watching 2 files")
        Path("base.yaml").write_text("archkit: 1\nname: base\nencoder: [{chanels: 32}]\n")
        assert "base.yaml:3:12: error[unknown-key]" in told(process, "watching 2 files")
        Path("base.yaml").unlink()
        assert "missing-extends" in told(process, "watching")
        Path("base.yaml").write_text("archkit: 1\nname: base\nencoder: [{channels: 32}]\n")
        told(process, "watching 2 files")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
        assert out == "spec.yaml: fine\n" * 2
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()
