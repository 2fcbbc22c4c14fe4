"""Filling a spec: every slot gets the nearest of what stands there, its row, the top, a default.

Works on plain data, before validation, and remembers where each value came from, so that a
complaint about an inherited value points at the line that says it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .component import Component, Lookup
from .errors import SpecPath

# What a spec says when it says nothing; frozen under `archkit: 1`.
DEFAULTS = {
    "block": "resnet",
    "attention": "self",
    "norm": "group",
    "activation": "silu",
    "pooling": "conv",
    "upsampling": "nearest",
    "skip": "concat",
    "layout": "ddpm",
    "stem": "conv",
    "head": "conv",
    "prediction": "velocity",
}
METHOD = "add"


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


# One source of a slot: what it says of the slot, and the row or top it belongs to.
Level = tuple[Value | None, Value | None]


def wrap(data: Any, origin: SpecPath | None) -> Value:
    """Plain data, or components, as a Value."""
    if isinstance(data, Component):
        data = {**data.model_dump(exclude_unset=True), "type": data.word()}
    elif hasattr(data, "model_dump"):
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


def _live(levels: list[Level]) -> list[Level]:
    """The levels without what another type has replaced, and without a mere `true`."""
    kept: list[Level] = []
    name, replaced = None, False
    for value, scope in levels:
        opinion = opened(value) if value is not None and value.data is not True else None
        if opinion is not None:
            theirs = opinion.get("type")
            replaced = replaced or bool(name and theirs and theirs.data != name)
            name = name or (theirs.data if theirs else None)
        kept.append((None if replaced else opinion, scope))
    return kept


class Filler:
    """Fills components from levels, the nearest first."""

    def __init__(self, lookup: Lookup) -> None:
        self.lookup = lookup

    def component(self, kind: str, levels: list[Level], default: Value | None = None) -> Value:
        """The component of one slot, with every slot inside it filled from the same levels.

        Options without a `type` refine archkit's default for the kind, so what a row or the top
        says of ``group`` norms is not meant for a component whose own default is another.
        """
        usual = DEFAULTS.get(kind)
        default = default or (usual and Value(usual, None)) or None
        if default and _type(opened(default)) != usual and not any(map(_named, levels)):
            levels = [(None if scope else value, scope) for value, scope in levels]
        levels = _live([*levels, (default, None)])
        value = merged([value for value, _ in levels if value is not None])
        cls = self._class(kind, value)
        if cls is None:
            return value
        options = dict(value.data)
        for option, inner in cls.slots().items():
            own = wrap(cls.model_fields[option].get_default(), None)
            inside = self._inside(option, levels, cascades=option == inner and inner != kind)
            if own.data is not None or any(v for v, _ in inside):
                options[option] = self.component(inner, inside, own if own.data else None)
        for option in cls.inherited():
            found = [v for v, _ in self._inside(option, levels, cascades=True) if v]
            if found:
                options[option] = found[0]
        return Value(options, value.origin)

    def _inside(self, option: str, levels: list[Level], cascades: bool) -> list[Level]:
        inside: list[Level] = []
        for value, scope in levels:
            if value is not None and isinstance(value.data, dict):
                inside.append((value.get(option), None))
            if scope is not None and cascades:
                inside.append((scope.get(option), scope))
        return inside

    def _class(self, kind: str, value: Value) -> type[Component] | None:
        name = _type(value)
        if name is None:
            return None
        try:
            return self.lookup.component(kind, name)
        except Exception:  # a complaint for validation to make, at its place
            return None


def _type(value: Value) -> str | None:
    found = value.get("type")
    return found.data if found and isinstance(found.data, str) else None


def _named(level: Level) -> bool:
    """Whether a level says which component it means."""
    value, _ = level
    return value is not None and _type(opened(value)) is not None


ROW = ("block", "attention", "pooling", "upsampling", "skip", "norm", "activation", "method")
PLACES = {
    "encoder": ("block", "attention", "pooling", "upsampling", "skip"),
    "decoder": ("block", "attention", "upsampling", "skip"),
    "bottleneck": ("block", "attention"),
}


def fill(data: Mapping[str, Any], lookup: Lookup) -> tuple[dict[str, Any], dict[SpecPath, Any]]:
    """A spec with every default written out, and where each of its places came from.

    Filling what is filled already changes nothing.
    """
    origins: dict[SpecPath, SpecPath | None] = {}
    filled = _Spec(wrap(data, ()), Filler(lookup)).filled()
    return unwrap(filled, (), origins), origins


class _Spec:
    """One filling of one spec."""

    def __init__(self, raw: Value, filler: Filler) -> None:
        self.raw, self.filler = raw, filler
        conditioning = raw.get("conditioning")
        method = conditioning.get("method") if conditioning else None
        scope = {**raw.data, **({"method": method} if method else {})}
        self.top = Value(scope, raw.origin)

    def filled(self) -> Value:
        out = dict(self.raw.data)
        for kind, name in DEFAULTS.items():
            level = (self.raw.get(kind), self.top)
            out[kind] = self.filler.component(kind, [level], Value(name, None))
        out["conditioning"] = self._conditioning()
        if precondition := self.raw.get("precondition"):
            out["precondition"] = self.filler.component("precondition", [(precondition, self.top)])
        if registers := self.raw.get("registers"):
            out["registers"] = self._registers(registers)
        encoder = self.raw.get("encoder")
        if encoder and isinstance(encoder.data, tuple):
            rows = tuple(self._encoder_row(row) for row in encoder.data)
            out["encoder"] = Value(rows, encoder.origin)
            self._others(out, encoder)
        return Value(out, self.raw.origin)

    def _conditioning(self) -> Value:
        given = self.raw.get("conditioning") or Value({}, None)
        if not isinstance(given.data, dict):
            return given
        out = {"time": Value("sinusoidal", None), **given.data}
        defaults = {"time": "sinusoidal", "embedding": "sum"}
        for name, value in out.items():
            if name in ("method", "embedding"):
                continue
            kind = "time" if name == "time" else "condition"
            default = Value(defaults["time"], None) if kind == "time" else None
            out[name] = self.filler.component(kind, [(value, self.top)], default)
        levels: list[Level] = [(given.get("embedding"), self.top)]
        out["embedding"] = self.filler.component("embedding", levels, Value("sum", None))
        out["method"] = given.get("method") or Value(METHOD, None)
        return Value(out, given.origin)

    def _registers(self, given: Value) -> Value:
        if not isinstance(given.data, dict):
            return given
        out = {}
        for name, register in given.data.items():
            kinds = register.data if isinstance(register.data, dict) else {}
            levels = {k: [(v, register), (self.raw.get(k), self.top)] for k, v in kinds.items()}
            filled = {
                k: self.filler.component(k, levels[k], Value(DEFAULTS[k], None))
                if k in DEFAULTS and v.data is not None
                else v
                for k, v in kinds.items()
            }
            out[name] = Value(filled, register.origin) if kinds else register
        return Value(out, given.origin)

    def _others(self, out: dict[str, Value], encoder: Value) -> None:
        rows = encoder.data
        decoder = self.raw.get("decoder")
        if decoder and isinstance(decoder.data, tuple):
            mirrors = [*rows, *[None] * len(decoder.data)]
            pairs = zip(decoder.data, mirrors, strict=False)
            out["decoder"] = Value(
                tuple(self._row("decoder", row, [row, mirror]) for row, mirror in pairs),
                decoder.origin,
            )
        bottom = self.raw.get("bottleneck")
        if bottom and rows and isinstance(bottom.data, dict):
            lit = [row for row in rows if _lit(row)]
            scopes = [bottom, *lit[-1:]] if lit else [bottom]
            out["bottleneck"] = self._row("bottleneck", bottom, [bottom, rows[-1]], scopes)

    def _encoder_row(self, row: Value) -> Value:
        return self._row("encoder", row, [row])

    def _row(
        self, place: str, row: Value, scopes: list[Any], attending: list[Any] | None = None
    ) -> Value:
        """A row with its slots filled from itself, the rows it mirrors, and the top."""
        if not isinstance(row.data, dict):
            return row
        out = dict(row.data)
        for kind in PLACES[place]:
            rows = attending if kind == "attention" and attending else scopes
            levels: list[Level] = [(s.get(kind), s) for s in rows if s is not None]
            if kind == "attention" and not _on(levels):
                out[kind] = Value(False, row.origin if row.get(kind) else None)
                continue
            levels.append((self.raw.get(kind), self.top))
            out[kind] = self.filler.component(kind, levels, Value(DEFAULTS[kind], None))
        blocks = row.get("blocks")
        if blocks and isinstance(blocks.data, tuple):
            out["blocks"] = Value(
                tuple(self._unit(item, scopes) for item in blocks.data), blocks.origin
            )
        return Value(out, row.origin)

    def _unit(self, item: Value, scopes: list[Any]) -> Value:
        levels: list[Level] = [(item, None), *((s.get("block"), s) for s in scopes if s)]
        levels.append((self.raw.get("block"), self.top))
        return self.filler.component("block", levels, Value(DEFAULTS["block"], None))


def _lit(row: Value) -> bool:
    found = row.get("attention")
    return found is not None and found.data is not False


def _on(levels: list[Level]) -> bool:
    """Whether attention is on: the nearest row that says anything decides."""
    said = [value for value, _ in levels if value is not None]
    return bool(said) and said[0].data is not False
