"""Networks of diffusers that are told which tokens of a text are padding, asked themselves.

Each sample has a padding of its own.
"""

from dataclasses import replace
from functools import cache
from typing import Any

import diffusers
import pytest
import torch
from proofs import agree
from references import STABLE, drawn, importer
from test_joint import SMALL as JOINT
from test_kandinsky3 import SMALL as KANDINSKY
from test_videos import SMALL as VIDEOS
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import archkit
from archkit import ShapeError
from archkit.diffusers import ConditionalUNet
from archkit.testing.parity import Reference, adopt, answer, error, randomise, verify

TOKENS = 7
CONDITION = {"_class_name": "UNet2DConditionModel"}
NETWORKS: dict[str, dict[str, Any]] = {
    "text": {**CONDITION, **STABLE},
    "text, linear": {
        **{**CONDITION, **STABLE, "use_linear_projection": True},
        "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    },
    "text, looked at twice": {
        **{**CONDITION, **STABLE, "only_cross_attention": True},
        "mid_block_type": "UNetMidBlock2D",
    },
    "joint": JOINT["text"],
    "joint, as it is": {**JOINT["text as it is"], "in_channels": 4},
    **{f"kandinsky, {name}": config for name, config in KANDINSKY.items()},
}
# What these are asked has no mask of the text: each sample is told one that is as much shorter.
MOVING = ("animatediff", "modelscope")
SPACES = ((16, 24), (32, 16))


def padding() -> Tensor:
    """The last token of the first sample; that of the second, and one in the midst."""
    told = torch.zeros(2, TOKENS, dtype=torch.int64)
    told[0, -1] = told[1, -1] = told[1, 2] = 1
    return told


def made(config: dict[str, Any]) -> nn.Module:
    options = {k: v for k, v in config.items() if not k.startswith("_")}
    return randomise(getattr(diffusers, config["_class_name"])(**options))


def spec_of(config: dict[str, Any]) -> dict[str, Any]:
    """Our spec, told of padding right after the text."""
    says = importer("diffusers").spec(config)
    conditioning: dict[str, Any] = {}
    for name, condition in says["conditioning"].items():
        conditioning[name] = condition
        if name == "text":
            conditioning["padding"] = {"type": "padding", "of": "text"}
    return {**says, "conditioning": conditioning}


@cache
def reference(name: str, sample: int = 0) -> tuple[dict[str, Any], Reference]:
    """Our spec of a small network by its config, and what the original answers."""
    config = NETWORKS[name]
    width = config.get("encoder_hid_dim") or config["cross_attention_dim"]
    inputs = {"x": drawn(2, config.get("in_channels", 4), *SPACES[sample])}
    inputs |= {"t": torch.tensor([7, 901]), "text": drawn(2, TOKENS, width)}
    told, masks = tuple(inputs.values()), {"encoder_attention_mask": 1 - padding()}
    if config.get("only_cross_attention"):  # the first look at the text has another word for it
        masks["attention_mask"] = 1 - padding()

    def ask(model: nn.Module) -> Tensor:
        return model(*told, **masks).sample

    codebase = importer("diffusers").codebase(config)
    inputs["padding"] = padding()
    return spec_of(config), Reference.of(made(config), codebase, inputs, ask)


@pytest.mark.parametrize("sample", [0, 1])
@pytest.mark.parametrize("name", NETWORKS)
def test_parity(name: str, sample: int) -> None:
    agree(*reference(name, sample))


@pytest.mark.parametrize("name", NETWORKS)
def test_other_padding_is_noticed(name: str) -> None:
    """None at all, the opposite, and that of the other sample."""
    spec, wanted = reference(name)
    model, _ = adopt(spec, wanted)
    for other in (0 * padding(), 1 - padding(), padding().flip(0)):
        asked = replace(wanted, inputs={**wanted.inputs, "padding": other})
        assert error(answer(model, asked), wanted.output) > 1e-4


@pytest.mark.parametrize("name", MOVING)
def test_a_padded_text_of_a_video_is_one_that_is_shorter(name: str) -> None:
    config = VIDEOS[name]
    module, spec = made(config).eval(), spec_of(config)
    x, text, t = drawn(2, 4, 3, 16, 24), drawn(2, TOKENS, config["cross_attention_dim"]), (7, 901)
    inputs = {"x": x, "t": torch.tensor(t), "text": text, "padding": padding()}
    if "time_cond_proj_dim" in config:
        inputs["guidance"] = drawn(2, config["time_cond_proj_dim"])
    answers = []
    for i, seen in enumerate(padding() == 0):
        shorter, guidance = text[i : i + 1, seen], inputs.get("guidance")
        if isinstance(module, diffusers.UNetMotionModel):  # it is told the text of each frame
            shorter = shorter.repeat_interleave(x.shape[2], 0)
        told = {} if guidance is None else {"timestep_cond": guidance[i : i + 1]}
        with torch.no_grad():
            answers.append(module(x[i : i + 1], t[i], shorter, **told).sample)
    codebase = importer("diffusers").codebase(config)
    wanted = Reference(codebase, module.state_dict(), inputs, torch.cat(answers))
    agree(spec, wanted)
    ignored = replace(wanted, inputs={**inputs, "padding": 0 * padding()})
    assert verify(spec, ignored).error > 1e-4


@pytest.mark.parametrize("name", NETWORKS)
def test_paper_counts_what_torch_does(name: str) -> None:
    spec, wanted = reference(name)
    plan = archkit.plan(spec, size=SPACES[0])
    with torch.device("meta"):
        model = archkit.assemble(spec, initialise=False)
    assert sum(p.numel() for p in model.parameters()) == plan.cost.parameters
    given = {word: tensor[:1].to("meta") for word, tensor in wanted.inputs.items()}
    for word in ("text", "padding"):  # as many tokens as are counted
        shape = (1, plan.tokens(word), *given[word].shape[2:])
        given[word] = torch.empty(shape, dtype=given[word].dtype, device="meta")
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        model(**given)
    assert counter.get_total_flops() == 2 * plan.cost.macs


def test_a_text_without_padding_is_answered_as_before() -> None:
    """Kandinsky 3 may be told nothing of padding."""
    spec, wanted = reference("kandinsky, two blocks")
    told, _ = adopt(spec, wanted)
    conditioning = {k: v for k, v in spec["conditioning"].items() if k != "padding"}
    bare, _ = adopt({**spec, "conditioning": conditioning}, wanted)
    inputs = {word: tensor for word, tensor in wanted.inputs.items() if word != "padding"}
    with torch.no_grad():
        assert error(told(**inputs), bare(**inputs)) <= 1e-6


@pytest.mark.parametrize("name", ["text", "joint, as it is", "kandinsky, two blocks"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.bool])
def test_pipelines_tell_it_as_they_tell_the_original(name: str, dtype: torch.dtype) -> None:
    spec, wanted = reference(name)
    adapter = ConditionalUNet.of(adopt(spec, wanted)[0])
    x, t, text, told = wanted.inputs.values()
    with torch.no_grad():
        found = adapter(x, t, text, encoder_attention_mask=(1 - told).to(dtype)).sample
        assert error(found, wanted.output) <= 1e-5
        assert error(adapter(x, t, text).sample, wanted.output) > 1e-4


def test_pipelines_are_refused_a_mask_that_a_network_does_not_take() -> None:
    spec, wanted = reference("text")
    conditioning = {k: v for k, v in spec["conditioning"].items() if k != "padding"}
    adapter = ConditionalUNet.of(adopt({**spec, "conditioning": conditioning}, wanted)[0])
    x, t, text, told = wanted.inputs.values()
    with pytest.raises(ShapeError, match="takes no `encoder_attention_mask`"):
        adapter(x, t, text, encoder_attention_mask=1 - told)
