"""What is done to each frame of a video, and then across its frames."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .frames import folded, repeated, unfolded


class InTurn(nn.Module):
    """Each frame alone, then all of them: (B, C, F, …) → (B, width, F, …).

    References:
        | Align your Latents: High-Resolution Video Synthesis with Latent Diffusion Models
          (Blattmann et al., 2023), for the blend
        | https://arxiv.org/abs/2304.08818

    Arguments:
        spatial: On frames (B·F, C, …).
        temporal: On videos (B, width, F, …).
        reads: Which of what is told, by number, each of the two takes.
        blends: Answer share · frames + (1 − share) · video, with a learned share.
    """

    def __init__(
        self,
        spatial: nn.Module,
        temporal: nn.Module,
        reads: tuple[Sequence[int], Sequence[int]],
        blends: bool = False,
    ) -> None:
        super().__init__()
        self.spatial, self.temporal, self.reads = spatial, temporal, reads
        self.share = share() if blends else None

    def forward(self, x: Tensor, *told: Tensor) -> Tensor:
        """The video `x` (B, C, F, …) after both, `told` an embedding or sequences (B, …)."""
        frames = x.shape[2]
        first, second = ([told[i] for i in which] for which in self.reads)
        each = self.spatial(folded(x), *(repeated(t, frames) for t in first))
        video = unfolded(each, frames)
        out: Tensor = self.temporal(video, *second)
        return out if self.share is None else blended(video, out, self.share)


def share() -> nn.Parameter:
    """A share that is learned: 1/2 until then, as its logistic function is 1/2."""
    return nn.Parameter(torch.zeros(1))


def blended(frames: Tensor, video: Tensor, share: Tensor) -> Tensor:
    """σ(share) · frames + (1 − σ(share)) · video, laid out in memory as the frames are."""
    rest = share.neg().sigmoid()
    return torch.lerp(frames, video.to(frames.dtype), rest.to(frames.dtype))
