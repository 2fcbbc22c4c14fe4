"""Budgets: whether a network fits, and which node breaks it."""

from __future__ import annotations

import pytest

import archkit
from archkit import zoo
from archkit.reports.budgets import breach
from archkit.reports.figures import Report


@pytest.fixture(scope="module")
def cifar() -> Report:
    return archkit.report(zoo.find("ddpm-cifar10"), batch=4)


def test_a_budget_that_suffices(cifar: Report) -> None:
    assert breach(cifar, cifar.weights + cifar.inference) is None
    assert breach(cifar, cifar.states + cifar.training, training=True) is None


def test_a_budget_names_the_node_that_breaks_it(cifar: Report) -> None:
    problem = breach(cifar, cifar.weights + cifar.inference - 1)
    assert problem is not None
    assert problem.node == cifar.busiest
    problem = breach(cifar, 150 << 20)
    assert str(problem) == (
        "error[budget]: `encoder.1.blocks.0.attention` breaks the budget of 150 MiB by 938 KiB: "
        "151 MiB are alive while it runs, 136 MiB of them weights\n"
        "  at encoder.1.blocks.0.attention\n"
        "  mend: use `--batch 2`"
    )


def test_a_budget_for_training(cifar: Report) -> None:
    problem = breach(cifar, cifar.states + cifar.training - 1, training=True)
    assert problem is not None
    assert problem.node == [row.path for row in cifar.nodes if row.training][-1]
    assert "weights, gradients and Adam's moments" in problem.message
    assert problem.mend.startswith("use `--batch 3`, or `model.save_memory()`")


def test_a_budget_below_the_weights(cifar: Report) -> None:
    problem = breach(cifar, 100 << 20)
    assert problem is not None
    assert problem.message == "the weights alone take 136 MiB, and the budget is 100 MiB"
