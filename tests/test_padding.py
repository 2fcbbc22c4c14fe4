"""Whatever looks at a sequence looks past its padding, as if it were not there."""

from dataclasses import replace
from functools import cache

import pytest
import torch
from test_laws import builtins, component, variants
from torch import Tensor

from archkit.parts import Attention, Block
from archkit.testing.trials import Trial, trials

PADDING = "text_padding"
TOLD = 3
"""Tokens that are none; those after them are padding."""


@cache
def looking() -> dict[str, Trial]:
    """Every block and attention, as often as it is varied, where it looks at a padded text."""
    parts = [*(component(key) for key in builtins()), *variants()]
    found: dict[str, Trial] = {}
    for part in parts:
        if not isinstance(part, Attention | Block):
            continue
        told = (t for t in trials(part) if PADDING in part.reads(t.site))
        if trial := min(told, key=_middling, default=None):
            found[f"{part.kind}.{part.type}-{len(found)}"] = trial
    return found


def _middling(trial: Trial) -> tuple[int, int]:
    return abs(trial.site.dims - 2), abs(trial.site.x.positions - 30)


def alone(trial: Trial) -> bool:
    """Whether each token is normalised by itself: statistics of all have the padding in them."""
    norm = getattr(trial.component, "context_norm", None)
    return norm is None or norm.type != "group"


def answer(trial: Trial, **told: Tensor) -> Tensor:
    """What it answers to two samples, if some words are told other tensors than usual."""
    words = trial.component.reads(trial.site)
    usual = dict(zip(words, trial.arguments(2), strict=True))
    with torch.no_grad():
        made: Tensor = trial.module()(*{**usual, **told}.values())
    return made


def padded(trial: Trial) -> tuple[Tensor, Tensor]:
    """A text, and its padding in the second of two samples."""
    words = trial.component.reads(trial.site)
    text = trial.arguments(2)[words.index("text")]
    padding = torch.zeros(text.shape[:2], dtype=torch.int64)
    padding[1, TOLD:] = 1
    return text, padding


def test_all_are_tried() -> None:
    assert {name.rpartition("-")[0] for name in looking()} == {
        *("attention.adaptive", "attention.imagen", "attention.joint", "attention.kandinsky3"),
        *("attention.spatio-temporal", "attention.transformer", "attention.video"),
        *("block.imagen", "block.kandinsky3", "block.stable-cascade"),
    }


@pytest.mark.parametrize("name", [name for name, trial in looking().items() if alone(trial)])
def test_it_is_as_if_padding_were_not_there(name: str) -> None:
    trial = looking()[name]
    text, padding = padded(trial)
    found = answer(trial, text=text, text_padding=padding)
    shorter = answer(trial, text=text[:, :TOLD], text_padding=0 * padding[:, :TOLD])
    torch.testing.assert_close(found[1], shorter[1], rtol=1e-5, atol=1e-5)
    whole = answer(trial, text=text, text_padding=0 * padding)
    torch.testing.assert_close(found[0], whole[0])
    assert not torch.allclose(found[1], whole[1], rtol=1e-3)


@pytest.mark.parametrize("name", looking())
def test_it_may_be_true_and_false_and_everywhere(name: str) -> None:
    trial = looking()[name]
    text, padding = padded(trial)
    found = answer(trial, text=text, text_padding=padding)
    assert torch.equal(found, answer(trial, text=text, text_padding=padding.bool()))
    assert answer(trial, text=text, text_padding=padding | 1).isfinite().all()


@pytest.mark.parametrize("name", looking())
def test_where_there_is_none_it_is_what_it_was(name: str) -> None:
    """Told of padding, a part has the tensors and the counts of one that is not, and its answer."""
    trial = looking()[name]
    part, words = trial.component, trial.component.reads(trial.site)
    takes = tuple(t for word, t in zip(words, trial.takes, strict=True) if word != PADDING)
    bare = replace(trial, site=replace(trial.site, padding={}), takes=takes)
    assert list(bare.module().state_dict()) == list(trial.module().state_dict())
    text, padding = padded(trial)
    found = answer(trial, text=text, text_padding=0 * padding)
    torch.testing.assert_close(found, answer(bare, text=text))
    costs = [part.cost(each.site) for each in (trial, bare)]
    assert len({(cost.parameters, cost.macs) for cost in costs if cost is not None}) == 1
