"""Each layout's nodes for a small spec, written out; and decoders that are stated."""

from textwrap import dedent
from typing import Any

import pytest

import archkit
from archkit import SpecError

TWO_STAGES: dict[str, Any] = {
    "archkit": 1,
    "name": "small",
    "input": {"channels": 2, "size": [8]},
    "norm": {"groups": 2},
    "prediction": "none",
    "conditioning": {"time": "none"},
    "encoder": [
        {"channels": 4, "blocks": 1},
        {"channels": 6, "blocks": 2, "attention": True},
    ],
}
KEEPS_SIZE = {"type": "conv", "stride": 1, "width": "next"}
SPECS: dict[str, dict[str, Any]] = {
    "ddpm": TWO_STAGES,
    "edm": TWO_STAGES,
    "classic": TWO_STAGES,
    "k-diffusion": TWO_STAGES,
    "narrowing": TWO_STAGES,
    "diffuser": TWO_STAGES,
    "dance-diffusion": TWO_STAGES,
    "hourglass": TWO_STAGES,
    "flat": {**TWO_STAGES, "encoder": [{"channels": 4, "blocks": 2, "attention": True}]},
    "lucidrains": {
        **TWO_STAGES,
        "encoder": [
            TWO_STAGES["encoder"][0],
            {**TWO_STAGES["encoder"][1], "pooling": KEEPS_SIZE},
        ],
    },
    "controlnet": TWO_STAGES,
    "kandinsky3": {
        **TWO_STAGES,
        "stem": {"type": "conv", "channels": 2},
        "encoder": [
            {"channels": 4, "blocks": 2},
            {"channels": 6, "blocks": 3, "attention": True},
        ],
    },
    "imagen": {
        **TWO_STAGES,
        "encoder": [
            {"channels": 4, "blocks": 2},
            {**TWO_STAGES["encoder"][1], "pooling": KEEPS_SIZE},
        ],
    },
    "efficient": {**TWO_STAGES, "decoder": [{"skip": "none"}, {}]},
    "monai": {
        **TWO_STAGES,
        "encoder": [{"channels": 4, "blocks": 1}, {"channels": 6, "blocks": 1, "pooling": "none"}],
    },
}
NODES = {
    "ddpm": """
        stem 4×8 < x
        encoder.0.blocks.0.block 4×8 < stem
        encoder.0.pooling 4×4 < encoder.0.blocks.0.block
        encoder.1.blocks.0.block 6×4 < encoder.0.pooling
        encoder.1.blocks.0.attention 6×4 < encoder.1.blocks.0.block
        encoder.1.blocks.1.block 6×4 < encoder.1.blocks.0.attention
        encoder.1.blocks.1.attention 6×4 < encoder.1.blocks.1.block
        bottleneck.0.block 6×4 < encoder.1.blocks.1.attention
        bottleneck.0.attention 6×4 < bottleneck.0.block
        bottleneck.1.block 6×4 < bottleneck.0.attention
        decoder.1.blocks.0.join 12×4 < bottleneck.1.block, encoder.1.blocks.1.attention
        decoder.1.blocks.0.block 6×4 < decoder.1.blocks.0.join
        decoder.1.blocks.0.attention 6×4 < decoder.1.blocks.0.block
        decoder.1.blocks.1.join 12×4 < decoder.1.blocks.0.attention, encoder.1.blocks.0.attention
        decoder.1.blocks.1.block 6×4 < decoder.1.blocks.1.join
        decoder.1.blocks.1.attention 6×4 < decoder.1.blocks.1.block
        decoder.1.blocks.2.join 10×4 < decoder.1.blocks.1.attention, encoder.0.pooling
        decoder.1.blocks.2.block 6×4 < decoder.1.blocks.2.join
        decoder.1.blocks.2.attention 6×4 < decoder.1.blocks.2.block
        decoder.0.upsampling 6×8 < decoder.1.blocks.2.attention
        decoder.0.blocks.0.join 10×8 < decoder.0.upsampling, encoder.0.blocks.0.block
        decoder.0.blocks.0.block 4×8 < decoder.0.blocks.0.join
        decoder.0.blocks.1.join 8×8 < decoder.0.blocks.0.block, stem
        decoder.0.blocks.1.block 4×8 < decoder.0.blocks.1.join
        head 2×8 < decoder.0.blocks.1.block
    """,
    "edm": """
        stem 4×8 < x
        encoder.0.blocks.0.block 4×8 < stem
        encoder.0.pooling 4×4 < encoder.0.blocks.0.block
        encoder.1.blocks.0.block 6×4 < encoder.0.pooling
        encoder.1.blocks.0.attention 6×4 < encoder.1.blocks.0.block
        encoder.1.blocks.1.block 6×4 < encoder.1.blocks.0.attention
        encoder.1.blocks.1.attention 6×4 < encoder.1.blocks.1.block
        bottleneck.0.block 6×4 < encoder.1.blocks.1.attention
        bottleneck.0.attention 6×4 < bottleneck.0.block
        bottleneck.1.block 6×4 < bottleneck.0.attention
        decoder.1.blocks.0.join 12×4 < bottleneck.1.block, encoder.1.blocks.1.attention
        decoder.1.blocks.0.block 6×4 < decoder.1.blocks.0.join
        decoder.1.blocks.1.join 12×4 < decoder.1.blocks.0.block, encoder.1.blocks.0.attention
        decoder.1.blocks.1.block 6×4 < decoder.1.blocks.1.join
        decoder.1.blocks.2.join 10×4 < decoder.1.blocks.1.block, encoder.0.pooling
        decoder.1.blocks.2.block 6×4 < decoder.1.blocks.2.join
        decoder.1.blocks.2.attention 6×4 < decoder.1.blocks.2.block
        decoder.0.upsampling 6×8 < decoder.1.blocks.2.attention
        decoder.0.blocks.0.join 10×8 < decoder.0.upsampling, encoder.0.blocks.0.block
        decoder.0.blocks.0.block 4×8 < decoder.0.blocks.0.join
        decoder.0.blocks.1.join 8×8 < decoder.0.blocks.0.block, stem
        decoder.0.blocks.1.block 4×8 < decoder.0.blocks.1.join
        head 2×8 < decoder.0.blocks.1.block
    """,
    "classic": """
        encoder.0.blocks.0.block 4×8 < x
        encoder.0.pooling 4×4 < encoder.0.blocks.0.block
        bottleneck.0.block 6×4 < encoder.0.pooling
        bottleneck.0.attention 6×4 < bottleneck.0.block
        bottleneck.1.block 6×4 < bottleneck.0.attention
        bottleneck.1.attention 6×4 < bottleneck.1.block
        decoder.0.upsampling 6×8 < bottleneck.1.attention
        decoder.0.join 10×8 < decoder.0.upsampling, encoder.0.blocks.0.block
        decoder.0.blocks.0.block 4×8 < decoder.0.join
        head 2×8 < decoder.0.blocks.0.block
    """,
    "k-diffusion": """
        stem 4×8 < x
        encoder.0.blocks.0.block 4×8 < stem
        encoder.0.pooling 4×4 < encoder.0.blocks.0.block
        encoder.1.blocks.0.block 6×4 < encoder.0.pooling
        encoder.1.blocks.0.attention 6×4 < encoder.1.blocks.0.block
        encoder.1.blocks.1.block 6×4 < encoder.1.blocks.0.attention
        encoder.1.blocks.1.attention 6×4 < encoder.1.blocks.1.block
        decoder.1.blocks.0.block 6×4 < encoder.1.blocks.1.attention
        decoder.1.blocks.0.attention 6×4 < decoder.1.blocks.0.block
        decoder.1.blocks.1.block 6×4 < decoder.1.blocks.0.attention
        decoder.1.blocks.1.attention 6×4 < decoder.1.blocks.1.block
        decoder.0.upsampling 6×8 < decoder.1.blocks.1.attention
        decoder.0.join 10×8 < decoder.0.upsampling, encoder.0.blocks.0.block
        decoder.0.blocks.0.block 4×8 < decoder.0.join
        head 2×8 < decoder.0.blocks.0.block
    """,
    "narrowing": """
        stem 4×8 < x
        encoder.0.blocks.0.block 4×8 < stem
        encoder.0.pooling 4×4 < encoder.0.blocks.0.block
        encoder.1.blocks.0.block 6×4 < encoder.0.pooling
        encoder.1.blocks.0.attention 6×4 < encoder.1.blocks.0.block
        encoder.1.blocks.1.block 6×4 < encoder.1.blocks.0.attention
        encoder.1.blocks.1.attention 6×4 < encoder.1.blocks.1.block
        decoder.1.blocks.0.block 6×4 < encoder.1.blocks.1.attention
        decoder.1.blocks.0.attention 6×4 < decoder.1.blocks.0.block
        decoder.1.blocks.1.block 4×4 < decoder.1.blocks.0.attention
        decoder.1.blocks.1.attention 4×4 < decoder.1.blocks.1.block
        decoder.0.upsampling 4×8 < decoder.1.blocks.1.attention
        decoder.0.join 8×8 < decoder.0.upsampling, encoder.0.blocks.0.block
        decoder.0.blocks.0.block 4×8 < decoder.0.join
        head 2×8 < decoder.0.blocks.0.block
    """,
    "diffuser": """
        encoder.0.blocks.0.block 4×8 < x
        encoder.0.pooling 4×4 < encoder.0.blocks.0.block
        encoder.1.blocks.0.block 6×4 < encoder.0.pooling
        encoder.1.blocks.0.attention 6×4 < encoder.1.blocks.0.block
        encoder.1.blocks.1.block 6×4 < encoder.1.blocks.0.attention
        encoder.1.blocks.1.attention 6×4 < encoder.1.blocks.1.block
        bottleneck.0.block 6×4 < encoder.1.blocks.1.attention
        bottleneck.1.block 6×4 < bottleneck.0.block
        decoder.1.join 12×4 < bottleneck.1.block, encoder.1.blocks.1.attention
        decoder.1.blocks.0.block 6×4 < decoder.1.join
        decoder.1.blocks.0.attention 6×4 < decoder.1.blocks.0.block
        decoder.1.blocks.1.block 6×4 < decoder.1.blocks.0.attention
        decoder.1.blocks.1.attention 6×4 < decoder.1.blocks.1.block
        decoder.0.upsampling 6×8 < decoder.1.blocks.1.attention
        decoder.0.join 10×8 < decoder.0.upsampling, encoder.0.blocks.0.block
        decoder.0.blocks.0.block 4×8 < decoder.0.join
        head 2×8 < decoder.0.blocks.0.block
    """,
    "dance-diffusion": """
        encoder.0.blocks.0.block 4×8 < x
        encoder.0.pooling 4×4 < encoder.0.blocks.0.block
        encoder.1.blocks.0.block 6×4 < encoder.0.pooling
        encoder.1.blocks.0.attention 6×4 < encoder.1.blocks.0.block
        encoder.1.blocks.1.block 6×4 < encoder.1.blocks.0.attention
        encoder.1.blocks.1.attention 6×4 < encoder.1.blocks.1.block
        bottleneck.pooling 6×2 < encoder.1.blocks.1.attention
        bottleneck.0.block 6×2 < bottleneck.pooling
        bottleneck.0.attention 6×2 < bottleneck.0.block
        bottleneck.1.block 6×2 < bottleneck.0.attention
        bottleneck.1.attention 6×2 < bottleneck.1.block
        bottleneck.2.block 6×2 < bottleneck.1.attention
        bottleneck.2.attention 6×2 < bottleneck.2.block
        bottleneck.3.block 6×2 < bottleneck.2.attention
        bottleneck.3.attention 6×2 < bottleneck.3.block
        bottleneck.4.block 6×2 < bottleneck.3.attention
        bottleneck.4.attention 6×2 < bottleneck.4.block
        bottleneck.5.block 6×2 < bottleneck.4.attention
        bottleneck.5.attention 6×2 < bottleneck.5.block
        bottleneck.upsampling 6×4 < bottleneck.5.attention
        decoder.1.join 12×4 < bottleneck.upsampling, encoder.1.blocks.1.attention
        decoder.1.blocks.0.block 6×4 < decoder.1.join
        decoder.1.blocks.0.attention 6×4 < decoder.1.blocks.0.block
        decoder.1.blocks.1.block 4×4 < decoder.1.blocks.0.attention
        decoder.1.blocks.1.attention 4×4 < decoder.1.blocks.1.block
        decoder.0.upsampling 4×8 < decoder.1.blocks.1.attention
        decoder.0.join 8×8 < decoder.0.upsampling, encoder.0.blocks.0.block
        decoder.0.blocks.0.block 4×8 < decoder.0.join
        head 2×8 < decoder.0.blocks.0.block
    """,
    "hourglass": """
        stem 4×8 < x
        encoder.0.blocks.0.block 4×8 < stem
        encoder.0.pooling 4×4 < encoder.0.blocks.0.block
        bottleneck.0.block 6×4 < encoder.0.pooling
        bottleneck.0.attention 6×4 < bottleneck.0.block
        bottleneck.1.block 6×4 < bottleneck.0.attention
        bottleneck.1.attention 6×4 < bottleneck.1.block
        decoder.0.upsampling 6×8 < bottleneck.1.attention
        decoder.0.join 10×8 < decoder.0.upsampling, encoder.0.blocks.0.block
        decoder.0.blocks.0.block 4×8 < decoder.0.join
        head 2×8 < decoder.0.blocks.0.block
    """,
    "flat": """
        stem 4×8 < x
        encoder.0.blocks.0.block 4×8 < stem
        encoder.0.blocks.0.attention 4×8 < encoder.0.blocks.0.block
        encoder.0.blocks.1.block 4×8 < encoder.0.blocks.0.attention
        encoder.0.blocks.1.attention 4×8 < encoder.0.blocks.1.block
        bottleneck.0.block 4×8 < encoder.0.blocks.1.attention
        bottleneck.0.attention 4×8 < bottleneck.0.block
        decoder.0.blocks.0.join 8×8 < bottleneck.0.attention, encoder.0.blocks.1.attention
        decoder.0.blocks.0.block 4×8 < decoder.0.blocks.0.join
        decoder.0.blocks.0.attention 4×8 < decoder.0.blocks.0.block
        decoder.0.blocks.1.join 8×8 < decoder.0.blocks.0.attention, encoder.0.blocks.0.attention
        decoder.0.blocks.1.block 4×8 < decoder.0.blocks.1.join
        decoder.0.blocks.1.attention 4×8 < decoder.0.blocks.1.block
        head 2×8 < decoder.0.blocks.1.attention
    """,
    # The stem's output reaches the last block.
    "kandinsky3": """
        stem 2×8 < x
        encoder.0.blocks.0.block 4×8 < stem
        encoder.0.pooling 4×4 < encoder.0.blocks.0.block
        encoder.1.attention 4×4 < encoder.0.pooling
        encoder.1.blocks.0.block 6×4 < encoder.1.attention
        encoder.1.blocks.1.block 6×4 < encoder.1.blocks.0.block
        bottleneck.0.block 6×4 < encoder.1.blocks.1.block
        bottleneck.1.block 6×4 < bottleneck.0.block
        decoder.1.blocks.0.block 6×4 < bottleneck.1.block
        decoder.1.blocks.1.block 4×4 < decoder.1.blocks.0.block
        decoder.1.attention 4×4 < decoder.1.blocks.1.block
        decoder.0.join 8×4 < decoder.1.attention, encoder.0.pooling
        decoder.0.upsampling 8×8 < decoder.0.join
        decoder.0.blocks.0.block 2×8 < decoder.0.upsampling
        head 2×8 < decoder.0.blocks.0.block
    """,
    "lucidrains": """
        stem 4×8 < x
        encoder.0.blocks.0.block 4×8 < stem
        encoder.0.pooling 4×4 < encoder.0.blocks.0.block
        encoder.1.blocks.0.block 6×4 < encoder.0.pooling
        encoder.1.blocks.1.block 6×4 < encoder.1.blocks.0.block
        encoder.1.blocks.1.attention 6×4 < encoder.1.blocks.1.block
        bottleneck.pooling 6×4 < encoder.1.blocks.1.attention
        bottleneck.0.block 6×4 < bottleneck.pooling
        bottleneck.0.attention 6×4 < bottleneck.0.block
        bottleneck.1.block 6×4 < bottleneck.0.attention
        decoder.1.blocks.0.join 12×4 < bottleneck.1.block, encoder.1.blocks.1.attention
        decoder.1.blocks.0.block 6×4 < decoder.1.blocks.0.join
        decoder.1.blocks.1.join 12×4 < decoder.1.blocks.0.block, encoder.1.blocks.0.block
        decoder.1.blocks.1.block 6×4 < decoder.1.blocks.1.join
        decoder.1.blocks.1.attention 6×4 < decoder.1.blocks.1.block
        decoder.0.upsampling 6×8 < decoder.1.blocks.1.attention
        decoder.0.blocks.0.join 10×8 < decoder.0.upsampling, encoder.0.blocks.0.block
        decoder.0.blocks.0.block 4×8 < decoder.0.blocks.0.join
        output.upsampling 4×8 < decoder.0.blocks.0.block
        output.stem.join 8×8 < output.upsampling, stem
        output.block 4×8 < output.stem.join
        head 2×8 < output.block
    """,
    # The deepest `down` keeps the size; one more block comes last.
    "imagen": """
        stem 4×8 < x
        encoder.0.blocks.0.block 4×8 < stem
        encoder.0.blocks.1.block 4×8 < encoder.0.blocks.0.block
        encoder.0.pooling 4×4 < encoder.0.blocks.1.block
        encoder.1.blocks.0.block 6×4 < encoder.0.pooling
        encoder.1.blocks.1.block 6×4 < encoder.1.blocks.0.block
        encoder.1.attention 6×4 < encoder.1.blocks.1.block
        bottleneck.pooling 6×4 < encoder.1.attention
        bottleneck.0.block 6×4 < bottleneck.pooling
        bottleneck.0.attention 6×4 < bottleneck.0.block
        bottleneck.1.block 6×4 < bottleneck.0.attention
        decoder.1.blocks.0.join 12×4 < bottleneck.1.block, encoder.1.attention
        decoder.1.blocks.0.block 6×4 < decoder.1.blocks.0.join
        decoder.1.blocks.1.join 12×4 < decoder.1.blocks.0.block, encoder.1.blocks.1.block
        decoder.1.blocks.1.block 6×4 < decoder.1.blocks.1.join
        decoder.1.attention 6×4 < decoder.1.blocks.1.block
        decoder.0.upsampling 6×8 < decoder.1.attention
        decoder.0.blocks.0.join 10×8 < decoder.0.upsampling, encoder.0.blocks.1.block
        decoder.0.blocks.0.block 4×8 < decoder.0.blocks.0.join
        decoder.0.blocks.1.join 8×8 < decoder.0.blocks.0.block, encoder.0.blocks.1.block
        decoder.0.blocks.1.block 4×8 < decoder.0.blocks.1.join
        output.block 4×8 < decoder.0.blocks.1.block
        head 2×8 < output.block
    """,
    # The finest stage has no skip.
    "efficient": """
        stem 4×8 < x
        encoder.0.blocks.0.block 4×8 < stem
        encoder.0.pooling 4×4 < encoder.0.blocks.0.block
        encoder.1.blocks.0.block 6×4 < encoder.0.pooling
        encoder.1.blocks.1.block 6×4 < encoder.1.blocks.0.block
        encoder.1.attention 6×4 < encoder.1.blocks.1.block
        bottleneck.0.block 6×4 < encoder.1.attention
        bottleneck.0.attention 6×4 < bottleneck.0.block
        bottleneck.1.block 6×4 < bottleneck.0.attention
        decoder.1.blocks.0.join 12×4 < bottleneck.1.block, encoder.1.attention
        decoder.1.blocks.0.block 6×4 < decoder.1.blocks.0.join
        decoder.1.blocks.1.join 12×4 < decoder.1.blocks.0.block, encoder.1.blocks.1.block
        decoder.1.blocks.1.block 6×4 < decoder.1.blocks.1.join
        decoder.1.attention 6×4 < decoder.1.blocks.1.block
        decoder.0.upsampling 6×8 < decoder.1.attention
        decoder.0.blocks.0.join 6×8 < decoder.0.upsampling
        decoder.0.blocks.0.block 4×8 < decoder.0.blocks.0.join
        head 2×8 < decoder.0.blocks.0.block
    """,
    "monai": """
        encoder.0.pooling 2×4 < x
        encoder.0.blocks.0.block 4×4 < encoder.0.pooling
        bottleneck.pooling 4×4 < encoder.0.blocks.0.block
        bottleneck.0.block 6×4 < bottleneck.pooling
        decoder.0.join 10×4 < bottleneck.0.block, encoder.0.blocks.0.block
        decoder.0.upsampling 10×8 < decoder.0.join
        decoder.0.blocks.0.block 4×8 < decoder.0.upsampling
        head 2×8 < decoder.0.blocks.0.block
    """,
    "controlnet": """
        stem 4×8 < x
        input.offer 4×8 < stem
        encoder.0.blocks.0.block 4×8 < stem
        encoder.0.blocks.0.offer 4×8 < encoder.0.blocks.0.block
        encoder.0.pooling 4×4 < encoder.0.blocks.0.block
        encoder.0.offer 4×4 < encoder.0.pooling
        encoder.1.blocks.0.block 6×4 < encoder.0.pooling
        encoder.1.blocks.0.attention 6×4 < encoder.1.blocks.0.block
        encoder.1.blocks.0.offer 6×4 < encoder.1.blocks.0.attention
        encoder.1.blocks.1.block 6×4 < encoder.1.blocks.0.attention
        encoder.1.blocks.1.attention 6×4 < encoder.1.blocks.1.block
        encoder.1.blocks.1.offer 6×4 < encoder.1.blocks.1.attention
        bottleneck.0.block 6×4 < encoder.1.blocks.1.attention
        bottleneck.0.attention 6×4 < bottleneck.0.block
        bottleneck.1.block 6×4 < bottleneck.0.attention
        bottleneck.offer 6×4 < bottleneck.1.block
    """,
}


