"""EDM, EDM2 and NCSN++: counted, and equal to the originals.

The originals of EDM and EDM2 may not be shipped. Their answers come from files in ../shared/golden,
and from `restated`, which says their equations once more and is tested against the same files.
"""

import math
from typing import Any

import pytest
import torch
from diffusers import UNet2DModel
from references import importer
from restated import Edm, Edm2
from shared import asked, config_of, fixture, reference, weights_of
from torch import Tensor

import archkit
from archkit import SpecError
from archkit.conversion import read_foreign
from archkit.diffusion.samplers import sample
from archkit.module import UNet
from archkit.nn.magnitude import Normalised
from archkit.testing.parity import Reference, adopt, error, randomise, verify
from archkit.weights.mapping import rules

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
SONG, DHARIWAL = {"model_type": "SongUNet"}, {"model_type": "DhariwalUNet"}
_CIFAR = {"img_resolution": 32, "img_channels": 3, "augment_dim": 9, "dropout": 0.13, **SONG}
_DDPMPP = {**_CIFAR, "model_channels": 128, "channel_mult": [2, 2, 2]}
_NCSNPP = {
    **{**_DDPMPP, "embedding_type": "fourier", "encoder_type": "residual"},
    **{"channel_mult_noise": 2, "resample_filter": [1, 3, 3, 1]},
}
_CELEBAHQ = {
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
    "ncsnpp-celebahq-256": _CELEBAHQ,
    **{
        name: {
            **{**_EDM2, "img_channels": 3 if "img64" in name else 4},
            **{"model_channels": _WIDTHS[size], "dropout": 0.1 if size[-1] in "ml" else 0},
        }
        for name in PUBLISHED
        if (size := name.rpartition("-")[2]) in _WIDTHS
    },
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts(name: str) -> None:
    model = archkit.assemble(f"specs/{name}.yaml", initialise=False)
    built = sum(p.numel() for p in model.parameters())
    assert built == model.plan.cost.parameters == model.plan.spec.parameters == PUBLISHED[name]


@pytest.mark.parametrize("name", CONFIGS)
def test_their_config_is_our_spec(name: str) -> None:
    read, own = (
        [(node.path, node.component, node.inputs, node.shape) for node in archkit.plan(source)]
        for source in (read_foreign(CONFIGS[name]).spec, f"specs/{name}.yaml")
    )
    assert read == own


# A fixture, its importer, what its config leaves to its class, and which of its calls.
FIXTURES: dict[str, tuple[str, str, dict[str, Any], int]] = {
    "ddpm++": ("edm-ddpmpp-given-1", "edm", SONG, 0),
    "ncsn++": ("edm-ncsnpp-given-1", "edm", SONG, 0),
    "pyramids": ("edm-skip-given-1", "edm", SONG, 0),
    "adm": ("edm-adm-given-1", "edm", DHARIWAL, 0),
    "wrapped": ("edm-precond-given-1", "edm", {}, 0),
    "inside": ("edm-precond-given-1", "edm", {}, 1),
    "edm2": ("edm2-given-1", "edm2", {}, 0),
    "edm2, inside": ("edm2-given-1", "edm2", {}, 1),
    "edm2, unconditional": ("edm2-given-2", "edm2", {}, 0),
}
RAW = ("inside", "edm2, inside", "edm2, unconditional")
FLIPS = {
    "ddpm++": """skip.order=skip-first block.scale=1 attention.scale=1 attention.heads=2
        norm.min_width=8 conditioning.time.order=cos-sin conditioning.time.shift=0
        conditioning.label.scaled=false conditioning.method=multiply pooling.by=max
        layout=ddpm upsampling.by=bilinear""",
    "ncsn++": """pooling.by=avg upsampling.by=nearest conditioning.time.order=cos-sin
        conditioning.time.scale=0.5 registers.image.skip.scale=1
        registers.image.pooling.kernel=1 registers.image.pooling.taps=[1.0,1.0]""",
    "pyramids": "registers.image.pooling=avg registers.rgb.skip.scale=0.5",
    "adm": """conditioning.label.scaled=true norm.min_width=8 conditioning.time.order=sin-cos
        conditioning.time.shift=1 block.scale=sqrt(1/2)""",
    "wrapped": "precondition.sigma_data=1.0 precondition=null",
    "edm2": """block.balance=0.5 attention.balance=0.5 skip.balance=0.3 attention.head_width=16
        conditioning.embedding.balance=0.3 conditioning.label.scaled=false
        conditioning.label.normalised=false conditioning.time.scale=0.5
        block.clip=1 skip=concat""",
}


def compared(name: str) -> tuple[dict[str, Any], Reference]:
    file, family, more, call = FIXTURES[name]
    config = config_of(file, **more)
    says = importer(family).spec(config)
    says = unwrapped(says) if name in RAW else says
    return says, reference(file, importer(family), config, call)


def unwrapped(says: dict[str, Any]) -> dict[str, Any]:
    """The network that a precondition wraps."""
    return {k: v for k, v in says.items() if k != "precondition"} | {"prediction": "none"}


@pytest.mark.parametrize("name", FIXTURES)
def test_parity(name: str) -> None:
    report = verify(*compared(name))
    assert report, str(report)


@pytest.mark.parametrize("name", FLIPS)
def test_wrong_options_are_noticed(name: str) -> None:
    report = verify(*compared(name), FLIPS[name].split())
    assert not report.survivors, str(report)


def test_a_wrong_eps_is_noticed_where_activations_are_small() -> None:
    config = config_of("edm-ddpmpp-given-1", **SONG)
    spec, state = importer("edm").spec(config), weights_of("edm-ddpmpp-given-1")
    given, _ = asked("edm-ddpmpp-given-1")
    quiet = ("conv0.weight", "conv.weight")  # what enters a norm is small
    small = {k: t * 0.02 if k.endswith(quiet) else t for k, t in state.items()}
    label, augment = given["label"], given["augment"]
    wanted = Edm(small, config)(given["x"], given["t"], label, augment)
    report = verify(
        spec, Reference(importer("edm").codebase(config), small, given, wanted), ["norm.eps=1e-5"]
    )
    assert report, str(report)


ATTENTIVE = """
archkit: 1
name: ADM without blocks in its encoder, where only one block is wide enough to attend
input: {channels: 3, size: 16}
prediction: none
layout: {type: ddpm, encode: "", decode: (join block attention)}
norm: {type: group, min_width: 4}
attention: {type: self, head_width: 64}
pooling: {type: block, by: avg}
upsampling: {type: block, by: nearest}
conditioning:
  method: scale-shift
  time: {type: sinusoidal, width: 16}
  label: {type: one-hot, classes: 3, scaled: false, bias: false}
encoder: [{channels: 16}, {channels: 16}]
decoder: [{channels: 16}, {channels: 64, attention: true}]
"""


def test_attention_of_adm() -> None:
    config = config_of("edm-adm-attn-given-1", **DHARIWAL)
    report = verify(ATTENTIVE, reference("edm-adm-attn-given-1", importer("edm"), config))
    assert report, str(report)


def test_a_block_by_itself() -> None:
    """Several heads, which no network of SongUNet has."""
    entry, _ = fixture("edm-block-given-1")
    site = archkit.Site(dims=2, x=archkit.Shape(16, (8, 8)), width=32, embedding=24)
    norm = {"type": "group", "min_width": 4, "eps": entry["config"]["eps"]}
    scale = entry["config"]["skip_scale"]
    registry = archkit.default_registry()

    def made(kind: str, name: str, **options: Any) -> Any:
        return registry.component(kind, name).model_validate({"type": name, **options})

    block = made("block", "resnet", shortcut="resample", scale=scale, norm=norm)
    pooling = made("pooling", "block", by="blur", block=block)
    attention = made("attention", "self", heads=4, scale=scale, norm=norm)
    after = site.at(32, (4, 4))
    first, second = pooling.build(site).eval(), attention.build(after).eval()
    weights = weights_of("edm-block-given-1")
    codebase = importer("edm").codebase(SONG)
    for module, table in (
        (first, codebase.tables["block.resnet"]),
        (second, codebase.tables["attention.self"]),
    ):
        state = {}
        for name, tensor in module.state_dict().items():
            layer, _, kind = name.rpartition(".")
            source = table[layer]
            theirs = weights[f"{source if isinstance(source, str) else source.names[0]}.{kind}"]
            made_of = theirs if isinstance(source, str) else source.make([theirs], module)
            state[name] = made_of.reshape(tensor.shape)
        module.load_state_dict(state)
    given, wanted = asked("edm-block-given-1")
    with torch.no_grad():
        got = second(first(given["x"], given["emb"]))
    assert error(got, wanted) <= 1e-5


# Networks that no fixture has, small: a config, and the sizes at which they are asked.
SMALL: dict[str, dict[str, Any]] = {
    "ddpm++": {**SONG, "model_channels": 8, "channel_mult": [2, 3], "attn_resolutions": [4]},
    "ncsn++": {
        **{**SONG, "model_channels": 16, "channel_mult": [1, 2], "channel_mult_noise": 2},
        **{"embedding_type": "fourier", "encoder_type": "residual", "attn_resolutions": [8]},
        **{"resample_filter": [1, 3, 3, 1]},
    },
    "adm": {**DHARIWAL, "model_channels": 64, "channel_mult": [1, 2], "attn_resolutions": [8, 4]},
    "edm2": {
        **{"model_channels": 16, "channel_mult": [1, 2], "attn_resolutions": [8, 4]},
        **{"channels_per_head": 8},
    },
}


@pytest.mark.parametrize("space", [(8, 8), (16, 12)])
@pytest.mark.parametrize("name", SMALL)
def test_the_equations_said_once_more(name: str, space: tuple[int, int]) -> None:
    config = {"img_resolution": 8, "num_blocks": 2, "label_dim": 4, **SMALL[name]}
    second = name == "edm2"
    config |= {"img_channels": 3} if second else {"in_channels": 3, "out_channels": 3}
    config |= {} if second else {"augment_dim": 5}
    family = importer("edm2" if second else "edm")
    spec = unwrapped(family.spec(config))
    model = archkit.assemble(spec)
    state = theirs(randomise(model), family.codebase(config))
    chance = torch.Generator().manual_seed(2)
    given = {
        "x": torch.randn(2, 3, *space, generator=chance),
        "t": torch.tensor([0.3, -1.1]),
        "label": torch.tensor([1, 3]),
    }
    if not second:
        given["augment"] = torch.randn(2, 5, generator=chance)
    restated = Edm2(state, config) if second else Edm(state, config)
    wanted = Reference(family.codebase(config), state, given, restated(*given.values()))
    report = verify(spec, wanted)
    assert report, str(report)


def theirs(model: UNet, codebase: archkit.Codebase) -> dict[str, Tensor]:
    """Random tensors by the names and shapes of the original."""
    ours, chance, state = model.state_dict(), torch.Generator().manual_seed(1), {}
    for rule in rules(model, codebase):
        tensor = ours[rule.ours]
        spread = 0.1 * float(tensor.std()) if tensor.numel() > 1 else 0.0
        state[rule.theirs[0]] = tensor + spread * torch.randn(tensor.shape, generator=chance)
    return state


@pytest.mark.parametrize("name", ["ddpm++", "ncsn++", "adm", "edm2", "edm2, inside"])
def test_what_is_restated_is_the_original(name: str) -> None:
    """The second opinion is one: it gives what the files have."""
    file, family, more, call = FIXTURES[name]
    if name == "edm2":
        call = 1
    config, (given, wanted) = config_of(file, **more), asked(file, call)
    state = {k.removeprefix("unet."): t for k, t in weights_of(file).items()}
    restated = Edm2(state, config) if family == "edm2" else Edm(state, config)
    assert error(restated(*given.values()), wanted) <= 1e-5


SKIPS = {
    **{**_CELEBAHQ, "sample_size": 16, "layers_per_block": 1},
    **{"block_out_channels": (16, 32, 128), "dropout": 0.1},
    "down_block_types": ("SkipDownBlock2D", "SkipDownBlock2D", "AttnSkipDownBlock2D"),
    "up_block_types": ("AttnSkipUpBlock2D", "SkipUpBlock2D", "SkipUpBlock2D"),
}
WRONG_SKIPS = """registers.image.pooling=avg registers.rgb.upsampling.taps=[1.0,1.0]
    precondition=null precondition.time=0.25 block.scale=1 norm.min_width=8 pooling.by=avg
    conditioning.time.order=cos-sin head.activation=none""".split()


@pytest.mark.parametrize(("factor", "space"), [(math.sqrt(2), (16, 16)), (1.0, (8, 24))])
def test_pyramids_of_diffusers(factor: float, space: tuple[int, int]) -> None:
    config = {**SKIPS, "mid_block_scale_factor": factor}
    own = {key: value for key, value in config.items() if key != "_class_name"}
    given = {
        "x": torch.randn(2, 3, *space, generator=torch.Generator().manual_seed(1)),
        "t": torch.tensor([0.7, 30.0]),
    }
    family = importer("diffusers")
    wanted = Reference.of(
        randomise(UNet2DModel(**own)),
        family.codebase(config),
        given,
        lambda module: module(*given.values()).sample,
    )
    report = verify(family.spec(config), wanted, WRONG_SKIPS if factor == 1.0 else ())
    assert report, str(report)


def test_a_probe_finds_a_node_of_a_pyramid() -> None:
    given = {"x": torch.ones(1, 3, 16, 16), "t": torch.tensor([2.0])}
    own = {key: value for key, value in SKIPS.items() if key != "_class_name"}
    family = importer("diffusers")
    module = randomise(UNet2DModel(**own))
    wanted = Reference.of(
        module, family.codebase(SKIPS), given, lambda m: m(*given.values()).sample
    )
    wrong = archkit.load_spec(family.spec(SKIPS), overrides=["registers.image.pooling=max"])
    report = verify(wrong, wanted)
    assert report.first is not None
    assert report.first.path == "encoder.0.image.join"


@pytest.mark.parametrize(
    ("family", "config", "words"),
    [
        ("edm", {"model_type": "AutoUNet"}, '`model_type: "AutoUNet"`'),
        ("edm", {**SONG, "encoder_type": "wavelet"}, '`encoder_type: "wavelet"`'),
        ("edm", {**SONG, "decoder_type": "residual"}, '`decoder_type: "residual"`'),
        ("edm", {**SONG, "embedding_type": "learned"}, '`embedding_type: "learned"`'),
        ("edm", {**DHARIWAL, "num_blocks": 0}, "`num_blocks: 0`"),
        ("edm2", {"wide": True}, "`wide` is no option of EDM2"),
        ("diffusers", {**SKIPS, "norm_num_groups": 8}, "`norm_num_groups: 8`"),
        ("diffusers", {**SKIPS, "act_fn": "gelu"}, '`act_fn: "gelu"`'),
        ("diffusers", {**SKIPS, "block_out_channels": [32, 32, 64]}, "at least 128 channels"),
        ("diffusers", {**SKIPS, "in_channels": 1, "out_channels": 1}, "`in_channels: 1`"),
    ],
)
def test_what_has_no_counterpart_is_told(family: str, config: dict[str, Any], words: str) -> None:
    usual = {} if family == "diffusers" else {"img_resolution": 16, "img_channels": 3}
    with pytest.raises(SpecError) as caught:
        importer(family).spec({**usual, **config})
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ({"label": {"type": "one-hot", "normalised": True}}, "stand without a bias"),
        ({"text": "sequence"}, "`text` is declared and nothing reads it"),
    ],
)
def test_complaints(says: dict[str, Any], words: str) -> None:
    rows = [{"channels": 32, "blocks": 1}]
    spec = {"archkit": 1, "name": "wrong", "encoder": rows, "conditioning": says}
    with pytest.raises(SpecError) as caught:
        archkit.plan(spec)
    assert words in str(caught.value)


