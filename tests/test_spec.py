"""Specs from files, text, mappings and Python objects; and back to YAML that reads the same."""

import math
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import archkit
from archkit import (
    Bottleneck,
    Conditioning,
    DecoderStage,
    Input,
    Output,
    Registry,
    Spec,
    SpecError,
    Stage,
    load_spec,
    plan,
    zoo,
)
from archkit.builtin.attention import SelfAttention, Transformer
from archkit.builtin.blocks import ResNet
from archkit.builtin.conditions import Label, Sequence
from archkit.builtin.norms import GroupNorm
from archkit.builtin.pooling import MaxPooling
from archkit.builtin.predictions import Noise
from archkit.builtin.times import Sinusoidal

TEXT = """
archkit: 1
name: unet
encoder:
  - {channels: 64, blocks: [{dropout: 0.1}]}
"""
DATA = {
    "archkit": 1,
    "name": "unet",
    "encoder": [{"channels": 64, "blocks": [{"type": "resnet", "dropout": 0.1}]}],
}
OBJECTS = Spec(archkit=1, name="unet", encoder=(Stage(channels=64, blocks=(ResNet(dropout=0.1),)),))


def test_all_ways_lead_to_the_same_spec(tmp_path: Path) -> None:
    path = tmp_path / "unet.yaml"
    path.write_text(TEXT)
    for source in (path, str(path), TEXT, DATA, OBJECTS):
        assert load_spec(source) == OBJECTS


def test_a_spec_is_taken_as_it_is() -> None:
    assert load_spec(OBJECTS) is OBJECTS


def test_overrides_change_a_spec() -> None:
    changed = load_spec(OBJECTS, overrides=["encoder.0.channels=32", "head.norm.groups=8"])
    assert changed.encoder[0].channels == 32
    assert changed.head.norm.groups == 8
    assert OBJECTS.encoder[0].channels == 64


EVERYTHING = Spec(
    archkit=1,
    name="everything",
    input=Input(channels=4, size=(16, 32)),
    output=Output(variance="learned"),
    prediction=Noise(path="cosine"),
    conditioning=Conditioning(
        time=Sinusoidal(shift=1),
        method="scale-shift",
        label=Label(classes=3, dropout=0.1),
        text=Sequence(channels=64),
    ),
    norm=GroupNorm(groups=8),
    block=ResNet(scale="sqrt(1/2)"),
    attention=Transformer(heads=4),
    pooling=MaxPooling(stride=[1, 2]),
    width=32,
    encoder=[
        Stage(times=1, attention=True),
        Stage(times=1.5, blocks=[ResNet(), ResNet(kernel=5)], norm="rms"),
    ],
    decoder=[DecoderStage(block=ResNet(dropout=0.2)), DecoderStage()],
    bottleneck=Bottleneck(attention=SelfAttention()),
)


@pytest.mark.parametrize(
    "spec",
    [OBJECTS, EVERYTHING, *(load_spec(zoo.find(name)) for name in zoo.names())],
    ids=lambda spec: spec.name,
)
def test_yaml_reads_the_same(spec: Spec) -> None:
    again = load_spec(spec.yaml())
    assert again == spec
    assert again.yaml() == spec.yaml()
    assert load_spec(spec.data()) == spec


def test_objects_are_filled_like_text() -> None:
    first, second = EVERYTHING.encoder
    assert first.attention == Transformer(heads=4, norm=GroupNorm(groups=8, eps=1e-6))
    assert first.block.method == "scale-shift"
    assert [unit.norm.type for unit in second.blocks] == ["rms", "rms"]
    assert [unit.scale for unit in second.blocks] == [math.sqrt(0.5)] * 2
    assert EVERYTHING.decoder[0].block.dropout == 0.2
    assert EVERYTHING.decoder[1].block.norm.type == "rms"
    assert plan(EVERYTHING).output.channels == 8


def test_times_multiply_the_width() -> None:
    assert EVERYTHING.widths() == (32, 48)
    narrow = load_spec(EVERYTHING, overrides=["width=16"])
    assert narrow.widths() == (16, 24)


def test_times_are_rounded() -> None:
    rows = [{"times": 1}, {"times": "sqrt(2)"}, {"times": 0.999}]
    assert load_spec({**DATA, "width": 100, "encoder": rows}).widths() == (100, 141, 100)


@pytest.mark.parametrize(
    ("written", "number"),
    [("sqrt(1/2)", math.sqrt(0.5)), ("sqrt(2)", math.sqrt(2)), ("sqrt( 0.5 / 2 )", 0.5), (2, 2.0)],
)
def test_roots_are_numbers(written: Any, number: float) -> None:
    spec = load_spec({**DATA, "encoder": [{"channels": 64}], "block": {"scale": written}})
    assert spec.encoder[0].block.scale == number


@pytest.mark.parametrize("written", ["sqrt(-1)", "2 * 3", "sqrt(sqrt(2))", "__import__('os')"])
def test_other_expressions_are_not(written: str) -> None:
    with pytest.raises(SpecError, match="`scale` takes a number"):
        load_spec({**DATA, "block": {"scale": written}})


def test_a_spec_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        OBJECTS.name = "another"  # type: ignore[misc]


def test_an_object_of_another_kind_is_refused() -> None:
    with pytest.raises(ValidationError, match="a block belongs here, and `max` is a pooling"):
        Stage(channels=64, block=MaxPooling())
    data = {**DATA, "block": MaxPooling()}
    with pytest.raises(SpecError, match="no block is called `max`") as caught:
        load_spec(data)
    assert caught.value.problems[0].path == ("block", "type")


def test_all_complaints_come_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        load_spec({**DATA, "norm": 3, "fit": "loose", "encoder": [{"channels": "big"}]})
    paths = {problem.path for problem in caught.value.problems}
    assert paths == {("encoder", 0, "channels"), ("norm",), ("fit",)}


def test_what_reads_a_spec_may_bring_its_own_registry() -> None:
    with pytest.raises(SpecError, match="no block is called `resnet`"):
        load_spec(DATA, registry=Registry((), ()))


def test_every_option_of_a_spec_is_documented() -> None:
    from archkit.component import option_docs

    for model in (Spec, Stage, DecoderStage, Bottleneck, Conditioning, Input, Output):
        assert set(model.model_fields) <= set(option_docs(model)), model


def test_the_front_door_has_what_a_spec_is_made_of() -> None:
    assert {"Spec", "Stage", "Conditioning", "Input", "load_spec", "plan"} <= set(dir(archkit))