def listed(spec: dict[str, Any]) -> list[str]:
    """One line a node: its path, its shape, and what it reads."""
    return [f"{n.path} {n.shape} < {', '.join(n.inputs)}" for n in archkit.plan(spec)]


@pytest.mark.parametrize("layout", NODES)
def test_the_nodes_of_a_layout(layout: str) -> None:
    wanted = dedent(NODES[layout]).strip().split("\n")
    assert listed({**SPECS[layout], "layout": layout}) == wanted


def test_every_layout_is_written_out() -> None:
    registry = archkit.default_registry()
    own = [n for n in registry.names("layout") if registry.owner("layout", n).source == "built-in"]
    assert sorted(own) == sorted(NODES)


def test_a_layout_of_ones_own_is_an_option_away() -> None:
    spec = {**TWO_STAGES, "layout": {"type": "ddpm", "middle": "(block)*3"}}
    middle = [line.split()[0] for line in listed(spec) if line.startswith("bottleneck")]
    assert middle == ["bottleneck.0.block", "bottleneck.1.block", "bottleneck.2.block"]


# Decoders -----------------------------------------------------------------------------------------


def test_a_decoder_that_mirrors_may_be_stated() -> None:
    assert listed({**TWO_STAGES, "decoder": [{}, {}]}) == listed(TWO_STAGES)


