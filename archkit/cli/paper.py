"""plan, resolve: a network on paper."""

from __future__ import annotations

import json
from typing import Any

import click

from .. import api
from ..errors import counted
from ..plans import Node, Plan
from ..reports.table import aligned
from ..units import UNCOUNTED
from . import common


@click.command()
@common.one_file
@common.overrides
@click.option("--origin", is_flag=True, help="List each value, with the line or flag it is from.")
@click.pass_context
def resolve(context: click.Context, file: str, overrides: tuple[str, ...], origin: bool) -> None:
    """Print FILE with inheritance merged and every default written out."""
    registry = common.registry(context)
    document = common.document(file, overrides)
    if origin:
        found = api.origins_document(document, registry)
        rows = [(o.path, json.dumps(o.value, ensure_ascii=False), o.where) for o in found]
        click.echo(aligned(rows, left=3))
    else:
        click.echo(api.spec_document(document, registry).yaml(), nl=False)


@click.command()
@common.one_file
@common.size
@common.overrides
@click.option("--json", "as_json", is_flag=True, help="Print plain data.")
@click.pass_context
def plan(
    context: click.Context,
    file: str,
    size: tuple[int, ...] | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """List the network of FILE node by node, and prove its shapes."""
    registry = common.registry(context)
    drawn = api.plan_document(common.document(file, overrides), size, registry)
    if as_json:
        click.echo(json.dumps(as_data(drawn), indent=2))
    else:
        click.echo(listing(drawn))


def as_data(drawn: Plan) -> dict[str, Any]:
    """A plan as plain data."""
    return {
        "name": drawn.spec.name,
        "inputs": {name: list(takes.shape) for name, takes in drawn.inputs.items()},
        "nodes": [_node(node) for node in drawn],
        "parameters": drawn.cost.parameters,
        "macs": drawn.cost.macs,
        "uncounted": list(drawn.uncounted),
        "space": list(drawn.space),
        "output": [drawn.output.channels, *drawn.output.space],
        "offers": dict(drawn.offers),
        "axes": [
            {
                **{"name": name, "multiple": axis.multiple, "rests": axis.rests},
                **{"least": axis.least, "only": axis.only},
            }
            for name, axis in zip(drawn.axis_names, drawn.axes, strict=True)
        ],
        "skips": [
            {
                "level": link.level,
                "source": link.source,
                "target": link.target,
                "shape": [link.shape.channels, *link.shape.space],
                "mode": link.mode,
            }
            for link in drawn.links
        ],
        "differences": differences(drawn),
        "conditions": {name: list(drawn.readers(name)) for name in drawn.inputs if name != "x"},
    }


def _node(node: Node) -> dict[str, Any]:
    return {
        "path": node.path,
        "component": node.name,
        "inputs": list(node.inputs),
        "shape": [node.shape.channels, *node.shape.space],
        "parameters": node.cost.parameters if node.cost else None,
        "macs": node.cost.macs if node.cost else None,
    }


def listing(drawn: Plan) -> str:
    """A plan as people read it: the nodes, then what is proven."""
    rows = [("node", "component", "reads", "shape", "parameters", "MACs")]
    for node in drawn:
        cost = node.cost
        numbers = (f"{cost.parameters:,}", f"{cost.macs:,}") if cost else (UNCOUNTED,) * 2
        rows.append((node.path, node.name, ", ".join(node.inputs), str(node.shape), *numbers))
    total = drawn.cost
    rows.append(("total", "", "", "", f"{total.parameters:,}", f"{total.macs:,}"))
    nodes = [aligned(rows, left=4)]
    sections = (nodes, _proof(drawn), _differing(drawn), _skips(drawn), _readers(drawn))
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def _proof(drawn: Plan) -> list[str]:
    spec = drawn.spec
    given = "×".join(map(str, (spec.input.channels, *drawn.space)))
    if drawn.offers:
        lines = [f"{given} goes in, and {counted(len(drawn.offers), 'tensor')} offered"]
    elif spec.fit == "valid":
        lines = [f"{given} goes in, {drawn.output} comes out (`fit: valid`)"]
    elif spec.output.variance == "learned":
        lines = [f"output == input == {given}, twice: mean and variance"]
    elif spec.output.variance == "per-sample":
        lines = [f"output == input == {given}, and one number for its variance"]
    elif drawn.output.channels != spec.input.channels:
        lines = [f"output {drawn.output}: the size of the input {given}"]
    else:
        lines = [f"output == input == {given}"]
    for name, axis in zip(drawn.axis_names, drawn.axes, strict=True):
        padded = ", padded to it otherwise" if spec.fit == "pad" else ""
        lines.append(f"  {name}: {axis}{padded}")
    return lines


def differences(drawn: Plan) -> dict[str, list[str]]:
    """What the stages of the decoder have that those of the encoder have not, by stage."""
    spec = drawn.spec
    found = {}
    for level, row in enumerate(spec.decoder or ()):
        mirror = spec.encoder[level].model_copy(update={"channels": spec.widths()[level]})
        kinds = [k for k in type(row).model_fields if k not in ("norm", "activation", "method")]
        said = {kind: getattr(row, kind) for kind in kinds if getattr(row, kind) is not None}
        if differ := [kind for kind, value in said.items() if value != getattr(mirror, kind)]:
            found[f"decoder.{level}"] = differ
    return found


def _differing(drawn: Plan) -> list[str]:
    return [
        f"{stage} differs from {stage.replace('de', 'en', 1)}: {', '.join(kinds)}"
        for stage, kinds in differences(drawn).items()
    ]


def _skips(drawn: Plan) -> list[str]:
    if not drawn.links:
        return ["no skips"]
    rows = [("level", "skip from", "to", "shape", "mode")]
    rows += [(str(k.level), k.source, k.target, str(k.shape), k.mode) for k in drawn.links]
    return [aligned(rows, left=5)]


def _readers(drawn: Plan) -> list[str]:
    lines = []
    for name, takes in drawn.inputs.items():
        if name != "x":
            shape = ", ".join(["batch", *(str(n or "any") for n in takes.shape)])
            lines.append(f"{name} ({shape}) is read by {', '.join(drawn.readers(name))}")
    return lines or ["no conditions"]
