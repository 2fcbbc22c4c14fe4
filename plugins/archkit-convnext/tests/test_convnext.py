"""The block is found, and paper says what torch does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from archkit_convnext import ConvNeXt
from torch.utils.flop_counter import FlopCounterMode

from archkit import Misfit, Shape, Site, assemble, check, default_registry
from archkit.testing import parametrize_with_checks

EXAMPLE = Path(__file__).parent.parent / "examples" / "convnext.yaml"


def block(**options: object):
    return default_registry().component("block", "convnext").model_validate(options)


def site(dims: int, channels: int, width: int, size: int, embedding: int | None = 12) -> Site:
    x = Shape(channels, tuple(size + axis for axis in range(dims)))
    return Site(dims=dims, x=x, width=width, embedding=embedding)


COMPONENTS = [
    ConvNeXt(),
    ConvNeXt(method="add", kernel=3, expansion=2, layer_scale=None),
    ConvNeXt.model_validate({"method": "multiply", "norm": "rms", "activation": "silu"}),
    ConvNeXt(method="none", layer_scale=1.0),
]


@parametrize_with_checks(COMPONENTS)
def test_it_obeys_the_laws(component, check):
    check(component)


def test_the_plugin_is_installed_and_sound():
    plugin = default_registry().owner("block", "convnext")
    assert (plugin.source, plugin.components) == ("archkit-convnext", ("block.convnext",))
    assert (plugin.error, plugin.notes) == ("", ())


def test_it_works_as_a_bare_name_with_the_published_defaults():
    made = block()
    assert (made.norm.type, made.norm.eps, made.activation.type) == ("layer", 1e-6, "gelu")
    assert (made.kernel, made.expansion) == (7, 4)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 7])
@pytest.mark.parametrize(("channels", "width"), [(8, 8), (6, 10)])
@pytest.mark.parametrize("method", ["scale-shift", "add", "multiply", "none"])
def test_paper_says_what_torch_does(dims, size, channels, width, method):
    part, at = block(method=method), site(dims, channels, width, size)
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        module = part.build(at)
        inputs = {"x": torch.empty(1, channels, *at.x.space), "embedding": torch.empty(1, 12)}
        out = module(*(inputs[name] for name in part.reads(at)))
    shape, cost = part.infer(at), part.cost(at)
    assert tuple(out.shape) == (1, shape.channels, *shape.space)
    assert cost.parameters == sum(p.numel() for p in module.parameters())
    assert 2 * cost.macs == counter.get_total_flops()


def test_every_parameter_and_the_embedding_take_part():
    at = site(2, 6, 10, 7)
    module = block(layer_scale=1.0).build(at)
    embedding = torch.randn(2, 12, requires_grad=True)
    module(torch.randn(2, 6, *at.x.space), embedding).square().sum().backward()
    grads = [embedding.grad, *(p.grad for p in module.parameters())]
    assert all(grad is not None and grad.abs().sum() > 0 for grad in grads)


def test_the_branch_begins_near_nothing():
    at = site(2, 8, 8, 7)
    x = torch.randn(2, 8, *at.x.space)
    out = block().build(at)(x, torch.randn(2, 12))
    assert 0 < (out - x).abs().max() < 1e-4


def test_an_even_kernel_and_a_norm_that_does_not_fit_are_refused():
    with pytest.raises(Misfit, match="a kernel of 4 can't keep the size"):
        block(kernel=4).infer(site(2, 8, 8, 7))
    with pytest.raises(Misfit) as misfit:
        block(norm={"type": "group", "groups": 3}).infer(site(2, 8, 8, 7))
    assert misfit.value.option == ("norm", "groups")


def test_the_spec_for_digits_is_offered_by_its_name():
    spec = default_registry().spec("digits-convnext")
    assert check(spec) == []
    assert default_registry().spec("archkit-convnext/digits-convnext") == spec


def test_the_example_runs():
    assert check(EXAMPLE) == []
    model = assemble(EXAMPLE)
    assert model(torch.randn(2, 3, 32, 32), torch.tensor([0.1, 0.9])).shape == (2, 3, 32, 32)
