"""Networks whose norms are all modulated: k-diffusion's image_v1 and the latent x2 upscaler.

The upscaler's network is asked itself, in diffusers; of image_v1 there are answers in
tests/golden and ../shared/golden.
"""

from functools import cache
from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel
from proofs import agree, counted, notice
from references import drawn, importer
from shared import fixture, weights_of
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import archkit
from archkit import DiffusionError, ShapeError, SpecError
from archkit.conversion import read_foreign
from archkit.diffusion.guidance import guided
from archkit.module import Gaussian
from archkit.testing.parity import Reference, adopt, randomise

# diffusers counts the frequencies of the time, which are never learned.
FREQUENCIES = 384
PUBLISHED = {
    "k-diffusion-cifar10": 66_121_731,
    "stable-diffusion-x2-upscaler": 372_560_645 - FREQUENCIES,
}
X2 = {
    **{"in_channels": 8, "out_channels": 5, "sample_size": None, "mid_block_type": None},
    "down_block_types": ["KDownBlock2D", *["KCrossAttnDownBlock2D"] * 3],
    "up_block_types": [*["KCrossAttnUpBlock2D"] * 3, "KUpBlock2D"],
    **{"block_out_channels": [384, 384, 768, 768], "layers_per_block": 4, "act_fn": "gelu"},
    **{"norm_num_groups": None, "cross_attention_dim": 768, "attention_head_dim": 64},
    **{"time_cond_proj_dim": 896, "resnet_time_scale_shift": "scale_shift"},
    **{"time_embedding_type": "fourier", "timestep_post_act": "gelu"},
    **{"conv_in_kernel": 1, "conv_out_kernel": 1},
}
SMALL = {
    **{**X2, "block_out_channels": [32, 32, 64, 64], "layers_per_block": 2},
    **{"cross_attention_dim": 12, "attention_head_dim": 16, "time_cond_proj_dim": 10},
}
CIFAR = {
    **{"c_in": 3, "feats_in": 256, "depths": [2, 4, 4], "channels": [128, 256, 512]},
    **{"self_attn_depths": [False, True, True], "mapping_cond_dim": 9, "dropout_rate": 0.05},
}
CONFIGS = {
    "k-diffusion-cifar10": CIFAR,
    "stable-diffusion-x2-upscaler": {**X2, "_class_name": "UNet2DConditionModel"},
}
UPSCALERS: dict[str, dict[str, Any]] = {
    "upscaler": SMALL,
    "upscaler, every number": {
        **{**SMALL, "in_channels": 3, "out_channels": 3, "block_out_channels": [32, 64, 64]},
        "down_block_types": ["KDownBlock2D", *["KCrossAttnDownBlock2D"] * 2],
        "up_block_types": [*["KCrossAttnUpBlock2D"] * 2, "KUpBlock2D"],
        **{"time_cond_proj_dim": None, "timestep_post_act": None, "act_fn": "silu"},
        **{"conv_in_kernel": 3, "conv_out_kernel": 3, "flip_sin_to_cos": False},
    },
}
FLIPS = {
    "upscaler": """skip.order=skip-first pooling=blur upsampling=blur activation=silu
        activation.approximate=tanh conditioning.time.order=sin-cos conditioning.time.scale=2
        conditioning.embedding.activation=none attention.head_width=8 attention.norm.width=16
        block.norm.eps=1e-3 block.norm.width=16 block.shortcut_bias=true layout=k-diffusion
        encoder.3.attention.itself=false pooling.kernel=cubic""",
    "kd-image-v1-given-1": """skip.order=skip-first pooling=blur upsampling=blur activation=silu
        conditioning.time.order=sin-cos conditioning.embedding.activation=silu
        attention.heads=2 attention.norm.width=16 block.norm.eps=1e-3 block=resnet
        attention=self layout=k-diffusion upsampling.kernel=cubic""",
    "kd-image-v1-made-1": """skip.order=skip-first pooling=blur activation=silu
        head.flat=false head.norm=rms output.variance=learned output.variance=none
        block.norm.eps=1e-3 attention.norm.eps=1e-3 conditioning.embedding.activation=silu
        attention.heads=2 attention.bias=false attention.norm.width=4 layout.finest=stage
        encoder.0.attention.itself=false encoder.0.attention.context=none
        encoder.1.attention.itself=true conditioning.unet_cond.into=head
        conditioning.mapping_cond.into=embedding conditioning.cross_cond.width=5""",
}
IMAGE_V1 = [
    *[("kd-image-v1-given-1", 0), ("kd-image-v1-given-2", 0)],
    *[("kd-image-v1-made-1", 0), ("kd-image-v1-made-1", 1)],
]
MADE = "kd-image-v1-made-1"


