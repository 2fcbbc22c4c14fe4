"""The JSON Schema says what `check` says, as far as a schema can."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from pydantic import ValidationError
from test_cascade import PLUGIN, SPECS

from archkit import Spec, default_registry, load_spec, zoo
from archkit.registry import load_registry
from archkit.schema import schema
from archkit.source import parse

SCHEMA = schema(default_registry())
VALIDATOR = Draft7Validator(SCHEMA)


def lists(value: Any) -> Any:
    """Plain data as JSON holds it."""
    if isinstance(value, tuple):
        return [lists(item) for item in value]
    return {k: lists(v) for k, v in value.items()} if isinstance(value, dict) else value


def fits(text: str, validator: Draft7Validator = VALIDATOR) -> bool:
    if "encoder:" not in text and "extends:" not in text:
        text += "\nencoder: [{channels: 64}]"
    data = lists(parse(f"archkit: 1\nname: unet\n{text}", "spec.yaml").data)
    return bool(validator.is_valid(data))


def test_it_is_a_schema() -> None:
    Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", zoo.names())
def test_every_shipped_spec_fits(name: str) -> None:
    path = zoo.find(name)
    assert path is not None
    VALIDATOR.validate(lists(parse(path.read_bytes(), name).data))
    VALIDATOR.validate(load_spec(path).data())


GOOD = [
    "",
    "norm: layer",
    "norm: {type: group, groups: 8}",
    "norm: {groups: 8}",
    "block: {scale: sqrt(1/2)}",
    "attention: {heads: null, head_width: 64}",
    "input: {channels: 1, size: [32, 48, 32]}",
    "encoder: [{channels: 64, attention: true}, {channels: 64, attention: false}]",
    "encoder: [{channels: 64, attention: {heads: 4}, blocks: [resnet, {dropout: 0.1}]}]",
    "width: 64\nencoder: [{times: 1}, {times: 1.5}]",
    "conditioning: {time: none, label: {type: label, classes: 3}, text: sequence}",
    "conditioning: {text: {channels: 64}}\nextends: stable-diffusion-1.5",
    "prediction: {type: noise, path: {steps: 500}}",
    "pooling: {type: block, block: {type: resnet, norm: {type: rms}}, by: {type: blur}}",
    "x-shared: {norm: &norm {type: group, groups: 8}}\nnorm: *norm",
    "extends: [tiny, more.yaml]\nset: {encoder.0.channels: 64, ~norm: null}",
]
BAD = [
    "nrom: layer",
    "norm: lager",
    "norm: {type: lager}",
    "norm: {type: group, gruops: 8}",
    "norm: {gruops: 8}",
    "norm: {type: group, groups: 8.5}",
    "norm: {type: group, groups: 0}",
    "norm: {type: group, groups: many}",
    "norm: [group]",
    "norm: 3",
    "fit: loose",
    "pooling: {type: conv, padding: start}",
    "pooling: {type: max, padding: end}",
    "pooling: {type: block, block: {type: resnet, norm: {type: group, gruops: 8}}}",
    "pooling: {type: block, by: nearest}",
    "input: {size: big}",
    "input: {size: []}",
    "encoder: []",
    "encoder: {channels: 64}",
    "encoder: [{chanels: 64}]",
    "encoder: [{channels: 64, blocks: 0}]",
    "encoder: [{channels: 64, blocks: [max]}]",
    "encoder: [{channels: 64, attention: wobble}]",
    "conditioning: {label: labl}",
    "conditioning: {time: {type: sinusoidal, order: sin}}",
    "bottleneck: {blocks: 2}",
    "decoder: [{pooling: max}]",
    "extends: 5",
]


@pytest.mark.parametrize("text", GOOD)
def test_what_is_right_fits(text: str) -> None:
    assert fits(text)


@pytest.mark.parametrize("text", BAD)
def test_what_is_wrong_does_not(text: str) -> None:
    assert not fits(text)


@pytest.mark.parametrize("missing", ["archkit", "name", "encoder"])
def test_what_is_missing_is_missed(missing: str) -> None:
    data = {"archkit": 1, "name": "unet", "encoder": [{"channels": 64}]}
    assert VALIDATOR.is_valid(data)
    del data[missing]
    assert not VALIDATOR.is_valid(data)


@given(SPECS)
def test_whatever_reads_fits(data: dict[str, Any]) -> None:
    try:
        spec = Spec.model_validate(data)
    except ValidationError:
        return
    VALIDATOR.validate(lists(data))
    VALIDATOR.validate(spec.data())


def mappings(node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property anywhere in the schema, with its name."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if key == "properties":
            yield from value.items()
        if isinstance(value, dict | list):
            yield from mappings(value)


def test_every_option_is_documented() -> None:
    undocumented = {name for name, rule in mappings(SCHEMA) if not rule.get("description")}
    assert not undocumented


def test_every_component_is_documented() -> None:
    registry = default_registry()
    for kind in registry.kinds():
        if kind == "importer":
            continue
        for name in registry.names(kind):
            assert SCHEMA["definitions"][f"{kind}.{name}"]["description"].endswith("."), name
        words = [choice for choice in SCHEMA["definitions"][kind]["anyOf"] if "const" in choice]
        assert [word["const"] for word in words] == registry.names(kind)
        assert all(word["description"] for word in words)


def test_nothing_is_inlined() -> None:
    """A component that takes another of its kind would never end."""
    for name, rule in mappings(SCHEMA["definitions"]):
        if name in ("block", "norm", "attention"):
            assert "#/definitions/" in str(rule)


def test_plugins_are_in_it(tmp_path: Path) -> None:
    (tmp_path / "local.py").write_text(PLUGIN)
    validator = Draft7Validator(schema(load_registry([str(tmp_path / "local.py")])))
    assert fits("pooling: {type: twice, pooling: {type: twice, pooling: max}}", validator)
    assert not fits("pooling: {type: twice, pooling: {type: twice, poling: max}}", validator)
    assert not fits("pooling: twice")


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_nonsense_does_not_fit(nonsense: Any) -> None:
    assert not VALIDATOR.is_valid(nonsense)
