"""Networks of archkit in diffusers' own pipelines: the same images, saved and loaded again."""

import json
import string
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DDPMPipeline,
    DDPMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
    UNet2DModel,
)
from references import SMALL_DDPM, STABLE, drawn
from torch import nn
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

import archkit
from archkit import DiffusionError, ShapeError
from archkit.diffusers import ConditionalUNet, UnconditionalUNet
from archkit.module import UNet
from archkit.testing.parity import randomise


def imported(module: nn.Module) -> UNet:
    config = {**module.config, "_class_name": type(module).__name__}
    spec, state = archkit.convert(config=config, state_dict=module.state_dict())
    model = archkit.assemble(spec, initialise=False)
    model.load_state_dict(state, assign=True)
    return model.eval()


def quiet(pipeline: Any) -> Any:
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def ddpm(unet: nn.Module) -> DDPMPipeline:
    return quiet(DDPMPipeline(unet=unet, scheduler=DDPMScheduler(num_train_timesteps=10)))


def sampled(pipeline: DDPMPipeline) -> Any:
    dice = torch.Generator().manual_seed(3)
    return pipeline(2, generator=dice, num_inference_steps=3, output_type="np").images


@pytest.fixture(scope="module")
def plain() -> UNet2DModel:
    return randomise(UNet2DModel(**{**SMALL_DDPM, "sample_size": 16})).eval()


def test_ddpm_draws_the_same_images(plain: UNet2DModel) -> None:
    wanted = sampled(ddpm(plain))
    got = sampled(ddpm(UnconditionalUNet.of(imported(plain))))
    assert got.shape == (2, 16, 16, 3)
    assert wanted.std() > 0.1
    assert np.abs(got - wanted).max() < 1e-4


def test_ddpm_is_saved_and_loaded(plain: UNet2DModel, tmp_path: Path) -> None:
    pipeline = ddpm(UnconditionalUNet.of(imported(plain)))
    pipeline.save_pretrained(tmp_path)
    index = json.loads((tmp_path / "model_index.json").read_text())
    assert index["unet"] == ["archkit.diffusers", "UnconditionalUNet"]
    again = quiet(DDPMPipeline.from_pretrained(tmp_path))
    assert isinstance(again.unet, UnconditionalUNet)
    assert np.array_equal(sampled(again), sampled(pipeline))