@cache
def reference(name: str, sample: int = 0) -> tuple[dict[str, Any], Reference]:
    """Our spec of a small network by its config, and what the original answers."""
    if name not in UPSCALERS:
        return image_v1(name, sample)
    config, family = UPSCALERS[name], importer("diffusers")
    told = {**config, "_class_name": "UNet2DConditionModel"}
    module = randomise(UNet2DConditionModel(**config))
    into, space = config["in_channels"], ((16, 24), (32, 16))[sample]
    x, t, text = drawn(2, into, *space), torch.tensor([0.25, 1.5]), drawn(2, 7, 12)
    inputs = {"x": x[:, :4], "t": t, "text": text}
    inputs |= {"image": x[:, 4:]} if into > 4 else {}
    pooled = drawn(2, 10) if config["time_cond_proj_dim"] else None
    inputs |= {} if pooled is None else {"pooled": pooled}

    def ask(model: nn.Module) -> torch.Tensor:
        return model(x, t, encoder_hidden_states=text, timestep_cond=pooled).sample

    return family.spec(told), Reference.of(module, family.codebase(told), inputs, ask)


def image_v1(name: str, call: int) -> tuple[dict[str, Any], Reference]:
    """What image_v1 answered to a call; a variance is one more channel, all over the same."""
    config, family = fixture(name)[0]["config"], importer("k-diffusion")
    state = {key: tensor.float() for key, tensor in weights_of(name).items()}
    inputs, (out, *logvar) = told(name, call)
    channels = [n[:, None, None, None].expand_as(out[:, :1]) for n in logvar]
    answer = torch.cat((out, *channels), dim=1)
    return family.spec(config), Reference(family.codebase(config), state, inputs, answer)


def told(name: str, call: int) -> tuple[dict[str, Tensor], list[Tensor]]:
    """What image_v1 was told, by our names, and what it answered."""
    entry, tensors = fixture(name)
    said = entry["call"][call]
    words = {"x": said["args"][0], "t": said["args"][1], **said["kwargs"]}
    given = {ours: tensors[f"inputs/{theirs}"].float() for ours, theirs in words.items()}
    given["t"] = given["t"].log() / 4
    if "cross_cond_padding" in given:
        given["cross_cond_padding"] = given["cross_cond_padding"].bool()
    return given, [tensors[f"outputs/{word}"] for word in said["outputs"]]


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts(name: str) -> None:
    assert counted(name) == PUBLISHED[name]


def test_the_original_has_as_many() -> None:
    with torch.device("meta"):
        counted = sum(p.numel() for p in UNet2DConditionModel(**X2).parameters())
    assert counted == PUBLISHED["stable-diffusion-x2-upscaler"] + FREQUENCIES


@pytest.mark.parametrize("name", CONFIGS)
def test_their_config_is_our_spec(name: str) -> None:
    own = archkit.plan(f"specs/{name}.yaml")
    read = archkit.plan(read_foreign(CONFIGS[name]).spec, size=own.space)
    # The precondition stands around image_v1, and the condition has another name there.
    read_nodes, own_nodes = (
        [(n.component, n.shape) for n in p if not n.path.startswith("precondition")]
        for p in (read, own)
    )
    assert read_nodes == own_nodes


@pytest.mark.parametrize("sample", [0, 1])
@pytest.mark.parametrize("name", UPSCALERS)
def test_parity_of_the_upscaler(name: str, sample: int) -> None:
    agree(*reference(name, sample))


@pytest.mark.parametrize(("name", "call"), IMAGE_V1)
def test_parity_of_image_v1(name: str, call: int) -> None:
    agree(*reference(name, call))


@pytest.mark.parametrize(("name", "call"), IMAGE_V1[1:])
def test_mean_and_variance_are_a_pair(name: str, call: int) -> None:
    spec, wanted = reference(name, call)
    model, _ = adopt(spec, wanted)
    inputs, (out, logvar) = told(name, call)
    with torch.no_grad():
        said = model(**inputs)
    assert isinstance(said, Gaussian)
    assert said.mean.shape == inputs["x"].shape
    torch.testing.assert_close(said.mean, out, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(said.variance, logvar, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "call"), IMAGE_V1)
def test_image_v1_is_counted_on_paper(name: str, call: int) -> None:
    spec, wanted = reference(name, call)
    plan = archkit.plan(spec, size=tuple(wanted.inputs["x"].shape[2:]))
    with torch.device("meta"):
        model = archkit.assemble(spec, initialise=False)
    assert sum(p.numel() for p in model.parameters()) == plan.cost.parameters
    given = {word: tensor[:1].to("meta") for word, tensor in wanted.inputs.items()}
    if "cross_cond" in given:  # as many tokens as are counted
        tokens = plan.tokens("cross_cond")
        given["cross_cond"] = torch.empty(1, tokens, given["cross_cond"].shape[2], device="meta")
        del given["cross_cond_padding"]
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        model(**given)
    assert counter.get_total_flops() == 2 * plan.cost.macs