def test_no_label_is_a_vector_of_zeros() -> None:
    spec = {
        **{"archkit": 1, "name": "guided", "encoder": [{"channels": 32, "blocks": 1}]},
        "conditioning": {"label": {"type": "one-hot", "classes": 3, "dropout": 0.1}},
    }
    model = randomise(archkit.assemble(spec)).eval()
    layer = model.get_submodule("conditioning.label.layer")
    seen: list[Tensor] = []
    layer.register_forward_hook(lambda module, given, out: seen.append(given[0]))
    x = torch.randn(2, 3, 32, 32)
    model(x, 0.5)
    model(x, 0.5, label=torch.tensor([0, 2]))
    assert torch.equal(seen[0], torch.zeros(2, 3))
    assert torch.equal(seen[1] / 3**0.5, torch.eye(3)[[0, 2]])


@torch.no_grad()
def test_magnitudes_are_kept() -> None:
    """Of normal noise comes normal noise, however deep: that is what EDM2 is for."""
    small = ["width=16", "input.size=32", "attention.head_width=16"]
    torch.manual_seed(0)
    model = archkit.assemble(archkit.load_spec("specs/edm2-img512-xxs.yaml", overrides=small))
    seen: list[float] = []
    for node in model.plan:
        if node.component.kind in ("block", "attention", "stem"):
            module = model.get_submodule(node.path)
            module.register_forward_hook(lambda module, given, out: seen.append(float(out.std())))
    model(torch.randn(4, 4, 32, 32) * 80, torch.full((4,), 80.0), label=torch.arange(4))
    assert len(seen) > 40
    assert all(0.7 < deviation < 1.3 for deviation in seen), seen