def tokenizer(folder: Path) -> CLIPTokenizer:
    """One of single letters."""
    words = [*string.ascii_lowercase, *(f"{c}</w>" for c in string.ascii_lowercase)]
    words += ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    files = [str(folder / name) for name in ("vocab.json", "merges.txt")]
    return CLIPTokenizer(*files, model_max_length=16)


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All of Stable Diffusion but its U-Net, tiny and random."""
    torch.manual_seed(0)
    text = CLIPTextConfig(
        vocab_size=64,
        hidden_size=STABLE["cross_attention_dim"],
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=16,
        bos_token_id=52,
        eos_token_id=53,
        pad_token_id=53,
    )
    vae = AutoencoderKL(
        block_out_channels=[8, 16],
        down_block_types=["DownEncoderBlock2D"] * 2,
        up_block_types=["UpDecoderBlock2D"] * 2,
        latent_channels=4,
        norm_num_groups=4,
    )
    return {
        "vae": vae.eval(),
        "text_encoder": CLIPTextModel(text).eval(),
        "tokenizer": tokenizer(tmp_path_factory.mktemp("words")),
        "scheduler": DDIMScheduler(num_train_timesteps=20, clip_sample=False, steps_offset=1),
        "safety_checker": None,
        "feature_extractor": None,
        "requires_safety_checker": False,
    }


def stable(unet: nn.Module, around: dict[str, Any]) -> StableDiffusionPipeline:
    return quiet(StableDiffusionPipeline(unet=unet, **around))


def painted(pipeline: StableDiffusionPipeline | StableDiffusionXLPipeline) -> Any:
    asked = {"num_inference_steps": 3, "guidance_scale": 3.0, "height": 32, "width": 48}
    dice = torch.Generator().manual_seed(5)
    return pipeline("a cat", generator=dice, output_type="np", **asked).images


@pytest.fixture(scope="module")
def conditional() -> UNet2DConditionModel:
    return randomise(UNet2DConditionModel(**STABLE)).eval()


def test_stable_diffusion_draws_the_same_image(
    conditional: UNet2DConditionModel, around: dict[str, Any]
) -> None:
    wanted = painted(stable(conditional, around))
    got = painted(stable(ConditionalUNet.of(imported(conditional)), around))
    assert got.shape == (1, 32, 48, 3)
    assert wanted.std() > 0.01
    assert np.abs(got - wanted).max() < 1e-4


def test_stable_diffusion_is_saved_and_loaded(
    conditional: UNet2DConditionModel, around: dict[str, Any], tmp_path: Path
) -> None:
    pipeline = stable(ConditionalUNet.of(imported(conditional)), around)
    pipeline.save_pretrained(tmp_path)
    again = quiet(StableDiffusionPipeline.from_pretrained(tmp_path))
    assert isinstance(again.unet, ConditionalUNet)
    assert again.unet.config.cross_attention_dim == STABLE["cross_attention_dim"]
    assert np.array_equal(painted(again), painted(pipeline))


XL = {
    **STABLE,
    "cross_attention_dim": STABLE["cross_attention_dim"] + 20,  # two encoders side by side
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 8,
    "projection_class_embeddings_input_dim": 6 * 8 + 12,
}


@pytest.fixture(scope="module")
def around_xl(around: dict[str, Any]) -> dict[str, Any]:
    """All of SDXL but its U-Net, tiny and random."""
    torch.manual_seed(1)
    says = around["text_encoder"].config.to_dict()
    says |= {"hidden_size": 20, "intermediate_size": 24, "projection_dim": 12}
    second = CLIPTextModelWithProjection(CLIPTextConfig(**says)).eval()
    parts = {key: around[key] for key in ("vae", "text_encoder", "tokenizer", "scheduler")}
    return {**parts, "text_encoder_2": second, "tokenizer_2": around["tokenizer"]}


def large(unet: nn.Module, around: dict[str, Any]) -> StableDiffusionXLPipeline:
    return quiet(StableDiffusionXLPipeline(unet=unet, add_watermarker=False, **around))


@pytest.fixture(scope="module")
def conditional_xl() -> UNet2DConditionModel:
    return randomise(UNet2DConditionModel(**XL)).eval()


def test_sdxl_draws_the_same_image(
    conditional_xl: UNet2DConditionModel, around_xl: dict[str, Any]
) -> None:
    wanted = painted(large(conditional_xl, around_xl))
    got = painted(large(ConditionalUNet.of(imported(conditional_xl)), around_xl))
    assert got.shape == (1, 32, 48, 3)
    assert wanted.std() > 0.01
    assert np.abs(got - wanted).max() < 1e-4


def test_sdxl_is_told_sizes(
    conditional_xl: UNet2DConditionModel, around_xl: dict[str, Any]
) -> None:
    pipeline = large(ConditionalUNet.of(imported(conditional_xl)), around_xl)
    asked = {"height": 32, "width": 48, "num_inference_steps": 2, "output_type": "np"}
    images = [
        pipeline("a cat", generator=torch.Generator().manual_seed(5), original_size=size, **asked)
        for size in ((32, 48), (512, 640))
    ]
    assert np.abs(images[0].images - images[1].images).max() > 1e-4


def test_sdxl_is_saved_and_loaded(
    conditional_xl: UNet2DConditionModel, around_xl: dict[str, Any], tmp_path: Path
) -> None:
    pipeline = large(ConditionalUNet.of(imported(conditional_xl)), around_xl)
    pipeline.save_pretrained(tmp_path)
    again = quiet(StableDiffusionXLPipeline.from_pretrained(tmp_path, add_watermarker=False))
    assert isinstance(again.unet, ConditionalUNet)
    assert again.unet.config.addition_time_embed_dim == XL["addition_time_embed_dim"]
    assert np.array_equal(painted(again), painted(pipeline))


SIZES = torch.tensor([[512.0, 384, 0, 16, 256, 256]] * 2)
ASKED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "inpainting": ({"in_channels": 9}, {}),
    "label": ({"num_class_embeds": 5}, {"class_labels": torch.tensor([1, 3])}),
    "guidance": ({"time_cond_proj_dim": 10}, {"timestep_cond": drawn(2, 10)}),
    "xl": (
        {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": 80,
        },
        {"added_cond_kwargs": {"text_embeds": drawn(2, 32), "time_ids": SIZES}},
    ),
}


@pytest.mark.parametrize("name", ASKED)
def test_it_is_asked_as_the_original(name: str) -> None:
    config, asked = ASKED[name]
    theirs = randomise(UNet2DConditionModel(**{**STABLE, **config})).eval()
    ours = ConditionalUNet.of(imported(theirs))
    x, text = drawn(2, theirs.config.in_channels, 16, 24), drawn(2, 7, 24)
    for key in ("in_channels", "out_channels", "sample_size", "cross_attention_dim"):
        assert ours.config[key] == theirs.config[key]
    with torch.no_grad():
        (wanted,) = theirs(x, 7, text, **asked, return_dict=False)
        torch.testing.assert_close(ours(x, 7, text, **asked).sample, wanted, rtol=0, atol=1e-4)
        if asked:
            with pytest.raises(ShapeError):
                ConditionalUNet.of(imported(UNet2DConditionModel(**STABLE)))(x, 7, text, **asked)


def test_what_it_refuses(conditional: UNet2DConditionModel, plain: UNet2DModel) -> None:
    ours = ConditionalUNet.of(imported(conditional))
    x, text = drawn(2, 4, 16, 16), drawn(2, 7, 24)
    with pytest.raises(ShapeError, match="takes no `attention_mask`"):
        ours(x, 7, text, attention_mask=torch.ones(2, 7))
    with pytest.raises(ShapeError, match="takes no `image_embeds`"):
        ours(x, 7, text, added_cond_kwargs={"image_embeds": text})
    with pytest.raises(ShapeError, match="the condition `text` is missing"):
        ours(x, 7)
    with pytest.raises(AttributeError, match="add_embedding"):
        ours.add_embedding  # noqa: B018
    with pytest.raises(ShapeError, match="the sample has 5 channels and needs 4"):
        ours(drawn(2, 5, 16, 16), 7, text)
    with pytest.raises(ShapeError, match="takes no `class_labels`"):
        UnconditionalUNet.of(imported(plain))(drawn(2, 3, 16, 16), 7, torch.tensor([1, 2]))


def test_networks_that_schedulers_cannot_step() -> None:
    tiny = {"archkit": 1, "name": "tiny", "encoder": [{"channels": 32}]}
    with pytest.raises(DiffusionError, match="no use for `prediction: velocity` of `tiny`"):
        UnconditionalUNet(spec=tiny)
    with pytest.raises(DiffusionError, match="sample images, and `tiny` has none"):
        UnconditionalUNet(spec={**tiny, "prediction": "noise", "input": {"size": [16]}})
    with pytest.raises(DiffusionError, match="one variance of a whole sample, as `tiny` has it"):
        UnconditionalUNet(
            spec={**tiny, "prediction": "noise", "output": {"variance": "per-sample"}}
        )


def test_gradient_checkpointing(plain: UNet2DModel) -> None:
    ours = UnconditionalUNet.of(imported(plain)).train()
    x, grads = drawn(1, 3, 16, 16), []
    for switch in (ours.disable_gradient_checkpointing, ours.enable_gradient_checkpointing):
        switch()
        ours.zero_grad()
        ours(x, 7).sample.square().mean().backward()
        grads.append(ours.network.stem.weight.grad.clone())
    assert torch.equal(*grads)
