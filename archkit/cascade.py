"""Filling a spec: every slot gets the nearest of what stands there, its row, the top, a default.

Works on plain data, before validation, and remembers where each value came from, so that a
complaint about an inherited value points at the line that says it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from .component import Component, Lookup
from .errors import SpecPath
from .values import Value, merged, opened, unwrap, wrap

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
METHOD: Final = "add"

# One source of a slot: what it says of the slot, and the row or top it belongs to.
Level = tuple[Value | None, Value | None]


def _live(levels: list[Level]) -> list[Level]:
    """The levels without what another type has replaced, and without a mere `true`.

    Options without a `type` are of the type that they refine, which stands further away.
    """
    opinions = [opened(v) if v is not None and v.data is not True else None for v, _ in levels]
    types: list[str | None] = [None]
    for opinion in reversed(opinions):
        types.append((_type(opinion) if opinion else None) or types[-1])
    nearest, replaced = types[-1], False
    kept: list[Level] = []
    for opinion, name, (_, scope) in zip(opinions, types[:0:-1], levels, strict=True):
        replaced = replaced or bool(opinion and nearest and name and name != nearest)
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
        other = usual and default and _type(opened(default)) != usual
        if other and not any(map(_named, levels)):
            levels = [(None if scope else value, scope) for value, scope in levels]
        given = levels[0][0]
        levels = _live([*levels, (default, None)])
        said = [value for value, _ in levels if value is not None]
        if not said:  # a bare `true` where nothing stands behind it: for validation to tell
            return given or Value(None, None)
        value = merged(said)
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
            own = wrap(cls.model_fields[option].get_default(), None)
            options[option] = found[0] if found else own
        return Value(options, value.origin)

    def whole(self, kind: str, levels: list[Level], default: Value | None = None) -> Value:
        """The component of one slot with the defaults of all its options written out.

        They come last, because a level says only what it was told: a default that was written in
        it would hide what stands further away.
        """
        return self._written(kind, self.component(kind, levels, default))

    def _written(self, kind: str, value: Value) -> Value:
        cls = self._class(kind, value)
        if cls is None:
            return value
        slots, options = cls.slots(), {**_defaults(cls), **value.data}
        for option in slots.keys() & value.data.keys():
            options[option] = self._written(slots[option], value.data[option])
        return Value(options, value.origin)

    def _inside(self, option: str, levels: list[Level], cascades: bool) -> list[Level]:
        """What the levels say of an option; rows and the top go with it, for what is inside it."""
        inside: list[Level] = []
        for value, scope in levels:
            if value is not None and isinstance(value.data, dict):
                inside.append((value.get(option), None))
            if scope is not None:
                inside.append((scope.get(option) if cascades else None, scope))
        return inside

    def _class(self, kind: str, value: Value) -> type[Component] | None:
        name = _type(value)
        if name is None:
            return None
        try:
            return self.lookup.component(kind, name)
        except Exception:  # a complaint for validation to make, at its place
            return None


@cache
def _defaults(cls: type[Component]) -> dict[str, Value]:
    """What the options of a component that name no component are where nobody says."""
    fields = {k: f for k, f in cls.model_fields.items() if k not in cls.slots()}
    return {k: wrap(f.get_default(), None) for k, f in fields.items() if not f.is_required()}


def _type(value: Value) -> str | None:
    found = value.get("type")
    return found.data if found and isinstance(found.data, str) else None


def _named(level: Level) -> bool:
    """Whether a level says which component it means."""
    value, _ = level
    return value is not None and _type(opened(value)) is not None


PLACES = {
    "encoder": ("block", "attention", "pooling", "upsampling", "skip"),
    "decoder": ("block", "attention", "upsampling", "skip"),
    "bottleneck": ("block", "attention"),
}
SCOPES = ("norm", "activation")
"""What a row says for everything in it; filled only where it does."""


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
            out[kind] = self.filler.whole(kind, [level], Value(name, None))
        out["conditioning"] = self._conditioning()
        if precondition := self.raw.get("precondition"):
            out["precondition"] = self.filler.whole("precondition", [(precondition, self.top)])
        if registers := self.raw.get("registers"):
            out["registers"] = self._registers(registers)
        encoder = self.raw.get("encoder")
        if encoder and isinstance(encoder.data, tuple):
            rows = tuple(self._row("encoder", row, []) for row in encoder.data)
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
            out[name] = self.filler.whole(kind, [(value, self.top)], default)
        levels: list[Level] = [(given.get("embedding"), self.top)]
        out["embedding"] = self.filler.whole("embedding", levels, Value("sum", None))
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
                k: self.filler.whole(k, levels[k], Value(DEFAULTS[k], None))
                if k in DEFAULTS and v.data is not None
                else v
                for k, v in kinds.items()
            }
            out[name] = Value(filled, register.origin) if kinds else register
        return Value(out, given.origin)

    def _others(self, out: dict[str, Value], encoder: Value) -> None:
        rows = [self._complete(row, []) for row in encoder.data]
        decoder = self.raw.get("decoder")
        if decoder and isinstance(decoder.data, tuple):
            mirrors = [rows[i : i + 1] for i in range(len(decoder.data))]
            pairs = zip(decoder.data, mirrors, strict=True)
            filled = tuple(self._row("decoder", row, mirror) for row, mirror in pairs)
            out["decoder"] = Value(filled, decoder.origin)
        bottom = self.raw.get("bottleneck")
        if bottom and rows:
            lit = [row for row in rows if _lit(row.get("attention"))]
            out["bottleneck"] = self._row("bottleneck", bottom, rows[-1:], lit[-1:])

    def _row(
        self, place: str, row: Value, behind: list[Value], lit: list[Value] | None = None
    ) -> Value:
        """A row with its slots filled from itself, the rows it mirrors, and the top.

        Arguments:
            place: Which part of the spec it is a row of.
            row: What it says.
            behind: The rows it mirrors.
            lit: The rows it has its attention from, if not those.
        """
        if not isinstance(row.data, dict):
            return row
        own = self._complete(row, behind)
        out = dict(row.data)
        for kind in PLACES[place]:
            mirrored = lit if kind == "attention" and lit is not None else behind
            levels = self._levels(kind, own, mirrored)
            if kind == "attention" and not _on(levels[:-1]):
                given = row.get(kind)
                out[kind] = Value(False, given.origin if given else None)
                continue
            if kind == "attention":  # a mirrored `false` says nothing of what is on
                levels = [*(lv for lv in levels[:-1] if lv[0] is None or _lit(lv[0])), levels[-1]]
            out[kind] = self.filler.whole(kind, levels)
        for kind in SCOPES:
            if row.get(kind):
                out[kind] = self.filler.whole(kind, self._levels(kind, row, behind))
        blocks = row.get("blocks")
        if blocks and isinstance(blocks.data, tuple):
            levels = self._levels("block", own, behind)
            units = (self.filler.whole("block", [(u, None), *levels]) for u in blocks.data)
            out["blocks"] = Value(tuple(units), blocks.origin)
        return Value(out, row.origin)

    def _levels(self, kind: str, row: Value, behind: list[Value]) -> list[Level]:
        return [(scope.get(kind), scope) for scope in (row, *behind, self.top)]

    def _complete(self, row: Value, behind: list[Value]) -> Value:
        """A row whose norm and activation, where it names them, are what they are in that row.

        Options alone are left alone: they refine whatever they meet further inside.
        """
        if not isinstance(row.data, dict):
            return row
        whole = {
            kind: self.filler.component(kind, self._levels(kind, row, behind))
            for kind in SCOPES
            if _named((row.get(kind), None))
        }
        return Value({**row.data, **whole}, row.origin)


def _lit(attention: Value | None) -> bool:
    return attention is not None and attention.data is not False


def _on(levels: list[Level]) -> bool:
    """Whether attention is on: the nearest row that says anything decides."""
    return _lit(next((value for value, _ in levels if value is not None), None))
