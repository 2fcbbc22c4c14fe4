"""Preconditions: what wraps the network, so that it sees and answers numbers of one scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import PositiveFloat

from archkit import Cost, Number, Precondition, Role, Site

if TYPE_CHECKING:
    from torch import nn


class EDM(Precondition):
    """The model takes noise levels σ as times, and answers the denoised sample.

    c_skip · x + c_out · F(c_in · x; ¼ ln σ), with F the network.

    References:
        | Elucidating the Design Space of Diffusion-Based Generative Models (Karras et al., 2022),
          table 1
        | https://arxiv.org/abs/2206.00364
    """

    levels: ClassVar[bool] = True

    short = "EDM"
    type: Literal["edm"] = "edm"
    sigma_data: PositiveFloat = 0.5
    """Standard deviation of the data."""
    answer: Literal["residual", "v"] = "residual"
    """What the network itself answers: what is added to the scaled sample, or, where `sigma_data`
    is 1, the v of Salimans and Ho, which is the opposite of it (Stable Video Diffusion)."""

    def caption(self, site: Site) -> str:
        return f"{self.short} {site.role}"

    def cost(self, site: Site) -> Cost | None:
        total = super().cost(site)
        if total is None or site.role != "output":
            return total
        return total.holding(2 * site.x.elements) + Cost(saved=1)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.preconditioning import Denoised, LogTime, ScaleInput

        if site.role == "time":
            return LogTime(0.25)
        if site.role == "input":
            return ScaleInput(self.sigma_data)
        return Denoised(self.sigma_data, opposite=self.answer == "v")


class OverSigma(Precondition):
    """The model takes noise levels σ as times; the network sees ln σ, its answer is divided by σ.

    References:
        | Score-Based Generative Modeling through Stochastic Differential Equations
          (Song et al., 2021)
        | https://arxiv.org/abs/2011.13456
    """

    roles: ClassVar[tuple[Role, ...]] = ("time", "output")
    levels: ClassVar[bool] = True

    short = "over σ"
    type: Literal["over-sigma"] = "over-sigma"
    time: Number = 1.0
    """What ln σ is multiplied with."""

    def reads(self, site: Site) -> tuple[str, ...]:
        return ("t",) if site.role == "time" else ("answer", "t")

    def cost(self, site: Site) -> Cost | None:
        total = super().cost(site)
        return total + Cost(keeps=frozenset({"t"})) if total and site.role == "output" else total

    def caption(self, site: Site) -> str:
        return f"{self.short} {site.role}"

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.preconditioning import LogTime, OverSigma

        return LogTime(self.time) if site.role == "time" else OverSigma()
