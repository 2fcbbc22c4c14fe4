"""`archkit explain`: every word that a spec or a complaint may hold."""

import re
import subprocess
import sys

import pytest
from click.testing import CliRunner, Result

from archkit import default_registry
from archkit.cli import archkit
from archkit.contract import KINDS
from archkit.explanations import explanations
from archkit.spec import Spec


def explained(*words: str) -> Result:
    return CliRunner().invoke(archkit, ["explain", *words], standalone_mode=False)


def test_a_code() -> None:
    out = explained("unknown-key").output
    assert out.startswith("unknown-key  (what `archkit check` or another command says in brackets)")
    assert "Told so:\n\n    pooling: {type: conv, strid: 2}\n\nFine:\n\n    pooling" in out


def test_a_component_by_its_bare_name_or_whole() -> None:
    assert explained("resnet").output == explained("block.resnet").output
    out = explained("conv").output
    assert "pooling.conv  (from archkit)" in out
    assert "stem.conv  (from archkit)" in out


def test_a_kind_lists_its_components() -> None:
    out = explained("condition").output
    assert "condition  (a kind of component)" in out
    assert re.search("^  sequence +Tokens", out, re.MULTILINE)
    assert explained("conditions").output == out


@pytest.mark.parametrize("path", ["encoder.channels", "encoder.0.channels"])
def test_a_key_of_a_spec(path: str) -> None:
    assert "Takes a whole number above 0." in explained(path).output


def test_a_key_with_keys_lists_them() -> None:
    out = explained("input").output
    assert "  size: 32 (a whole number above 0, or a list of whole numbers above 0)\n" in out
    assert "It has to be given." in explained("encoder").output


def test_everything_is_explained() -> None:
    registry = default_registry()
    names = [f"{kind}.{name}" for kind in KINDS for name in registry.names(kind)]
    for word in [*names, *KINDS, *explanations(), *Spec.model_fields]:
        assert f"{word}  (" in explained(word).output


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("resnett", "did you mean `resnet`?"),
        ("pooling.wavelett", "no pooling is called `wavelett`"),
        ("encodr", "did you mean `encoder`?"),
        ("unknwon-key", "did you mean `unknown-key`?"),
        ("block.norm.groups", "no block is called `norm.groups`"),
        ("xyz.abc", "write a word such as `block.resnet`"),
    ],
)
def test_what_is_nothing_is_told_with_the_nearest(word: str, said: str) -> None:
    assert said in str(explained(word).exception)


def test_no_torch() -> None:
    code = "import sys\nfrom archkit.cli import main\ntry:\n    main(['explain', 'size'])\n"
    code += "finally:\n    assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
