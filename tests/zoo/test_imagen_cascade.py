"""Checkpoints and configs of a whole Imagen: one of its networks is read, the user says which.

The checkpoints hold the networks of the fixtures, so that what a network that was read answers is
compared with what imagen_pytorch answered.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from references import described, importer
from test_imagen import CONFIGS, PUBLISHED, reference
from torch import Tensor

import archkit
from archkit import SpecError, WeightError
from archkit.cli import main
from archkit.conversion import read_foreign
from archkit.testing.parity import error

NAMES = ["imagen-made-1", "imagen-made-2", "imagen-made-3"]
UNETS = [described(name)["config"] for name in NAMES]
WHOLE: dict[str, Any] = {
    **{"image_sizes": [8, 16, 32], "channels": 2, "text_embed_dim": 3, "unets": UNETS},
    **{"timesteps": 500, "pred_objectives": ["noise", "x_start", "v"], "cond_drop_prob": 0.2},
}
ALONE = {"image_sizes": [8], "pred_objectives": "v"}
# As a trainer saves them: the networks, and their running averages beside the networks again.
FORMS = {"model": "unets.{}.", "ema": "{}.ema_model."}


def checkpoint(prefix: str) -> dict[str, Tensor]:
    state = {}
    for i, name in enumerate(NAMES):
        for key, tensor in reference(name, call=0)[1].state.items():
            state[prefix.format(i) + key] = tensor
            if "ema" in prefix:
                state[f"{i}.online_model.{key}"] = torch.zeros_like(tensor)
    return state


def bare(number: int) -> dict[str, Any]:
    """The arguments of one, without what a cascade sets whatever they say."""
    left = {"lowres_cond", "channels", "text_embed_dim"}
    return {k: v for k, v in UNETS[number - 1].items() if k not in left} | {"unet_number": number}


def configs(number: int) -> dict[str, dict[str, Any]]:
    command_line = {"type": "original", "imagen": WHOLE, "trainer": {"lr": 1e-4}}
    return {
        "of one": bare(number),
        "of all": {**WHOLE, "unet_number": number},
        "of the command line": {**command_line, "unet_number": number},
    }


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["of one", "of all", "of the command line"])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_each_answers_as_its_original(number: int, kind: str, form: str) -> None:
    """Two sizes, all that each is told."""
    read = read_foreign(configs(number)[kind], checkpoint(FORMS[form]), family="imagen")
    model = archkit.assemble(read.spec, initialise=False).eval()
    model.load_state_dict(dict(read.state or {}), assign=True)
    for call in (0, 1):
        wanted = reference(NAMES[number - 1], call)[1]
        with torch.no_grad():
            assert error(model(**wanted.inputs), wanted.output) <= 1e-5
    prefix = FORMS[form].format(number - 1)
    left = [name for name, why in read.ledger.dropped if prefix in why]
    assert len(left) == len(checkpoint(FORMS[form])) - len(wanted.state)


def test_what_the_cascade_says_of_each() -> None:
    for number, (size, kind, path) in enumerate(
        [(8, "noise", "cosine"), (16, "sample", "cosine"), (32, "v", "ddpm")], start=1
    ):
        spec = read_foreign({**WHOLE, "unet_number": number}).spec
        assert (spec.input.size, spec.prediction.type) == (size, kind)
        assert (spec.prediction.path.type, spec.prediction.path.told) == (path, "log-snr")


def test_one_alone_needs_no_number() -> None:
    state = reference(NAMES[0], call=0)[1].state
    one = {f"unets.0.{name}": tensor for name, tensor in state.items()}
    for config in (UNETS[0], {**WHOLE, "unets": UNETS[:1], **ALONE}):
        assert len(read_foreign(config, one).state or {}) == len(state)
    # A file of one, and the config of all.
    assert len(read_foreign({**WHOLE, "unet_number": 1}, state).state or {}) == len(state)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_config_of_all_three_is_our_specs(name: str) -> None:
    """Also what is said of the time, the sizes and the path."""
    number = [*PUBLISHED].index(name) + 1
    sizes = {"attn_heads": 8, "attn_dim_head": 64}
    whole = {
        "unets": [{**config, **sizes} for config in CONFIGS.values()],
        **{"image_sizes": [64, 256, 1024], "text_encoder_name": "google/t5-v1_1-xxl"},
    }
    read, own = (
        read_foreign({**whole, "unet_number": number}).spec,
        archkit.plan(f"specs/{name}.yaml"),
    )
    assert (read.parameters, read.input.size) == (PUBLISHED[name], own.spec.input.size)
    assert read.prediction == own.spec.prediction
    # In such a config heads are others where it says nothing.
    usual = {**whole, "unets": list(CONFIGS.values()), "unet_number": number}
    heads = {
        node.component.heads
        for node in archkit.plan(read_foreign(usual).spec)
        if node.path == "bottleneck.0.attention"
    }
    assert heads == {16}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (
            {k: v for k, v in bare(1).items() if k != "unet_number"},
            "there are 3 Unets of imagen_pytorch; say which with `unet_number` in `config`: 1, 2,",
        ),
        (WHOLE, "there are 3 Unets of imagen_pytorch; say which with `unet_number`"),
        (
            {**bare(1), "unet_number": 4},
            "there is no Unet with the `unet_number` 4; there are 1, 2, 3",
        ),
        ({**bare(1), "unet_number": "2"}, "there is no Unet with the `unet_number` 2;"),
        ({**WHOLE, "unet_number": 0}, "there is no Unet with the `unet_number` 0;"),
        ({**bare(1), "unet_number": 2}, "these weights are of another network"),
    ],
)
def test_which_is_meant_has_to_be_said(config: dict[str, Any], words: str) -> None:
    with pytest.raises(WeightError) as caught:
        archkit.convert(config=config, state_dict=checkpoint("unets.{}."), family="imagen")
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"video": True}, "`video: true`"),
        ({"unets": [{"is_null": True}, *UNETS[1:]]}, "`is_null: true`"),
        ({"noise_schedules": "sigmoid"}, '`noise_schedules: "sigmoid"`'),
        ({"pred_objectives": "score"}, '`pred_objectives: "score"`'),
        ({"text_encoder_name": "clip", "text_embed_dim": None}, '`text_encoder_name: "clip"`'),
        ({"image_sizes": [8, 16]}, "say one for each of the 3"),
        ({"sigma_min": 0.002}, "`sigma_min` is no option"),
        ({"temporal_downsample_factor": [2, 1, 1]}, "`temporal_downsample_factor: [2, 1, 1]`"),
    ],
)
def test_what_has_no_counterpart(more: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as caught:
        archkit.convert(config={**WHOLE, **more, "unet_number": 1})
    assert words in str(caught.value)
    config = {"type": "elucidated", "imagen": WHOLE, "unet_number": 1}
    with pytest.raises(SpecError, match='`type: "elucidated"`'):
        archkit.convert(config=config)


def test_every_tensor_of_the_one_is_accounted_for() -> None:
    state = {name: tensor.to("meta") for name, tensor in checkpoint("unets.{}.").items()}
    own = [name for name in state if name.startswith("unets.0.")]
    strange = {**state, "unets.0.upsample_combiner.fmap_convs.0.project.weight": torch.ones(1)}
    for damaged in (*({k: v for k, v in state.items() if k != name} for name in own[::3]), strange):
        with pytest.raises(WeightError, match="of another network"):
            archkit.convert(config=bare(1), state_dict=damaged, family="imagen")


def test_a_checkpoint_of_a_trainer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    states = {form: checkpoint(prefix) for form, prefix in FORMS.items()}
    rest = {"version": "2.1.0", "steps": torch.zeros(3), "optim0": {"state": {}}, "scaler0": {}}
    torch.save({**states, **rest}, "imagen.pt")
    Path("config.json").write_text(json.dumps({**WHOLE, "unet_number": 2}))
    files = sorted(os.listdir())

    def run(*more: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as done:
            main(["import", "imagen.pt", "--config", "config.json", "-o", "a.yaml", *more])
        return int(done.value.code or 0), capsys.readouterr().err

    several = "holds several state dicts: `model`, `ema`; say which with `state`"
    assert run() == (1, f"error: imagen.pt {several}\n")
    none = "holds no state dict called `optim0`, but `model`, `ema`"
    assert run("--state", "optim0") == (1, f"error: imagen.pt {none}\n")
    assert sorted(os.listdir()) == files
    for form in FORMS:
        assert run("--state", form, "--weights", "a.safetensors")[0] == 0
        wanted = reference(NAMES[1], call=1)[1]
        with torch.no_grad():
            answer = archkit.load("a.safetensors").eval()(**wanted.inputs)
        assert error(answer, wanted.output) <= 1e-5


def test_configs_of_one_author_are_told_apart() -> None:
    families = [
        archkit.default_registry().component("importer", name)()
        for name in ("imagen", "lucidrains")
    ]
    for config, wanted in (
        (bare(2), [True, False]),
        ({"dim": 8, "dim_mults": [1, 2], "unet_number": 1}, [True, False]),
        (WHOLE, [True, False]),
        ({"dim": 8, "dim_mults": [1, 2]}, [False, True]),
    ):
        assert [family.reads(config) for family in families] == wanted
    assert importer("imagen").told(None, {}) is None
