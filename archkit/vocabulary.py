"""What may stand where: the model that reads each place of a spec, and the places of a key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticCustomError

from .component import Component, Slot
from .errors import SpecPath
from .registry import Registry
from .scalars import written
from .spec import Bottleneck, Conditioning, DecoderStage, Input, Output, Spec, Stage

ABSENT = object()
"""What stands where nothing does."""

_PLACES: Mapping[type[BaseModel], str] = {
    Spec: "the top of a spec",
    Stage: "a row of `encoder`",
    Input: "`input`",
    Output: "`output`",
    Conditioning: "`conditioning`",
    DecoderStage: "a row of `decoder`",
    Bottleneck: "`bottleneck`",
}


def below(data: Any, step: str | int) -> Any:
    """The value under a key or an index; ABSENT where there is none."""
    if isinstance(data, Mapping):
        return data.get(step, ABSENT)
    if isinstance(data, tuple) and isinstance(step, int) and 0 <= step < len(data):
        return data[step]
    return ABSENT


def reader(path: SpecPath, data: Any, registry: Registry) -> type[BaseModel] | None:
    """The model that reads the mapping at `path`; None where that is anybody's guess."""
    model: type[BaseModel] | None = Spec
    kind = ""
    for step in path:
        data = below(data, step)
        if isinstance(step, str):  # the items of a list are read as the list is
            kind, model = slot_or_model(model, step)
        if kind:
            name = below(data, "type")
            model = _component(registry, kind, name) if isinstance(name, str) else None
    return model


def slot_or_model(model: type[BaseModel] | None, field: str) -> tuple[str, type[BaseModel] | None]:
    """What a field takes: components of a kind, or a model; neither, where it takes scalars."""
    if model is Conditioning and field not in Conditioning.model_fields:
        return "condition", None
    info = model.model_fields.get(field) if model else None
    if info is None:
        return "", None
    found = list(_walk([info.annotation, *info.metadata]))
    kinds = [mark.kind for mark in found if isinstance(mark, Slot)]
    models = [cls for cls in found if isinstance(cls, type) and issubclass(cls, BaseModel)]
    return (kinds[0] if kinds else ""), (models[0] if models else None)


def _walk(annotations: Iterable[Any]) -> Iterator[Any]:
    for annotation in annotations:
        yield annotation
        yield from getattr(annotation, "__metadata__", ())
        yield from _walk(get_args(annotation))


def _component(registry: Registry, kind: str, name: str) -> type[Component] | None:
    try:
        return registry.component(kind, name)
    except PydanticCustomError:  # a complaint of its own
        return None


def place(owner: type[BaseModel]) -> str:
    """What a mapping of a spec is called in a sentence."""
    if issubclass(owner, Component):
        return f"{owner.kind} `{owner.name()}`"
    return _PLACES[owner]


def homes(key: str, value: Any, owner: type[BaseModel], registry: Registry) -> Iterator[str]:
    """Where else a key is legal, the likeliest place first."""
    shown = written(value) if isinstance(value, str | int | float) else "…"
    if issubclass(owner, Component):
        siblings = registry.components(owner.kind).items()
        names = [f"`{name}`" for name, cls in siblings if key in cls.model_fields]
        if names:
            *more, last = names
            yield f"{owner.kind} {', '.join(more)}{' or ' if more else ''}{last}"
        for option, kind in owner.slots().items():
            if example := _inside(owner, option, kind, key, shown, registry):
                yield f"its `{option}`, as in {example}"
    for model, name in _PLACES.items():
        if model is not owner and key in model.model_fields:
            yield name
    for option, info in Spec.model_fields.items():
        for mark in info.metadata:
            kind = mark.kind if isinstance(mark, Slot) else ""
            if kind and (example := _inside(Spec, option, kind, key, shown, registry)):
                yield f"`{option}`, as in {example}"


def _inside(
    model: type[BaseModel], option: str, kind: str, key: str, shown: str, registry: Registry
) -> str:
    """How the default of a slot takes a key; empty if it does not."""
    name = model.model_fields[option].get_default()
    name = name.get("type") if isinstance(name, Mapping) else name
    cls = _component(registry, kind, name) if isinstance(name, str) else None
    if cls is None or key not in cls.model_fields:
        return ""
    return f"`{option}: {{type: {name}, {key}: {shown}}}`"
