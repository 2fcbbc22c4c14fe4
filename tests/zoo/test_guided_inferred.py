"""Configs of guided-diffusion, told from the names and shapes of state dicts."""

from typing import Any

import pytest
import torch
from references import importer
from shared import config_of, weights_of
from torch import Tensor

import archkit
from archkit import SpecError, WeightError
from archkit.conversion import read_foreign
from archkit.weights.mapping import rules

BASE = {
    **{"in_channels": 3, "out_channels": 3, "model_channels": 32, "num_res_blocks": 2},
    **{"channel_mult": [1, 2, 3], "attention_resolutions": [2, 4], "num_heads": 4},
}
# What was made with another option than `BASE`.
CONFIGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "three blocks": {"num_res_blocks": 3},
    "one block": {"num_res_blocks": 1, "channel_mult": [1, 1, 2, 2]},
    "one level": {"channel_mult": [1], "attention_resolutions": [1]},
    "half": {"channel_mult": [0.5, 1, 2], "model_channels": 64},
    "no attention but in the middle": {"attention_resolutions": []},
    "attention everywhere": {"attention_resolutions": [1, 2, 4]},
    "learned variance": {"out_channels": 6},
    "an image beside the sample": {"in_channels": 6},
    "scale and shift": {"use_scale_shift_norm": True},
    "classes": {"num_classes": 7},
    "blocks that resample": {"resblock_updown": True},
    "averages": {"conv_resample": False},
    "all": {
        **{"resblock_updown": True, "num_classes": 3, "use_scale_shift_norm": True},
        **{"out_channels": 6, "attention_resolutions": [4], "num_res_blocks": 3},
    },
    "in three dimensions": {"dims": 3},
    "in one": {"dims": 1},
}


def state_of(config: dict[str, Any]) -> dict[str, Tensor]:
    """A state dict as the original has it; no numbers."""
    family = importer("guided-diffusion")
    model = archkit.assemble(family.spec(config), initialise=False)
    ours = model.state_dict()
    return {rule.theirs[0]: ours[rule.ours] for rule in rules(model, family.codebase(config))}


@pytest.mark.parametrize("name", CONFIGS)
def test_heads_are_all_that_is_to_be_said(name: str) -> None:
    config = {**BASE, **CONFIGS[name]}
    state = state_of(config)
    wanted = archkit.load_spec(importer("guided-diffusion").spec(config))
    read = read_foreign({"num_heads": 4}, state)
    assert read.spec == wanted.model_copy(update={"parameters": read.spec.parameters})
    assert read.ledger is not None
    assert not read.ledger.dropped


@pytest.mark.parametrize("name", CONFIGS)
def test_what_names_and_shapes_do_not_tell(name: str) -> None:
    with pytest.raises(WeightError) as caught:
        archkit.convert(state_dict=state_of({**BASE, **CONFIGS[name]}))
    assert str(caught.value) == (
        "names and shapes of these weights tell that they are of guided-diffusion, and all of "
        "their config but `num_heads` (or `num_head_channels`), `use_new_attention_order`, if it "
        "was true; give these with `config`"
    )


@pytest.mark.parametrize("name", ["guided-adm-given-1", "guided-iddpm-given-1"])
def test_state_dicts_of_the_original(name: str) -> None:
    config, state = config_of(name), weights_of(name)
    heads = {k: config[k] for k in ("num_heads", "num_head_channels") if k in config}
    told = importer("guided-diffusion").told(heads, {k: tuple(t.shape) for k, t in state.items()})
    assert told is not None
    untold = {"image_size": config["image_size"], "dropout": config.get("dropout", 0)}
    spec = importer("guided-diffusion").spec
    assert spec({**told, **untold}) == spec(config)


def test_an_upsampler_is_told_by_its_channels() -> None:
    config = {**BASE, "in_channels": 3, "out_channels": 6, "super_res": True}
    state = state_of(config)
    with pytest.raises(WeightError, match=r"`in_channels` \(3, with `super_res: true`, for an up"):
        archkit.convert(state_dict=state, config={"num_heads": 4})
    said = {"num_heads": 4, "in_channels": 3, "super_res": True}
    read = read_foreign(said, state)
    assert read.spec.conditioning.conditions["low_res"].type == "image"


def test_a_whole_config_is_taken_as_it_is() -> None:
    family = importer("guided-diffusion")
    shapes = {name: tuple(tensor.shape) for name, tensor in state_of(BASE).items()}
    assert family.told(BASE, shapes) is BASE


def test_what_is_of_no_such_network() -> None:
    family, state = importer("guided-diffusion"), state_of(BASE)
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    cut = {name: s for name, s in shapes.items() if not name.startswith("input_blocks.2.")}
    assert family.finds(shapes) is not None
    assert family.finds(cut) is None
    assert family.finds({"input_blocks.0.0.weight": (32, 3, 3, 3)}) is None
    assert (
        family.finds({**shapes, "middle_block.1.transformer_blocks.0.norm1.weight": (1,)}) is None
    )


def test_half_a_config_alone_is_told() -> None:
    with pytest.raises(SpecError, match="does not say `model_channels`, which guided-diffusion's"):
        archkit.convert(config={"num_heads": 4}, family="guided-diffusion")


def test_the_answer_does_not_tell_heads_apart_by_shape() -> None:
    """Why heads are asked for: another number of them takes the same weights."""
    state = {k: torch.zeros(t.shape) for k, t in state_of(BASE).items()}
    for heads in (1, 2, 4):
        assert read_foreign({"num_heads": heads}, state).ledger is not None
