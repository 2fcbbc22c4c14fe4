"""One slot rule: what stands there, its row, the top, the component's own default, archkit's."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError
from variants import VARIANTS

from archkit import Registry, Spec, default_registry
from archkit.cascade import DEFAULTS, fill
from archkit.errors import SpecPath, dotted
from archkit.registry import load_registry
from archkit.source import parse


def filled(
    text: str, registry: Registry | None = None
) -> tuple[dict[str, Any], dict[SpecPath, SpecPath | None]]:
    """A spec with its slots filled, and where everything came from."""
    if "encoder:" not in text:
        text += "\nencoder: [{channels: 64, attention: true}]"
    data = parse(f"archkit: 1\nname: unet\n{text}", "spec.yaml").data
    return fill(data, registry or default_registry())


def at(data: Any, path: str) -> Any:
    """What stands at a dotted path; None where nothing does."""
    for step in path.split("."):
        data = data[int(step)] if isinstance(data, tuple) else data.get(step)
        if data is None:
            break
    return data


def whole(values: dict[str, Any], registry: Registry) -> dict[str, Any]:
    """Values by their path, where every component has the defaults of what it does not say."""
    found = {}
    for path, value in values.items():
        found[path] = value
        if isinstance(value, dict):
            fields = registry.component(path.split(".")[-1], value["type"]).model_fields
            found[path] = {**{k: f.get_default() for k, f in fields.items()}, **value}
    return found


RULES = {
    "archkit's default": ("", {"encoder.0.block.type": "resnet", "head.norm.type": "group"}),
    "the top is nearer than a default": (
        "norm: layer",
        {
            "encoder.0.block.norm.type": "layer",
            "encoder.0.attention.norm.type": "layer",
            "head.norm.type": "layer",
        },
    ),
    "the row is nearer than the top": (
        "norm: layer\nencoder: [{channels: 64, norm: rms}, {channels: 64}]",
        {
            "encoder.0.block.norm.type": "rms",
            "encoder.1.block.norm.type": "layer",
            "head.norm.type": "layer",
        },
    ),
    "what stands there is nearest": (
        "norm: layer\nencoder: [{channels: 64, norm: rms, block: {norm: batch}}]",
        {"encoder.0.block.norm.type": "batch"},
    ),
    "the block of the top is nearer than the norm of the top": (
        "norm: layer\nblock: {norm: batch}",
        {"encoder.0.block.norm.type": "batch", "head.norm.type": "layer"},
    ),
    "the norm of a row is nearer than the block of the top": (
        "block: {norm: batch}\nencoder: [{channels: 64, norm: rms}]",
        {"encoder.0.block.norm.type": "rms"},
    ),
    "a mapping without a type refines": (
        "norm: {groups: 8, eps: 1e-3}\nencoder: [{channels: 64, norm: {eps: 1e-4}}]",
        {
            "encoder.0.norm": {"type": "group", "groups": 8, "eps": 1e-4},
            "encoder.0.block.norm": {"type": "group", "groups": 8, "eps": 1e-4},
            "head.norm": {"type": "group", "groups": 8, "eps": 1e-3},
        },
    ),
    "a mapping of the same type refines": (
        "block: {type: resnet, dropout: 0.1}\n"
        "encoder: [{channels: 64, block: {type: resnet, kernel: 5}}]",
        {"encoder.0.block.dropout": 0.1, "encoder.0.block.kernel": 5},
    ),
    "a bare name of the same type refines": (
        "block: {dropout: 0.1}\nencoder: [{channels: 64, block: resnet}]",
        {"encoder.0.block.dropout": 0.1},
    ),
    "another type replaces": (
        "block: {type: resnet, dropout: 0.1}\nencoder: [{channels: 64, block: conv}]",
        {"encoder.0.block.type": "conv", "encoder.0.block.dropout": 0.0},
    ),
    "what another type replaced stays replaced": (
        "norm: {groups: 8}\nencoder: [{channels: 64, norm: layer, block: {norm: {eps: 1e-3}}}]",
        {"encoder.0.block.norm": {"type": "layer", "eps": 1e-3}},
    ),
    "a norm that a row names is the same in everything of that row": (
        "norm: {groups: 8}\nattention: {norm: rms}\n"
        "encoder: [{channels: 64, norm: group, attention: true}, {channels: 64, attention: true}]",
        {
            "encoder.0.norm": {"type": "group", "groups": 8},
            "encoder.0.attention.norm": {"type": "group", "groups": 8},
            "encoder.1.attention.norm": {"type": "rms"},
        },
    ),
    "a refinement goes as deep as it is written": (
        "prediction: {type: noise, path: {steps: 500}}",
        {"prediction.path": {"type": "ddpm", "steps": 500}},
    ),
    "a component's own default is nearer than archkit's": (
        "attention: transformer",
        {"encoder.0.attention.norm": {"type": "group", "eps": 1e-6}},
    ),
    "a component's own default survives what the top says of others": (
        "attention: transformer\nnorm: {groups: 8}",
        {"encoder.0.attention.norm": {"type": "group", "groups": 8, "eps": 1e-6}},
    ),
    "a component's own default gives way where it is named": (
        "attention: {type: transformer, norm: {eps: 1e-5}}",
        {"encoder.0.attention.norm": {"type": "group", "eps": 1e-5}},
    ),
    "a component's own default gives way to the top's": (
        "attention: transformer\nnorm: {type: group, eps: 1e-3}",
        {"encoder.0.attention.norm": {"type": "group", "eps": 1e-3}},
    ),
    "the activation of the top goes everywhere": (
        "activation: mish\nconditioning: {micro: vector}",
        {
            "encoder.0.block.activation.type": "mish",
            "head.activation.type": "mish",
            "conditioning.time.activation.type": "mish",
            "conditioning.embedding.activation.type": "mish",
            "conditioning.micro.activation.type": "mish",
        },
    ),
    "the method of conditioning fills every block": (
        "conditioning: {method: scale-shift}\n"
        "encoder: [{channels: 64}, {channels: 64, method: none}, {channels: 64, block: "
        "{method: multiply}}]",
        {
            "encoder.0.block.method": "scale-shift",
            "encoder.1.block.method": "none",
            "encoder.2.block.method": "multiply",
        },
    ),
    "a block inside pooling is the stage's": (
        "pooling: block\nblock: {dropout: 0.1}\nencoder: [{channels: 64, norm: layer}]",
        {"encoder.0.pooling.block.dropout": 0.1, "encoder.0.pooling.block.norm.type": "layer"},
    ),
    "pooling inside pooling is not the top's": (
        "pooling: block",
        {"encoder.0.pooling.type": "block", "encoder.0.pooling.by.type": "avg"},
    ),
    "attention is off unless a row says otherwise": (
        "attention: {heads: 4}\nencoder: [{channels: 64}, {channels: 64, attention: false}]",
        {"encoder.0.attention": False, "encoder.1.attention": False},
    ),
    "attention: true is on, whatever the mirrored row has": (
        "attention: {heads: 4}\nencoder: [{channels: 64, attention: false}]\n"
        "decoder: [{attention: true}]",
        {"encoder.0.attention": False, "decoder.0.attention.heads": 4},
    ),
    "attention: true is the top's": (
        "attention: {heads: 4}\nencoder: [{channels: 64, attention: true}]",
        {"encoder.0.attention.heads": 4},
    ),
    "attention: a mapping refines the top's": (
        "attention: {type: transformer, heads: 4}\n"
        "encoder: [{channels: 64, attention: {depth: 2}}]",
        {"encoder.0.attention.heads": 4, "encoder.0.attention.depth": 2},
    ),
    "attention: a name turns it on": (
        "encoder: [{channels: 64, attention: transformer}]",
        {"encoder.0.attention.type": "transformer"},
    ),
    "null is as if it were not said": (
        "block: {kernel: 5}\nnorm: null\nencoder: [{channels: 64, block: null, attention: null}]",
        {
            "norm.type": "group",
            "encoder.0.block.kernel": 5,
            "encoder.0.attention": False,
        },
    ),
    "null takes back an option": (
        "attention: {heads: 4}\nencoder: [{channels: 64, attention: {heads: null, head_width: 8}}]",
        {"encoder.0.attention.heads": None, "encoder.0.attention.head_width": 8},
    ),
    "a unit of a list refines the row's block": (
        "encoder: [{channels: 64, block: {kernel: 5}, blocks: [resnet, {dropout: 0.1}, conv]}]",
        {
            "encoder.0.blocks.0.kernel": 5,
            "encoder.0.blocks.1.kernel": 5,
            "encoder.0.blocks.1.dropout": 0.1,
            "encoder.0.blocks.2.type": "conv",
            "encoder.0.blocks.2.kernel": 3,
        },
    ),
    "a row of the decoder mirrors the encoder's": (
        "encoder: [{channels: 64, norm: rms, attention: {heads: 4}, block: {kernel: 5}}]\n"
        "decoder: [{block: {dropout: 0.1}}]",
        {
            "decoder.0.block.kernel": 5,
            "decoder.0.block.dropout": 0.1,
            "decoder.0.block.norm.type": "rms",
            "decoder.0.attention.heads": 4,
        },
    ),
    "a row of the decoder can refine attention that is off in the encoder": (
        "attention: {heads: 4}\nencoder: [{channels: 64, attention: false}]\n"
        "decoder: [{attention: {head_width: null}}]",
        {"encoder.0.attention": False, "decoder.0.attention.heads": 4},
    ),
    "a row of the decoder can turn attention off": (
        "encoder: [{channels: 64, attention: true}]\ndecoder: [{attention: false}]",
        {"decoder.0.attention": False},
    ),
    "the bottleneck has the block of the deepest row, the attention of the deepest that has any": (
        "encoder:\n  - {channels: 64, attention: {heads: 4}}\n"
        "  - {channels: 64, block: {kernel: 5}}\nbottleneck: {norm: rms}",
        {
            "bottleneck.block.kernel": 5,
            "bottleneck.block.norm.type": "rms",
            "bottleneck.attention.heads": 4,
        },
    ),
    "time and embedding are there unasked": (
        "conditioning: {time: {shift: 1}}",
        {
            "conditioning.time.type": "sinusoidal",
            "conditioning.time.shift": 1,
            "conditioning.embedding.type": "sum",
            "conditioning.method": "add",
        },
    ),
}


@pytest.mark.parametrize(("text", "values"), RULES.values(), ids=RULES)
def test_the_nearest_wins(text: str, values: dict[str, Any]) -> None:
    data, _ = filled(text)
    assert {path: at(data, path) for path in values} == whole(values, default_registry())


PLUGIN = """
from typing import Annotated, Literal

