"""The networks that diffusers' own tests build: imported, and compared with diffusers live."""

import json
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from references import drawn
from test_diffusers import off
from torch import Tensor, cat, tensor

import archkit
from archkit import SpecError
from archkit.exports import export
from archkit.testing.parity import randomise

CALLS = json.loads(Path(__file__).with_name("diffusers_configs.json").read_text())
CALLED = pytest.mark.parametrize(
    "call", [c for c in CALLS if "refused" not in c], ids=lambda call: call["test"]
)
REFUSED = pytest.mark.parametrize(
    "call", [c for c in CALLS if "refused" in c], ids=lambda call: call["test"]
)


def questions(call: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What the original is asked beside sample and time, and the same by our names."""
    config = call["config"]
    asked: dict[str, Any] = {}
    told: dict[str, Tensor] = {}
    if "cross_attention_dim" in config:
        width = config["cross_attention_dim"]
        told["text"] = drawn(2, 7, width if isinstance(width, int) else width[0])
        asked["encoder_hidden_states"] = told["text"]
    if call["class"] == "UNetMotionModel":  # it is told the text of each frame
        asked["encoder_hidden_states"] = told["text"].repeat_interleave(3, 0)
    if call["class"] == "ControlNetModel":
        larger = 2 ** (len(config["conditioning_embedding_out_channels"]) - 1)
        told["hint"] = asked["controlnet_cond"] = drawn(2, 3, 16 * larger, 24 * larger)
    wide = config.get("projection_class_embeddings_input_dim", 0)
    if call["class"] == "UNetSpatioTemporalConditionModel":
        told["micro"] = asked["added_time_ids"] = tensor([[6.0, 127, 0.02], [7.0, 50, 0.1]])
    if config.get("num_class_embeds"):
        told["label"] = asked["class_labels"] = tensor([1, 3])
    if config.get("class_embed_type") in ("projection", "simple_projection"):
        told["vector"] = asked["class_labels"] = drawn(2, wide)
    if guidance := config.get("time_cond_proj_dim"):
        told["guidance"] = asked["timestep_cond"] = drawn(2, guidance)
    if config.get("addition_embed_type") == "text_time":
        sizes = tensor([[512.0, 384, 0, 16, 256, 256]] * 2)
        pooled = drawn(2, wide - 6 * config["addition_time_embed_dim"])
        asked["added_cond_kwargs"] = {"text_embeds": pooled, "time_ids": sizes}
        told["micro"] = cat((pooled, sizes), dim=1)
    return asked, told


def test_there_are_enough() -> None:
    assert sum("refused" not in call for call in CALLS) >= 30


@CALLED
def test_it_answers_what_the_original_answers(call: dict[str, Any]) -> None:
    asked, told = questions(call)
    module = getattr(diffusers, call["class"])(**call["config"])
    assert off(module, asked, told) <= 1e-5


@CALLED
def test_it_goes_back(call: dict[str, Any], tmp_path: Path) -> None:
    """The same tensors bit for bit, as diffusers names and loads them."""
    class_name = call["class"]
    spec, _ = archkit.convert(config={"_class_name": class_name, **call["config"]})
    model = archkit.assemble(spec)
    randomise(model)
    export(model, tmp_path)
    loaded, told = getattr(diffusers, class_name).from_pretrained(
        tmp_path, output_loading_info=True
    )
    assert not any(told[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    again, state = archkit.convert(
        config={**loaded.config, "_class_name": class_name}, state_dict=loaded.state_dict()
    )
    ours = model.state_dict()
    assert list(archkit.plan(again)) == list(model.plan)
    assert set(state) == set(ours)
    assert all(torch.equal(state[name], tensor) for name, tensor in ours.items())


@REFUSED
def test_what_has_no_counterpart_is_named(call: dict[str, Any]) -> None:
    with pytest.raises(SpecError) as caught:
        archkit.convert(config={"_class_name": call["class"], **call["config"]})
    assert sorted({str(problem.path[0]) for problem in caught.value.problems}) == call["refused"]
