"""What a model says of a wrong input, word for word, before any arithmetic."""

from typing import Any

import pytest
import torch
from networks import CLASSIC, PLAIN, TOLD, network, passed
from torch import Tensor

from archkit import ShapeError

LINE = {**PLAIN, "input": {"channels": 3, "size": [16]}}
TALL = {**PLAIN, "input": {"channels": 3, "size": [16, 8]}, "pooling": {"stride": [2, 1]}}
PADDED = {**CLASSIC, "fit": "pad"}
SHRINKING = {
    **CLASSIC,
    "fit": "valid",
    "input": {"channels": 1, "size": [30, 30, 30]},
    "block": {**CLASSIC["block"], "padding": "valid"},
    "pooling": {"type": "max", "odd": "refuse"},
    "skip": {"type": "concat", "match": "crop"},
}


def x(*shape: int, **options: Any) -> Tensor:
    return torch.zeros(shape, **options)


WRONG: list[tuple[Any, dict[str, Any], str]] = [
    # The sample.
    (PLAIN, {"x": x(3, 16, 16)}, "x has 3 axes and needs 4: (batch, 3, height, width)"),
    (LINE, {"x": x(1, 3, 16, 16)}, "x has 4 axes and needs 3: (batch, 3, length)"),
    (CLASSIC, {"x": x(1, 8, 8, 8)}, "x has 4 axes and needs 5: (batch, 1, depth, height, width)"),
    (PLAIN, {"x": x(2, 4, 16, 16)}, "x has 4 channels and needs 3"),
    (
        PLAIN,
        {"x": x(2, 3, 16, 16, dtype=torch.uint8)},
        "x holds torch.uint8; it needs floating-point numbers",
    ),
    (
        PLAIN,
        {"x": x(2, 3, 16, 16, dtype=torch.float64)},
        "x holds torch.float64 and the model torch.float32; pass x.to(torch.float32)",
    ),
    # Its size.
    (
        PLAIN,
        {"x": x(2, 3, 16, 15)},
        "width 15 does not fit: this network takes a multiple of 2, such as 14 or 16",
    ),
    (
        PLAIN,
        {"x": x(2, 3, 1, 16)},
        "height 1 does not fit: this network takes a multiple of 2, such as 2",
    ),
    (
        TALL,
        {"x": x(2, 3, 7, 7)},
        "height 7 does not fit: this network takes a multiple of 2, such as 6 or 8",
    ),
    (
        LINE,
        {"x": x(2, 3, 7)},
        "length 7 does not fit: this network takes a multiple of 2, such as 6 or 8",
    ),
    (
        SHRINKING,
        {"x": x(2, 1, 31, 30, 30)},
        "depth 31 does not fit: this network takes a multiple of 2, at least 18, such as 30 or 32",
    ),
    # The time.
    (PLAIN, {"x": x(2, 3, 16, 16), "t": None}, "the model needs the time: call it as model(x, t)"),
    (
        PLAIN,
        {"x": x(2, 3, 16, 16), "t": x(3)},
        "t has the shape (3,); it is one time for each of the 2 samples, or one for all",
    ),
    (
        PLAIN,
        {"x": x(2, 3, 16, 16), "t": x(2, 1)},
        "t has the shape (2, 1); it is one time for each of the 2 samples, or one for all",
    ),
    (
        CLASSIC,
        {"x": x(1, 1, 8, 4, 8), "t": x(1)},
        "this spec says `time: none`: the model takes no t",
    ),
    # Conditions.
    (TOLD, {"text": None}, "the condition `text` is missing: call model(…, text=…)"),
    (
        TOLD,
        {"texts": x(2, 4, 6)},
        "no condition is called `texts`; this model takes `label`, `size`, `text`, `low`",
    ),
    (PLAIN, {"label": x(2)}, "no condition is called `label`; this model takes none"),
    (TOLD, {"text": x(2, 6)}, "`text` has the shape (2, 6) and needs (batch, any, 6)"),
    (TOLD, {"text": x(2, 4, 5)}, "`text` has the shape (2, 4, 5); 5 should be 6"),
    (TOLD, {"size": x(2, 4)}, "`size` has the shape (2, 4); 4 should be 3"),
    (TOLD, {"size": x(3, 3)}, "`size` holds 3 entries for 2 samples"),
    (TOLD, {"label": x(2)}, "`label` holds torch.float32; it needs whole numbers"),
    (
        TOLD,
        {"size": x(2, 3, dtype=torch.int64)},
        "`size` holds torch.int64; it needs floating-point numbers",
    ),
    (
        TOLD,
        {"size": x(2, 3, dtype=torch.float64)},
        "`size` holds torch.float64 and x torch.float32; pass size.to(torch.float32)",
    ),
    (TOLD, {"low": x(2, 2, 8, 4)}, "`low` is 8×4 and the sample 16×8; they have one size"),
    (TOLD, {"low": x(2, 3, 16, 8)}, "`low` has the shape (2, 3, 16, 8); 3 should be 2"),
    (
        TOLD,
        {"size": x(2, 3, device="meta")},
        "`size` is on meta and x on cpu; pass both on one",
    ),
]


@pytest.mark.parametrize(("spec", "given", "words"), WRONG, ids=[row[2] for row in WRONG])
def test_a_wrong_input_is_told_in_a_sentence(
    spec: Any, given: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = network(spec)
    monkeypatch.setattr(model, "_run", lambda values: pytest.fail("it began to compute"))
    with pytest.raises(ShapeError) as caught:
        model(**{**passed(model.plan), **given})
    assert str(caught.value) == words


def test_a_double_precision_model_takes_double_precision() -> None:
    model = network(PLAIN).double()
    assert model(x(1, 3, 16, 16, dtype=torch.float64), 0.5).dtype == torch.float64


def test_padding_takes_what_strict_refuses() -> None:
    model = network(PADDED)
    assert model(x(1, 1, 5, 3, 1)).shape == (1, 1, 5, 3, 1)
