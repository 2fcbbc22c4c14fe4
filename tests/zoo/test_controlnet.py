"""ControlNet: what it offers is what diffusers' answers, and steers another network the same."""

from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from references import STABLE, drawn
from torch import Tensor, nn

import archkit
from archkit import DiffusionError, ShapeError, SpecError
from archkit.diffusers import ConditionalUNet
from archkit.diffusion.guidance import guided
from archkit.module import UNet
from archkit.testing.parity import error, randomise

HALF = {
    key: value
    for key, value in STABLE.items()
    if key not in ("sample_size", "out_channels", "up_block_types")
}
HALF["conditioning_embedding_out_channels"] = (4, 6, 8)
TIME, TEXT = torch.tensor([0.25, 1.5]), drawn(2, 7, 24)
SIZES = [(16, 16), (16, 24)]

# Options of the original, what it is asked beside, and the same by our names.
CONFIGS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}, {}),
    "middle without attention": ({"mid_block_type": "UNetMidBlock2D"}, {}, {}),
    "label": (
        {"num_class_embeds": 5, "conditioning_channels": 2, "norm_eps": 1e-6, "act_fn": "gelu"},
        {"class_labels": torch.tensor([1, 3])},
        {"label": torch.tensor([1, 3])},
    ),
}


def imported(module: nn.Module, **conditions: Any) -> UNet:
    """A network of theirs as ours, told these conditions beside its own."""
    config = {**module.config, "_class_name": type(module).__name__}
    spec, state = archkit.convert(config=config, state_dict=module.state_dict())
    data = spec.data()
    data["conditioning"] |= conditions
    model = archkit.assemble(archkit.load_spec(data), initialise=False)
    model.load_state_dict(state, assign=True)
    return model.eval()


@pytest.fixture(scope="module")
def half() -> ControlNetModel:
    return randomise(ControlNetModel(**HALF)).eval()


@pytest.fixture(scope="module")
def whole() -> UNet2DConditionModel:
    return randomise(UNet2DConditionModel(**STABLE)).eval()


def hint(size: tuple[int, int], channels: int = 3) -> Tensor:
    return drawn(2, channels, *(4 * n for n in size))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", CONFIGS)
def test_it_offers_what_the_original_answers(name: str, size: tuple[int, int]) -> None:
    config, asked, told = CONFIGS[name]
    theirs = randomise(ControlNetModel(**{**HALF, **config})).eval()
    x, shown = drawn(2, 4, *size), hint(size, config.get("conditioning_channels", 3))
    with torch.no_grad():
        skips, middle = theirs(x, TIME, TEXT, shown, **asked, return_dict=False)
        offers = imported(theirs)(x, TIME, text=TEXT, hint=shown, **told)
    assert list(offers) == [
        "input",
        *("encoder.0.blocks.0", "encoder.0", "encoder.1.blocks.0", "encoder.1"),
        *("encoder.2.blocks.0", "bottleneck"),
    ]
    for ours, wanted in zip(offers.values(), [*skips, middle], strict=True):
        assert error(ours, wanted) <= 1e-5


@pytest.mark.parametrize("size", SIZES)
def test_it_steers_another_network(
    half: ControlNetModel, whole: UNet2DConditionModel, size: tuple[int, int]
) -> None:
    host = imported(whole, control="residuals")
    x, shown = drawn(2, 4, *size), hint(size)
    with torch.no_grad():
        skips, middle = half(x, TIME, TEXT, shown, return_dict=False)
        told = {"down_block_additional_residuals": skips, "mid_block_additional_residual": middle}
        wanted = whole(x, TIME, TEXT, **told).sample
        offers = imported(half)(x, TIME, text=TEXT, hint=shown)
        assert error(host(x, TIME, text=TEXT, control=offers), wanted) <= 1e-5

        # Every tensor counts, and each in its place.
        for place in offers:
            less = {name: offer for name, offer in offers.items() if name != place}
            assert error(host(x, TIME, text=TEXT, control=less), wanted) > 1e-4
        swapped = {
            **offers,
            "encoder.1.blocks.0": offers["encoder.0"].repeat(1, 2, 1, 1),
        }
        assert error(host(x, TIME, text=TEXT, control=swapped), wanted) > 1e-4


def test_what_is_not_told_is_zero(whole: UNet2DConditionModel) -> None:
    host, x = imported(whole, control="residuals"), drawn(2, 4, 16, 16)
    with torch.no_grad():
        wanted = whole(x, TIME, TEXT).sample
        for nothing in ({}, {"control": None}, {"control": {}}):
            assert error(host(x, TIME, text=TEXT, **nothing), wanted) <= 1e-5


def test_two_halves_may_steer_one(half: ControlNetModel, whole: UNet2DConditionModel) -> None:
    one, other = drawn(2, 4, 16, 16), hint((16, 16))
    with torch.no_grad():
        offers = imported(half)(one, TIME, text=TEXT, hint=other)
        twice = {name: 2 * offer for name, offer in offers.items()}
        wanted = imported(whole, control="residuals")(one, TIME, text=TEXT, control=twice)
        host = imported(whole, edges="residuals", pose="residuals")
        got = host(one, TIME, text=TEXT, edges=offers, pose=offers)
    assert error(got, wanted) <= 1e-5


