"""A registry extended in one process: a module of one's own becomes a block without a package."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import nn

from archkit import Block, PluginError, Site, SpecError, api, default_registry, load_registry

SPEC = {"archkit": 1, "name": "mine", "extends": "tiny", "block": "mine", "prediction": "none"}
SPEC |= {"conditioning": {"time": "none"}}


def mine(scale: float) -> type[Block]:
    """A block as somebody would write it in a cell of a notebook."""

    class Mine(Block):
        """A convolution."""

        type: Literal["mine"] = "mine"

        def build(self, site: Site) -> nn.Module:
            module = nn.Conv2d(site.x.channels, site.width, 3, padding=1)
            nn.init.constant_(module.weight, scale)
            return module

    return Mine


def test_a_module_of_ones_own_is_a_block_and_the_registry_stays_as_it_was() -> None:
    before = default_registry().names("block")
    registry = default_registry().extended({"block.mine": mine(1.0)})
    assert registry.names("block") == [*before, "mine"]
    assert default_registry().names("block") == before
    model = api.assemble(SPEC, registry=registry)
    x = torch.randn(2, 3, 16, 16)
    assert model(x).shape == x.shape
    assert model.plan["encoder.0.blocks.0.block"].component.word() == "local/mine"
    assert registry.plugins[-1].components == ("block.mine",)
    assert registry.owner("block", "mine").source == "this process"


def test_a_cell_that_runs_again_replaces_what_it_offered() -> None:
    once = default_registry().extended({"block.mine": mine(1.0)})
    twice = once.extended({"block.mine": mine(2.0)})
    block = api.assemble(SPEC, registry=twice).get_submodule("encoder.0.blocks.0.block")
    assert block.get_parameter("weight").unique().tolist() == [2.0]
    assert [plugin.name for plugin in twice.plugins].count("local") == 1
    both = once.extended({"block.mine": mine(2.0)}, name="other")
    with pytest.raises(SpecError, match="the block `mine` is offered by 2 plugins"):
        api.plan(SPEC, registry=both)


def test_it_can_be_the_default_for_a_while() -> None:
    with pytest.raises(SpecError, match="no block is called `mine`"):
        api.plan(SPEC)
    with default_registry().extended({"block.mine": mine(1.0)}).as_default() as registry:
        assert default_registry() is registry
        assert api.check(SPEC) == []
    assert "mine" not in default_registry().names("block")
    with pytest.raises(ZeroDivisionError), registry.as_default():
        raise ZeroDivisionError
    assert default_registry() is not registry


@pytest.mark.parametrize(
    ("offered", "told"),
    [
        ({"block.other": mine(1.0)}, "`block.other`: `Mine` calls itself `mine`"),
        ({"blok.mine": mine(1.0)}, "`blok` of `blok.mine` is no kind of component"),
        ({"block.mine": nn.Conv2d}, "`block.mine`: `Conv2d` is no component class"),
        ([mine(1.0)], "`archkit_components` returned a list, and not a mapping"),
    ],
)
def test_what_is_no_component_is_refused(offered, told) -> None:
    with pytest.raises(PluginError, match=told):
        default_registry().extended(offered)


def test_what_was_installed_before_stays(write) -> None:
    from plugin_texts import offering

    registry = load_registry([write("there.py", offering("there"))])
    more = registry.extended({"block.mine": mine(1.0)})
    assert {"there", "mine", "resnet"} <= set(more.names("block"))
