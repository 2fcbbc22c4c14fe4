"""Receptive fields: the boxes of theory against gradients of the assembled network."""

from __future__ import annotations

from math import prod

import pytest
import torch
from probes import small

import archkit
from archkit import Shape, zoo
from archkit.measures.effective import awaken, effective_fields, effective_size
from archkit.reports.receptive import Field
from archkit.reports.tally import tally
from archkit.windows import Window

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
    "strided blocks": small(
        layout="classic",
        pooling="first",
        upsampling="transposed",
        block={"type": "residual", "last": "none", "shortcut": "avg"},
        encoder=[{"channels": 2, "blocks": 2}, {"channels": 3, "blocks": 2}],
    ),
    "upconv": small(layout="classic", pooling="avg", upsampling={"type": "upconv", "kernel": 5}),
    "cropped at the end": small(
        input={"channels": 1, "size": 30},
        encoder=[{"channels": 2, "blocks": 1}] * 3,
        skip={"type": "concat", "match": "crop-end"},
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
