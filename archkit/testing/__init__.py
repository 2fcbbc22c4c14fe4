"""The laws that every component obeys, for the tests of whoever writes one.

    import pytest
    from archkit.testing import parametrize_with_checks

    @parametrize_with_checks([Blur(), Blur(taps=5)])
    def test_component(component, check):
        check(component)

Each law is tried at awkward sites: every dimension the component serves, odd sizes and ones, odd
channels where it takes them, both sides, with and without an embedding, sequences and skips.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from ..component import Component
from . import lifecycle, meaning, numbers, paper
from .law import Law, Unlawful
from .trials import Trial, trials

if TYPE_CHECKING:
    import pytest

__all__ = ["LAWS", "Law", "Trial", "Unlawful", "laws", "parametrize_with_checks", "trials"]

Given = TypeVar("Given", set[str], dict[str, str])

LAWS = {law.name: law for law in (*paper.LAWS, *numbers.LAWS, *lifecycle.LAWS, *meaning.LAWS)}
"""Every law by its name, the quick ones first."""


def laws(component: Component) -> list[Law]:
    """The laws that hold for a component of its kind."""
    return [law for law in LAWS.values() if isinstance(component, law.of)]


def parametrize_with_checks(
    components: Sequence[Component],
    *,
    skip: Mapping[str, str] | None = None,
    checks: Iterable[str] | None = None,
) -> pytest.MarkDecorator:
    """A mark for a test that takes a `component` and a `check`: one test a component and a law.

    Arguments:
        components: Components, each with its options.
        skip: Laws that these components break for a reason, with the reason, beside those in
            the `excuses` of their class. The test is then expected to fail, and fails if it
            does not.
        checks: Names of the laws to try; all that hold for the kind if left out.

    Raises:
        ValueError: There is no law of a name in `skip`, `excuses` or `checks`, or no reason.
    """
    import pytest

    chosen = set(LAWS if checks is None else checks)
    known(chosen)
    cases = []
    for component in components:
        excused = known({**component.excuses, **(skip or {})})
        for law in laws(component):
            if law.name in chosen:
                marks = [
                    pytest.mark.xfail(reason=reason, raises=Unlawful, strict=True)
                    for name, reason in excused.items()
                    if name == law.name
                ]
                cases.append(pytest.param(component, law, id=_id(component, law), marks=marks))
    return pytest.mark.parametrize(("component", "check"), cases)


def known(names: Given) -> Given:
    """The names of laws, or laws with reasons; ValueError where one is no law, or no reason."""
    if unknown := sorted(set(names) - set(LAWS)):
        raise ValueError(f"no law is called {unknown[0]!r}; there are {', '.join(LAWS)}")
    if isinstance(names, Mapping):
        for name, reason in names.items():
            if not reason.strip():
                raise ValueError(f"the excuse from the law {name!r} needs a reason")
    return names


def _id(component: Component, law: Law) -> str:
    """Such as ``block.resnet(dropout=0.1)-shape``."""
    given = component.model_dump(mode="json", exclude_unset=True, exclude={"type"})
    options = ", ".join(f"{name}={value}" for name, value in given.items())
    return (
        f"{component.kind}.{component.type}" + (f"({options})" if options else "") + f"-{law.name}"
    )
