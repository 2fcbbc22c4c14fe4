"""The specs that ship with archkit."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def folder() -> Path:
    """Where the shipped specs are: inside the wheel, or beside the package in a checkout."""
    inside = Path(__file__).parent / "specs"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "specs"


def names() -> list[str]:
    """The names of all shipped specs."""
    return sorted(path.stem for path in folder().glob("*.yaml"))


def find(name: str) -> Path | None:
    """The file of a shipped spec; None where there is none of that name."""
    path = folder() / f"{name}.yaml"
    return path if "/" not in name and path.is_file() else None
