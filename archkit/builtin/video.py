"""Parts of video networks: one that is given each frame alone, then one that looks across them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Protocol

from pydantic import Field

from archkit import (
    Attention,
    Block,
    Cost,
    Misfit,
    Op,
    Part,
    Shape,
    Site,
    SizeMap,
    Slot,
    Stem,
    cost_of_frames,
)

if TYPE_CHECKING:
    from torch import nn


class _Two(Protocol):
    """A part made of two."""

    @property
    def spatial(self) -> Part: ...

    @property
    def temporal(self) -> Part: ...


class _InTurn:
    """What blocks, attention and stems of videos have in common."""

    across: ClassVar[bool] = True
    dims: ClassVar[tuple[int, ...]] = (3,)

    def reads(self: _Two, site: Site) -> tuple[str, ...]:
        words = (*self.spatial.reads(site.frame()), *self.temporal.reads(_after(self, site)))
        return tuple(dict.fromkeys(words))

    def size_maps(self: _Two, site: Site) -> tuple[SizeMap, ...]:
        both = zip(
            self.temporal.size_maps(site),
            (SizeMap(), *self.spatial.size_maps(site.frame())),
            strict=True,
        )
        return tuple(one if other.free else other for one, other in both)

    def infer(self: _Two, site: Site) -> Shape:
        for name, part, here in _places(self, site):
            try:
                part.infer(here)
            except Misfit as misfit:
                raise misfit.under(name) from None
        return site.x.with_channels(site.width)

    def inside(self: _Two, site: Site) -> tuple[Op, ...]:
        (_, first, here), (_, then, there) = _places(self, site)
        each, across = (p.inside(s) or p.steps(s) for p, s in ((first, here), (then, there)))
        *before, last = each or (Op("each frame"),)
        renamed = (replace(op, reads=tuple(_of_frames(r) for r in op.reads)) for op in across)
        return (*before, replace(last, name="frames"), *renamed)

    def grouped(self: _Two) -> str:
        return self.spatial.grouped()


def _of_frames(word: str) -> str:
    return "frames" if word == "x" else word


def _after(part: _Two, site: Site) -> Site:
    """Where the second part stands."""
    return replace(site, x=site.x.with_channels(site.width))


def _places(part: _Two, site: Site) -> tuple[tuple[str, Part, Site], tuple[str, Part, Site]]:
    """Both parts, with their names and where they stand."""
    first = "spatial", part.spatial, site.frame()
    return first, ("temporal", part.temporal, _after(part, site))


def _cost(part: _Two, site: Site, blends: bool = False) -> Cost | None:
    frames, out = site.x.space[0], site.width * site.x.positions
    each = cost_of_frames(part.spatial, site.frame(), frames)
    across = part.temporal.cost(_after(part, site))
    if each is None or across is None:
        return None
    if not blends:
        return each + across
    # Both are kept: the share is learned by how they differ. The first norm of the second part
    # keeps the frames besides, channel by channel.
    blend = Cost.made(out, keeps="x", saved=out) + Cost(1)
    across += blend
    return each + replace(across, keeps=across.keeps | {"x"})


def _build(part: _Two, reads: tuple[str, ...], site: Site, blends: bool = False) -> nn.Module:
    from archkit.nn.video import InTurn

    (_, first, here), (_, then, there) = _places(part, site)
    spatial, temporal = (
        [reads[1:].index(word) for word in p.reads(s)[1:]]
        for p, s in ((first, here), (then, there))
    )
    return InTurn(first.build(here), then.build(there), (spatial, temporal), blends)


class VideoBlock(_InTurn, Block):
    """A block on each frame alone, then one across them.

    References:
        | Video Diffusion Models (Ho et al., 2022), for factorised space and time
        | https://arxiv.org/abs/2204.03458
        | Align your Latents: High-Resolution Video Synthesis with Latent Diffusion Models
          (Blattmann et al., 2023), for ``blend``
        | https://arxiv.org/abs/2304.08818
    """

    short = "Video"
    type: Literal["video"] = "video"
    spatial: Annotated[Block, Slot("block")] = Field("resnet", validate_default=True)
    """The block that each frame is given to."""
    temporal: Annotated[Block, Slot("block")] = Field(
        {"type": "resnet", "kernel": [3, 1, 1]}, validate_default=True
    )
    """The block that follows on all frames, the first axis; its norms see them all."""
    blend: bool = False
    """Answer what comes out of either, blended by a learned share (Stable Video Diffusion)."""

    def cost(self, site: Site) -> Cost | None:
        return _cost(self, site, self.blend)

    def inside(self, site: Site) -> tuple[Op, ...]:
        ops = super().inside(site)
        if not self.blend:
            return ops
        return (*ops[:-1], replace(ops[-1], name="video"), Op("blend", ("video", "frames")))

    def build(self, site: Site) -> nn.Module:
        return _build(self, self.reads(site), site, self.blend)


class VideoAttention(_InTurn, Attention):
    """Attention inside each frame, then across them.

    References:
        | Video Diffusion Models (Ho et al., 2022)
        | https://arxiv.org/abs/2204.03458
    """

    short = "Video attn"
    type: Literal["video"] = "video"
    spatial: Annotated[Attention, Slot("attention")] = Field("self", validate_default=True)
    """The attention inside each frame."""
    temporal: Annotated[Attention, Slot("attention")] = Field("temporal", validate_default=True)
    """The attention that follows on all frames."""

    def cost(self, site: Site) -> Cost | None:
        return _cost(self, site)

    def build(self, site: Site) -> nn.Module:
        return _build(self, self.reads(site), site)


class VideoStem(_InTurn, Stem):
    """A stem on each frame alone, then attention across them.

    References:
        | ModelScope Text-to-Video Technical Report (Wang et al., 2023)
        | https://arxiv.org/abs/2308.06571
    """

    short = "Video stem"
    type: Literal["video"] = "video"
    spatial: Annotated[Stem, Slot("stem")] = Field("conv", validate_default=True)
    """The stem that each frame is given to."""
    temporal: Annotated[Attention, Slot("attention")] = Field("temporal", validate_default=True)
    """The attention that follows on all frames."""

    def leaves(self, first: int) -> int:
        return self.spatial.leaves(first)

    def cost(self, site: Site) -> Cost | None:
        return _cost(self, site)

    def build(self, site: Site) -> nn.Module:
        return _build(self, self.reads(site), site)
