"""Validation errors in the words of the person who wrote the spec."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast, get_args

from pydantic import BaseModel, ValidationError

from .component import Component, Lookup, Slot
from .errors import Problem, SpecPath, dotted
from .spec import Conditioning, Input, Output, Spec, Stage

_PLAIN = {
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dict_type": "a mapping",
    "finite_number": "a finite number",
}


def problems(error: ValidationError, data: Any, lookup: Lookup) -> list[Problem]:
    """One Problem for each independent complaint; paths are those of `data`."""
    found: dict[tuple[str, SpecPath], Problem] = {}
    grouped: dict[SpecPath, list[Any]] = {}
    for entry in error.errors(include_url=False):
        loc, choice = _plain(entry["loc"], data)
        key = loc if choice else (*loc, entry["type"])
        grouped.setdefault(key, []).append((loc, entry))
    for entries in grouped.values():
        loc, entry = _nearest(entries)
        problem = _problem(loc, entry, data, lookup, [e for _, e in entries])
        found.setdefault((problem.code, loc), problem)
    return list(found.values())


def _nearest(entries: list[Any]) -> Any:
    """Of the branches of one choice, the one that got furthest."""
    custom = [e for e in entries if e[1]["type"] not in _PLAIN and "literal" not in e[1]["type"]]
    return (custom or entries)[0]


def _plain(loc: tuple[int | str, ...], data: Any) -> tuple[SpecPath, bool]:
    """A location without the names pydantic gives to the branches of a choice."""
    path: list[str | int] = []
    here = data
    for step in loc:
        if isinstance(here, Mapping) and step in here:
            here = here[cast(str, step)]
        elif isinstance(here, tuple | list) and isinstance(step, int) and step < len(here):
            here = here[step]
        elif isinstance(step, int) or not _is_branch(step):
            path.append(step)
            return tuple(path), False
        else:
            return tuple(path), True
        path.append(step)
    return tuple(path), False


def _is_branch(step: str) -> bool:
    return any(c in step for c in "[(") or step in ("int", "float", "str", "tuple", "literal")


def _problem(
    loc: SpecPath, entry: Any, data: Any, lookup: Lookup, entries: list[Any]
) -> Problem:
    kind, context = entry["type"], entry.get("ctx", {})
    key = f"`{loc[-1]}`" if loc and isinstance(loc[-1], str) else f"`{dotted(loc)}`"
    if kind == "extra_forbidden":
        return _unknown_key(loc, data, lookup)
    if kind == "missing":
        where = f"`{dotted(loc[:-1])}`" if loc[:-1] else "the spec"
        return Problem("missing-key", f"{where} needs {key}", _example(loc), loc[:-1])
    if "-" in kind:
        mend = context.get("mend", "")
        message = context.get("message") or entry["msg"]
        return Problem(kind, message, mend, loc)
    wanted = " or ".join(dict.fromkeys(_wanted(e) for e in entries))
    return Problem("wrong-type", f"{key} takes {wanted}, not {_shown(entry['input'])}", "", loc)


def _wanted(entry: Any) -> str:
    kind, context = entry["type"], entry.get("ctx", {})
    if kind == "literal_error":
        return str(context["expected"]).replace("'", "`")
    if kind in _PLAIN:
        return _PLAIN[kind]
    message: str = entry["msg"]
    return message.removeprefix("Input should be ").removeprefix("Value error, ")


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return f"`{value}`"


def _example(loc: SpecPath) -> str:
    examples = {
        "archkit": "start the file with `archkit: 1`",
        "name": "for example `name: my-unet`",
        "encoder": "for example `encoder: [{channels: 64, blocks: 2}, {channels: 128, blocks: 2}]`",
    }
    return examples.get(str(loc[-1]), "")


def _unknown_key(loc: SpecPath, data: Any, lookup: Lookup) -> Problem:
    *above, key = loc
    owner = _model_at(tuple(above), data, lookup)
    known = list(owner.model_fields) if owner else []
    if owner and issubclass(owner, Component):
        what = f"{owner.kind} `{owner.name()}` has no option `{key}`"
    else:
        place = f"`{dotted(tuple(above))}`" if above else "the top of a spec"
        what = f"{place} has no key `{key}`"
    near = difflib.get_close_matches(str(key), known, 1, 0.7)
    if near:
        mend = f"did you mean `{near[0]}`?"
    elif elsewhere := list(_legal(str(key), owner, lookup)):
        mend = f"`{key}` belongs to {elsewhere[0]}"
    else:
        mend = f"it takes {', '.join(f'`{k}`' for k in known if k != 'type')}"
    return Problem("unknown-key", what, mend, loc)


def _legal(key: str, owner: type[BaseModel] | None, lookup: Lookup) -> Iterator[str]:
    """Where else a key is legal, the likeliest place first."""
    if owner and issubclass(owner, Component):
        for option, kind in owner.slots().items():
            name = owner.model_fields[option].get_default()
            name = name.get("type") if isinstance(name, Mapping) else name
            if isinstance(name, str) and key in lookup.component(kind, name).model_fields:
                yield f"its `{option}`, as in `{option}: {{type: {name}, {key}: …}}`"
    places: tuple[tuple[str, type[BaseModel]], ...] = (
        ("the top of the spec", Spec),
        ("the rows of `encoder`", Stage),
        ("`input`", Input),
        ("`output`", Output),
        ("`conditioning`", Conditioning),
    )
    yield from (place for place, model in places if model is not owner and key in model.model_fields)
    for option, info in Spec.model_fields.items():
        for slot in info.metadata:
            name = info.get_default()
            if isinstance(slot, Slot) and isinstance(name, str):
                cls = lookup.component(slot.kind, name)
                if cls is not owner and key in cls.model_fields:
                    yield f"`{option}`, as in `{option}: {{type: {name}, {key}: …}}`"


def _model_at(path: SpecPath, data: Any, lookup: Lookup) -> type[BaseModel] | None:
    """The model that reads the mapping at `path`."""
    model: type[BaseModel] | None = Spec
    kind = ""
    for step in path:
        data = _below(data, step)
        if isinstance(step, int):
            pass
        elif model is Conditioning and step not in model.model_fields:
            kind = "condition"
        else:
            kind, model = _field(model, step)
        if kind and isinstance(data, Mapping) and isinstance(data.get("type"), str):
            try:
                model = lookup.component(kind, data["type"])
            except Exception:  # an unknown name is a complaint of its own
                return None
    return model


def _below(data: Any, step: str | int) -> Any:
    if isinstance(data, Mapping):
        return data.get(cast(str, step))
    if isinstance(data, tuple | list) and isinstance(step, int) and step < len(data):
        return data[step]
    return None


def _field(model: type[BaseModel] | None, name: str) -> tuple[str, type[BaseModel] | None]:
    """The kind of a slot, or the model, of one field."""
    info = model.model_fields.get(name) if model else None
    if info is None:
        return "", None
    found = list(_walk([info.annotation, *info.metadata]))
    kinds = [x.kind for x in found if isinstance(x, Slot)]
    models = [x for x in found if isinstance(x, type) and issubclass(x, BaseModel)]
    return (kinds[0] if kinds else ""), (models[0] if models else None)


def _walk(annotations: Iterable[Any]) -> Iterator[Any]:
    for annotation in annotations:
        yield annotation
        yield from getattr(annotation, "__metadata__", ())
        yield from _walk(get_args(annotation))
