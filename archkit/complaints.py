"""Validation errors in the words of the person who wrote the spec."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from itertools import islice
from typing import Any

from pydantic import ValidationError

from .component import Component
from .errors import Problem, SpecPath, dotted, sole_match
from .registry import Registry
from .scalars import scalar, switch, written
from .spec import Conditioning, Spec
from .vocabulary import ABSENT, below, homes, place, reader, slot_or_model

_TYPES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dict_type": "a mapping",
}
_BOUNDS = {
    "greater_than": "a number greater than {gt}",
    "greater_than_equal": "a number of at least {ge}",
    "less_than": "a number less than {lt}",
    "less_than_equal": "a number of at most {le}",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
    "string_too_short": "text that is not empty",
}
# Where a default says nothing of what may be written.
_EXAMPLES = {
    "archkit": "1",
    "name": "my-unet",
    "input": "{channels: 3, size: 32}",
    "output": "{variance: learned}",
    "conditioning": "{time: sinusoidal}",
    "encoder": "[{channels: 64, blocks: 2}, {channels: 128, blocks: 2}]",
    "decoder": "[{blocks: 2}, {blocks: 2}]",
    "bottleneck": "{channels: 128}",
    "attention": "true",
    "blocks": "2",
    "channels": "64",
    "width": "64",
    "times": "2",
    "heads": "8",
    "head_width": "64",
    "dims": "2",
}


def problems(error: ValidationError, data: Any, registry: Registry) -> list[Problem]:
    """One Problem for each independent complaint; paths are those of `data`."""
    grouped: dict[SpecPath, list[Any]] = {}
    chosen: set[SpecPath] = set()
    for entry in error.errors(include_url=False):
        path, choice = _path(entry, data)
        grouped.setdefault(path, []).append(entry)
        if choice:
            chosen.add(path)
    return [
        _problem(path, entries, data, registry)
        for path, entries in grouped.items()
        if not _follows(path, entries, chosen)
    ]


def _path(entry: Any, data: Any) -> tuple[SpecPath, bool]:
    """Where it is in `data`, and whether pydantic's location names a branch of a choice."""
    path: SpecPath = ()
    choice = False
    here = data
    for step in entry["loc"]:
        here, above = below(here, step), here
        if here is ABSENT and isinstance(step, str) and entry["type"] != "missing":
            here, choice = above, True
        else:
            path = (*path, step)
    return (*path, *entry.get("ctx", {}).get("at", ())), choice


def _follows(path: SpecPath, entries: list[Any], chosen: set[SpecPath]) -> bool:
    """Whether it is said only because of a complaint further down."""
    if all(e["type"] == "too_short" and len(e["input"]) >= e["ctx"]["min_length"] for e in entries):
        return True
    return path in chosen and any(p[: len(path)] == path and p != path for p in chosen)


def _problem(path: SpecPath, entries: list[Any], data: Any, registry: Registry) -> Problem:
    told = [e for e in entries if e["type"] not in _TYPES and e["type"] != "literal_error"]
    entry = (told or entries)[0]
    kind, context = entry["type"], entry.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(path, data, registry)
    if kind == "missing":
        where = f"`{dotted(path[:-1])}`" if path[:-1] else "the spec"
        example = _EXAMPLES.get(str(path[-1]), "…")
        mend = f"for example `{path[-1]}: {example}`"
        return Problem("missing-key", f"{where} needs `{path[-1]}`", mend, path)
    if kind == "missing-type":
        return _typeless(path, context["kind"], entry["input"], registry)
    if kind in ("value_error", "assertion_error"):
        return Problem("bad-value", entry["msg"].partition(", ")[2], "", path)
    given = entry["input"]
    given = given.get("type") if isinstance(given, Mapping) else given  # a name, opened already
    if (word := switch(given)) and any("bool" in e["type"] for e in entries):
        what = f"`{path[-1]}` takes true or false, not `{given}`"
        return Problem("wrong-type", what, f"did you mean `{word}`?", path, instead=word)
    if ("-" in kind or "message" in context) and kind != "wrong-type":
        return _custom(path, kind, entry, data)
    wanted = " or ".join(dict.fromkeys(map(_wanted, told or entries)))
    name = path[-1] if isinstance(path[-1], str) else dotted(path)
    what = f"`{name}` takes {wanted}, not {_shown(entry['input'])}"
    if near := _meant(entries):
        instead = sole_match(entry["input"], _legal(entries))
        return Problem("wrong-type", what, f"did you mean `{near}`?", path, instead=instead)
    return Problem("wrong-type", what, _mend(path, entries, data, registry), path)


def _custom(path: SpecPath, code: str, entry: Any, data: Any) -> Problem:
    """What archkit or a plugin complained of in its own words."""
    context = entry.get("ctx", {})
    mend = context.get("mend", "")
    if code == "unknown-component":
        if path[0] == "conditioning" and len(path) == 2:
            near = _near(str(path[1]), Conditioning.model_fields)
            if near:
                what = f"`{path[1]}` would be a condition, and {entry['ctx']['message']}"
                instead = sole_match(str(path[1]), Conditioning.model_fields)
                mend = f"did you mean `{near}`?"
                return Problem("unknown-key", what, mend, path, instead=instead)
        if isinstance(below(value_of(data, path), "type"), str):
            path = (*path, "type")
    what, instead = context.get("message") or entry["msg"], context.get("instead", "")
    return Problem(code, what, mend, path, instead=instead)


