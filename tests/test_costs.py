"""What paper says of memory and reach is what torch does: the algebra, and every built-in."""

from __future__ import annotations

from typing import Any

import pytest
from test_laws import builtins, component, variants

from archkit import Component, Cost, Shape
from archkit.measures.memory import kept, peak
from archkit.parts import Condition, Embedding, Part, Precondition, Site, Time
from archkit.testing.trials import Trial, trials
from archkit.windows import EVERYWHERE, Window

# What a few bytes are of it: vectors, statistics, things that are freed at once.
CLOSE = 0.02
FEW = 64


def parts() -> list[Any]:
    found = [*(component(key) for key in builtins()), *variants()]
    ids = [f"{c.kind}.{c.type}-{i}" for i, c in enumerate(found)]
    return [pytest.param(c, id=i) for c, i in zip(found, ids, strict=True) if isinstance(c, Part)]


def standing(part: Part) -> list[Trial]:
    """Two middling trials for each number of axes and way of being called."""
    try:
        found = trials(part)
    except AssertionError:  # stands nowhere, which other laws are about
        return []
    chosen: dict[tuple[Any, ...], list[Trial]] = {}
    for trial in sorted(found, key=lambda trial: trial.site.x.positions, reverse=True):
        site = trial.site
        key = (site.dims, len(trial.takes), site.side, site.bare, site.resample and site.level)
        chosen.setdefault(key, []).append(trial)
    return [trial for group in chosen.values() for trial in group[:2] if usual(trial)]


def usual(trial: Trial) -> bool:
    """Whether a trial is what costs are counted for; each of these takes another road in torch."""
    site = trial.site
    resized = site.skip is not None and site.skip.space != site.x.space
    grows = getattr(trial.component, "by", trial.component)  # what stands behind a norm
    still = grows.type in ("transposed", "upconv") and set(site.stride or ()) == {1}
    return not still and (site.side != "conditioning" or not resized)


def words(part: Part, site: Site, count: int) -> tuple[str, ...]:
    if isinstance(part, Time | Embedding):
        return ("x",) * count
    if isinstance(part, Condition) and site.skip is None and not part.gathers():
        return ("x",) * count
    return part.reads(site)


def wanted(part: Part, site: Site, arguments: list[Any]) -> list[bool]:
    """Where gradients go on to: what a caller passes needs none."""
    read = words(part, site, len(arguments))
    if isinstance(part, Precondition):
        return [word == "answer" for word in read]
    if isinstance(part, Time | Condition):
        return [word == "x" and site.skip is not None for word in read]
    return [argument.is_floating_point() for argument in arguments]


def autograd(part: Part, trial: Trial, batch: int) -> tuple[int, frozenset[str]]:
    """Bytes that are kept for a batch, and what is kept besides."""
    arguments = trial.arguments(batch)
    module = trial.module().train()
    saved, held = kept(module, arguments, wanted(part, trial.site, arguments))
    read = words(part, trial.site, len(arguments))
    named = frozenset(word if word == "out" else read[int(word)] for word in held)
    return saved, named


@pytest.mark.parametrize("part", parts())
def test_saved_elements_are_those_that_autograd_keeps(part: Component) -> None:
    assert isinstance(part, Part)
    for trial in standing(part):
        cost = part.cost(trial.site)
        # Several vectors are added first: that sum is kept instead of the first of them.
        if cost is None or (isinstance(part, Embedding) and len(trial.takes) > 1):
            continue
        if min(part.infer(trial.site).space or (2,)) == 1:
            continue  # of single positions, copies are views
        # For one sample some copies are views; a batch norm has statistics for the batch, and what
        # is made of weights alone is there once.
        (one, few), (two, many), (three, _) = (autograd(part, trial, n) for n in (1, 2, 3))
        found = [(one, few), (two / 2, many), (three - two, many)]
        assert (4 * cost.saved, cost.keeps) in found, str(trial)


