"""Improved DDPM's, ADM's, LDM's and Stable Diffusion's kin as published: parameters and configs."""

from typing import Any

PUBLISHED = {
    "iddpm-imagenet64": 121_063_942,
    "iddpm-imagenet64-class": 273_049_350,
    "iddpm-cifar10": 52_546_438,
    "adm-imagenet64": 295_904_454,
    "adm-imagenet128": 421_529_606,
    "adm-imagenet256": 553_838_086,
    "adm-imagenet512": 558_997_638,
    "adm-upsampler-256": 311_795_910,
    "ldm-celebahq-256": 274_056_163,
    "ldm-imagenet-256": 400_920_579,
    "ldm-text2img": 872_300_484,
    "stable-diffusion-1.5-inpainting": 859_535_364,
    "instruct-pix2pix": 859_532_484,
    "sdxl-refiner": 2_259_526_660,
    "stable-diffusion-x4-upscaler": 473_398_020,
}
_GUIDED = {"in_channels": 3, "out_channels": 6, "use_scale_shift_norm": True}
_IDDPM = {
    **{**_GUIDED, "image_size": 64, "model_channels": 128, "num_res_blocks": 3, "num_heads": 4},
    **{"attention_resolutions": [4, 8], "channel_mult": [1, 2, 3, 4]},
}
_ADM = {
    **{**_GUIDED, "num_classes": 1000, "resblock_updown": True, "model_channels": 256},
    **{"num_res_blocks": 2, "num_head_channels": 64},
}
LDM = {"in_channels": 4, "out_channels": 4, "num_res_blocks": 2}
TRANSFORMERS = {"use_spatial_transformer": True, "transformer_depth": 1}
_DIFFUSERS = {"_class_name": "UNet2DConditionModel", "sample_size": 64, "cross_attention_dim": 768}
CROSSED = ["CrossAttnDownBlock2D"] * 3, ["CrossAttnUpBlock2D"] * 3
# By the importer, and the arguments of the constructor.
CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "iddpm-imagenet64": ("guided-diffusion", _IDDPM),
    "iddpm-imagenet64-class": (
        "guided-diffusion",
        {**_IDDPM, "model_channels": 192, "num_classes": 1000},
    ),
    "iddpm-cifar10": (
        "guided-diffusion",
        {
            **{**_IDDPM, "image_size": 32, "channel_mult": [1, 2, 2, 2]},
            **{"attention_resolutions": [2, 4], "dropout": 0.3},
        },
    ),
    "adm-imagenet64": (
        "guided-diffusion",
        {
            **{**_ADM, "image_size": 64, "model_channels": 192, "num_res_blocks": 3},
            **{"channel_mult": [1, 2, 3, 4], "attention_resolutions": [2, 4, 8]},
            **{"dropout": 0.1, "use_new_attention_order": True},
        },
    ),
    "adm-imagenet128": (
        "guided-diffusion",
        {
            **{**_ADM, "image_size": 128, "num_head_channels": -1, "num_heads": 4},
            **{"channel_mult": [1, 1, 2, 3, 4], "attention_resolutions": [4, 8, 16]},
        },
    ),
    "adm-imagenet256": (
        "guided-diffusion",
        {
            **{**_ADM, "image_size": 256, "channel_mult": [1, 1, 2, 2, 4, 4]},
            **{"attention_resolutions": [8, 16, 32]},
        },
    ),
    "adm-imagenet512": (
        "guided-diffusion",
        {
            **{**_ADM, "image_size": 512, "channel_mult": [0.5, 1, 1, 2, 2, 4, 4]},
            **{"attention_resolutions": [16, 32, 64]},
        },
    ),
    "adm-upsampler-256": (
        "guided-diffusion",
        {
            **{**_ADM, "image_size": 256, "model_channels": 192, "super_res": True},
            **{"num_head_channels": -1, "num_heads": 4, "channel_mult": [1, 1, 2, 2, 4, 4]},
            **{"attention_resolutions": [8, 16, 32]},
        },
    ),
    "ldm-celebahq-256": (
        "latent-diffusion",
        {
            **{**LDM, "in_channels": 3, "out_channels": 3, "image_size": 64},
            **{"model_channels": 224, "channel_mult": [1, 2, 3, 4], "num_head_channels": 32},
            **{"attention_resolutions": [8, 4, 2]},
        },
    ),
    "ldm-imagenet-256": (
        "latent-diffusion",
        {
            **{**LDM, **TRANSFORMERS, "in_channels": 3, "out_channels": 3, "image_size": 64},
            **{"model_channels": 192, "channel_mult": [1, 2, 3, 5], "num_heads": 1},
            **{"attention_resolutions": [8, 4, 2], "context_dim": 512},
        },
    ),
    "ldm-text2img": (
        "latent-diffusion",
        {
            **{**LDM, **TRANSFORMERS, "image_size": 32, "model_channels": 320},
            **{"channel_mult": [1, 2, 4, 4], "attention_resolutions": [4, 2, 1]},
            **{"num_heads": 8, "context_dim": 1280, "legacy": False},
        },
    ),
    "stable-diffusion-1.5-inpainting": ("diffusers", {**_DIFFUSERS, "in_channels": 9}),
    "instruct-pix2pix": ("diffusers", {**_DIFFUSERS, "in_channels": 8}),
    "sdxl-refiner": (
        "diffusers",
        {
            **{**_DIFFUSERS, "sample_size": 128, "block_out_channels": [384, 768, 1536, 1536]},
            "down_block_types": ["DownBlock2D", *CROSSED[0][:2], "DownBlock2D"],
            "up_block_types": ["UpBlock2D", *CROSSED[1][:2], "UpBlock2D"],
            **{"transformer_layers_per_block": 4, "attention_head_dim": [6, 12, 24, 24]},
            **{"cross_attention_dim": 1280, "use_linear_projection": True},
            **{"addition_embed_type": "text_time", "addition_time_embed_dim": 256},
            "projection_class_embeddings_input_dim": 2560,
        },
    ),
    "stable-diffusion-x4-upscaler": (
        "diffusers",
        {
            **{**_DIFFUSERS, "sample_size": 128, "in_channels": 7, "cross_attention_dim": 1024},
            **{"block_out_channels": [256, 512, 512, 1024], "use_linear_projection": True},
            "down_block_types": ["DownBlock2D", *CROSSED[0]],
            "up_block_types": [*CROSSED[1], "UpBlock2D"],
            **{"only_cross_attention": [True, True, True, False], "num_class_embeds": 1000},
        },
    ),
}