def value_of(data: Any, path: SpecPath) -> Any:
    """What stands at a path; ABSENT where nothing does."""
    for step in path:
        data = below(data, step)
    return data


def _wanted(entry: Any) -> str:
    kind, context = entry["type"], entry.get("ctx", {})
    if kind == "wrong-type":
        return f"the name of {_a(context['kind'])}, or a mapping with `type` and options"
    if kind == "literal_error":
        return str(context["expected"]).replace("'", "`")
    if kind in _TYPES:
        return _TYPES[kind]
    if kind in _BOUNDS:
        bounds = {k: f"{v:g}" if isinstance(v, float) else v for k, v in context.items()}
        return _BOUNDS[kind].format(**bounds)
    message: str = entry["msg"]
    return message.removeprefix("Input should be ")


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}" if value else "an empty list"
    if value is None or isinstance(value, bool):
        return written(value)
    if _is_number(value):
        return f'`"{value}"`'
    text = str(value)
    return f"`{text[:40]}…`" if len(text) > 40 else f"`{text}`" if text else "nothing"


def _is_number(value: Any) -> bool:
    """Whether it is text that would be a number without its quotes."""
    return isinstance(value, str) and isinstance(scalar(value), int | float)


def _meant(entries: list[Any]) -> str:
    """The word that was probably meant, where there is a choice of words."""
    value = entries[0]["input"]
    return _near(value, _legal(entries)) if isinstance(value, str) else ""


def _legal(entries: list[Any]) -> list[str]:
    """The words of a choice of words."""
    return "".join(str(e.get("ctx", {}).get("expected", "")) for e in entries).split("'")[1::2]


def _mend(path: SpecPath, entries: list[Any], data: Any, registry: Registry) -> str:
    """What to write instead of a value of the wrong type."""
    value = entries[0]["input"]
    key = next(step for step in reversed(path) if isinstance(step, str))
    wanted = {_wanted(entry) for entry in entries}
    if _is_number(value) and any("number" in text or text == value for text in wanted):
        return f"write the number without quotes: `{key}: {value}`"
    if "text" in wanted and isinstance(value, int | float):
        return f'put it in quotes: `{key}: "{value}"`'
    if isinstance(path[-1], int) and key in ("encoder", "decoder"):
        return "for example `- {channels: 64, blocks: 2}`"
    kinds = [e["ctx"]["kind"] for e in entries if e["type"] == "wrong-type"]
    example = _EXAMPLES.get(key) or _default(path, data, registry)
    if kinds and not example:
        example = registry.names(kinds[0])[0]
    return f"for example `{key}: {example}`" if example else ""


def _default(path: SpecPath, data: Any, registry: Registry) -> str:
    """The default of the option at a path, as one would write it; empty if it has none."""
    while isinstance(path[-1], int):
        path = path[:-1]
    owner = reader(path[:-1], data, registry)
    info = owner.model_fields.get(str(path[-1])) if owner else None
    value = None if info is None else info.get_default()
    return written(value) if isinstance(value, str | int | float) else ""


def _typeless(path: SpecPath, kind: str, given: Any, registry: Registry) -> Problem:
    """A mapping that refines nothing: which component is meant can be told from its options."""
    if given.get("type") is not None:
        what = f"`type` takes the name of {_a(kind)}, not {_shown(given['type'])}"
        mend = f"for example `type: {registry.names(kind)[0]}`"
        return Problem("wrong-type", what, mend, (*path, "type"))
    fits = [
        name
        for name, cls in registry.components(kind).items()
        if all(option in cls.model_fields for option in given)
    ]
    mend = f"add `type: {fits[0]}`" if fits else f"see `archkit components {kind}`"
    return Problem("missing-type", f"which {kind} is `{path[-1]}`? `type` is missing", mend, path)


def _unknown_key(path: SpecPath, data: Any, registry: Registry) -> Problem:
    *above, last = path
    key = str(last)
    owner = reader(tuple(above), data, registry) or Spec
    known = [k for k in owner.model_fields if k != "type"]
    part = issubclass(owner, Component)
    what = f"{place(owner)} has no {'option' if part else 'key'} `{key}`"
    near, instead = _near(key, known), sole_match(key, known)
    mends = [f"did you mean `{near}`?"] if near else []
    # Slots are filled by now, so that nobody knows who gave them.
    if near in value_of(data, tuple(above)) and not part and not slot_or_model(owner, near)[0]:
        mends, instead = [f"drop it, for `{near}` is given already"], ""
    value = value_of(data, path)
    if elsewhere := list(islice(homes(key, value, owner, registry), 1 if part else 2)):
        mends.append(f"`{key}` belongs to {', or to '.join(elsewhere)}")
    if not mends:
        mends.append(f"it takes {', '.join(f'`{k}`' for k in known)}" if known else "drop it")
    return Problem("unknown-key", what, " ".join(mends), path, instead=instead)


def _near(word: str, known: Any) -> str:
    found = difflib.get_close_matches(word, list(known), 1, 0.7)
    return found[0] if found else ""


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
