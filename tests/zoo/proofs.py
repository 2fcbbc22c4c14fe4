"""What proves a family: its counts, its numbers, and that wrong options are noticed."""

from collections.abc import Sequence
from typing import Any

import archkit
from archkit.testing.parity import Reference, verify


def counted(name: str) -> int:
    """Parameters of a spec that ships: as the module has them, on paper, and as the spec says."""
    model = archkit.assemble(f"specs/{name}.yaml", initialise=False)
    built = sum(p.numel() for p in model.parameters())
    assert built == model.plan.cost.parameters == model.plan.spec.parameters
    return built


def agree(spec: dict[str, Any], wanted: Reference) -> None:
    """Ours, with the original's weights, answers what the original answers."""
    report = verify(spec, wanted)
    assert report, str(report)


def notice(spec: dict[str, Any], wanted: Reference, flips: Sequence[str]) -> None:
    """Each of these options changes the answer."""
    report = verify(spec, wanted, flips, tolerance=2e-6)
    assert not report.survivors, str(report)
