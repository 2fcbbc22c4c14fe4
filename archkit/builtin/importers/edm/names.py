"""How EDM and EDM2 name their tensors: by the size of what comes out."""

from archkit import Codebase, Packed, Table

# `enc.16x16_block0` is a block and its attention in one.
_HERE = "{size}x{size}"
_PLACES = {
    "stem": f"enc.{_HERE}_conv",
    "encoder.block": f"enc.{_HERE}_block{{unit}}",
    "encoder.attention": f"enc.{_HERE}_block{{unit}}",
    "down": f"enc.{_HERE}_down",
    "bottleneck.block": f"dec.{_HERE}_in{{unit}}",
    "bottleneck.attention": f"dec.{_HERE}_in{{unit}}",
    "decoder.block": f"dec.{_HERE}_block{{unit}}",
    "decoder.attention": f"dec.{_HERE}_block{{unit}}",
    "up": f"dec.{_HERE}_up",
    "head": "",
    "conditioning.time": "",
}
_RESNET: Table = {
    "norm1": "norm0",
    "conv1": "conv0",
    "embedding": "affine",
    "norm2": "norm1",
    "conv2": "conv1",
    "shortcut": "skip",
}
_MLP: Table = {"linear1": "map_layer0", "linear2": "map_layer1"}

SONG = Codebase(
    "EDM",
    places={
        **_PLACES,
        "image.down": f"enc.{_HERE}_aux_residual",
        "image.join": f"enc.{_HERE}_aux_skip",
        "rgb.head": "",
        "conditioning.label": "map_label",
        "conditioning.augment": "map_augment",
    },
    tables={
        "block.resnet": _RESNET,
        "attention.self": {"norm": "norm2", "qkv": Packed("qkv", "hc3"), "out": "proj"},
        "pooling.block": _RESNET,
        "pooling.conv-blur": {"conv": ""},
        "upsampling.block": _RESNET,
        "skip.add": {"project": ""},
        "stem.conv": {"": ""},
        "head.conv": {"norm": f"dec.{_HERE}_aux_norm", "conv": f"dec.{_HERE}_aux_conv"},
        "time.sinusoidal": _MLP,
        "time.fourier": {**_MLP, "features.frequencies": "map_noise.freqs"},
        "condition.one-hot": {"layer": ""},
        "condition.vector": {"linear1": ""},
    },
    dropped={"*.resample_filter": "it is a filter, which archkit makes from the spec"},
    inside=("model.",),
)
"""`SongUNet`: DDPM++ and NCSN++."""

DHARIWAL = SONG.but(tables={"head.conv": {"norm": "out_norm", "conv": "out_conv"}})
"""`DhariwalUNet`: ADM."""

_BLOCK: Table = {
    "conv1": "conv_res0",
    "embedding": "emb_linear",
    "gain": "emb_gain",
    "conv2": "conv_res1",
    "shortcut": "conv_skip",
}
SECOND = Codebase(
    "EDM2",
    places={**_PLACES, "conditioning.label": "emb_label"},
    tables={
        "block.magnitude-preserving": _BLOCK,
        "pooling.block": _BLOCK,
        "upsampling.block": _BLOCK,
        "attention.magnitude-preserving": {"qkv": Packed("attn_qkv", "hc3"), "out": "attn_proj"},
        "stem.magnitude-preserving": {"conv": ""},
        "head.magnitude-preserving": {"conv": "out_conv", "gain": "out_gain"},
        "time.magnitude-preserving": {
            "linear": "emb_noise",
            "features.frequencies": "emb_fourier.freqs",
            "features.phases": "emb_fourier.phases",
        },
        "condition.one-hot": {"layer": ""},
    },
    inside=("unet.",),
)
"""EDM2's `UNet`, also inside of `Precond`."""
