"""Resampling by a FIR filter whose borders are reflected."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from archkit import KEEP, Cost, Misfit, PerAxis, Pooling, Shape, Site, SizeMap, Window

from .upsampling import Growing

if TYPE_CHECKING:
    from torch import nn

Taps = Annotated[tuple[float, ...], Field(min_length=2, max_length=16, strict=False)]
KERNELS: dict[str, tuple[float, ...]] = {
    "linear": (1.0, 3.0, 3.0, 1.0),
    "cubic": (-3.0, -9.0, 29.0, 111.0, 111.0, 29.0, -9.0, -3.0),
}
Kernel = Literal["linear", "cubic"] | Taps


class FilterPooling(Pooling):
    """A FIR low-pass filter that halves; the borders are reflected, and nothing is learned.

    References:
        | Making Convolutional Networks Shift-Invariant Again (Zhang, 2019), in the form of the
          library k-diffusion
        | https://arxiv.org/abs/1904.11486
    """

    short = "Filter"
    type: Literal["filter"] = "filter"
    stride: PerAxis = 2
    """How many times smaller: 2, or 1 for an axis that is left alone."""
    kernel: Kernel = "linear"
    """The filter along each axis, by name or by its taps, as many on both sides; it is divided by
    its sum."""

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        k = len(taps(self.kernel))
        halved = SizeMap.window(k, 2, k - 2, least=k // 2)
        return tuple(halved if s > 1 else KEEP for s in site.per_axis(self.stride, "stride"))

    def infer(self, site: Site) -> Shape:
        checked(self.kernel, site.per_axis(self.stride, "stride"))
        return super().infer(site)

    def cost(self, site: Site) -> Cost:
        k, strides = len(taps(self.kernel)), site.per_axis(self.stride, "stride")
        out = self.infer(site)
        windows = tuple(Window.sliding(k, 2, k // 2 - 1) if s > 1 else Window() for s in strides)
        filtered = Cost.made(out.elements, keeps="x", windows=windows)
        macs = out.elements * prod(k if s > 1 else 1 for s in strides)
        return reflected(site.x, strides, k // 2 - 1) + (Cost(0, macs) + filtered)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.filters import Filter

        return Filter(site.x.channels, taps(self.kernel), site.per_axis(self.stride, "stride"))


class FilterUpsampling(Growing):
    """The transpose of such a filter, which doubles; the borders are reflected.

    References:
        | Making Convolutional Networks Shift-Invariant Again (Zhang, 2019), in the form of the
          library k-diffusion
        | https://arxiv.org/abs/1904.11486
    """

    short = "Filter"
    type: Literal["filter"] = "filter"
    kernel: Kernel = "linear"
    """The filter along each axis, by name or by its taps, as many on both sides; it is divided by
    its sum."""

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        doubled = SizeMap(times=2, least=len(taps(self.kernel)) // 4 + 1)
        return tuple(doubled if s > 1 else KEEP for s in self.strides(site))

    def infer(self, site: Site) -> Shape:
        checked(self.kernel, self.strides(site))
        return super().infer(site)

    def cost(self, site: Site) -> Cost:
        k, strides = len(taps(self.kernel)), self.strides(site)
        padded = reflected(site.x, strides, k // 4)
        windows = tuple(
            Window.transposed(k, 2, 2 * (k // 2) - 1 - 2 * (k // 4)) if s > 1 else Window()
            for s in strides
        )
        macs = (padded.out or site.x.elements) * prod(k if s > 1 else 1 for s in strides)
        filtered = Cost.made(self.infer(site).elements, keeps="x", windows=windows)
        return padded + (Cost(0, macs) + filtered)

    def build(self, site: Site) -> nn.Module:
        from archkit.nn.filters import Filter

        return Filter(site.x.channels, taps(self.kernel), self.strides(site), up=True)


def taps(kernel: str | tuple[float, ...]) -> tuple[float, ...]:
    """The taps of a filter."""
    return KERNELS[kernel] if isinstance(kernel, str) else kernel


def checked(kernel: str | tuple[float, ...], strides: tuple[int, ...]) -> None:
    """Raises Misfit for a filter that has no middle or no sum, or that does not halve."""
    line = taps(kernel)
    if len(line) % 2 or sum(line) == 0:
        what = "a filter needs as many taps on both sides, and a sum"
        raise Misfit(what, "use `kernel: linear`, or for example [1, 3, 3, 1]", option=("kernel",))
    if max(strides) > 2:
        what = f"a `filter` takes every second position, and not every {max(strides)}th"
        raise Misfit(what, "use a stride of 2, or `blur`", option=("stride",))


def reflected(x: Shape, strides: tuple[int, ...], pad: int) -> Cost:
    """What it takes to put the reflected borders around."""
    more = (2 * pad if s > 1 else 0 for s in strides)
    space = tuple(n + m for n, m in zip(x.space, more, strict=True))
    return Cost.made(x.channels * prod(space), keeps="x") if space != x.space else Cost()
