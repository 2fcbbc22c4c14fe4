"""Resamplers that stand behind a norm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from archkit import (
    Cost,
    Misfit,
    Norm,
    Op,
    Pooling,
    Resampler,
    Shape,
    Site,
    SizeMap,
    Slot,
    Upsampling,
)

from .attention import normed

if TYPE_CHECKING:
    from torch import nn


def _infer(norm: Norm, by: Resampler, site: Site) -> Shape:
    normed(norm, site)
    if isinstance(by, Pooling) and by.by_next:
        what = f"pooling `{by.type}` has no module to stand behind a norm"
        raise Misfit(what, "use `by: conv`, or another pooling", option=("by",))
    try:
        return by.infer(site)
    except Misfit as misfit:
        raise misfit.under("by") from None


def _cost(norm: Norm, by: Resampler, site: Site) -> Cost | None:
    first, then = norm.cost(site), by.cost(site)
    return None if first is None or then is None else first + then


def _build(norm: Norm, by: Resampler, site: Site) -> nn.Module:
    from archkit.nn.resampling import Normed

    return Normed(norm.build(site), by.build(site))


def _inside(norm: Norm, by: Resampler, site: Site) -> tuple[Op, ...]:
    return (*norm.steps(site), *by.steps(site))


class NormedPooling(Pooling):
    """A norm, then another pooling.

    References:
        | A ConvNet for the 2020s (Liu et al., 2022)
        | https://arxiv.org/abs/2201.03545
    """

    type: Literal["normed"] = "normed"
    norm: Annotated[Norm, Slot("norm")] = Field("layer", validate_default=True)
    """The norm."""
    by: Annotated[Pooling, Slot("pooling")] = Field("conv", validate_default=True)
    """What pools."""

    def leaves(self, here: int, there: int) -> int:
        return self.by.leaves(here, there)

    def reads(self, site: Site) -> tuple[str, ...]:
        return self.by.reads(site)

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        return self.by.size_maps(site)

    def infer(self, site: Site) -> Shape:
        return _infer(self.norm, self.by, site)

    def cost(self, site: Site) -> Cost | None:
        return _cost(self.norm, self.by, site)

    def caption(self, site: Site) -> str:
        return f"Norm · {self.by.caption(site)}"

    def inside(self, site: Site) -> tuple[Op, ...]:
        return _inside(self.norm, self.by, site)

    def build(self, site: Site) -> nn.Module:
        return _build(self.norm, self.by, site)


class NormedUpsampling(Upsampling):
    """A norm, then another upsampling.

    References:
        | Würstchen: An Efficient Architecture for Large-Scale Text-to-Image Diffusion Models
          (Pernias et al., 2023), in the form of Stable Cascade
        | https://arxiv.org/abs/2306.00637
    """

    type: Literal["normed"] = "normed"
    norm: Annotated[Norm, Slot("norm")] = Field("layer", validate_default=True)
    """The norm."""
    by: Annotated[Upsampling, Slot("upsampling")] = Field("transposed", validate_default=True)
    """What upsamples."""

    def leaves(self, here: int, there: int) -> int:
        return self.by.leaves(here, there)

    def reads(self, site: Site) -> tuple[str, ...]:
        return self.by.reads(site)

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        return self.by.size_maps(site)

    def infer(self, site: Site) -> Shape:
        return _infer(self.norm, self.by, site)

    def cost(self, site: Site) -> Cost | None:
        return _cost(self.norm, self.by, site)

    def caption(self, site: Site) -> str:
        return f"Norm · {self.by.caption(site)}"

    def inside(self, site: Site) -> tuple[Op, ...]:
        return _inside(self.norm, self.by, site)

    def build(self, site: Site) -> nn.Module:
        return _build(self.norm, self.by, site)
