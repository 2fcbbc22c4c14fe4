"""Resamplers that stand behind a norm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Protocol

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


class _Two(Protocol):
    """A norm, and the resampler behind it."""

    @property
    def norm(self) -> Norm: ...

    @property
    def by(self) -> Resampler: ...


class _Behind:
    """What pooling and upsampling behind a norm have in common."""

    def leaves(self: _Two, here: int, there: int) -> int:
        return self.by.leaves(here, there)

    def reads(self: _Two, site: Site) -> tuple[str, ...]:
        return self.by.reads(site)

    def size_maps(self: _Two, site: Site) -> tuple[SizeMap, ...]:
        return self.by.size_maps(site)

    def infer(self: _Two, site: Site) -> Shape:
        normed(self.norm, site)
        if isinstance(self.by, Pooling) and self.by.by_next:
            what = f"pooling `{self.by.type}` has no module to stand behind a norm"
            raise Misfit(what, "use `by: conv`, or another pooling", option=("by",))
        try:
            return self.by.infer(site)
        except Misfit as misfit:
            raise misfit.under("by") from None

    def cost(self: _Two, site: Site) -> Cost | None:
        first, then = self.norm.cost(site), self.by.cost(site)
        return None if first is None or then is None else first + then

    def caption(self: _Two, site: Site) -> str:
        return f"Norm · {self.by.caption(site)}"

    def inside(self: _Two, site: Site) -> tuple[Op, ...]:
        return (*self.norm.steps(site), *self.by.steps(site))

    def build(self: _Two, site: Site) -> nn.Module:
        from archkit.nn.resampling import Normed

        return Normed(self.norm.build(site), self.by.build(site))


class NormedPooling(_Behind, Pooling):
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


class NormedUpsampling(_Behind, Upsampling):
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