@torch.no_grad()
def test_the_length_of_weights_does_not_count() -> None:
    layer, x = Normalised(8, 4, (3, 3)), torch.randn(2, 8, 5, 5)
    before = layer(x)
    layer.weight.mul_(7)
    assert torch.allclose(layer(x), before, rtol=1e-3, atol=1e-5)


def test_a_network_is_asked_at_its_noise_levels() -> None:
    """What is wrapped answers what table 1 of the paper makes of what is inside."""
    models = []
    for name in ("wrapped", "inside"):
        says, wanted = compared(name)
        models.append(adopt(says, wanted)[0])
    given, _ = asked("edm-precond-given-1")
    x, t = given["x"], given["t"][:, None, None, None]
    whole = (t**2 + 0.25).sqrt()
    with torch.no_grad():
        inside = models[1](**{**given, "x": x / whole, "t": given["t"].log() / 4})
        expected = 0.25 / whole**2 * x + 0.5 * t / whole * inside
        assert error(models[0](**given), expected) <= 1e-5


@pytest.mark.parametrize("method", ["heun", "euler", "ddim"])
def test_samples_along_the_path(method: Any) -> None:
    """A network that knows normal data of deviation 0.5 takes noise to just that."""
    spec = archkit.load_spec("specs/edm-ddpmpp-cifar10.yaml")
    torch.manual_seed(0)
    noise = torch.randn(64, 3, 4, 4, dtype=torch.float64)
    steps = 40 if method == "heun" else 400
    data = sample(
        lambda x, t: x * 0.25 / (0.25 + t.double() ** 2),
        noise,
        spec.prediction,
        steps,
        method=method,
    )
    assert error(data, noise * 0.5) < 0.03


def test_levels_of_noise() -> None:
    """As sampled and as trained, in the numbers of the paper's table 1."""
    prediction = archkit.load_spec("specs/edm-ddpmpp-cifar10.yaml").prediction
    assert prediction.along is not None
    path = prediction.along.build()
    grid = path.grid(18)
    assert grid[[0, -2, -1]].tolist() == pytest.approx([80.0, 0.002, 0.0])
    assert bool((grid.diff() < 0).all())
    torch.manual_seed(0)
    logs = path.draw(20_000).log()
    assert (float(logs.mean()), float(logs.std())) == pytest.approx((-1.2, 1.2), abs=0.03)
