"""Plain data that knows its places, so that what was filled from elsewhere can be traced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .component import Component, Model
from .errors import SpecPath


@dataclass(frozen=True, slots=True)
class Value:
    """Data that knows its place: `data` is a scalar, or a dict or tuple of Values.

    An origin of None is a default, which stands in no file.
    """

    data: Any
    origin: SpecPath | None

    def get(self, key: str) -> Value | None:
        """The value under `key`; None where there is none, or it is null."""
        found = self.data.get(key) if isinstance(self.data, dict) else None
        return found if found is not None and found.data is not None else None


def wrap(data: Any, origin: SpecPath | None) -> Value:
    """Plain data, or components, as a Value."""
    if isinstance(data, Component):
        data = {**data.model_dump(exclude_unset=True), "type": data.word()}
    elif isinstance(data, Model):
        data = {name: getattr(data, name) for name in data.model_fields_set}
    if isinstance(data, Mapping):
        below = {k: wrap(v, None if origin is None else (*origin, k)) for k, v in data.items()}
        return Value(below, origin)
    if isinstance(data, list | tuple):
        items = (wrap(v, None if origin is None else (*origin, i)) for i, v in enumerate(data))
        return Value(tuple(items), origin)
    return Value(data, origin)


def unwrap(value: Value, path: SpecPath, origins: dict[SpecPath, SpecPath | None]) -> Any:
    """Plain data again; `origins` learns where each place was filled from."""
    origins[path] = value.origin
    if isinstance(value.data, dict):
        return {k: unwrap(v, (*path, k), origins) for k, v in value.data.items()}
    if isinstance(value.data, tuple):
        return tuple(unwrap(v, (*path, i), origins) for i, v in enumerate(value.data))
    return value.data


def opened(value: Value) -> Value:
    """A bare name in its long form."""
    if isinstance(value.data, str):
        return Value({"type": value}, value.origin)
    return value


def merged(values: list[Value]) -> Value:
    """The nearest value, refining those behind it as long as they are of its type."""
    result, *rest = values
    for value in rest:
        if not isinstance(result.data, dict):
            break
        if not isinstance(value.data, dict):
            continue  # switched off there, or a mistake that is told at its own place
        theirs, ours = value.get("type"), result.get("type")
        if theirs and ours and theirs.data != ours.data:
            break
        result = Value(_refined(value.data, result.data), result.origin)
    return result


def _refined(base: dict[str, Value], top: dict[str, Value]) -> dict[str, Value]:
    order = {**({"type": base["type"]} if "type" in base else {}), **base, **top}
    return {k: _joint(v, base[k]) if k in top and k in base else v for k, v in order.items()}


def _joint(top: Value, base: Value) -> Value:
    """One option that both name; two plain values need no merging."""
    if isinstance(top.data, dict) or isinstance(base.data, dict):
        return merged([opened(top), opened(base)])
    return top