def test_stages_that_are_skipped_have_no_part() -> None:
    spec, wanted = reference(MADE)
    _, ledger = adopt(spec, wanted)
    left = [name for name, why in ledger.dropped if why == "its stage is skipped"]
    stages = ("u_net.d_blocks.0.", "u_net.u_blocks.2.")
    assert left == [name for name in wanted.state if name.startswith(stages)] != []
    entry = fixture(MADE)[0]
    skipped = sum(wanted.state[name].numel() for name in left)
    assert archkit.plan(spec).cost.parameters == entry["parameters"] - skipped


def test_padding_is_not_looked_at() -> None:
    spec, wanted = reference(MADE)
    model, _ = adopt(spec, wanted)
    inputs, (out, _) = told(MADE, 0)
    text, padding = inputs["cross_cond"], inputs["cross_cond_padding"]
    assert padding.any(dim=1).all()
    assert not padding.all(dim=1).any()
    rest = {word: tensor for word, tensor in inputs.items() if not word.startswith("cross")}
    with torch.no_grad():
        other = torch.where(padding[..., None], 5 - text, text)
        assert torch.equal(
            model(**rest, cross_cond=other, cross_cond_padding=padding).mean,
            model(**inputs).mean,
        )
        alone = model(**rest, cross_cond=text)  # not told of padding, there is none
        assert torch.equal(alone.mean, model(**{**inputs, "cross_cond_padding": 0 * padding}).mean)
        assert not torch.allclose(alone.mean, out, rtol=1e-3)
        nothing = model(**{**inputs, "cross_cond_padding": padding | True})
        assert nothing.mean.isfinite().all()


def test_guidance_goes_away_from_another_text_and_not_from_its_padding() -> None:
    model, _ = adopt(*reference(MADE))
    inputs, _ = told(MADE, 0)
    x, t = inputs.pop("x"), inputs.pop("t")[0]
    other = {"cross_cond": -inputs["cross_cond"], "cross_cond_padding": torch.zeros(2, 6).bool()}
    with pytest.raises(DiffusionError, match="nothing to guide away from"):
        guided(model, inputs, 2.0)
    with torch.no_grad():
        found = guided(model, inputs, 2.0, other)(x, t)
        wanted = 2 * model(x, t, **inputs).mean - model(x, t, **{**inputs, **other}).mean
    assert isinstance(found, Tensor)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_padding_is_told_of_every_token() -> None:
    model = archkit.assemble(reference(MADE)[0])
    inputs, _ = told(MADE, 0)
    inputs["cross_cond_padding"] = inputs["cross_cond_padding"][:, :1]
    words = "`cross_cond_padding` tells of 1 tokens, and `cross_cond` has 6"
    with pytest.raises(ShapeError, match=words):
        model(**inputs)
    with pytest.raises(ShapeError, match="it needs whole numbers"):
        model(**{**inputs, "cross_cond_padding": torch.zeros(2, 6)})


@pytest.mark.parametrize("name", FLIPS)
def test_wrong_options_are_noticed(name: str) -> None:
    notice(*reference(name), FLIPS[name].split())


@pytest.mark.parametrize(
    ("family", "config", "words"),
    [
        ("diffusers", {**X2, "block_out_channels": [384] * 4}, "`block_out_channels: "),
        (
            "diffusers",
            {
                **{**X2, "block_out_channels": [192, 384, 384]},
                "down_block_types": ["KDownBlock2D", "KDownBlock2D", "KCrossAttnDownBlock2D"],
                "up_block_types": ["KCrossAttnUpBlock2D", "KUpBlock2D", "KUpBlock2D"],
            },
            "`up_block_types: ",
        ),
        ("diffusers", {**X2, "norm_num_groups": 32}, "`norm_num_groups: 32`"),
        ("diffusers", {**X2, "addition_embed_type": "text"}, '`addition_embed_type: "text"`'),
        ("k-diffusion", {**CIFAR, "skip_stages": 3}, "`skip_stages: 3`"),
        ("k-diffusion", {**CIFAR, "depths": [2, 4]}, "`depths: [2, 4]`"),
        (
            "k-diffusion",
            {**CIFAR, "cross_cond_dim": 8, "cross_attn_depths": [True, False]},
            "`cross_attn_depths: [true, false]`",
        ),
    ],
)
def test_what_has_no_counterpart_is_told(family: str, config: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as caught:
        importer(family).spec({**config, "_class_name": "UNet2DConditionModel"})
    assert words in str(caught.value)