@pytest.mark.parametrize("part", parts())
def test_the_peak_is_what_lives_at_once(part: Component) -> None:
    assert isinstance(part, Part)
    for trial in standing(part):
        cost = part.cost(trial.site)
        if cost is None or min(part.infer(trial.site).positions, trial.site.x.positions) < FEW:
            continue
        # Two, because the copies that a batch needs are not made for one.
        measured = peak(trial.module(), trial.arguments(2))
        assert measured == pytest.approx(8 * cost.peak, rel=CLOSE), str(trial)


@pytest.mark.parametrize("part", parts())
def test_what_is_made_is_what_comes_out(part: Component) -> None:
    assert isinstance(part, Part)
    for trial in standing(part):
        cost = part.cost(trial.site)
        if cost is not None and cost.out is not None:
            assert cost.out == part.infer(trial.site).elements, str(trial)


CONV = Cost.convolution(2, 3, kernel=3, out=Shape(3, (10,)))
SILU = Cost.made(30, keeps="x")
RELU = Cost.made(30, keeps="out")


def test_a_chain_keeps_what_lies_between() -> None:
    chain = CONV + SILU
    assert (chain.saved, chain.keeps, chain.out, chain.peak) == (30, {"x"}, 30, 60)
    assert (CONV + RELU).saved == 0
    assert (CONV + RELU).keeps == {"x", "out"}
    assert (CONV + RELU + RELU).saved == 30, "the first output is kept, the second is the chain's"


def test_what_is_grouped_holds_its_input() -> None:
    assert (CONV + SILU + SILU).peak == 60
    assert (CONV + (SILU + SILU)).peak == 90


def test_branches_are_held_until_they_meet() -> None:
    both = (CONV & CONV.reading("skip")) + Cost.made(30)
    assert (both.peak, both.out, both.keeps) == (90, 30, {"x", "skip"})
    assert both.parameters == 2 * CONV.parameters
    assert set(both.reach) == {"x", "skip"}


def test_a_loop_is_a_chain_of_equals() -> None:
    layer = Cost.made(30, keeps="x", saved=1)
    loop = layer * 3
    assert (loop.saved, loop.keeps, loop.peak) == (63, {"x"}, layer.peak)
    assert layer * 0 == Cost()
    look = Cost.attention(4, queries=5, keys=6, heads=2) * 3
    (scores,) = look.scores
    assert (scores.layers, scores.elements) == (3, 60)


def test_attention_keeps_what_it_reads_its_output_and_a_number_a_row() -> None:
    look = Cost.attention(4, queries=5, keys=6, heads=2)
    assert (look.keeps, look.saved, look.out, look.peak) == ({"x", "out"}, 10, 20, 30)


def test_what_passes_on_its_input_makes_nothing() -> None:
    assert Cost() + SILU == SILU
    assert SILU + Cost() == SILU
    assert (SILU + Cost(keeps=frozenset({"x"}))).keeps == {"x", "out"}


def test_windows_follow_one_another() -> None:
    assert len((CONV + CONV).reach["x"]) == 2
    look = Cost.attention(4, queries=5, keys=5)
    assert (CONV + look).reach["x"] == (CONV + look + CONV).reach["x"] == EVERYWHERE


@pytest.mark.parametrize(
    ("window", "outputs", "inputs"),
    [
        (Window(), (3, 5), (3, 5)),
        (Window.sliding(5, 1, 2), (3, 3), (1, 5)),
        (Window.sliding(2, 2), (3, 3), (6, 7)),
        (Window.growing(3), (2, 3), (0, 1)),
        (Window.blending(2), (0, 0), (-1, 0)),
        (Window.blending(2), (1, 1), (0, 1)),
        (Window.blending(3), (4, 4), (1, 1)),
        (Window.transposed(2, 2, 0), (5, 5), (2, 2)),
        (Window.transposed(4, 2, 1), (4, 4), (1, 2)),
    ],
)
def test_windows(window: Window, outputs: tuple[int, int], inputs: tuple[int, int]) -> None:
    assert window(*outputs) == inputs
