"""The pictures of the README are what archkit draws."""

from pathlib import Path

import pytest

import archkit
from archkit import zoo

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
PICTURES = sorted((*FOLDER.glob("*.light.svg"), *FOLDER.glob("*.dark.svg")))


def test_there_are_pictures() -> None:
    """Each in both themes."""
    themes = [path.suffixes[-2] for path in PICTURES]
    assert themes.count(".light") == themes.count(".dark") >= 4


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_a_picture_is_up_to_date(path: Path) -> None:
    """Otherwise: `make pictures`."""
    name, detail, theme = path.stem.rsplit(".", 2)
    source = zoo.find(name)
    assert source
    assert path.read_text(encoding="utf-8") == archkit.draw(source, detail=detail, theme=theme).svg
