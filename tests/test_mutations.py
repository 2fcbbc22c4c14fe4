"""A wrong option is silent, because names and shapes still agree. Only the numbers tell."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
import torch
from references import reference_of
from torch import Tensor, nn

from archkit.importer import Entry, Packed
from archkit.testing.parity import TOLERANCE, Reference, adopt, answer, error, verify

WRONG = {
    "small-ddpm": """
        skip.order=skip-first
        skip.scale=sqrt(1/2)
        pooling.padding=both
        upsampling=bilinear
        block.scale=sqrt(1/2)
        block.activation=gelu
        attention.scale=sqrt(1/2)
        attention.head_width=16
        norm.groups=4
        head.activation=none
        conditioning.method=multiply
        conditioning.embedding.activation=none
        conditioning.time.activation=relu
        conditioning.time.order=cos-sin
        conditioning.time.shift=0
        conditioning.time.period=1000
        conditioning.time.scale=0.001
    """,
    "stable-diffusion": """
        skip.order=skip-first
        attention.heads=2
        attention.norm.groups=4
        block.norm.groups=4
        block.activation=gelu
        pooling.padding=end
        upsampling=bilinear
        conditioning.time.order=sin-cos
        conditioning.time.shift=1
        conditioning.time.scale=0.001
    """,
    "guided-adm-given-1": """
        skip.order=skip-first
        attention.head_width=16
        pooling.by=blur
        pooling.by=max
        upsampling.by=bilinear
        upsampling.by=blur
        norm.groups=4
        block.scale=sqrt(1/2)
        conditioning.time.order=sin-cos
        conditioning.time.shift=1
    """,
    "ldm-sd-given-1": """
        skip.order=skip-first
        attention.heads=2
        attention.norm.groups=4
        pooling.padding=end
        conditioning.time.order=sin-cos
    """,
}
WRONG_EPS = ("block.norm.eps=1e-5", "attention.norm.eps=1e-5", "head.norm.eps=1e-5")


@pytest.mark.parametrize("name", WRONG)
def test_every_wrong_option_is_noticed(name: str) -> None:
    spec, reference = reference_of(name)
    report = verify(spec, reference, WRONG[name].split())
    assert report, str(report)


def test_a_wrong_eps_is_noticed_where_activations_are_small() -> None:
    spec, reference = reference_of("small-ddpm", scale=0.01)
    report = verify(spec, reference, WRONG_EPS)
    assert report, str(report)


def test_what_changes_nothing_is_told() -> None:
    spec, reference = reference_of("small-ddpm")
    report = verify(spec, reference, ["block.zero_init=false", "skip.order=skip-first"])
    assert not report
    assert report.survivors == ("block.zero_init=false",)
    assert str(report).endswith("mutate: nothing notices `block.zero_init=false`")


@dataclass(frozen=True)
class Halves:
    """A tensor whose halves have changed places, along the first axis."""

    name: str
    how = "halves swapped"

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def make(self, theirs: Sequence[Tensor], module: nn.Module) -> Tensor:
        (tensor,) = theirs
        return torch.cat(tensor.chunk(2)[::-1])


MISREAD: dict[str, tuple[str, str, dict[str, Entry]]] = {
    "qkv as (3, heads, width)": ("guided-adm-given-1", "attention.self", {"qkv": "qkv"}),
    "qkv as (heads, width, 3)": (
        "guided-adm-given-1",
        "attention.self",
        {"qkv": Packed("qkv", "hc3")},
    ),
    "qkv as (heads, 3, width)": (
        "guided-iddpm-given-1",
        "attention.self",
        {"qkv": Packed("qkv", "h3c")},
    ),
    "shift before scale": (
        "guided-adm-given-1",
        "block.resnet",
        {"embedding": Halves("emb_layers.1")},
    ),
    "gate before value": (
        "ldm-sd-given-1",
        "attention.transformer",
        {"layers.*.feed_forward.up": Halves("transformer_blocks.*.ff.net.0.proj")},
    ),
    "keys as queries": (
        "stable-diffusion",
        "attention.transformer",
        {
            "layers.*.attention.qkv": tuple(
                f"transformer_blocks.*.attn1.to_{part}" for part in "kqv"
            )
        },
    ),
}


@pytest.mark.parametrize("mistake", MISREAD)
def test_every_misread_tensor_is_noticed(mistake: str) -> None:
    name, component, entries = MISREAD[mistake]
    spec, reference = reference_of(name)
    tables = {component: {**reference.codebase.tables[component], **entries}}
    assert off(spec, reference) <= TOLERANCE
    assert off(spec, replace(reference, codebase=reference.codebase.but(tables=tables))) > 1e-3


def off(spec: str, reference: Reference) -> float:
    model, _ = adopt(spec, reference)
    return error(answer(model, reference), reference.output)
