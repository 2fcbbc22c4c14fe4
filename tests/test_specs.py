"""Every shipped spec: clean, short, counted exactly, equal on paper and in torch, a fixed point."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch
from networks import passed
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import archkit
from archkit import Condition, Plan, zoo
from archkit.schema import schema
from archkit.source import dump, parse

FILES = sorted(zoo.folder().glob("*.yaml"))
EACH = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@dataclass(frozen=True)
class Measured:
    """What torch says of a spec: its plan beside what ran on the meta device."""

    plan: Plan
    parameters: int
    macs: int
    shape: tuple[int, ...]
    nodes: dict[str, tuple[int, ...]]


@cache
def measured(path: Path) -> Measured:
    model = archkit.assemble(path, initialise=False).eval()
    seen: dict[str, tuple[int, ...]] = {}

    def note(name: str) -> Any:
        return lambda module, given, out: seen.update({name: tuple(out.shape[1:])})

    for node in model.plan:
        model.get_submodule(node.path).register_forward_hook(note(node.path))
    given = passed(model.plan, batch=1, device="meta")
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        out = model(**given)
    if isinstance(out, dict):
        *_, out = out.values()
    out = out if isinstance(out, torch.Tensor) else torch.cat(out, dim=1)
    parameters = sum(p.numel() for p in model.parameters())
    return Measured(
        model.plan, parameters, counter.get_total_flops() // 2, tuple(out.shape[1:]), seen
    )


def test_there_are_specs() -> None:
    wanted = """tiny digits ddpm-cifar10 ddpm-celebahq-256 unet-2015 stable-diffusion-1.5
    stable-diffusion-2.1 sdxl-base adm-imagenet64 monai-ddpm-3d guided-1d"""
    assert set(wanted.split()) <= {path.stem for path in FILES}


@EACH
def test_it_is_clean(path: Path) -> None:
    assert archkit.check(path) == []


@EACH
def test_it_is_short_and_says_what_it_is(path: Path) -> None:
    lines = [line.split("#", 1)[0].strip() for line in path.read_text().splitlines()]
    assert sum(bool(line) for line in lines) <= 25
    own = parse(path.read_text(), path.name).data
    assert own["name"] == path.stem
    assert own["about"]
    assert own["parameters"]


@EACH
def test_parameters_are_exact(path: Path) -> None:
    found = measured(path)
    assert not found.plan.uncounted
    assert found.plan.cost.parameters == found.plan.spec.parameters
    assert found.parameters == found.plan.spec.parameters


@EACH
def test_multiplications_are_exact(path: Path) -> None:
    found = measured(path)
    assert found.plan.cost.macs == found.macs


@EACH
def test_shapes_on_paper_are_those_of_torch(path: Path) -> None:
    found = measured(path)
    sample = found.plan.spec.input
    assert found.shape == (found.plan.output.channels, *found.plan.output.space)
    if found.plan.spec.prediction.type != "none" and not found.plan.offers:
        assert found.shape[1:] == sample.space
        assert found.shape[0] in (sample.channels, 2 * sample.channels)
    for node in found.plan:
        part = node.component
        channels_last = isinstance(part, Condition) and part.route() == "context"
        space = node.shape.space if node.frames is None else node.shape.space[1:]  # each alone
        shape = (node.shape.channels, *space)
        shape = () if node.path == "precondition.time" else shape  # of times, there is one each
        if node.path in found.nodes:
            assert found.nodes[node.path] == (shape[::-1] if channels_last else shape), node.path


@EACH
def test_resolving_is_a_fixed_point(path: Path) -> None:
    spec = archkit.load_spec(path)
    data = spec.data()
    again = archkit.load_spec(data)
    assert again == spec
    assert again.data() == data
    assert archkit.load_spec(dump(data)) == spec
    assert archkit.plan(again).nodes == archkit.plan(spec).nodes


@pytest.fixture(scope="module")
def validator() -> Any:
    rules = schema(archkit.default_registry())
    jsonschema.Draft7Validator.check_schema(rules)
    return jsonschema.Draft7Validator(rules)


@EACH
def test_it_validates_against_the_schema(path: Path, validator: Any) -> None:
    written = parse(path.read_text(), path.name).data
    for data in (written, archkit.load_spec(path).data()):
        validator.validate(json.loads(json.dumps(data)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"layout": "ddmp"},
        {"encoder": [{"channels": "many"}]},
        {"encoder": [{"chanels": 32}]},
        {"norm": {"type": "group", "heads": 2}},
        {"input": {"size": [1, 2, 3, 4]}},
    ],
    ids=json.dumps,
)
def test_the_schema_refuses_mistakes(wrong: dict[str, Any], validator: Any) -> None:
    spec = {"archkit": 1, "name": "a", "encoder": [{"channels": 32}]}
    validator.validate(spec)
    assert not validator.is_valid({**spec, **wrong})


def test_nothing_is_left_on_the_meta_device_once_loaded(tmp_path: Path) -> None:
    """A filter that pools is in no file of weights."""
    model = archkit.assemble(
        {
            **parse((zoo.folder() / "tiny.yaml").read_text(), "tiny").data,
            "pooling": {"type": "block", "by": "blur"},
        }
    )
    archkit.save(model, tmp_path / "blur.safetensors")
    again = archkit.load(tmp_path / "blur.safetensors")
    tensors = [*again.parameters(), *again.buffers()]
    assert not any(tensor.is_meta for tensor in tensors)
    given = passed(model.plan)
    nn.init.normal_(model.head.conv.weight)
    again.load_state_dict(model.state_dict())
    assert torch.equal(again.eval()(**given), model.eval()(**given))
