"""Reports against torch: totals and memory; what is not counted; pages and data."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from probes import PLUGIN, small
from torch._subclasses import FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import archkit
from archkit import ArchkitError, Plan, zoo
from archkit.measures.alone import alone
from archkit.measures.memory import kept, peak
from archkit.measures.rates import measured_rate
from archkit.registry import load_registry
from archkit.reports.figures import Rate
from archkit.reports.page import page
from archkit.reports.table import text
from archkit.reports.tally import tally


def passed(plan: Plan, batch: int, device: str) -> dict[str, torch.Tensor]:
    """What a caller passes, all zeros."""
    given = {}
    for name, takes in plan.inputs.items():
        shape = list(takes.shape)
        if len(shape) == len(plan.space) + 1 and None in shape[1:]:
            shape[1:] = plan.room(name)
        shape = [plan.tokens(name) if n is None else n for n in shape]
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
        if isinstance(out, dict):
            out = tuple(out.values())
        return out if isinstance(out, torch.Tensor) else out[0]


# Totals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "size"), [*((name, None) for name in zoo.names()), ("stable-diffusion-2.1", 64)]
)
def test_totals_are_those_of_torch(name: str, size: int | None) -> None:
    plan = archkit.plan(zoo.find(name), size)
    report = archkit.report(plan)
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
    "edm": small(
        precondition="edm",
        prediction={"type": "sample", "path": "edm"},
        conditioning={"time": "fourier"},
    ),
}


# Whatever a shipped spec is made of, one of these has it, and is quickly assembled.
QUICK = (
    *("tiny", "digits", "guided-1d", "ddpm-cifar10", "adm-imagenet64", "unet-2015"),
    *("azula-unet", "lucidrains-unet", "monai-attention-unet-3d", "monai-basic-unet-3d"),
    *("monai-unet-3d", "nnunet-resenc-3d", "stable-diffusion-1.5"),
)


@pytest.mark.parametrize(
    ("name", "batch"),
    [*((name, 1) for name in (*QUICK, *MEMORABLE)), *((name, 2) for name in MEMORABLE)],
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


# Attention ------------------------------------------------------------------------------------


def test_score_matrices() -> None:
    report = archkit.report(zoo.find("stable-diffusion-1.5"), batch=2, dtype="float16")
    own, cross = report.scores[:2]
    assert (own.node, own.layers, own.heads) == ("encoder.0.blocks.0.attention", 1, 8)
    assert (own.queries, own.keys, cross.keys) == (4096, 4096, 77)
    assert own.bytes == 2 * 2 * 8 * 4096**2
    assert len(report.scores) == 2 * 16


# Components that do not say -------------------------------------------------------------------


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
        for what in ("parameters", "macs", "saved", "keeps", "peak"):
            assert getattr(measured, what) == getattr(cost, what), f"{node.path}: {what}"


def test_whatever_is_told_to_a_network_can_be_measured_alone() -> None:
    seen = set()
    for node in (node for name in zoo.names() for node in archkit.plan(zoo.find(name))):
        key = repr((node.component, node.site, node.shape))
        if node.site.side != "conditioning" or key in seen:
            continue
        seen.add(key)
        measured, cost = alone(node), node.cost
        assert cost is not None
        assert (measured.parameters, measured.macs) == (cost.parameters, cost.macs), node.path


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
