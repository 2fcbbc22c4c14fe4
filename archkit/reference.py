"""What a model or a component may be given, in words: for `archkit explain` and the documents."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from .component import option_docs
from .vocabulary import slot_or_model

_NAMES = {"integer": "whole number", "number": "number"}
_ONE = re.compile(r"^an? ((?:whole )?\w+)")


@dataclass(frozen=True, slots=True)
class Option:
    """One option or key.

    Arguments:
        name: The word in a spec.
        takes: What may be written, such as ``a whole number above 0``.
        default: What stands there if nothing is written: JSON, ``required``, or empty.
        doc: What it means.
    """

    name: str
    takes: str
    default: str
    doc: str


def options(model: type[BaseModel]) -> list[Option]:
    """The options of a component, or the keys of a part of a spec, in the order of declaration.

    Examples:
        >>> from archkit.spec import Input
        >>> options(Input)[0].takes, options(Input)[0].default
        ('a whole number above 0', '3')
    """
    rules, docs = model.model_json_schema()["properties"], option_docs(model)
    return [
        Option(name, _takes(model, name, rules[name]), _default(info), docs.get(name, ""))
        for name, info in model.model_fields.items()
        if name != "type"
    ]


def _default(info: Any) -> str:
    if info.is_required():
        return "required"
    default = info.get_default()
    plain = default is None or isinstance(default, str | int | float | dict | list | tuple)
    shown = json.dumps(default, ensure_ascii=False) if plain else ""
    return "" if shown in ("null", '""') else shown


def _takes(model: type[BaseModel], name: str, rule: Mapping[str, Any]) -> str:
    kind, below = slot_or_model(model, name)
    if below and not kind:
        many = "array" in str(rule.get("type", rule.get("anyOf")))
        return "rows, each a mapping" if many else "a mapping"
    return ", or ".join(dict.fromkeys(_words(rule)))


def _words(rule: Mapping[str, Any]) -> Iterator[str]:
    """What each branch of a JSON Schema allows."""
    kind = rule.get("type")
    if "anyOf" in rule:
        for branch in rule["anyOf"]:
            yield from _words(branch)
    elif "x-slot" in rule:
        yield _a(rule["x-slot"])
    elif "enum" in rule or "const" in rule:
        words = rule.get("enum") or [rule["const"]]
        yield " or ".join(f"`{word}`" for word in words)
    elif kind == "array":
        items = ", or ".join(dict.fromkeys(_words(rule.get("items", {})))) or "anything"
        yield "a list of " + _ONE.sub(r"\1s", items)
    elif kind in _NAMES:
        yield _a(_NAMES[kind]) + _bounds(rule)
    elif kind != "null":
        yield {"string": "text", "boolean": "true or false"}.get(str(kind), "a mapping")


def _bounds(rule: Mapping[str, Any]) -> str:
    said = {
        "exclusiveMinimum": "above",
        "minimum": "from",
        "exclusiveMaximum": "below",
        "maximum": "up to",
    }
    return "".join(f" {word} {rule[key]:g}" for key, word in said.items() if key in rule)


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