def test_rows_of_the_decoder_say_where_they_differ() -> None:
    rows = [
        {"channels": 8, "skip": "none", "block": {"type": "conv", "count": 2}},
        {"attention": False, "upsampling": "shuffle"},
    ]
    plan = archkit.plan({**TWO_STAGES, "decoder": rows})
    assert [n.name for n in plan if n.path.startswith("decoder.0.blocks")] == [
        *("skip.none", "block.conv", "skip.none", "block.conv"),
    ]
    assert plan["decoder.0.blocks.0.block"].shape == archkit.Shape(8, (8,))
    assert plan["decoder.0.blocks.1.join"].inputs == ("decoder.0.blocks.0.block",)
    assert not [n for n in plan if n.path.startswith("decoder.1") and "attention" in n.path]
    assert plan["decoder.0.upsampling"].name == "upsampling.nearest"
    assert [link.target for link in plan.links] == [
        *("decoder.1.blocks.0.join", "decoder.1.blocks.1.join", "decoder.1.blocks.2.join"),
    ]


def test_blocks_of_the_decoder_may_be_listed() -> None:
    rows = [{"blocks": ["conv", {"dropout": 0.1}]}, {}]
    plan = archkit.plan({**TWO_STAGES, "decoder": rows})
    first, second = (plan[f"decoder.0.blocks.{i}.block"].component for i in range(2))
    assert (first.type, second.type, second.dropout) == ("conv", "resnet", 0.1)


@pytest.mark.parametrize(
    ("rows", "code", "path"),
    [
        ([{}], "decoder-levels", ("decoder",)),
        ([{}, {}, {}], "decoder-levels", ("decoder",)),
        ([{"blocks": 2}, {}], "no-skip-left", ("decoder", 0, "blocks")),
        ([{}, {"blocks": 1}], "skip-left-over", ("decoder", 1, "blocks")),
    ],
)
def test_rows_that_do_not_fit_are_told(rows: list[Any], code: str, path: tuple[Any, ...]) -> None:
    with pytest.raises(SpecError) as caught:
        archkit.plan({**TWO_STAGES, "decoder": rows})
    assert [(p.code, p.path) for p in caught.value.problems] == [(code, path)]
