"""The same networks by diffusers, and our weights in both."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

SPECS = Path(__file__).parent.parent / "specs"

DDPM = {
    "sample_size": 32,
    "freq_shift": 1,
    "flip_sin_to_cos": False,
    "down_block_types": ["DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"],
    "block_out_channels": [128, 256, 256, 256],
    "downsample_padding": 0,
    "layers_per_block": 2,
    "attention_head_dim": None,
    "norm_eps": 1e-6,
}
SD15 = {
    "sample_size": 64,
    "cross_attention_dim": 768,
    "attention_head_dim": 8,
    "block_out_channels": [320, 640, 1280, 1280],
}
SDXL = {
    "sample_size": 128,
    "cross_attention_dim": 2048,
    "attention_head_dim": [5, 10, 20],
    "block_out_channels": [320, 640, 1280],
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "transformer_layers_per_block": [1, 2, 10],
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
CLASSES = {
    "ddpm-cifar10": ("UNet2DModel", DDPM),
    "stable-diffusion-1.5": ("UNet2DConditionModel", SD15),
    "sdxl-base": ("UNet2DConditionModel", SDXL),
}


def peer(name: str, **changes: Any) -> Any:
    """diffusers' network of a spec."""
    warnings.simplefilter("ignore")
    import diffusers

    cls, config = CLASSES[name]
    return getattr(diffusers, cls)(**{**config, **changes})


def randomised(model: Any) -> Any:
    """The model with every tensor perturbed, so that zeros hide nothing."""
    import torch

    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.02 * torch.randn(parameter.shape, generator=generator)
    return model.eval()


def pair(name: str, **changes: Any) -> tuple[Any, Any]:
    """Our network and diffusers', with the same random weights, in evaluation mode."""
    import archkit

    theirs = randomised(peer(name, **changes))
    spec, weights = archkit.convert(
        config={"_class_name": type(theirs).__name__, **theirs.config},
        state_dict=theirs.state_dict(),
    )
    ours = archkit.assemble(spec, initialise=False)
    ours.load_state_dict({k: v.clone() for k, v in weights.items()}, assign=True)
    return ours.eval(), theirs