from pydantic import Field

from archkit import Block, Norm, Pooling, Slot, hookimpl


class Plain(Block):
    type: Literal["plain"] = "plain"
    norm: Annotated[Norm, Slot("norm")] = Field("rms", validate_default=True)

    def build(self, site):
        raise NotImplementedError


class Twice(Pooling):
    type: Literal["twice"] = "twice"
    pooling: Annotated[Pooling, Slot("pooling")] = Field("max", validate_default=True)

    def build(self, site):
        raise NotImplementedError


@hookimpl
def archkit_components():
    return {"block.plain": Plain, "pooling.twice": Twice}
"""
OF_PLUGINS = {
    "options alone are not meant for a component of another default": (
        "block: plain\nnorm: {groups: 8}",
        {"encoder.0.block.norm": {"type": "rms"}, "head.norm": {"type": "group", "groups": 8}},
    ),
    "a name is meant for every component": (
        "block: plain\nnorm: {type: group, groups: 8}",
        {"encoder.0.block.norm": {"type": "group", "groups": 8}},
    ),
    "a component inside another of its kind is not the top's": (
        "pooling: twice",
        {"pooling.type": "twice", "pooling.pooling": {"type": "max"}},
    ),
}


@pytest.mark.parametrize(("text", "values"), OF_PLUGINS.values(), ids=OF_PLUGINS)
def test_components_of_plugins(text: str, values: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "local.py").write_text(PLUGIN)
    registry = load_registry([str(tmp_path / "local.py")])
    data, _ = filled(text, registry)
    assert {path: at(data, path) for path in values} == whole(values, registry)


ORIGINS = {
    "as it stands": ("norm: {groups: 8}", "norm.groups", "norm.groups"),
    "from the top": ("norm: {groups: 8}", "encoder.0.block.norm.groups", "norm.groups"),
    "from the block of the top": (
        "block: {dropout: 0.1}",
        "encoder.0.block.dropout",
        "block.dropout",
    ),
    "from a bare name": ("norm: layer", "head.norm.type", "norm"),
    "from the row": (
        "encoder: [{channels: 64}, {channels: 64, norm: {groups: 8}}]",
        "encoder.1.block.norm.groups",
        "encoder.1.norm.groups",
    ),
    "from the row that is mirrored": (
        "encoder: [{channels: 64, attention: {heads: 4}}]\ndecoder: [{}]",
        "decoder.0.attention.heads",
        "encoder.0.attention.heads",
    ),
    "from a unit": (
        "encoder: [{channels: 64, blocks: [resnet, {dropout: 0.1}]}]",
        "encoder.0.blocks.1.dropout",
        "encoder.0.blocks.1.dropout",
    ),
    "from conditioning": (
        "conditioning: {method: none}",
        "encoder.0.block.method",
        "conditioning.method",
    ),
    "from a default": ("", "encoder.0.block", None),
    "from a component's default": ("", "encoder.0.block.norm", None),
    "refined: the nearest": (
        "attention: {heads: 4}\nencoder: [{channels: 64, attention: {norm: rms}}]",
        "encoder.0.attention",
        "encoder.0.attention",
    ),
    "refined: what is further": (
        "attention: {heads: 4}\nencoder: [{channels: 64, attention: {norm: rms}}]",
        "encoder.0.attention.heads",
        "attention.heads",
    ),
}


@pytest.mark.parametrize(("text", "path", "origin"), ORIGINS.values(), ids=ORIGINS)
def test_a_value_knows_where_it_came_from(text: str, path: str, origin: str | None) -> None:
    _, origins = filled(text)
    steps = tuple(int(step) if step.isdigit() else step for step in path.split("."))
    found = origins[steps]
    assert (found if found is None else dotted(found)) == origin


def tuples(value: Any) -> Any:
    """Plain data as a document holds it: lists as tuples."""
    if isinstance(value, list):
        return tuple(map(tuples, value))
    return {k: tuples(v) for k, v in value.items()} if isinstance(value, dict) else value


def slot(kind: str) -> st.SearchStrategy[Any]:
    """A component: a name, with options, or options alone."""
    names = default_registry().names(kind)
    options = {name: tuples(VARIANTS.get(f"{kind}.{name}", [{}])) for name in names}
    full = [{"type": name, **row} for name, rows in options.items() for row in rows]
    return st.sampled_from([*names, *full, *options.get(DEFAULTS.get(kind, ""), ())])


def named(value: Any) -> bool:
    """Whether it says which component it is; options alone refine whatever is filled first."""
    return isinstance(value, str) or "type" in value


def sometimes(**options: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=options)


def rows(*kinds: str, **needed: Any) -> st.SearchStrategy[tuple[dict[str, Any], ...]]:
    attention = st.one_of(st.booleans(), slot("attention"))
    options = {kind: slot(kind) for kind in kinds} | {"norm": slot("norm").filter(named)}
    row = st.fixed_dictionaries(needed, optional={"attention": attention, **options})
    return st.lists(row, min_size=1, max_size=3).map(tuple)


BLOCKS = st.one_of(st.integers(1, 2), st.lists(slot("block"), min_size=1, max_size=2).map(tuple))
STAGE = ("block", "norm", "activation", "upsampling", "skip")
SPECS = st.fixed_dictionaries(
    {
        "archkit": st.just(1),
        "name": st.just("any"),
        "encoder": rows(*STAGE, "pooling", channels=st.sampled_from([24, 32]), blocks=BLOCKS),
    },
    optional={
        **{kind: slot(kind) for kind in (*STAGE, "attention", "pooling", "prediction", "head")},
        "decoder": rows(*STAGE),
        "bottleneck": sometimes(
            block=slot("block"),
            attention=slot("attention"),
            norm=slot("norm").filter(named),
        ),
        "conditioning": sometimes(
            time=slot("time"), label=slot("condition"), text=slot("condition")
        ),
    },
)


# The top's block inside a pooling hides from it what the top says of norms, but not from the row's.
BETWEEN = {
    "archkit": 1,
    "name": "any",
    "norm": {"type": "group", "eps": 1e-6},
    "pooling": {"type": "block", "block": {"type": "resnet", "norm": "rms"}},
    "encoder": (
        {"channels": 24},
        {"channels": 24, "block": {"type": "resnet", "norm": {"type": "group", "groups": 3}}},
    ),
}


@given(SPECS)
@example(BETWEEN)
def test_filling_what_is_filled_changes_nothing(data: dict[str, Any]) -> None:
    once, _ = fill(data, default_registry())
    again, _ = fill(once, default_registry())
    assert again == once


@given(SPECS)
def test_resolving_is_a_fixed_point(data: dict[str, Any]) -> None:
    try:
        spec = Spec.model_validate(data)
    except ValidationError:
        return
    again = Spec.model_validate(tuples(spec.data()))
    assert again == spec
    assert again.data() == spec.data()


def test_the_originals_are_left_alone() -> None:
    data = {"archkit": 1, "name": "unet", "norm": {"groups": 8}, "encoder": ({"channels": 64},)}
    fill(data, default_registry())
    assert data == {
        "archkit": 1,
        "name": "unet",
        "norm": {"groups": 8},
        "encoder": ({"channels": 64},),
    }
