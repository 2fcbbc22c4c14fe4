"""Back again: networks of videos as diffusers has them, and from there as they were."""

import inspect
import json
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from diffusers.models.embeddings import SinusoidalPositionalEmbedding
from references import importer
from test_videos import FLIPS, PLANES, SMALL, reference

import archkit
from archkit import SpecError
from archkit.exports import export, exported
from archkit.module import UNet
from archkit.testing.parity import randomise
from archkit.weights.foreign import read_tensors
from archkit.weights.mapping import adopted

SPECS = Path(__file__).parents[2] / "specs"
WEIGHTS = "diffusion_pytorch_model.safetensors"
CLASSES = (
    "UNet3DConditionModel",
    "UNetMotionModel",
    "UNetSpatioTemporalConditionModel",
)
_OWN = json.loads((Path(__file__).parents[1] / "diffusers_configs.json").read_text())
MOTION, STABLE, SCOPE = (SMALL[name] for name in ("animatediff", "stable video", "modelscope"))
CONFIGS: dict[str, dict[str, Any]] = {
    **{
        row["test"]: {"_class_name": row["class"], **row["config"]}
        for row in _OWN
        if "refused" not in row
    },
    **SMALL,
    "animatediff, an image beside it": {**MOTION, "in_channels": 9, "sample_size": [16, 24]},
    "animatediff, every number": {
        **{**MOTION, "layers_per_block": [1, 2], "norm_eps": 1e-6, "norm_num_groups": 4},
        **{"num_attention_heads": [1, 2], "cross_attention_dim": [12, 12], "out_channels": 8},
        **{"transformer_layers_per_mid_block": 2, "temporal_transformer_layers_per_mid_block": 3},
    },
    "animatediff of SDXL": {
        **{**MOTION, "addition_embed_type": "text_time", "addition_time_embed_dim": 4},
        "projection_class_embeddings_input_dim": 40,
    },
    "animatediff, text on the way up alone": {
        **{**MOTION, "down_block_types": ["DownBlockMotion", "DownBlockMotion"]},
        **{"num_attention_heads": [4, 2], "transformer_layers_per_block": [2, 1]},
    },
    "stable video, no image": {
        **{**STABLE, "in_channels": 4, "num_attention_heads": [1, 2, 4], "sample_size": [16, 24]},
        "projection_class_embeddings_input_dim": 32,
    },
    "stable video, of itself": {**STABLE, "out_channels": 3, "in_channels": 3, "num_frames": 9},
    "modelscope, an image beside it": {**SCOPE, "in_channels": 8, "sample_size": [16, 24]},
    "modelscope, another output": {**SCOPE, "out_channels": 5, "layers_per_block": 2},
}
CONFIGS = {name: says for name, says in CONFIGS.items() if says["_class_name"] in CLASSES}


def drawn(config: dict[str, Any], *overrides: str) -> UNet:
    """An imported network with random weights."""
    spec = archkit.load_spec(importer("diffusers").spec(config), overrides=overrides)
    model = archkit.assemble(spec)
    randomise(model)
    return model


def again(folder: Path) -> tuple[archkit.Spec, Any]:
    config = json.loads((folder / "config.json").read_text())
    return archkit.convert(config=config, state_dict=read_tensors(folder / WEIGHTS))


def nodes(plan: archkit.Plan) -> list[Any]:
    return [(n.path, n.component.model_dump(), n.shape, n.inputs) for n in plan]


def test_every_class_is_among_them() -> None:
    assert {says["_class_name"] for says in CONFIGS.values()} == set(CLASSES)
    own = [row for row in _OWN if row["class"] in CLASSES and "refused" not in row]
    assert len(CONFIGS) == len(own) + len(SMALL) + 8


@pytest.mark.parametrize("name", CONFIGS)
def test_what_came_from_diffusers_goes_back(name: str, tmp_path: Path) -> None:
    model = drawn(CONFIGS[name])
    export(model, tmp_path)
    spec, state = again(tmp_path)
    ours = model.state_dict()
    assert list(state) == list(ours)
    for key, tensor in ours.items():
        assert torch.equal(state[key], tensor), key
    assert nodes(archkit.plan(spec)) == nodes(model.plan)
    assert spec.input == model.plan.spec.input
    assert spec.output == model.plan.spec.output


@pytest.mark.parametrize("cls", CLASSES)
def test_options_are_named_as_the_original_names_them(cls: str) -> None:
    name = next(name for name, says in CONFIGS.items() if says["_class_name"] == cls)
    model = archkit.assemble(importer("diffusers").spec(CONFIGS[name]), initialise=False)
    _, config, _ = exported(model, "diffusers", archkit.default_registry())
    known = inspect.signature(getattr(diffusers, cls)).parameters
    assert set(config) <= {"_class_name", *known}


@pytest.mark.parametrize("name", SMALL)
def test_diffusers_loads_it_and_answers_the_same(name: str, tmp_path: Path) -> None:
    spec, wanted = reference(name)
    model = archkit.assemble(spec, initialise=False)
    state, _ = adopted(model, wanted.state, wanted.codebase)
    model.load_state_dict(dict(state), assign=True)
    export(model.eval(), tmp_path)
    cls = getattr(diffusers, SMALL[name]["_class_name"])
    theirs, told = cls.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(told.values()), told
    loaded = theirs.state_dict()
    assert set(loaded) == set(wanted.state) == set(read_tensors(tmp_path / WEIGHTS))
    for key, tensor in wanted.state.items():
        assert torch.equal(loaded[key], tensor), key
    assert wanted.ask is not None
    with torch.no_grad():
        answer, ours = wanted.ask(theirs.eval()), model(**wanted.inputs)
    assert torch.equal(answer, wanted.output)
    assert (ours - answer).abs().max() <= 1e-5 * answer.abs().max()


