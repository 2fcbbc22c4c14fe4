"""Every tensor of theirs is used once or dropped for a reason, each of ours is filled once."""

import re
from collections.abc import Callable

import pytest
import torch
from references import importer, reference_of
from torch import Tensor

import archkit
from archkit import WeightError
from archkit.importer import Packed
from archkit.weights.mapping import rules
from archkit.weights.rules import Dropped, Rule, convert, stacked

ELSEWHERE = "these weights are of another network: "
OURS = {"stem.weight": torch.zeros(8, 3, 3, 3), "qkv.weight": torch.zeros(24, 8)}
RULES = (
    Rule("stem.weight", ("conv_in.weight",)),
    Rule("qkv.weight", ("q.weight", "k.weight", "v.weight"), stacked, "stacked"),
)
State = dict[str, Tensor]


def theirs() -> State:
    parts = {f"{part}.weight": torch.full((8, 8), float(i)) for i, part in enumerate("qkv")}
    return {"conv_in.weight": torch.ones(8, 3, 3, 3), **parts}


def test_what_becomes_of_every_tensor() -> None:
    state, ledger = convert(
        {**theirs(), "ema.step": torch.ones(1)},
        OURS,
        RULES,
        [Dropped("ema.*", "it is of the training")],
    )
    assert state["stem.weight"].sum() == 8 * 27
    assert state["qkv.weight"][:, 0].tolist() == [0] * 8 + [1] * 8 + [2] * 8
    assert str(ledger).splitlines() == [
        "conv_in.weight → stem.weight",
        "q.weight + k.weight + v.weight → qkv.weight, stacked",
        "ema.step dropped, because it is of the training",
    ]


def test_axes_of_one_are_squeezed_and_no_others() -> None:
    rule = Rule("out.weight", ("proj.weight",))
    ours = {"out.weight": torch.zeros(4, 6)}
    state, _ = convert({"proj.weight": torch.ones(4, 6, 1, 1)}, ours, [rule])
    assert state["out.weight"].shape == (4, 6)
    with pytest.raises(WeightError, match=re.escape("proj.weight is (6, 4, 1, 1), and out.weight")):
        convert({"proj.weight": torch.ones(6, 4, 1, 1)}, ours, [rule])
    ours = {"out.weight": torch.zeros(1, 6, 3)}
    with pytest.raises(WeightError, match=re.escape("is (6, 1, 3), and out.weight is (1, 6, 3)")):
        convert({"proj.weight": torch.ones(6, 1, 3)}, ours, [rule])


def lacking(state: State) -> State:
    return {name: tensor for name, tensor in state.items() if name != "k.weight"}


def surplus(state: State) -> State:
    return {**state, "ema.weight": torch.ones(1), "ema.bias": torch.ones(1)}


def longer(state: State) -> State:
    return {**state, "v.weight": torch.ones(9, 8)}


def wider(state: State) -> State:
    return {**state, "v.weight": torch.ones(8, 9)}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lacking, "they lack k.weight"),
        (surplus, "no rule uses ema.weight, ema.bias"),
        (
            longer,
            "q.weight + k.weight + v.weight is (8, 8) + (8, 8) + (9, 8), and qkv.weight is (24, 8)",
        ),
        (
            wider,
            "q.weight + k.weight + v.weight is (8, 8) + (8, 8) + (8, 9), and qkv.weight is (24, 8)",
        ),
    ],
    ids=["lacking", "surplus", "longer", "wider"],
)
def test_weights_that_do_not_fit(change: Callable[[State], State], words: str) -> None:
    with pytest.raises(WeightError) as caught:
        convert(change(theirs()), OURS, RULES)
    assert str(caught.value) == ELSEWHERE + words


@pytest.mark.parametrize(
    ("more", "dropped", "words"),
    [
        ([Rule("qkv.bias", ("v.weight",))], [], "several rules use v.weight; we lack qkv.bias"),
        (
            [Rule("stem.weight", ("q.bias",))],
            [],
            "they lack q.bias; several rules fill stem.weight",
        ),
        ([], [Dropped("q.*", "it is not needed")], "several rules use q.weight"),
    ],
    ids=["used twice", "filled twice", "used and dropped"],
)
def test_rules_that_contradict(more: list[Rule], dropped: list[Dropped], words: str) -> None:
    with pytest.raises(WeightError) as caught:
        convert(theirs(), OURS, [*RULES, *more], dropped)
    assert str(caught.value) == ELSEWHERE + words


def test_what_nothing_fills() -> None:
    with pytest.raises(WeightError) as caught:
        convert({}, OURS, ())
    assert str(caught.value) == ELSEWHERE + "nothing fills stem.weight, qkv.weight"


def test_many_names_are_told_by_where_they_are() -> None:
    names = {f"block.{i // 5}.{i}": torch.zeros(1) for i in range(9)} | {"stem": torch.zeros(1)}
    with pytest.raises(WeightError, match=r"fills block\.0\.\* \(5\), block\.1\.\* \(4\), stem$"):
        convert({}, names, ())


@pytest.mark.parametrize("order", ["h3c", "hc3"])
def test_packings_of_qkv(order: str) -> None:
    """Rows are told apart by the number that each of them holds: head, part and channel."""
    heads, width = 2, 4
    numbers = torch.arange(3 * heads * width).reshape(3, heads, width)
    theirs = numbers.transpose(0, 1) if order == "h3c" else numbers.movedim(0, 2)
    module = torch.nn.Module()
    module.heads = heads
    made = Packed("qkv", order).make([theirs.reshape(-1, 1)], module)  # type: ignore[arg-type]
    assert made[:, 0].tolist() == list(range(24))


def test_every_tensor_of_the_networks_has_its_rule() -> None:
    for name in ("small-ddpm", "stable-diffusion", "guided-adm-given-1"):
        spec, reference = reference_of(name)
        model = archkit.assemble(spec, initialise=False)
        found = rules(model, reference.codebase)
        assert [rule.ours for rule in found] == list(model.state_dict())


def test_a_component_that_the_tables_lack() -> None:
    spec: dict[str, object] = {"archkit": 1, "name": "x", "norm": "none", "block": "conv"}
    spec["encoder"] = [{"channels": 8}]
    model = archkit.assemble(spec, initialise=False)
    with pytest.raises(WeightError) as caught:
        rules(model, importer("diffusers").codebase({}))
    assert str(caught.value) == (
        "the tables of diffusers have no place for `encoder.0.blocks.0.block.embedding.weight`, "
        "of a `block.conv`"
    )


def test_weights_of_another_spec_are_refused() -> None:
    spec, reference = reference_of("guided-adm-given-1")
    wrong = archkit.load_spec(spec, overrides=["encoder.1.attention=false"])
    model = archkit.assemble(wrong, initialise=False)
    with pytest.raises(WeightError, match=r"no rule uses input_blocks\.3\.1\.\* \(6\)"):
        convert(reference.state, model.state_dict(), rules(model, reference.codebase))
