"""What a law is: a sentence that holds for every component of a kind, and a test of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from ..component import Component


class Unlawful(AssertionError):
    """A component breaks a law; the message says what is wrong, why it matters, and the mend."""


@dataclass(frozen=True, slots=True)
class Law:
    """A named check; call it with a component.

    Arguments:
        name: A stable word, such as ``batch-independence``.
        of: The components it holds for.
        says: The law, in one sentence.
        why: Why it matters.
        mend: What usually mends a breach.
        test: Raises whatever it likes where the law is broken.
    """

    name: str
    of: type[Component]
    says: str
    why: str
    mend: str
    test: Callable[[Any], None]

    @property
    def __name__(self) -> str:
        return self.name

    def __call__(self, component: Component) -> None:
        """Raises Unlawful where the component breaks the law; torch's generator is left alone."""
        try:
            with torch.random.fork_rng(devices=[]):
                self.test(component)
        except Exception as error:
            what = str(error).strip().split("\n", 1)[0]
            if not isinstance(error, AssertionError):
                what = f"{type(error).__name__}: {what}"
            raise Unlawful(self.told(f"{component.kind}.{component.type}", what)) from error

    def told(self, component: str, what: str) -> str:
        """What is said of a component that breaks it."""
        return (
            f"{component} breaks the law `{self.name}`: {what}\n"
            f"  law: {self.says}\n  why: {self.why}\n  mend: {self.mend}"
        )


def law(of: type[Component], *, why: str, mend: str) -> Callable[[Callable[[Any], None]], Law]:
    """Makes a law of a test: its name is the name of the law, its docstring what it says."""

    def register(test: Callable[[Any], None]) -> Law:
        name = test.__name__.replace("_", "-")
        return Law(name, of, inspect.getdoc(test) or "", why, mend, test)

    return register


def require(holds: bool, what: str) -> None:
    """Says what is wrong, unless it `holds`."""
    if not holds:
        raise AssertionError(what)
