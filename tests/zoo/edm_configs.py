"""EDM's, EDM2's and NCSN++'s networks as published: parameters, and arguments of constructors."""

import math
from typing import Any

SONG, DHARIWAL = {"model_type": "SongUNet"}, {"model_type": "DhariwalUNet"}
# Of the originals; the frequencies of NCSN++ VE, which stay, are counted there and not here.
FREQUENCIES = 128
PUBLISHED = {
    "edm-ddpmpp-cifar10": 55_733_891,
    "edm-ddpmpp-cifar10-class": 55_735_299,
    "edm-ncsnpp-cifar10": 56_397_827,
    "edm-ncsnpp-ffhq64": 62_761_091,
    "edm-adm-imagenet64": 295_899_267,
    "ncsnpp-celebahq-256": 65_574_549 - FREQUENCIES,
    "edm2-img64-xs": 124_710_821,
    "edm2-img64-s": 280_209_253,
    "edm2-img64-m": 497_803_045,
    "edm2-img64-l": 777_492_197,
    "edm2-img64-xl": 1_119_276_709,
    "edm2-img512-xxs": 31_308_901,
    "edm2-img512-xs": 124_713_125,
    "edm2-img512-s": 280_212_709,
    "edm2-img512-m": 497_807_653,
    "edm2-img512-l": 777_497_957,
    "edm2-img512-xl": 1_119_283_621,
    "edm2-img512-xxl": 1_523_164_645,
}
_CIFAR = {"img_resolution": 32, "img_channels": 3, "augment_dim": 9, "dropout": 0.13, **SONG}
_DDPMPP = {**_CIFAR, "model_channels": 128, "channel_mult": [2, 2, 2]}
_NCSNPP = {
    **{**_DDPMPP, "embedding_type": "fourier", "encoder_type": "residual"},
    **{"channel_mult_noise": 2, "resample_filter": [1, 3, 3, 1]},
}
CELEBAHQ = {
    "_class_name": "UNet2DModel",
    "sample_size": 256,
    "block_out_channels": (128, 128, *(256,) * 5),
    "down_block_types": (
        *("SkipDownBlock2D",) * 4,
        *("AttnSkipDownBlock2D", "SkipDownBlock2D", "SkipDownBlock2D"),
    ),
    "up_block_types": (
        *("SkipUpBlock2D", "SkipUpBlock2D", "AttnSkipUpBlock2D"),
        *("SkipUpBlock2D",) * 4,
    ),
    "time_embedding_type": "fourier",
    "norm_eps": 1e-6,
    "attention_head_dim": None,
    "mid_block_scale_factor": math.sqrt(2),
    "norm_num_groups": None,
}
_EDM2 = {"img_resolution": 64, "label_dim": 1000}
_WIDTHS = {"xxs": 64, "xs": 128, "s": 192, "m": 256, "l": 320, "xl": 384, "xxl": 448}
CONFIGS: dict[str, dict[str, Any]] = {
    "edm-ddpmpp-cifar10": _DDPMPP,
    "edm-ddpmpp-cifar10-class": {**_DDPMPP, "label_dim": 10},
    "edm-ncsnpp-cifar10": _NCSNPP,
    "edm-ncsnpp-ffhq64": {
        **{**_NCSNPP, "img_resolution": 64, "channel_mult": [1, 2, 2, 2], "dropout": 0.05},
    },
    "edm-adm-imagenet64": {
        **{"img_resolution": 64, "img_channels": 3, "label_dim": 1000, **DHARIWAL},
        **{"model_channels": 192, "channel_mult": [1, 2, 3, 4]},
    },
    "ncsnpp-celebahq-256": CELEBAHQ,
    **{
        name: {
            **{**_EDM2, "img_channels": 3 if "img64" in name else 4},
            **{"model_channels": _WIDTHS[size], "dropout": 0.1 if size[-1] in "ml" else 0},
        }
        for name in PUBLISHED
        if (size := name.rpartition("-")[2]) in _WIDTHS
    },
}
