"""Classic and medical U-Nets, azula's and lucidrains': counted, and equal to the originals.

The originals' answers are in tests/golden: reduced networks, every tensor drawn at random, two
samples of different sizes.
"""

from functools import cache
from typing import Any

import pytest
import torch
from proofs import agree, counted, notice
from references import GOLDEN, described, importer
from safetensors.torch import load_file
from torch import Tensor

import archkit
from archkit import SpecError
from archkit.conversion import read_foreign
from archkit.testing.parity import Reference

# Of the originals; those of nnU-Net build heads for deep supervision that take no part.
SUPERVISES = 2_316
PUBLISHED = {
    "monai-ddpm-3d": 189_815_297,
    "monai-unet-3d": 4_808_917,
    "monai-basic-unet-3d": 5_749_410,
    "monai-attention-unet-3d": 23_625_986,
    "nnunet-plain-3d": 31_196_399 - SUPERVISES,
    "nnunet-resenc-3d": 102_350_575 - SUPERVISES,
    "azula-unet": 13_477_507,
    "lucidrains-unet": 35_711_491,
}
_MONAI = {"spatial_dims": 3, "in_channels": 1, "out_channels": 2}
_NNUNET = {
    "n_stages": 6,
    "features_per_stage": [32, 64, 128, 256, 320, 320],
    "conv_op": "torch.nn.modules.conv.Conv3d",
    "kernel_sizes": [[3, 3, 3]] * 6,
    "strides": [[1, 1, 1], *[[2, 2, 2]] * 5],
    "conv_bias": True,
    "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
    "norm_op_kwargs": {"eps": 1e-5, "affine": True},
    "dropout_op": None,
    "dropout_op_kwargs": None,
    "nonlin": "torch.nn.LeakyReLU",
    "nonlin_kwargs": {"inplace": True},
}
_UNET = "dynamic_network_architectures.architectures.unet"
_DATA = {"input_channels": 1, "num_classes": 3}
CONFIGS: dict[str, dict[str, Any]] = {
    "monai-ddpm-3d": {
        **{"spatial_dims": 3, "in_channels": 1, "out_channels": 1, "channels": [256, 256, 512]},
        **{"attention_levels": [False, False, True], "num_head_channels": [0, 0, 512]},
        "num_res_blocks": 2,
    },
    "monai-unet-3d": {
        **{"_target_": "monai.networks.nets.UNet", "norm": "batch", "num_res_units": 2},
        **{"channels": [16, 32, 64, 128, 256], "strides": [2, 2, 2, 2], **_MONAI},
    },
    "monai-basic-unet-3d": {"_target_": "BasicUNet"},
    "monai-attention-unet-3d": {
        **{"_target_": "AttentionUnet", "channels": [32, 64, 128, 256, 512]},
        **{"strides": [2, 2, 2, 2], **_MONAI},
    },
    "nnunet-plain-3d": {
        "network_class_name": f"{_UNET}.PlainConvUNet",
        "arch_kwargs": {
            **{**_NNUNET, "n_conv_per_stage": [2, 2, 2, 2, 2, 2]},
            "n_conv_per_stage_decoder": [2, 2, 2, 2, 2],
        },
        **_DATA,
    },
    "nnunet-resenc-3d": {
        "network_class_name": f"{_UNET}.ResidualEncoderUNet",
        "arch_kwargs": {
            **{**_NNUNET, "n_blocks_per_stage": [1, 3, 4, 6, 6, 6]},
            "n_conv_per_stage_decoder": [1, 1, 1, 1, 1],
        },
        **_DATA,
    },
    "azula-unet": {
        **{"in_channels": 3, "out_channels": 3, "mod_features": 256},
        **{"hid_channels": [64, 128, 256], "hid_blocks": [3, 3, 3]},
    },
    "lucidrains-unet": {"dim": 64, "dim_mults": [1, 2, 4, 8]},
}
# Wrong options, each of which loads without a complaint.
FLIPS = {
    "monai-unet-made-1": """skip.order=trunk-first block.last=norm
        block.order=activation-norm block.norm.eps=1e-3
        upsampling.order=activation-norm decoder.1.block.last=norm""",
    "monai-unet-made-2": """skip.order=trunk-first block.order=activation-norm
        block.norm.eps=1e-3 upsampling.norm.eps=1e-3""",
    "monai-basic-unet-made-1": """skip.order=trunk-first skip.match=pad skip.match=resize
        block.activation.slope=0.01 block.activation=relu block.norm.eps=1e-4 pooling=avg""",
    "monai-attention-unet-made-1": """skip.order=trunk-first skip.gate_norm.eps=1e-3
        norm.eps=1e-3 activation=leaky-relu decoder.*.block.norm.eps=1e-3
        decoder.*.block.activation=relu upsampling.activation=none""",
    "monai-made-2": """skip.order=skip-first norm.eps=1e-4 norm.groups=4 attention.head_width=8
        conditioning.time.order=sin-cos conditioning.time.shift=1 block.method=multiply
        pooling.padding=end upsampling=bilinear activation=gelu block.scale=0.5""",
    "nnunet-plain-made-1": """skip.order=skip-first activation.slope=0.1 activation=relu
        norm.eps=1e-4 block.order=activation-norm""",
    "nnunet-resenc-made-1": """skip.order=skip-first activation.slope=0.1 norm.eps=1e-4
        block.last=all block.order=activation-norm""",
    "azula-made-1": """skip.order=trunk-first skip.match=crop skip.match=resize
        block.norm.unbiased=false block.norm.eps=1e-3 block.activation=gelu
        conditioning.embedding.activation=silu upsampling=bilinear""",
    "lucidrains-made-1": """skip.order=skip-first norm.eps=1e-3 block.activation=gelu
        conditioning.time.activation=silu conditioning.time.order=cos-sin
        conditioning.time.shift=0 block.last=norm""",
}
OURS = {"time": "t", "timesteps": "t"}


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts(name: str) -> None:
    assert counted(name) == PUBLISHED[name]


