"""Networks of diffusers, imported with their weights, answer what the originals answer."""

from typing import Any

import pytest
import torch
from diffusers import (
    StableCascadeUNet,
    UNet2DConditionModel,
    UNet2DModel,
    UNetSpatioTemporalConditionModel,
)
from references import STABLE, drawn, of_levels
from torch import Tensor, nn

import archkit
from archkit.testing.parity import error, randomise

SMALL = {"block_out_channels": (16, 32, 32), "norm_num_groups": 8, "layers_per_block": 1}
PLAIN = {
    **SMALL,
    "down_block_types": ("DownBlock2D", "AttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
}
ADM = {
    **SMALL,
    "down_block_types": ("ResnetDownsampleBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"),
    "up_block_types": ("AttnUpBlock2D", "AttnUpBlock2D", "ResnetUpsampleBlock2D"),
    "downsample_type": "resnet",
    "upsample_type": "resnet",
    "resnet_time_scale_shift": "scale_shift",
}
SIMPLE = {
    **SMALL,
    "down_block_types": ("ResnetDownsampleBlock2D", *("SimpleCrossAttnDownBlock2D",) * 2),
    "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
    "up_block_types": (*("SimpleCrossAttnUpBlock2D",) * 2, "ResnetUpsampleBlock2D"),
    "cross_attention_dim": 24,
}
NO_ATTENTION = {"down_block_types": ("DownBlock2D",) * 3, "up_block_types": ("UpBlock2D",) * 3}
LABELS, VECTOR = torch.tensor([1, 3]), drawn(2, 10)
POOLED, SIZES = drawn(2, 32), torch.tensor([[512.0, 384, 0, 16, 256, 256]] * 2)

# Config, what the original is asked beside sample and time, and the same by our names.
UNCONDITIONAL: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "plain": (PLAIN, {}, {}),
    "attention on one side": (
        {**PLAIN, "up_block_types": ("UpBlock2D",) * 3, "attention_head_dim": None},
        {},
        {},
    ),
    "every number": (
        {
            **PLAIN,
            "downsample_padding": 0,
            "freq_shift": 1,
            "flip_sin_to_cos": False,
            "time_embedding_dim": 48,
            "norm_eps": 1e-6,
            "mid_block_scale_factor": 2**0.5,
            "act_fn": "mish",
            "dropout": 0.1,
            "out_channels": 6,
        },
        {},
        {},
    ),
    "adm": ({**ADM, "num_class_embeds": 5}, {"class_labels": LABELS}, {"label": LABELS}),
    "adm, other groups": ({**ADM, "attn_norm_num_groups": 4}, {}, {}),
    "a resampler for each level": (
        {
            **PLAIN,
            "down_block_types": ("ResnetDownsampleBlock2D", "AttnDownBlock2D", "DownBlock2D"),
            "up_block_types": ("ResnetUpsampleBlock2D", "AttnUpBlock2D", "UpBlock2D"),
        },
        {},
        {},
    ),
    "no attention": ({**PLAIN, **NO_ATTENTION, "add_attention": False}, {}, {}),
    "attention in the middle": ({**PLAIN, **NO_ATTENTION, "mid_block_scale_factor": 2}, {}, {}),
    "no middle": ({**PLAIN, "mid_block_type": None}, {}, {}),
}
CONDITIONAL: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "plain": (STABLE, {}, {}),
    "every number": (
        {
            **STABLE,
            "in_channels": 9,
            "attention_head_dim": (2, 4, 4),
            "use_linear_projection": True,
            "transformer_layers_per_block": (1, 2, 3),
            "layers_per_block": (1, 2, 1),
            "norm_eps": 1e-6,
            "act_fn": "gelu",
            "conv_in_kernel": 1,
            "conv_out_kernel": 1,
            "mid_block_scale_factor": 2,
            "downsample_padding": 0,
            "dropout": 0.1,
        },
        {},
        {},
    ),
    "heads of their own": (
        {**STABLE, "attention_head_dim": (2, 8, 4), "resnet_time_scale_shift": "scale_shift"},
        {},
        {},
    ),
    "label": (
        {**STABLE, "num_class_embeds": 5},
        {"class_labels": LABELS},
        {"label": LABELS},
    ),
    "vector": (
        {
            **STABLE,
            "class_embed_type": "projection",
            "projection_class_embeddings_input_dim": 10,
            "act_fn": "relu",
        },
        {"class_labels": VECTOR},
        {"vector": VECTOR},
    ),
    "vector, one layer": (
        {
            **STABLE,
            "class_embed_type": "simple_projection",
            "projection_class_embeddings_input_dim": 10,
        },
        {"class_labels": VECTOR},
        {"vector": VECTOR},
    ),
    "vector, as it is": (
        {**STABLE, "class_embed_type": "identity", "time_embedding_dim": 10},
        {"class_labels": VECTOR},
        {"vector": VECTOR},
    ),
    "simple blocks, label": (
        {**SIMPLE, "num_class_embeds": 5},
        {"class_labels": LABELS},
        {"label": LABELS},
    ),
    "simple blocks, vector, one layer": (
        {
            **SIMPLE,
            "class_embed_type": "simple_projection",
            "projection_class_embeddings_input_dim": 10,
        },
        {"class_labels": VECTOR},
        {"vector": VECTOR},
    ),
    "another depth upwards": (
        {
            **STABLE,
            "transformer_layers_per_block": [[2, 9], [1], 3],
            "reverse_transformer_layers_per_block": [[4, 5], 3, 1],
        },
        {},
        {},
    ),
    "guidance": (
        {**STABLE, "time_cond_proj_dim": 10, "mid_block_type": None},
        {"timestep_cond": VECTOR},
        {"guidance": VECTOR},
    ),
    "fourier": (
        {**STABLE, "time_embedding_type": "fourier", "mid_block_type": "UNetMidBlock2D"},
        {},
        {},
    ),
    "xl": (
        {
            **STABLE,
            "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            "transformer_layers_per_block": (1, 2, 4),
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": 80,
        },
        {"added_cond_kwargs": {"text_embeds": POOLED, "time_ids": SIZES}},
        {"micro": torch.cat((POOLED, SIZES), dim=1)},
    ),
}


