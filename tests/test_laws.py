"""Every built-in component obeys the laws; the laws notice what is broken."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin

import pytest
from variants import VARIANTS

from archkit import Component, default_registry
from archkit.testing import LAWS, parametrize_with_checks

# Once a component is enough for what takes longest, and for what options can't change.
ONCE = {
    *("documented", "bare-name", "schema", "compile", "export"),
    *("copies", "untouched", "batch-of-one"),
}


def component(key: str, **options: Any) -> Component:
    kind, _, name = key.partition(".")
    return default_registry().component(kind, name).model_validate({"type": name, **options})


def builtins() -> Iterator[str]:
    registry = default_registry()
    for kind in registry.kinds():
        yield from (f"{kind}.{name}" for name in registry.names(kind))


def variants() -> Iterator[Component]:
    for key, rows in VARIANTS.items():
        yield from (component(key, **_tuples(row)) for row in rows)


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_tuples, value))
    return {k: _tuples(v) for k, v in value.items()} if isinstance(value, dict) else value


@parametrize_with_checks([component(key) for key in builtins()])
def test_builtin(component: Component, check: Any) -> None:
    check(component)


@parametrize_with_checks(list(variants()), checks=set(LAWS) - ONCE)
def test_variant(component: Component, check: Any) -> None:
    check(component)


@pytest.mark.parametrize("key", [key for key in builtins() if not key.startswith("layout.")])
def test_every_option_is_varied(key: str) -> None:
    """Every option, and every word that an option may be, stands in a variant or is the default."""
    cls, rows = type(component(key)), VARIANTS.get(key, [])
    for name, info in cls.model_fields.items():
        if name == "type":
            continue
        assert any(name in row for row in rows), f"no variant of {key} has `{name}`"
        said = {row[name] for row in rows if name in row and isinstance(row[name], str)}
        untold = {word for word in _words(info.annotation) if word not in (*said, info.default)}
        assert not untold, f"no variant of {key} has `{name}: {untold.pop()}`"


def _words(annotation: Any) -> Iterator[str]:
    if get_origin(annotation) is Literal:
        yield from (word for word in get_args(annotation) if isinstance(word, str))
    elif get_origin(annotation) is not Annotated:
        for part in get_args(annotation):
            yield from _words(part)