@pytest.mark.parametrize("name", CONFIGS)
def test_their_config_is_our_spec(name: str) -> None:
    family = "monai" if name == "monai-ddpm-3d" else None  # the others tell it by themselves
    own = archkit.plan(f"specs/{name}.yaml")
    read = archkit.plan(read_foreign(CONFIGS[name], family=family).spec, size=own.space)
    # azula's network is told a vector; ours the sinusoids that azula makes of the time.
    read_nodes, own_nodes = (
        [(n.path, n.component, n.shape) for n in p if not n.path.startswith("conditioning")]
        for p in (read, own)
    )
    assert read_nodes == own_nodes


@cache
def fixture(name: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    entry = described(name)
    return entry, load_file(GOLDEN / entry["file"])


def reference(name: str, sample: int = 0) -> tuple[dict[str, Any], Reference]:
    """Our spec of a fixture by its config, and what the original answered to one sample."""
    entry, tensors = fixture(name)
    state = {k.removeprefix("weights/"): t for k, t in tensors.items() if k.startswith("weights/")}
    call = entry["call"][sample]
    names = [key.partition(".")[0] for key in call["args"]]
    inputs = {
        OURS.get(name, name): tensors[f"inputs/{key}"].clone()
        for name, key in zip(names, call["args"], strict=True)
    }
    family = importer(family_of(name))
    spec = family.spec(entry["config"])
    codebase, answer = family.codebase(entry["config"]), tensors[f"outputs/{call['outputs'][0]}"]
    return spec, Reference(codebase, state, inputs, answer)


def family_of(name: str) -> str:
    start = name.partition("-made")[0]
    return "nnunet" if start.startswith("nnunet") else start


@pytest.mark.parametrize("sample", [0, 1])
@pytest.mark.parametrize("name", FLIPS)
def test_parity(name: str, sample: int) -> None:
    agree(*reference(name, sample))


@pytest.mark.parametrize("name", FLIPS)
def test_wrong_options_are_noticed(name: str) -> None:
    notice(*reference(name, sample=1), FLIPS[name].split())


def test_aliases_and_unused_heads_are_dropped_with_a_reason() -> None:
    entry, tensors = fixture("nnunet-plain-made-1")
    state = {k.removeprefix("weights/"): t for k, t in tensors.items() if k.startswith("weights/")}
    read = read_foreign(entry["config"], state)
    assert read.ledger is not None
    dropped = dict(read.ledger.dropped)
    assert "another name" in dropped["encoder.stages.0.0.convs.0.all_modules.0.weight"]
    assert "another name" in dropped["decoder.encoder.stages.0.0.convs.0.conv.weight"]
    assert "deep supervision" in dropped["decoder.seg_layers.0.weight"]
    assert len(read.ledger.filled) + len(dropped) == len(state)


@pytest.mark.parametrize(
    ("family", "config", "words"),
    [
        ("monai-unet", {"act": "selu"}, '`act: "selu"`'),
        ("monai-unet", {"norm": ["local_response", {"size": 3}]}, "`norm: "),
        ("monai-unet", {"adn_ordering": "NA"}, '`adn_ordering: "NA"`'),
        ("monai-basic-unet", {"upsample": "pixelshuffle"}, '`upsample: "pixelshuffle"`'),
        ("azula", {"periodic": True}, "`periodic: true`"),
        ("azula", {"norm": "batch"}, '`norm: "batch"`'),
        ("lucidrains", {"dim": 8, "self_condition": True}, "`self_condition: true`"),
        ("lucidrains", {"dim": 8, "init_dim": 4}, "`init_dim: 4`"),
        ("nnunet", {**_NNUNET, **_DATA, "strides": 2}, "`strides: "),
        ("nnunet", {**_NNUNET, **_DATA, "nonlin": "torch.nn.Tanh"}, '`nonlin: "torch.nn.Tanh"`'),
    ],
)
def test_what_has_no_counterpart_is_told(family: str, config: dict[str, Any], words: str) -> None:
    usual: dict[str, dict[str, Any]] = {
        "monai-unet": {**_MONAI, "channels": [4, 8], "strides": [2]},
        "azula": {"in_channels": 3, "out_channels": 3},
        "nnunet": {"n_conv_per_stage_decoder": 1, "n_conv_per_stage": 1},
    }
    with pytest.raises(SpecError) as caught:
        importer(family).spec({**usual.get(family, {}), **config})
    assert words in str(caught.value)


FIRST = {"archkit": 1, "name": "strided", "input": {"channels": 1}, "pooling": "first"}
ROWS = {"encoder": [{"channels": 8}, {"channels": 8}], "norm": {"type": "group", "groups": 4}}


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ({"block": "conv"}, "the next block does pooling `first`, and `tap` comes before it"),
        ({"layout": "classic"}, "a `resnet` block can't stride in its first convolution"),
        (
            {"layout": "classic", "block": "conv", "pooling": {"stride": [2, 2, 2]}},
            "`stride` names 3 axes, and this network has 2",
        ),
        (
            {"pooling": {"type": "block", "by": "first"}},
            "pooling `first` has no module to stand inside a block",
        ),
        ({"layout": "k-diffusion", "block": "modulated"}, "can't turn 16 channels into 8"),
        (
            {"conditioning": {"time": {"type": "sinusoidal", "layers": 0, "width": 8}}},
            "4 features can't become 8 without a layer",
        ),
    ],
)
def test_complaints(says: dict[str, Any], words: str) -> None:
    pooling = {"type": "first", **says.get("pooling", {})}
    time = {"time": {"type": "sinusoidal", "layers": 0, "width": 8, "channels": 4}}
    conditioning = {"conditioning": time} if "conditioning" in says else {}
    spec = {**FIRST, **ROWS, **says, "pooling": pooling, **conditioning}
    with pytest.raises(SpecError) as caught:
        archkit.plan(archkit.load_spec(spec))
    assert words in str(caught.value)
    assert "mend: " in str(caught.value)


def test_a_block_that_strides_is_drawn_and_counted() -> None:
    spec = {**FIRST, **ROWS, "layout": "classic", "block": "conv", "upsampling": "transposed"}
    plan = archkit.plan(archkit.load_spec(spec))
    assert not any(node.path == "encoder.0.pooling" for node in plan)
    assert plan["bottleneck.0.block"].shape.space == (16, 16)
    assert archkit.assemble(plan.spec)(torch.randn(1, 1, 32, 48), 0.5).shape == (1, 1, 32, 48)
