"""The cost of one component, itself alone: for plugins that state none."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch._subclasses import FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ..costs import Cost
from ..errors import PluginError
from ..parts import Condition, Embedding, Time
from ..plans import Node, Plan
from ..shapes import Shape
from ..site import Site
from ..weights.blank import blank
from .memory import kept, peak


def measured(plan: Plan) -> Plan:
    """The plan with the cost of every node whose component states none; PluginError as `alone`."""
    return replace(
        plan,
        nodes=tuple(
            replace(node, measured=alone(node)) if node.cost is None else node for node in plan
        ),
    )


def alone(node: Node) -> Cost:
    """What torch counts of a node's module on shapes alone: nothing is allocated or computed.

    Its reach stays unknown: shapes do not tell where an output looks. Raises PluginError for a
    component that cannot be measured so.
    """
    try:
        with blank():
            module = node.component.build(node.site)
        arguments = [_empty(takes, "meta") for takes in _takes(node)]
        counter = FlopCounterMode(display=False)
        with counter, sdpa_kernel(SDPBackend.MATH):
            module(*arguments)
        parameters = sum(p.numel() for p in module.parameters())
        with FakeTensorMode():
            return _remembered(node, parameters, counter.get_total_flops() // 2)
    except Exception as error:
        what = str(error).strip().split("\n", 1)[0]
        raise PluginError(
            f"{node.name} cannot be measured at `{node.path}`: {type(error).__name__}: {what}"
        ) from error


def _remembered(node: Node, parameters: int, macs: int) -> Cost:
    """The cost with its memory, seen on tensors that know their shapes only."""
    module = node.component.build(node.site)
    arguments = [_empty(takes, "cpu") for takes in _takes(node)]
    outside = isinstance(node.component, Condition | Time)
    wanted = [a.is_floating_point() and a.ndim > 1 and not outside for a in arguments]
    saved, words = kept(module.train(), arguments, wanted)
    reads = node.component.reads(node.site)
    return Cost(
        parameters,
        macs,
        out=node.shape.elements,
        peak=peak(module.eval(), arguments) // 4,
        saved=saved // 4,
        keeps=frozenset(
            "out" if word == "out" else reads[int(word)] if int(word) < len(reads) else "x"
            for word in words
        ),
        reach={},
    )


Takes = tuple[tuple[int, ...], torch.dtype]


def _takes(node: Node) -> list[Takes]:
    """Shapes and kinds of numbers of what the module is given."""
    component, site = node.component, node.site
    if isinstance(component, Condition) and site.skip is None and not component.gathers():
        told, pads = _told(component, site), site.padding.values()
        padding = (site.x.space, torch.int64)
        return [padding if word in pads else told for word in component.reads(site)]
    if isinstance(component, Embedding):
        return [((site.width,), torch.float32)] * len(node.inputs)
    if isinstance(component, Time) and component.joins():
        return [(_image(site.x), torch.float32), ((), torch.float32)]
    if isinstance(component, Time):
        early = [((site.x.channels,), torch.float32)] * (len(node.inputs) - 1)
        return [((), torch.float32), *early]
    shapes: dict[str, tuple[int, ...]] = {"t": (), "x": _image(site.x), "answer": _image(site.x)}
    if site.skip is not None:
        shapes["skip"] = _image(site.skip)
    if site.embedding is not None:
        shapes["embedding"] = (site.embedding,)
    shapes |= {name: (*c.space, c.channels) for name, c in site.contexts.items()}
    whole = {name: site.contexts[of].space for of, name in site.padding.items()}
    shapes |= whole
    return [
        (shapes[word], torch.int64 if word in whole else torch.float32)
        for word in component.reads(site)
    ]


def _told(condition: Condition, site: Site) -> Takes:
    """What a condition is given, of its own or of another."""
    if condition.source():
        return (*site.x.space, site.x.channels), torch.float32
    takes = condition.takes(site.dims, site.x.space)
    numbers = torch.int64 if takes.numbers == "int" else torch.float32
    return tuple(n or condition.counted() for n in takes.shape), numbers


def _image(shape: Shape) -> tuple[int, ...]:
    return (shape.channels, *shape.space)


def _empty(takes: Takes, device: str) -> Tensor:
    shape, numbers = takes
    return torch.zeros((1, *shape), dtype=numbers, device=device)
