"""Reports against torch: totals, memory, receptive fields; budgets, and what is not counted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import pytest
import torch
from torch._subclasses import FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import archkit
from archkit import ArchkitError, Plan, Shape, zoo
from archkit.measures.alone import alone
from archkit.measures.effective import awaken, effective_fields, effective_size
from archkit.measures.memory import kept, peak
from archkit.measures.rates import measured_rate
from archkit.registry import load_registry
from archkit.reports.budgets import breach
from archkit.reports.figures import Rate, Report
from archkit.reports.page import page
from archkit.reports.receptive import Field
from archkit.reports.table import text
from archkit.reports.tally import tally
from archkit.windows import Window


def small(**more: Any) -> dict[str, Any]:
    """A little network of plain convolutions, whose every path a gradient takes."""
    return {
        "archkit": 1,
        "name": "probe",
        "input": {"channels": 1, "size": 32},
        "conditioning": {"time": "none"},
        "prediction": "none",
        "norm": "none",
        "activation": "none",
        "block": {"type": "conv"},
        "encoder": [{"channels": 2, "blocks": 1}, {"channels": 2, "blocks": 1}],
        **more,
    }


def passed(plan: Plan, batch: int, device: str) -> dict[str, torch.Tensor]:
    """What a caller passes, all zeros."""
    conditions = plan.spec.conditioning.conditions
    given = {}
    for name, takes in plan.inputs.items():
        shape = list(takes.shape)
        if len(shape) == len(plan.space) + 1 and None in shape[1:]:
            shape[1:] = plan.space
        shape = [conditions[name].counted() if n is None else n for n in shape]
        numbers = torch.int64 if takes.numbers == "int" else torch.float32
        given[name] = torch.zeros([batch, *shape], dtype=numbers, device=device)
    return given


class Call(torch.nn.Module):
    """A network, called by position."""

    def __init__(self, network: torch.nn.Module, names: list[str]) -> None:
        super().__init__()
        self.network, self.names = network, names

    def forward(self, *values: torch.Tensor) -> Any:
        given = dict(zip(self.names, values, strict=True))
        out = self.network(given.pop("x"), given.pop("t", None), **given)
        return out if isinstance(out, torch.Tensor) else out[0]


# Totals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", zoo.names())
def test_totals_are_those_of_torch(name: str) -> None:
    report = archkit.report(zoo.find(name))
    plan = archkit.plan(zoo.find(name))
    model = archkit.assemble(plan, initialise=False)
    given = passed(plan, 1, "meta")
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        Call(model, list(given))(*given.values())
    assert report.parameters == sum(p.numel() for p in model.parameters())
    assert report.macs == counter.get_total_flops() // 2
    assert report.flops == 2 * report.macs


def test_totals_are_the_sums_of_nodes_and_of_stages() -> None:
    report = archkit.report(zoo.find("ddpm-cifar10"), batch=3, dtype="bfloat16")
    for rows in (report.nodes, report.stages):
        assert sum(row.parameters or 0 for row in rows) == report.parameters == 35_746_307
        assert sum(row.macs or 0 for row in rows) == report.macs == 3 * 6_221_856_768
        assert max(row.inference for row in rows) == report.inference
    inputs = 3 * 2 * 3 * 32 * 32
    assert sum(row.training for row in report.nodes) + inputs == report.training
    assert report.weights == 2 * report.parameters
    assert report.states == 4 * report.weights


# Memory ---------------------------------------------------------------------------------------

MEMORABLE = {
    "pad": small(fit="pad", input={"channels": 1, "size": [13, 18]}, norm="layer"),
    "hourglass": small(layout="hourglass", activation="relu", block={"type": "resnet"}),
    "image": small(conditioning={"time": "sinusoidal", "map": {"type": "image"}}),
    "added image": small(conditioning={"mask": {"type": "image", "into": "stem"}, "time": "none"}),
    "guided": small(conditioning={"label": {"type": "label", "dropout": 0.1}}, activation="gelu"),
    "edm": small(precondition="edm", prediction="sample", conditioning={"time": "fourier"}),
}


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize(
    "name", ["tiny", "digits", "ddpm-cifar10", "guided-1d", "unet-2015", *MEMORABLE]
)
def test_memory_is_what_torch_holds(name: str, batch: int) -> None:
    """To the byte: what is alive at once in inference, what is kept for the backward pass."""
    source = MEMORABLE.get(name) or zoo.find(name)
    plan = archkit.plan(source)
    report = tally(plan, batch=batch)
    with FakeTensorMode():
        given = passed(plan, batch, "cpu")
        network = Call(archkit.assemble(plan), list(given))
        alive = peak(network.eval(), list(given.values()))
        inside, words = kept(network.train(), list(given.values()), [False] * len(given))
    values = list(given.values())
    inside += sum(values[int(word)].untyped_storage().nbytes() for word in words if word != "out")
    caller = sum(value.untyped_storage().nbytes() for value in values)
    assert report.inference - caller == alive
    assert report.training == inside


def test_skips_wait_in_memory() -> None:
    """A network without skips holds less, and its peak lies elsewhere."""
    joined, bare = (archkit.report(small(skip=skip)) for skip in ("concat", "none"))
    assert joined.inference > bare.inference


# Receptive fields -----------------------------------------------------------------------------

PROBES = {
    "plain": small(),
    "1-D": small(input={"channels": 1, "size": [64]}, pooling={"type": "conv", "padding": "end"}),
    "3-D": small(
        input={"channels": 1, "size": [12, 16, 10]},
        pooling={"type": "avg", "stride": [1, 2, 2]},
        block={"type": "resnet"},
    ),
    "transposed": small(upsampling={"type": "transposed", "kernel": 4}, pooling="avg"),
    "blur": small(upsampling="blur", pooling="blur", layout="k-diffusion"),
    "shuffled": small(upsampling="shuffle", pooling="unshuffle"),
    "bilinear": small(upsampling="bilinear", pooling={"type": "conv", "kernel": 5}),
    "resampled inside": small(upsampling="block", pooling="block", block={"type": "resnet"}),
    "wide kernels": small(block={"type": "conv", "kernel": 5, "count": 2}, stem={"type": "none"}),
    "valid": small(
        fit="valid",
        layout="classic",
        input={"channels": 1, "size": 52},
        block={"type": "conv", "count": 2, "padding": "valid"},
        pooling="avg",
        upsampling="transposed",
        skip={"type": "concat", "match": "crop"},
    ),
    "resized": small(
        input={"channels": 1, "size": 30},
        encoder=[{"channels": 2, "blocks": 1}] * 3,
        pooling={"type": "avg", "stride": 2},
        skip={"type": "concat", "match": "resize"},
    ),
    "gated": small(skip="gated", layout="classic", input={"channels": 1, "size": [24, 40]}),
    "no skips": small(skip="none", encoder=[{"channels": 2, "blocks": 1}] * 3),
}


@pytest.mark.parametrize("name", PROBES)
def test_a_receptive_field_is_the_footprint_of_the_gradient(name: str) -> None:
    """With all weights one and nothing negative, every pixel that can count does."""
    plan = archkit.plan(PROBES[name])
    report = tally(plan)
    model = archkit.assemble(plan).double()
    answers: dict[str, torch.Tensor] = {}
    for row in report.stages:
        model.get_submodule(row.leaves).register_forward_hook(
            lambda module, given, out, name=row.path: answers.update({name: out})
        )
    for parameter in model.parameters():
        torch.nn.init.constant_(parameter, 0.01 if name == "gated" else 1.0)
    x = torch.full((1, 1, *plan.space), 0.01, dtype=torch.float64, requires_grad=True)
    model(x)
    for row in report.stages:
        out, seen = answers[row.path][0].sum(0), row.field
        assert seen is not None
        centre = out[tuple(n // 2 for n in out.shape)]
        (gradient,) = torch.autograd.grad(centre, x, retain_graph=True)
        inside = tuple(slice(first, last + 1) for first, last in seen.inside)
        assert gradient[0, 0][inside].all(), f"{row.path} looks at less than {seen}"
        assert gradient[0, 0].count_nonzero() == prod(b - a + 1 for a, b in seen.inside), row.path


def test_known_receptive_fields() -> None:
    two = small(layout="flat", encoder=[{"channels": 2, "blocks": 1}], stem={"type": "none"})
    fields = {row.path: row.field for row in archkit.report(two).stages}
    assert fields["encoder.0"] is not None
    assert fields["encoder.0"].size == (3, 3)
    assert fields["bottleneck"] is not None
    assert fields["bottleneck"].size == (5, 5)


def test_the_first_unet_by_the_recurrence() -> None:
    """r ← r + (k − 1)·j and j ← j·s, as in the guide of Araujo, Norris and Sim (2019)."""
    report = archkit.report(zoo.find("unet-2015"))
    r, j, expected = 1, 1, []
    for level in range(5):
        if level:
            r, j = r + j, 2 * j  # 2×2 pooling
        r += 4 * j  # two 3×3 convolutions
        expected.append((r, r))
    down = [row for row in report.stages if row.path.startswith(("encoder", "bottleneck"))]
    assert [row.field and row.field.size for row in down] == expected
    assert expected[-1] == (140, 140)
    assert report.bottleneck is not None
    assert not report.bottleneck.whole, "140 pixels of 572"


def test_attention_sees_everything() -> None:
    report = archkit.report(zoo.find("tiny"))
    fields = {row.path: str(row.field) for row in report.stages if row.field}
    assert fields["encoder.0"] == "7×7"
    assert fields["encoder.1"] == fields["head"] == "global"
    assert report.bottleneck is not None
    assert report.bottleneck.whole
    assert report.bottleneck.inside == ((0, 15), (0, 15))


def test_pooling_is_what_lets_the_bottleneck_see() -> None:
    rows = [{"channels": 2, "blocks": 1}] * 4
    pooled, flat = (
        archkit.report(small(encoder=rows, pooling=p, upsampling=u))
        for p, u in (("avg", "nearest"), ("none", "none"))
    )
    assert pooled.bottleneck is not None
    assert flat.bottleneck is not None
    assert pooled.bottleneck.whole
    assert not flat.bottleneck.whole


def test_max_pooling_looks_where_average_pooling_does() -> None:
    reaches = [archkit.plan(small(pooling=p))["encoder.0.pooling"].cost for p in ("max", "avg")]
    assert None not in reaches
    assert all(cost.reach == {"x": ((Window.sliding(2, 2),) * 2,)} for cost in reaches if cost)


def test_a_field_covers_the_sample_or_not() -> None:
    assert Field(None, (8, 8)).whole
    assert Field(((-1, 7),), (8,)).whole
    assert not Field(((1, 9),), (8,)).whole
    assert Field(((1, 9),), (8,)).inside == ((1, 7),)


# Attention ------------------------------------------------------------------------------------


def test_score_matrices() -> None:
    report = archkit.report(zoo.find("stable-diffusion-1.5"), batch=2, dtype="float16")
    own, cross = report.scores[:2]
    assert (own.node, own.layers, own.heads) == ("encoder.0.blocks.0.attention", 1, 8)
    assert (own.queries, own.keys, cross.keys) == (4096, 4096, 77)
    assert own.bytes == 2 * 2 * 8 * 4096**2
    assert len(report.scores) == 2 * 16


# Components that do not say -------------------------------------------------------------------


PLUGIN = '''
from typing import Literal
from archkit import Block, Cost, hookimpl

class Silent(Block):
    """A block that states no cost."""
    type: Literal["silent"] = "silent"

    def build(self, site):
        from torch import nn
        return nn.Conv2d(site.x.channels, site.width, 3, padding=1)

class Curt(Silent):
    """A block that states parameters and MACs alone."""
    type: Literal["curt"] = "curt"

    def cost(self, site):
        out = site.x.with_channels(site.width)
        told = Cost.convolution(site.x.channels, site.width, kernel=3, out=out)
        return Cost(told.parameters, told.macs)

@hookimpl
def archkit_components():
    return {"block.silent": Silent, "block.curt": Curt}
'''


@pytest.fixture
def told(tmp_path: Path) -> Callable[[str], Plan]:
    """Plans a network of blocks that a plugin brings."""
    (tmp_path / "quiet.py").write_text(PLUGIN)
    registry = load_registry([str(tmp_path / "quiet.py")])
    return lambda block: archkit.plan(small(block=block), registry=registry)


def test_what_is_not_counted_is_named(told: Callable[[str], Plan]) -> None:
    plan = told("silent")
    report = tally(plan)
    assert report.uncounted == report.assumed == plan.uncounted
    assert len(report.uncounted) == 8
    assert "not counted, because the component states no cost: encoder.0" in text(report)
    assert report.bottleneck is None
    assert report.as_dict()["nodes"][1]["parameters"] is None


def test_what_is_not_counted_can_be_measured(told: Callable[[str], Plan]) -> None:
    silent, counted = told("silent"), archkit.plan(small())
    report = archkit.report(silent, measure=True)
    assert report.uncounted == report.assumed == ()
    wanted = archkit.report(counted)
    for key in ("parameters", "macs", "inference", "training"):
        assert getattr(report, key) == getattr(wanted, key)
    assert report.bottleneck is None, "shapes do not tell where an output looks"


def test_memory_that_is_not_told_is_assumed_and_marked(told: Callable[[str], Plan]) -> None:
    report, wanted = tally(told("curt")), archkit.report(small())
    assert (report.parameters, report.macs) == (wanted.parameters, wanted.macs)
    assert report.uncounted == ()
    assert len(report.assumed) == 8
    assert report.inference == wanted.inference
    assert report.training >= wanted.training
    assert "memory assumed, because the component does not state it" in text(report)
    assert "≈ " in text(report)
    assert report.bottleneck is None


@pytest.mark.parametrize("name", ["tiny", "guided-1d", "unet-2015", "adm-imagenet64"])
def test_a_component_measured_alone_costs_what_it_says(name: str) -> None:
    seen = set()
    for node in archkit.plan(zoo.find(name)):
        key = (node.name, node.site.x, node.site.skip, node.shape)
        if key in seen or node.name == "embedding.sum":
            continue  # of several vectors, the sum is kept instead of the first
        seen.add(key)
        measured, cost = alone(node), node.cost
        assert cost is not None
        for what in ("parameters", "macs", "peak", "saved", "keeps"):
            assert getattr(measured, what) == getattr(cost, what), f"{node.path}: {what}"


# Budgets --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cifar() -> Report:
    return archkit.report(zoo.find("ddpm-cifar10"), batch=4)


def test_a_budget_that_suffices(cifar: Report) -> None:
    assert breach(cifar, cifar.weights + cifar.inference) is None
    assert breach(cifar, cifar.states + cifar.training, training=True) is None


def test_a_budget_names_the_node_that_breaks_it(cifar: Report) -> None:
    problem = breach(cifar, cifar.weights + cifar.inference - 1)
    assert problem is not None
    assert problem.node == cifar.busiest
    problem = breach(cifar, 150 << 20)
    assert str(problem) == (
        "error[budget]: `encoder.1.blocks.0.attention` breaks the budget of 150 MiB by 938 KiB: "
        "151 MiB are alive while it runs, 136 MiB of them weights\n"
        "  at encoder.1.blocks.0.attention\n"
        "  mend: use `--batch 2`"
    )


def test_a_budget_for_training(cifar: Report) -> None:
    problem = breach(cifar, cifar.states + cifar.training - 1, training=True)
    assert problem is not None
    assert problem.node == [row.path for row in cifar.nodes if row.training][-1]
    assert "weights, gradients and Adam's moments" in problem.message
    assert problem.mend.startswith("use `--batch 3`, or `model.save_memory()`")


def test_a_budget_below_the_weights(cifar: Report) -> None:
    problem = breach(cifar, 100 << 20)
    assert problem is not None
    assert problem.message == "the weights alone take 136 MiB, and the budget is 100 MiB"


# Time, pages, data ----------------------------------------------------------------------------


def test_times_follow_the_rate() -> None:
    plan = archkit.plan(zoo.find("tiny"))
    rate = Rate("slow", "float32", matrix=1e6, convolution=1e6)
    time = tally(plan, batch=2, rate=rate).time
    assert time is not None
    assert time.sample == pytest.approx(2 * plan.cost.macs / 1e6)
    assert time.train == 3 * time.sample
    assert "a sampling step" in text(tally(plan, rate=rate))


def test_the_rate_of_this_machine() -> None:
    rate = measured_rate("cpu", width=32)
    assert rate.device.startswith("cpu, ")
    assert rate.matrix > 1e6
    assert rate.convolution > 1e6


def test_json_is_the_same_for_every_hash_seed() -> None:
    code = "import archkit, json, sys; r = archkit.report(sys.argv[1]); "
    code += "assert 'torch' not in sys.modules; print(json.dumps(r.as_dict()))"
    command = [sys.executable, "-c", code, str(zoo.find("stable-diffusion-1.5"))]
    outs = [
        subprocess.run(command, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True)
        for seed in ("1", "2")
    ]
    assert outs[0].stdout == outs[1].stdout
    told = json.loads(outs[0].stdout)
    assert told["parameters"] == 859_520_964
    assert told["flops"] == 2 * 401_636_720_640
    assert told["bottleneck_receptive_field"] == "global"
    assert set(told["stages"][0]) == {
        *("path", "shape", "parameters", "macs", "inference_bytes", "training_bytes"),
        *("memory_assumed", "share", "receptive_field"),
    }


def test_a_page_needs_nothing_else(tmp_path: Path) -> None:
    report = archkit.report({**small(), "name": "<b>&co"})
    html = page(report)
    assert "&lt;b&gt;&amp;co" in html
    assert "<b>" not in html
    assert "prefers-color-scheme: dark" in html
    for outside in ("http:", "https:", "<script", "src=", "<link", "url("):
        assert outside not in html
    for row in report.nodes:
        assert f"<td>{row.path}</td>" in html


@pytest.mark.parametrize(
    ("asked", "words"),
    [({"dtype": "int8"}, "`int8` is no type of numbers"), ({"batch": 0}, "a batch of 0 is none")],
)
def test_what_makes_no_sense_is_refused(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(ArchkitError, match=words):
        archkit.report(small(), **asked)


# Effective receptive fields -------------------------------------------------------------------


def test_an_effective_field_lies_within_the_theoretical() -> None:
    plan = archkit.plan(small())
    report, model = tally(plan), archkit.assemble(plan)
    awaken(model)
    leaves = {row.path: row.leaves for row in report.stages}
    fields = effective_fields(model, leaves)
    for row in report.stages:
        assert row.field is not None
        field = fields[row.path]
        inside = tuple(slice(first, last + 1) for first, last in row.field.inside)
        assert field.max() == 1
        assert field[inside].count_nonzero() == field.count_nonzero()
        assert 1 <= effective_size(field) <= max(row.field.size or plan.space)


def test_networks_that_start_at_zero_are_woken() -> None:
    model = archkit.assemble(archkit.plan(zoo.find("tiny")))
    idle = [name for name, p in model.named_parameters() if p.ndim > 1 and not p.any()]
    assert idle
    awaken(model)
    assert all(model.get_parameter(name).any() for name in idle)


def test_shape_of_the_central_position() -> None:
    """Odd sizes, an axis each."""
    plan = archkit.plan(small(input={"channels": 1, "size": [7, 9]}, encoder=[{"channels": 2}]))
    field = tally(plan).stages[0].field
    assert field is not None
    assert field.box == ((2, 4), (3, 5))
    assert plan.output == Shape(1, (7, 9))
