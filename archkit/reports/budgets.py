"""Report and a budget of memory → the node that breaks it, before anything is allocated."""

from __future__ import annotations

from ..errors import Problem
from ..units import memory
from .figures import Report


def breach(report: Report, limit: int, *, training: bool = False) -> Problem | None:
    """The first node with which the network needs more than `limit` bytes; None if all fits.

    For inference, that is its weights and the activations alive while a node runs. For training,
    weights, gradients and Adam's moments, and the activations kept up to and with a node; the
    gradients of activations, which come and go, are not in it.
    """
    fixed = report.states if training else report.weights
    what = "weights, gradients and Adam's moments" if training else "weights"
    if fixed > limit:
        return Problem(
            "budget",
            f"the {what} alone take {memory(fixed)}, and the budget is {memory(limit)}",
            "use a narrower `--dtype`, or a smaller network",
        )
    kept = report.training - sum(row.training for row in report.nodes)
    for row in report.nodes:
        kept += row.training
        needed = fixed + (kept if training else row.inference)
        if needed > limit:
            when = "are needed up to and with it" if training else "are alive while it runs"
            return Problem(
                "budget",
                f"`{row.path}` breaks the budget of {memory(limit)} by {memory(needed - limit)}: "
                f"{memory(needed)} {when}, "
                f"{memory(fixed)} of them {what}",
                _mend(report, limit - fixed, training),
                node=row.path,
            )
    return None


def _mend(report: Report, room: int, training: bool) -> str:
    each = (report.training if training else report.inference) / report.batch
    fits = int(room / each)
    mend = f"use `--batch {fits}`" if fits else "use a smaller `--size`, or a narrower `--dtype`"
    if training:
        mend += ", or `model.save_memory()`, which recomputes activations"
    return mend
