"""Trials: a component at sites of its kind, at sizes that hurt, and what its module is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import singledispatch
from itertools import islice
from typing import Any, Literal

import torch
from torch import nn

from ..component import Misfit
from ..parts import Condition, Embedding, Part, Pooling, Precondition, Site, Tensor, Time
from ..shapes import Shape
from .sites import Ground, sites

# One, two, odd, even; seldom square, so that swapped axes show.
SPACES: dict[int, tuple[tuple[int, ...], ...]] = {
    1: ((1,), (2,), (3,), (7,), (15,), (16,)),
    2: ((1, 1), (1, 16), (2, 7), (3, 2), (3, 15), (7, 3), (16, 2), (15, 7)),
    3: ((1, 1, 1), (1, 2, 3), (2, 16, 2), (3, 2, 7), (7, 8, 9)),
}
# Along every axis, for a component that takes none of these.
LARGE = 48


@dataclass(frozen=True, slots=True)
class Trial:
    """One component at one site, and what its module is given there.

    Arguments:
        component: What is tried.
        site: Where it stands.
        takes: What its module takes, in order.
        answers: An image (B, channels, *space), a sequence (B, *space, channels), or times (B,).
    """

    component: Part
    site: Site
    takes: tuple[Tensor, ...]
    answers: Literal["image", "sequence", "times"] = "image"

    def __str__(self) -> str:
        site = self.site
        told = [f"{site.x} to {site.width} channels"]
        told += [f"skip {site.skip}"] * (site.skip is not None)
        told += [f"`{site.resample.type}` inside"] if site.resample else []
        return f"{', '.join(told)}, {len(self.takes)} inputs, {site.side}"

    def expected(self, batch: int) -> tuple[int, ...]:
        """The shape of the answer according to the paper."""
        shape = self.component.infer(self.site)
        if self.answers == "times":
            return (batch,)
        if self.answers == "sequence":
            return (batch, *shape.space, shape.channels)
        return (batch, shape.channels, *shape.space)

    def module(self, device: Literal["cpu", "meta"] = "cpu") -> nn.Module:
        """A fresh module in evaluation mode; on the CPU all its parameters are random."""
        torch.default_generator.manual_seed(0)
        if device == "meta":
            with torch.device(device):
                return self.component.build(self.site).eval()
        module = self.component.build(self.site)
        for parameter in module.parameters():
            nn.init.normal_(parameter, std=0.2)
        return module.eval()

    def arguments(
        self, batch: int = 2, device: str = "cpu", dtype: torch.dtype = torch.float32
    ) -> list[torch.Tensor]:
        """Tensors for the module, the same every time; a smaller batch is the start of a larger."""
        chance = torch.Generator().manual_seed(1)
        given = [_tensor(takes, dtype, chance)[:batch].to(device) for takes in self.takes]
        if not self.component.across:
            return given
        # In a network videos come frame by frame in memory.
        return [_by_frames(t) if t.ndim == self.site.dims + 2 else t for t in given]


def _tensor(takes: Tensor, dtype: torch.dtype, chance: torch.Generator) -> torch.Tensor:
    shape = (3, *(n or 1 for n in takes.shape))
    if takes.numbers == "int":  # what every component has to know: 0, and its own null
        values = torch.zeros(shape, dtype=torch.int64)
        values[1] = takes.null or 0
        return values
    # A scalar is a time, and stays precise.
    if not takes.shape:
        return torch.rand(shape, generator=chance)
    values = torch.randn(shape, generator=chance).to(dtype)
    if takes.null is not None:
        values[1] = takes.null
    return values


def _by_frames(video: torch.Tensor) -> torch.Tensor:
    return video.transpose(1, 2).contiguous().transpose(1, 2)


def trials(component: Part) -> list[Trial]:
    """The component at every site of its kind that takes it; AssertionError if there is none.

    A time that reads nothing becomes no node and stands nowhere; nor does a pooling that the next
    block does.
    """
    if isinstance(component, Pooling) and component.by_next:
        return []
    if isinstance(component, Time) and not component.reads(Ground(1, (1,), 3, 4).site(3, 3)):
        return []
    found = [trial for dims in component.dims for trial in _served(component, dims)]
    if not found:
        raise AssertionError(f"it stands nowhere: {_refusal(component)}")
    return found


def typical(component: Part) -> list[Trial]:
    """One trial, of a middling size, for each dimension and each way the module is called.

    The last one is that with most to read, in two dimensions if the component serves them.
    """
    chosen: dict[tuple[Any, ...], Trial] = {}
    found = trials(component)
    dims = {trial.site.dims for trial in found}
    main = 2 if 2 in dims else min(dims, default=1)
    for trial in sorted(found, key=_middling):
        site = trial.site
        way = len(trial.takes), site.side, site.bare, site.resample and site.resample.kind
        chosen[(site.dims, *(way if site.dims == main else ()))] = trial
    return sorted(chosen.values(), key=lambda t: (t.site.dims == main, len(t.takes)))


def richest(component: Part) -> list[Trial]:
    """The last typical trial; none for a component that never stands."""
    return typical(component)[-1:]


def _middling(trial: Trial) -> int:
    positions = trial.site.x.positions
    return positions if positions <= 512 else -positions


def _served(component: Part, dims: int) -> list[Trial]:
    channels = _channels(component, dims)
    if not channels:
        return []
    few, many = channels[0], channels[-1]
    grounds = [Ground(dims, space, few, many) for space in SPACES[dims]]
    large = Ground(dims, (LARGE,) * dims, few, many)
    found = [trial for ground in grounds for trial in _standing(component, ground)]
    return found or list(_standing(component, large))


def _channels(component: Part, dims: int) -> tuple[int, ...]:
    """The two smallest numbers of channels it can have; 3 and 4 where it takes any."""
    counts = (*range(3, 33), *range(36, 513, 4))
    able = (n for n in counts if _standing(component, Ground(dims, (LARGE,) * dims, n, n)))
    return tuple(islice(able, 2))


def _standing(component: Part, ground: Ground) -> list[Trial]:
    """The trials on a ground that the component takes, on paper."""
    found = []
    for site in sites(component, ground):
        try:
            shape = component.infer(site)
            maps = component.size_maps(site)
            given = list(_given(component, site))
        except Misfit:
            continue
        fits = all(m.accepts(n) for m, n in zip(maps, site.x.space, strict=False))
        if fits and min((1, *shape.space)) > 0:
            found += given
    return found


def _refusal(component: Part) -> str:
    """What it says of the first site it might have stood at."""
    ground = Ground(component.dims[0], (LARGE,) * component.dims[0], 64, 128)
    for site in sites(component, ground):
        try:
            component.infer(site)
        except Misfit as misfit:
            return f"{misfit.what}; {misfit.mend}"
    return "it takes none of the sizes and channels tried"


@singledispatch
def _given(component: Part, site: Site) -> Iterator[Trial]:
    """The ways in which the module is called at a site: for most, as it reads."""
    words = {"x": _image(site.x), "embedding": Tensor((site.embedding,))}
    words |= {name: Tensor((*c.space, c.channels)) for name, c in site.contexts.items()}
    words |= _padding(site)
    words |= {name: Tensor((site.width,)) for name in site.tokens}
    if site.skip is not None:
        words["skip"] = _image(site.skip)
    yield Trial(component, site, tuple(words[word] for word in component.reads(site)))


@_given.register
def _(component: Precondition, site: Site) -> Iterator[Trial]:
    words = {"x": _image(site.x), "answer": _image(site.x), "t": Tensor(())}
    takes = tuple(words[word] for word in component.reads(site))
    yield Trial(component, site, takes, "times" if site.role == "time" else "image")


@_given.register
def _(component: Time, site: Site) -> Iterator[Trial]:
    if component.joins():
        yield Trial(component, site, (_image(site.x), Tensor(())))
        return
    yield Trial(component, site, (Tensor(()),))
    early = Tensor((site.x.channels,))  # of conditions that say `into: time`
    yield Trial(component, site, (Tensor((), "int"), early))


@_given.register
def _(component: Embedding, site: Site) -> Iterator[Trial]:
    for count in (1, 3):
        joined = replace(
            site,
            width=component.leaves((site.width,) * count),
            contexts=dict(islice(site.contexts.items(), count)),
        )
        with suppress(Misfit):
            component.infer(joined)
            yield Trial(component, joined, (Tensor((site.width,)),) * count)


@_given.register
def _(component: Condition, site: Site) -> Iterator[Trial]:
    takes = component.takes(site.dims, site.x.space)
    if component.gathers():
        shapes = (site.contexts[name] for name in component.gathers())
        gathered = tuple(Tensor((*shape.space, shape.channels)) for shape in shapes)
        yield Trial(component, site, gathered, "sequence")
        return
    if site.skip is None:
        shape = tuple(component.counted() if n is None else n for n in takes.shape)
        answers: Any = "sequence" if component.route() == "context" else "image"
        words = dict.fromkeys(("x", "told"), replace(takes, shape=shape)) | _padding(site)
        yield Trial(component, site, tuple(words[word] for word in component.reads(site)), answers)
        return
    x = _image(site.x)
    yield Trial(component, site, (x, _image(site.skip)))
    if not takes.follows:
        other = tuple(n + 2 for n in site.skip.space)
        larger = Shape(site.skip.channels, other)
        yield Trial(component, replace(site, skip=larger), (x, _image(larger)))


def _padding(site: Site) -> dict[str, Tensor]:
    """What says which tokens of sequences are padding, by its name."""
    told = site.padding.items()
    return {name: Tensor(site.contexts[of].space, "int", null=0) for of, name in told}


def _image(shape: Shape) -> Tensor:
    return Tensor((shape.channels, *shape.space))