def test_it_goes_back_bit_for_bit(half: ControlNetModel, tmp_path: Path) -> None:
    archkit.export(imported(half), tmp_path)
    back = ControlNetModel.from_pretrained(tmp_path)
    state = half.state_dict()
    assert back.state_dict().keys() == state.keys()
    assert all(torch.equal(tensor, state[name]) for name, tensor in back.state_dict().items())


def test_an_activation_that_is_another(half: ControlNetModel) -> None:
    data = imported(half).plan.spec.data()
    data["conditioning"]["hint"]["activation"] = "relu"
    other = archkit.assemble(archkit.load_spec(data), initialise=False)
    other.load_state_dict(imported(half).state_dict(), assign=True)
    x, shown = drawn(2, 4, 16, 16), hint((16, 16))
    with torch.no_grad():
        wanted, _ = half(x, TIME, TEXT, shown, return_dict=False)
        assert error(other.eval()(x, TIME, text=TEXT, hint=shown)["input"], wanted[0]) > 1e-3


@pytest.mark.parametrize(
    ("option", "value"),
    [("controlnet_conditioning_channel_order", "bgr"), ("global_pool_conditions", True)],
)
def test_what_has_no_counterpart(option: str, value: Any) -> None:
    with pytest.raises(SpecError, match=option):
        archkit.convert(config={"_class_name": "ControlNetModel", **HALF, option: value})


def test_all_that_has_no_counterpart_is_told_at_once() -> None:
    config = {"controlnet_conditioning_channel_order": "bgr", "frobnicate": 1}
    with pytest.raises(SpecError) as caught:
        archkit.convert(config={"_class_name": "ControlNetModel", **HALF, **config})
    assert [problem.message for problem in caught.value.problems] == [
        '`controlnet_conditioning_channel_order: "bgr"` of ControlNetModel has no counterpart in '
        "archkit",
        "`frobnicate` is no option of ControlNetModel that archkit knows",
    ]


def test_in_the_adapter(half: ControlNetModel, whole: UNet2DConditionModel) -> None:
    x, shown = drawn(2, 4, 16, 24), hint((16, 24))
    with torch.no_grad():
        skips, middle = half(x, 7, TEXT, shown, return_dict=False)
        told = {"down_block_additional_residuals": skips, "mid_block_additional_residual": middle}
        wanted = whole(x, 7, TEXT, **told).sample
        ours = ConditionalUNet.of(imported(whole, control="residuals"))
        assert error(ours(x, 7, TEXT, **told).sample, wanted) <= 1e-5
        with pytest.raises(ShapeError, match="1 residuals are told, and the network takes 7"):
            ours(x, 7, TEXT, mid_block_additional_residual=middle)
        with pytest.raises(ShapeError, match="takes no `down_block_additional_residuals`"):
            ConditionalUNet.of(imported(whole))(x, 7, TEXT, **told)


def test_it_predicts_nothing_by_itself(half: ControlNetModel) -> None:
    told = {"text": TEXT[:1], "hint": hint((16, 16))[:1]}
    with pytest.raises(DiffusionError, match="`controlnet` predicts nothing: it offers"):
        guided(imported(half), told, 1.0)


def test_guidance_is_steered_on_both_sides(
    half: ControlNetModel, whole: UNet2DConditionModel
) -> None:
    x, shown, nothing = drawn(2, 4, 16, 16), hint((16, 16)), torch.zeros_like(TEXT)
    host = imported(whole, control="residuals")
    with torch.no_grad():
        offers = imported(half)(x, TIME, text=TEXT, hint=shown)
        told, not_told = (host(x, 0.25, text=text, control=offers) for text in (TEXT, nothing))
        predict = guided(host, {"text": TEXT, "control": offers}, 3.0, {"text": nothing})
        assert error(predict(x, torch.tensor(0.25)), not_told + 3 * (told - not_told)) <= 1e-5


def test_sizes_of_what_is_told(half: ControlNetModel, whole: UNet2DConditionModel) -> None:
    x = drawn(2, 4, 16, 24)
    with pytest.raises(ShapeError, match="`hint` is 16×24 and the sample 16×24; it needs 64×96"):
        imported(half)(x, TIME, text=TEXT, hint=drawn(2, 3, 16, 24))
    host = imported(whole, control="residuals")
    for told, words in (
        ({"encoder.0": drawn(2, 16, 16, 24)}, "is 16×24 and the sample 16×24; it needs 8×12"),
        ({"encoder.9": drawn(2, 16, 8, 12)}, "`control` has no place `encoder.9`; its places are"),
        (drawn(2, 16, 8, 12), "`control` is a mapping of tensors by their places: input, "),
    ):
        with pytest.raises(ShapeError, match=words):
            host(x, TIME, text=TEXT, control=told)
