"""Where components of each kind are tried: sides, embeddings, sequences, skips, strides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import singledispatch
from math import prod
from typing import Any

from ..conditioning import shape_of
from ..parts import (
    Activation,
    Attention,
    Block,
    Condition,
    Embedding,
    Head,
    Part,
    Pooling,
    Precondition,
    Site,
    Skip,
    Stem,
    Time,
    Upsampling,
)
from ..registry import default_registry
from ..shapes import Shape

EMBEDDING = 10
CONTEXTS = {"text": Shape(6, (5,)), "pose": Shape(3, (2,))}
PADDING = {"text": "text_padding"}


@dataclass(frozen=True, slots=True)
class Ground:
    """What sites are made of: dimensions, a size, and two numbers of channels."""

    dims: int
    space: tuple[int, ...]
    few: int
    many: int

    def site(self, here: int, width: int, **more: Any) -> Site:
        return Site(dims=self.dims, x=Shape(here, self.space), width=width, **more)


@singledispatch
def sites(component: Part, ground: Ground) -> Iterator[Site]:
    """The sites of a kind on a ground; norms, and kinds unknown."""
    yield ground.site(ground.few, ground.few)
    yield ground.site(ground.many, ground.many, side="decoder", level=1)


@sites.register
def _(component: Activation, ground: Ground) -> Iterator[Site]:
    yield ground.site(ground.few, ground.many)


@sites.register
def _(component: Block, ground: Ground) -> Iterator[Site]:
    few, many = ground.few, ground.many
    told: dict[str, Any] = {"embedding": EMBEDDING, "contexts": CONTEXTS}
    yield ground.site(few, many)
    yield ground.site(many, few, side="decoder", **told)
    yield ground.site(few, few, level=1, padding=PADDING, **told)
    yield ground.site(many, many, side="bottleneck", level=1, **told)
    yield ground.site(many, few, side="decoder", inner=many, **told)
    if component.strides:
        yield ground.site(few, many, stride=(2, 3, 1)[: ground.dims], **told)
        yield ground.site(many, many, stride=(2,) * ground.dims)
    if component.resamples:
        yield ground.site(few, many, resample=_inside("pooling", "avg"), **told)
        growing = _inside("upsampling", "nearest")
        yield ground.site(many, few, side="decoder", resample=growing, **told)


def _inside(kind: str, name: str) -> Any:
    """A resampler, for a block to use inside itself."""
    return default_registry().component(kind, name).model_validate({"type": name})


@sites.register
def _(component: Attention, ground: Ground) -> Iterator[Site]:
    text = {"text": CONTEXTS["text"]}
    yield ground.site(ground.few, ground.few)
    yield ground.site(ground.many, ground.many, embedding=EMBEDDING, contexts=text)
    told: dict[str, Any] = {"contexts": CONTEXTS, "padding": PADDING}
    yield ground.site(ground.few, ground.few, side="decoder", level=1, **told)


@sites.register
def _(component: Pooling, ground: Ground) -> Iterator[Site]:
    few, many = ground.few, ground.many
    yield ground.site(few, component.leaves(few, many), embedding=EMBEDDING)
    yield ground.site(many, component.leaves(many, many))
    yield ground.site(few, few, bare=True)


@sites.register
def _(component: Upsampling, ground: Ground) -> Iterator[Site]:
    few, many = ground.few, ground.many
    width = component.leaves(many, few)
    for stride in (None, (1,) * ground.dims, (2, 3, 1)[: ground.dims]):
        told: dict[str, Any] = {"side": "decoder", "stride": stride, "embedding": EMBEDDING}
        yield ground.site(many, width, **told)
    yield ground.site(few, few, side="decoder", bare=True)


@sites.register
def _(component: Skip, ground: Ground) -> Iterator[Site]:
    few, many = ground.few, ground.many
    more, less = (tuple(max(1, n + by) for n in ground.space) for by in (2, -1))
    for skip in (Shape(few, ground.space), Shape(few, more), Shape(few, less)):
        yield ground.site(few, few, side="decoder", skip=skip)
    for width in (few, many):
        yield ground.site(many, width, side="decoder", level=1, skip=Shape(few, ground.space))


@sites.register
def _(component: Stem, ground: Ground) -> Iterator[Site]:
    yield ground.site(ground.few, component.leaves(ground.many), side="input")
    yield ground.site(1, component.leaves(ground.few), side="input")
    told: dict[str, Any] = {"sample": ground.space, "tokens": ("time", "label")}
    yield ground.site(ground.few, component.leaves(ground.few), side="input", **told)


@sites.register
def _(component: Head, ground: Ground) -> Iterator[Site]:
    yield ground.site(ground.few, ground.many, side="output")
    yield ground.site(ground.many, 1, side="output")
    for patch in (1, 2):  # a row of tokens, some of which are no patch
        row = (prod(n // patch for n in ground.space) + 2, *(1,) * (ground.dims - 1))
        x = Shape(ground.few, row)
        told: dict[str, Any] = {"dims": ground.dims, "side": "output", "sample": ground.space}
        yield Site(x=x, width=ground.many, **told)


@sites.register
def _(component: Precondition, ground: Ground) -> Iterator[Site]:
    for role in component.roles:
        x = Shape(1) if role == "time" else Shape(ground.few, ground.space)
        yield Site(dims=ground.dims, x=x, width=x.channels, side="conditioning", role=role)


@sites.register
def _(component: Time, ground: Ground) -> Iterator[Site]:
    if more := component.joins():
        yield ground.site(ground.few, ground.few + more, side="conditioning")
        return
    for stem, clock in ((ground.few, 1.0), (ground.many, 1000.0)):
        x, width = Shape(component.features(stem)), component.leaves(stem)
        yield Site(dims=ground.dims, x=x, width=width, side="conditioning", clock=clock)


@sites.register
def _(component: Embedding, ground: Ground) -> Iterator[Site]:
    x = Shape(ground.few)
    summed = dict.fromkeys(("time", *CONTEXTS), x)
    yield Site(dims=ground.dims, x=x, width=ground.few, side="conditioning", contexts=summed)


@sites.register
def _(component: Condition, ground: Ground) -> Iterator[Site]:
    takes, few = component.takes(ground.dims, ground.space), ground.few
    if component.gathers():
        made = {"time": Shape(EMBEDDING), **CONTEXTS}
        yield Site(dims=ground.dims, x=Shape(few), width=0, side="conditioning", contexts=made)
        return
    if component.route() in ("input", "stem", "head", "taps"):
        space = tuple(takes.times * n for n in ground.space)
        image, width = Shape(takes.shape[0] or few, space), few + component.joins()
        yield ground.site(few, width, side="conditioning", skip=image)
        return
    width = 0 if component.route() == "context" else few
    x = shape_of(takes, component)
    site = Site(dims=ground.dims, x=x, width=width, side="conditioning")
    yield site
    if component.takes_made:
        yield replace(site, contexts={"text": x}, padding=PADDING)
