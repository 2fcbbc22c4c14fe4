"""Registry to JSON Schema: what an editor needs to complete and check a spec."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from .component import Component, option_docs
from .importer import Importer
from .registry import Registry
from .spec import Spec

DRAFT = "http://json-schema.org/draft-07/schema#"
# Scalars that `sqrt(1/2)` may stand for.
_NUMBER = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": "^sqrt\\("}]}


def schema(registry: Registry) -> dict[str, Any]:
    """The JSON Schema (draft-07) of a spec as this registry allows it.

    One definition a kind and one a component, so that nothing is inlined and components may
    nest in one another.
    """
    definitions: dict[str, Any] = {}
    for kind in registry.kinds():
        if kind != Importer.kind:  # no spec names one
            definitions[kind] = _kind(kind, registry, definitions)
    root = _model(Spec, definitions)
    root["properties"]["extends"] = {
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
        "description": "The spec this one differs from: a file, or the name of a shipped spec.",
    }
    root["properties"]["set"] = {
        "type": "object",
        "description": "Overrides, in the grammar of the command line.",
    }
    root["patternProperties"] = {"^x-": {"description": "Yours: for anchors, or other tools."}}
    root["required"] = ["archkit", "name"]
    root["anyOf"] = [{"required": ["encoder"]}, {"required": ["extends"]}]
    return {"$schema": DRAFT, "title": "archkit spec", **root, "definitions": definitions}


def _kind(kind: str, registry: Registry, definitions: dict[str, Any]) -> dict[str, Any]:
    choices: list[dict[str, Any]] = []
    for name in registry.names(kind):
        cls = registry.component(kind, name)
        key = f"{kind}.{name}"
        definitions[key] = _component(cls, name, definitions)
        choices.append({"const": name, "type": "string", "description": first_line(cls)})
        choices.append({"$ref": f"#/definitions/{key}"})
    return {"anyOf": [*choices, _refinement(kind, registry, definitions)]}


def _refinement(kind: str, registry: Registry, definitions: dict[str, Any]) -> dict[str, Any]:
    """A mapping without `type`, which refines what it inherits."""
    options: dict[str, Any] = {}
    for name in registry.names(kind):
        for option, rule in definitions[f"{kind}.{name}"]["properties"].items():
            if option != "type":
                known = options.setdefault(option, [])
                known += [rule] if rule not in known else []
    merged = {
        option: rules[0]
        if len(rules) == 1
        else {"anyOf": rules, "description": rules[0].get("description", "")}
        for option, rules in options.items()
    }
    return {
        "type": "object",
        "description": f"Options that refine the inherited {kind}.",
        "properties": merged,
        "additionalProperties": False,
    }


def _component(cls: type[Component], name: str, definitions: dict[str, Any]) -> dict[str, Any]:
    found = _model(cls, definitions)
    found["description"] = first_line(cls)
    found["properties"]["type"] = {"const": name, "description": first_line(cls)}
    found["required"] = ["type", *[k for k in found.get("required", []) if k != "type"]]
    return found


def _model(cls: type[BaseModel], definitions: dict[str, Any]) -> dict[str, Any]:
    raw = cls.model_json_schema(ref_template="#/definitions/{model}")
    below = raw.pop("$defs", {})
    for key, value in below.items():
        if key not in definitions:
            definitions[key] = {}
            definitions[key] = _documented(_plain(value), _named(key))
    return _documented(_plain(raw), cls)


def _named(key: str) -> type[BaseModel] | None:
    from . import spec

    found = getattr(spec, key, None)
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def _plain(node: Any) -> Any:
    """Slots as references; without titles and defaults, which only make hovers longer."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "x-slot" in node:
        rest = {"description": node["description"]} if "description" in node else {}
        return {"allOf": [{"$ref": f"#/definitions/{node['x-slot']}"}], **rest}
    plain = {
        key: _plain(value)
        for key, value in node.items()
        if key != "prefixItems" and (key not in ("title", "default") or isinstance(value, dict))
    }
    return _NUMBER if plain == {"type": "number"} else plain


def _documented(found: dict[str, Any], cls: type[BaseModel] | None) -> dict[str, Any]:
    if cls is None:
        return found
    for option, text in option_docs(cls).items():
        if option in found.get("properties", {}):
            rule = found["properties"][option]
            found["properties"][option] = {**rule, "description": text}
    return found


def first_line(cls: type[BaseModel]) -> str:
    """The first sentence of a docstring."""
    return (cls.__doc__ or "").strip().split("\n", 1)[0]
