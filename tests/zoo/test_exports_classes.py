"""Back again: sequences, Kandinsky 3 and Stable Cascade as diffusers has them, and as they were."""

import inspect
from pathlib import Path
from typing import Any

import diffusers
import pytest
import test_kandinsky3
import test_sequences
import test_stable_cascade
import torch
from references import importer

import archkit
from archkit import SpecError
from archkit.exports import export, exported
from archkit.module import UNet
from archkit.testing.parity import Reference, randomise
from archkit.weights.mapping import adopted

CLASSES = {"UNet1DModel", "Kandinsky3UNet", "StableCascadeUNet"}
ALL: dict[str, Any] = {
    f"{module.__name__.removeprefix('test_')}: {name}": (module, name, says)
    for module in (test_sequences, test_kandinsky3, test_stable_cascade)
    for name, says in module.SMALL.items()
}
SMALL = {name: row for name, row in ALL.items() if row[2].get("_class_name") in CLASSES}
OTHERS: dict[str, dict[str, Any]] = {
    "sequences: of waves, the sines first": {
        **test_sequences.SMALL["dance"],
        "flip_sin_to_cos": False,
        "sample_size": 4096,
    },
    "sequences: of waves, attention on the way up alone": {
        **test_sequences.SMALL["dance"],
        "down_block_types": ["DownBlock1DNoSkip", "DownBlock1D", "DownBlock1D"],
    },
    "sequences: of plans, one level more": {
        **test_sequences.HOPPER,
        **{"layers_per_block": 3, "act_fn": "gelu", "sample_size": 64},
    },
    "stable_cascade: of one level that switches": {
        **test_stable_cascade.SMALL["c"],
        **{"patch_size": 2, "out_channels": 3, "kernel_size": 5, "switch_level": None},
        **{"dropout": [0.0, 0.2], "timestep_conditioning_type": []},
    },
    "stable_cascade: told the crop alone": {
        **test_stable_cascade.SMALL["c"],
        "timestep_conditioning_type": ["crp"],
    },
    "stable_cascade: told the crop first": {
        **test_stable_cascade.SMALL["c"],
        "timestep_conditioning_type": ["crp", "sca"],
    },
}


def small(config: dict[str, Any], *overrides: str) -> UNet:
    """An imported network with random weights."""
    spec = archkit.load_spec(importer("diffusers").spec(config), overrides=overrides)
    model = archkit.assemble(spec)
    randomise(model)
    return model


def loaded(config: dict[str, Any], folder: Path) -> Any:
    """The network that diffusers makes of a folder, with nothing missing and nothing left."""
    cls = getattr(diffusers, config["_class_name"])
    theirs, told = cls.from_pretrained(folder, output_loading_info=True)
    assert not any(told.values()), told
    return theirs.eval()


def asked(row: Any) -> Reference:
    module, name, says = row
    where = 64 if module is test_sequences else (32, 64)
    if says.get("up_block_types", [""])[0] == "AttnUpBlock1D":
        where = 256
    return module.reference(name, where)[1]  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", [*SMALL, *OTHERS])
def test_what_came_from_diffusers_goes_back(name: str, tmp_path: Path) -> None:
    config = OTHERS[name] if name in OTHERS else SMALL[name][2]
    model = small(config)
    export(model, tmp_path)
    theirs = loaded(config, tmp_path)
    again = {**theirs.config, "_class_name": config["_class_name"]}
    spec, state = archkit.convert(config=again, state_dict=theirs.state_dict())
    ours = model.state_dict()
    assert set(state) == set(ours)
    for key, tensor in ours.items():
        assert torch.equal(state[key], tensor), key
    assert list(archkit.plan(spec, size=model.plan.space)) == list(model.plan)
    _, written, _ = exported(model, "diffusers", archkit.default_registry())
    known = inspect.signature(type(theirs)).parameters
    assert set(written) <= {"_class_name", *known}


@pytest.mark.parametrize("name", SMALL)
def test_diffusers_answers_the_same(name: str, tmp_path: Path) -> None:
    wanted, config = asked(SMALL[name]), SMALL[name][2]
    model = archkit.assemble(importer("diffusers").spec(config), initialise=False)
    state, _ = adopted(model, wanted.state, wanted.codebase)
    model.load_state_dict(dict(state), assign=True)
    export(model.eval(), tmp_path)
    theirs = loaded(config, tmp_path)
    assert set(theirs.state_dict()) == set(wanted.state)
    for key, tensor in theirs.state_dict().items():
        assert torch.equal(wanted.state[key], tensor), key
    assert wanted.ask is not None
    with torch.no_grad():
        assert torch.equal(wanted.ask(theirs), wanted.output)


@pytest.mark.parametrize(
    ("name", "override", "words"),
    [
        ("sequences: diffuser", "block.kernel=3", "no `block.residual` as this one"),
        ("sequences: diffuser", "upsampling=nearest", "no `upsampling.nearest` as this one"),
        ("sequences: dance", "pooling.kernel=linear", "no `pooling.filter` as this one"),
        ("sequences: dance", "attention.head_width=16", "no `attention.self` as this one"),
        ("kandinsky3: two blocks", "block.activation=gelu", "no `block.kandinsky3` as this one"),
        ("kandinsky3: two blocks", "attention.head_width=4", "no `attention.kandinsky3` as"),
        ("stable_cascade: c", "skip.order=skip-first", "no `skip.concat` as this one\n  at decode"),
        ("stable_cascade: c", "head.norm=none", "no `head.patch` as this one\n  at head"),
    ],
)
def test_what_diffusers_cannot_say(name: str, override: str, words: str) -> None:
    model = small(SMALL[name][2], override)
    with pytest.raises(SpecError) as caught:
        exported(model, "diffusers", archkit.default_registry())
    assert words in str(caught.value)
    assert {problem.code for problem in caught.value.problems} == {"no-counterpart"}
