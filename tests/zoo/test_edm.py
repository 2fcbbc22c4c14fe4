"""EDM and EDM2: counted, and equal to the originals.

The originals may not be shipped. Their answers come from files in ../shared/golden, and from
`restated`, which says their equations once more and is tested against the same files.
"""

from typing import Any

import pytest
import torch
from edm_configs import CONFIGS, DHARIWAL, PUBLISHED, SONG
from proofs import agree, counted
from references import importer
from restated import Edm, Edm2
from shared import asked, config_of, fixture, reference, weights_of
from torch import Tensor

import archkit
from archkit import SpecError
from archkit.conversion import read_foreign
from archkit.module import UNet
from archkit.testing.parity import Reference, adopt, error, randomise, verify
from archkit.weights.mapping import rules


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts(name: str) -> None:
    assert counted(name) == PUBLISHED[name]


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
    agree(*compared(name))


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
    agree(spec, wanted)


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


@pytest.mark.parametrize(
    ("family", "config", "words"),
    [
        ("edm", {"model_type": "AutoUNet"}, '`model_type: "AutoUNet"`'),
        ("edm", {**SONG, "encoder_type": "wavelet"}, '`encoder_type: "wavelet"`'),
        ("edm", {**SONG, "decoder_type": "residual"}, '`decoder_type: "residual"`'),
        ("edm", {**SONG, "embedding_type": "learned"}, '`embedding_type: "learned"`'),
        ("edm", {**DHARIWAL, "num_blocks": 0}, "`num_blocks: 0`"),
        ("edm2", {"wide": True}, "`wide` is no option of EDM2"),
    ],
)
def test_what_has_no_counterpart_is_told(family: str, config: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as caught:
        importer(family).spec({"img_resolution": 16, "img_channels": 3, **config})
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
