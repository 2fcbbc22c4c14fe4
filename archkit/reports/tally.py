"""Plan → Report: everything that is counted, node by node."""

from __future__ import annotations

from collections.abc import Iterable

from ..costs import Cost
from ..plans import Node, Plan
from ..shapes import Shape
from .figures import BYTES, Estimate, Matrix, Rate, Report, Row
from .memory import Costs, Memory, memory
from .receptive import receptive_field


def tally(
    plan: Plan,
    *,
    batch: int = 1,
    dtype: str = "float32",
    rate: Rate | None = None,
) -> Report:
    """The report of a plan.

    Arguments:
        rate: Of the device that times are estimated for.
    """
    costs: Costs = {node.path: node.cost for node in plan}
    used = memory(plan, costs)
    per = batch * BYTES[dtype]
    rows = tuple(_node(node, costs[node.path], used, batch, per) for node in plan)
    busiest = max(rows, key=lambda row: row.inference)
    stages = tuple(_stages(plan, rows, costs))
    deepest = [row for row in stages if row.path == "bottleneck"]
    deepest += [row for row in reversed(stages) if row.path.startswith("encoder.")]
    return Report(
        name=plan.spec.name,
        sample=Shape(plan.spec.input.channels, plan.space),
        batch=batch,
        dtype=dtype,
        parameters=sum(row.parameters or 0 for row in rows),
        macs=sum(row.macs or 0 for row in rows),
        inference=busiest.inference,
        busiest=busiest.path,
        training=sum(row.training for row in rows) + used.kept_inputs * per,
        bottleneck=deepest[0].field if deepest else None,
        nodes=rows,
        stages=stages,
        scores=tuple(_matrices(costs, per)),
        uncounted=tuple(path for path, cost in costs.items() if cost is None),
        assumed=tuple(row.path for row in rows if row.assumed),
        time=_estimate(plan, costs, batch, rate) if rate else None,
    )


def _node(node: Node, cost: Cost | None, used: Memory, batch: int, per: int) -> Row:
    use = used.uses[node.path]
    return Row(
        node.path,
        node.name,
        node.shape,
        None if cost is None else cost.parameters,
        None if cost is None else cost.macs * batch,
        use.alive * per,
        use.kept * per,
        use.assumed,
    )


def stage_of(path: str) -> str:
    """The stage that a node belongs to.

    Examples:
        >>> stage_of("encoder.0.blocks.1.block"), stage_of("bottleneck.0.block"), stage_of("head")
        ('encoder.0', 'bottleneck', 'head')
    """
    side, *rest = path.split(".")
    return f"{side}.{rest[0]}" if side in ("encoder", "decoder") and rest else side


def _stages(plan: Plan, rows: Iterable[Row], costs: Costs) -> Iterable[Row]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(stage_of(row.path), []).append(row)
    for stage, members in found.items():
        # What a stage is about, it has done before it hands its size on to the next.
        own = [row for row in members if plan[row.path].component.kind != "pooling"] or members
        leaves = plan[own[-1].path]
        trunk = leaves.site.side != "conditioning"
        yield Row(
            stage,
            "",
            leaves.shape,
            sum(row.parameters or 0 for row in members),
            sum(row.macs or 0 for row in members),
            max(row.inference for row in members),
            sum(row.training for row in members),
            any(row.assumed for row in members),
            receptive_field(plan, leaves.path, costs) if trunk else None,
            leaves.path,
        )


def _matrices(costs: Costs, per: int) -> Iterable[Matrix]:
    for path, cost in costs.items():
        for s in cost.scores if cost else ():
            yield Matrix(path, s.layers, s.heads, s.queries, s.keys, s.elements * per)


def _estimate(plan: Plan, costs: Costs, batch: int, rate: Rate) -> Estimate:
    seconds = 0.0
    for node in plan:
        cost = costs[node.path]
        spatial = node.component.kind != "attention" and node.site.side != "conditioning"
        seconds += (cost.macs if cost else 0) / (rate.convolution if spatial else rate.matrix)
    return Estimate(rate, seconds * batch, 3 * seconds * batch)
