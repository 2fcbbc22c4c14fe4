"""Laws that hold on paper: what a component says of itself."""

from __future__ import annotations

import json
import pickle
from typing import Any

from ..component import Component, option_docs
from .law import law, require


@law(
    Component,
    why="`archkit explain` and editors show it; nobody can guess what an option means",
    mend='begin the docstring with one sentence, and put a """string""" under each option',
)
def documented(component: Component) -> None:
    """The class and each of its options are documented."""
    cls = type(component)
    first = (vars(cls).get("__doc__") or "").strip().split("\n", 1)[0]
    require(first.endswith("."), "its docstring does not begin with a sentence on one line")
    docs = option_docs(cls)
    silent = [name for name in cls.model_fields if name != "type" and not docs.get(name)]
    require(not silent, f"nothing is said of {', '.join(f'`{name}`' for name in silent)}")


@law(
    Component,
    why="in a spec, a bare name stands for the component with all its defaults",
    mend="give each option a default, and `type` its name: `type: Literal['blur'] = 'blur'`",
)
def bare_name(component: Component) -> None:
    """The bare name works: every option has a default."""
    cls = type(component)
    require(cls.name() == component.type, f"`type` is {component.type!r} by no default")
    cls.model_validate({"type": cls.name()})


@law(
    Component,
    why="`archkit resolve` writes every option out, and weights carry their spec",
    mend="use options that YAML can write: numbers, text, lists, and Slots for components",
)
def round_trip(component: Component) -> None:
    """Written out as plain data and read again, it is equal to itself."""
    data = json.loads(json.dumps(component.model_dump(mode="json")))
    again = type(component).model_validate(_tuples(data))
    require(again == component, f"{component!r} comes back as {again!r}")
    copy = pickle.loads(pickle.dumps(component))
    require(copy == component, f"{component!r} is unpickled as {copy!r}")


@law(
    Component,
    why="editors complete and check specs by it",
    mend="annotate options with types that pydantic knows a JSON Schema for",
)
def schema(component: Component) -> None:
    """Its options have a JSON Schema."""
    found = type(component).model_json_schema()
    json.dumps(found)
    missing = set(type(component).model_fields) - set(found["properties"])
    require(not missing, f"the schema lacks {', '.join(sorted(missing))}")


def _tuples(data: Any) -> Any:
    """Lists as tuples, as a spec is read."""
    if isinstance(data, list):
        return tuple(map(_tuples, data))
    if isinstance(data, dict):
        return {key: _tuples(value) for key, value in data.items()}
    return data


LAWS = (documented, bare_name, round_trip, schema)
