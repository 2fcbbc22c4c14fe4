"""The networks that diffusers' own tests build: imported, and compared with diffusers live."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from references import drawn
from test_diffusers import off
from torch import Tensor, cat, ones, tensor

import archkit
from archkit import SpecError
from archkit.builtin.importers.diffusers import _CLASSES
from archkit.exports import export
from archkit.testing.parity import randomise

CALLS = json.loads(Path(__file__).with_name("diffusers_configs.json").read_text())
CALLED = pytest.mark.parametrize(
    "call", [c for c in CALLS if "refused" not in c], ids=lambda call: call["test"]
)
PROJECTED = "projection_class_embeddings_input_dim"
REFUSED = pytest.mark.parametrize(
    "call", [c for c in CALLS if "refused" in c], ids=lambda call: call["test"]
)


Questions = tuple[dict[str, Any], dict[str, Tensor]]


def questions(call: dict[str, Any]) -> Questions:
    """What the original is asked beside sample and time, and the same by our names."""
    config = call["config"]
    if call["class"] == "StableCascadeUNet":
        return of_cascade(config)
    asked, told = of_text(config)
    for more in (of_time(config), of_classes(config)):
        asked, told = {**asked, **more[0]}, {**told, **more[1]}
    if call["class"] == "UNetMotionModel":  # it is told the text of each frame
        asked["encoder_hidden_states"] = told["text"].repeat_interleave(3, 0)
    if call["class"] == "Kandinsky3UNet":
        asked["encoder_attention_mask"] = ones(2, 7)
    if call["class"] == "ControlNetModel":
        widths = config.get("conditioning_embedding_out_channels", (16, 32, 96, 256))
        larger, channels = 2 ** (len(widths) - 1), config.get("conditioning_channels", 3)
        told["hint"] = asked["controlnet_cond"] = drawn(2, channels, 16 * larger, 24 * larger)
    if call["class"] == "UNetSpatioTemporalConditionModel":
        told["micro"] = asked["added_time_ids"] = tensor([[6.0, 127, 0.02], [7.0, 50, 0.1]])
    if config.get("addition_embed_type") == "text_time":
        sizes = tensor([[512.0, 384, 0, 16, 256, 256]] * 2)
        wide = config["projection_class_embeddings_input_dim"]
        pooled = drawn(2, wide - 6 * config["addition_time_embed_dim"])
        asked["added_cond_kwargs"] = {"text_embeds": pooled, "time_ids": sizes}
        told["micro"] = cat((pooled, sizes), dim=1)
    return asked, told


def of_text(config: dict[str, Any]) -> Questions:
    """What attention looks at: a text, the embedding of an image, or nothing but itself."""
    cross, hidden = config.get("cross_attention_dim"), config.get("encoder_hid_dim")
    if cross is None:
        return {}, {}
    if config.get("encoder_hid_dim_type"):
        clip = drawn(2, hidden)
        return {"encoder_hidden_states": None, "added_cond_kwargs": {"image_embeds": clip}}, {
            "clip": clip
        }
    if cross == config["block_out_channels"]:
        return {"encoder_hidden_states": None}, {}
    text = drawn(2, 7, hidden or (cross if isinstance(cross, int) else cross[0]))
    return {"encoder_hidden_states": text}, {"text": text}


def of_time(config: dict[str, Any]) -> Questions:
    """What joins the features of the time."""
    if not (wide := config.get("time_cond_proj_dim")):
        return {}, {}
    vector = drawn(2, wide)
    pooled = config["down_block_types"][0] == "KDownBlock2D"
    return {"timestep_cond": vector}, {"pooled" if pooled else "guidance": vector}


def of_classes(config: dict[str, Any]) -> Questions:
    """Classes, or a vector in their place."""
    if config.get("num_class_embeds"):
        return {"class_labels": tensor([1, 3])}, {"label": tensor([1, 3])}
    kind = config.get("class_embed_type")
    if kind is None:
        return {}, {}
    wide = 4 * config["block_out_channels"][0]
    vector = drawn(2, wide if kind == "identity" else config[PROJECTED])
    return {"class_labels": vector}, {"vector": vector}


def of_cascade(config: dict[str, Any]) -> Questions:
    """A pooled text, text and image where it takes them, and two numbers, for one sample."""
    told = {"pooled": drawn(1, 1, config["clip_text_pooled_in_channels"])}
    told |= {"sca": tensor([0.0012]), "crp": tensor([0.0003])}
    asked = {"clip_text_pooled": told["pooled"], "sca": told["sca"], "crp": told["crp"]}
    if wide := config.get("clip_text_in_channels"):
        told |= {"text": drawn(1, 5, wide), "image": drawn(1, 1, config["clip_image_in_channels"])}
        asked |= {"clip_text": told["text"], "clip_img": told["image"]}
    return asked, told


def test_every_class_is_among_them() -> None:
    compared = Counter(call["class"] for call in CALLS if "refused" not in call)
    assert set(compared) == set(_CLASSES)
    assert compared.total() >= 30


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