@pytest.mark.parametrize("name", UNCONDITIONAL)
def test_unconditional_networks_of_diffusers(name: str) -> None:
    config, asked, told = UNCONDITIONAL[name]
    assert off(UNet2DModel(**config), asked, told) <= 1e-5


@pytest.mark.parametrize("name", CONDITIONAL)
def test_conditional_networks_of_diffusers(name: str) -> None:
    config, asked, told = CONDITIONAL[name]
    text = drawn(2, 7, config["cross_attention_dim"])
    asked, told = {"encoder_hidden_states": text, **asked}, {"text": text, **told}
    assert off(UNet2DConditionModel(**config), asked, told) <= 1e-5


def off(module: nn.Module, asked: dict[str, Any], told: dict[str, Tensor]) -> float:
    """How far an imported network is off, for a sample that is not square.

    StableCascadeUNet is told a thousandth of the time, and takes its numbers of one sample.
    """
    config = {**module.config, "_class_name": type(module).__name__}
    module = randomise(module).eval()
    rational = isinstance(module, StableCascadeUNet)
    spec, state = archkit.convert(config=config, state_dict=module.state_dict())
    ours = archkit.assemble(spec, initialise=False)
    ours.load_state_dict(state, assign=True)
    frames = () if spec.input.frames is None else (3,)
    space, batch = (48,) if len(spec.input.space) == 1 else (16, 24), 1 if rational else 2
    x, channels = drawn(batch, config["in_channels"], *frames, *space), spec.input.channels
    t = torch.tensor([0.25, 1.5])[:batch]
    if x.shape[1] > channels:
        told = {**told, "image": x[:, channels:]}
    with torch.no_grad():
        if isinstance(module, UNetSpatioTemporalConditionModel):
            given, wanted = of_levels(module, x, t, asked)
        else:
            given = {"x": x[:, :channels], "t": t}
            wanted = module(x, t / 1000 if rational else t, **asked, return_dict=False)
        out = ours.eval()(**given, **told)
    return error(joined(out), joined(wanted))


def joined(answer: Any) -> Tensor:
    """One tensor of all that a network answers."""
    if isinstance(answer, Tensor):
        return answer.flatten(1)
    parts = answer.values() if isinstance(answer, dict) else answer
    return torch.cat([joined(part) for part in parts], dim=1)