@pytest.mark.parametrize(("name", "count"), [("animatediff-v2", 21), ("animatediff-v3", 20)])
def test_the_numbers_of_frames_are_diffusers_own(name: str, count: int) -> None:
    model = archkit.assemble(SPECS / f"{name}.yaml", initialise=False)
    _, _, state = exported(model, "diffusers", archkit.default_registry())
    told = [key for key in state if key.endswith(".pe")]
    for key in told:
        _, frames, channels = state.outlines()[key].shape
        assert torch.equal(state[key], SinusoidalPositionalEmbedding(channels, frames).pe), key
    assert len(told) == count


@pytest.mark.parametrize(
    ("name", "frames", "numbered"),
    [("modelscope", 3, None), ("stable video", 5, None), ("animatediff", 40, 40)],
)
def test_any_number_of_frames(name: str, frames: int, numbered: int | None, tmp_path: Path) -> None:
    """Whether or not the config says how many the plan is made for."""
    model = drawn(SMALL[name], f"input.frames={frames}")
    export(model, tmp_path)
    _, state = again(tmp_path)
    assert all(torch.equal(state[key], tensor) for key, tensor in model.state_dict().items())
    config = json.loads((tmp_path / "config.json").read_text())
    assert config.get("num_frames") == (frames if name == "stable video" else None)
    assert config.get("motion_max_seq_length") == numbered


def test_the_numbers_of_frames_have_the_type_of_the_weights(tmp_path: Path) -> None:
    export(drawn(MOTION).to(torch.bfloat16), tmp_path)
    written = read_tensors(tmp_path / WEIGHTS)
    assert {tensor.dtype for tensor in written.values()} == {torch.bfloat16}
    assert any(key.endswith(".pe") for key in written)


SAID = {
    "animatediff": """norm.groups=4 encoder.0.attention.spatial.heads=4
        encoder.0.attention.temporal.heads=4 bottleneck.attention.spatial.heads=4""",
    "modelscope": "norm.groups=8 bottleneck.block.spatial.scale=1.0 pooling.padding=both",
    "stable video": "attention.head_width=4 attention.depth=2 conditioning.micro.sizes=2",
}


@pytest.mark.parametrize("name", FLIPS)
def test_each_option_is_said_or_refused(name: str) -> None:
    """None is lost: every change of an option is another config, or has no counterpart."""
    spec, registry = importer("diffusers").spec(SMALL[name]), archkit.default_registry()
    plain = exported(archkit.assemble(spec, initialise=False), "diffusers", registry)[1]
    said, codes = [], set()
    for flip in FLIPS[name].split():
        model = archkit.assemble(archkit.load_spec(spec, overrides=[flip]), initialise=False)
        try:
            _, config, _ = exported(model, "diffusers", registry)
        except SpecError as error:
            codes |= {problem.code for problem in error.problems}
        else:
            said.append(flip)
            assert config != plain, flip
    assert said == SAID[name].split()
    assert codes == {"no-counterpart"}


REFUSED = {
    "another kernel": ("animatediff", "block.kernel=5", "no `block.resnet` as this one\n  at enc"),
    "another block": (
        "animatediff",
        "block=video",
        "no `block.video` as this one\n  at encoder.0.blocks.0.block",
    ),
    "skips that are added": (
        "modelscope",
        "skip=add encoder.0.channels=16",
        "no `skip.add` as this one\n  at decoder.2.blocks.0.join and 5 more",
    ),
    "no motion at a level": (
        "animatediff",
        "encoder.1.attention=false",
        "needs more nodes\n  at encoder.1.blocks.0.attention",
    ),
    "fewer blocks at a level": (
        "modelscope",
        "encoder.1.blocks=2",
        "no `block.video` as this one\n  at encoder.1.blocks.1.block",
    ),
    "no text": (
        "stable video",
        "~conditioning.text attention.context=none",
        "at encoder.0.blocks.0.att",
    ),
    "no precondition": (
        "stable video",
        "precondition=null",
        "diffusers needs more nodes\n  at precondition.time",
    ),
    "another vector beside the numbers": (
        "stable video",
        "conditioning.micro.sizes=0 conditioning.micro.channels=5",
        "no `condition.vector` as this one\n  at conditioning.micro",
    ),
    "heads at the bottom": (
        "animatediff",
        "bottleneck.attention.temporal.heads=2",
        "no `attention.video` as this one\n  at bottleneck.0.attention",
    ),
    "a stem of frames alone": (
        "modelscope",
        "stem=conv",
        "error[no-counterpart]: diffusers has no `stem.conv` as this one\n  at stem",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_diffusers_cannot_say(name: str, tmp_path: Path) -> None:
    whose, overrides, words = REFUSED[name]
    spec = archkit.load_spec(importer("diffusers").spec(SMALL[whose]), overrides=overrides.split())
    with pytest.raises(SpecError) as caught:
        export(archkit.assemble(spec, initialise=False), tmp_path)
    assert words in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("block", ["resnet", "video"])
def test_what_is_not_near_is_told_by_its_own_places(block: str) -> None:
    model = archkit.assemble({**PLANES, "block": block}, initialise=False)
    with pytest.raises(SpecError) as caught:
        exported(model, "diffusers", archkit.default_registry())
    words = "no `attention.transformer` as this one\n  at encoder.0.blocks.0.attention"
    assert words in str(caught.value)
