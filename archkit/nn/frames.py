"""Videos as frames: (B, C, F, …) as (B·F, C, …) and back.

Both are views where the frames of a video lie one after the other in memory, as they do after
anything that was done to each frame alone.
"""

from __future__ import annotations

from torch import Tensor


def folded(video: Tensor) -> Tensor:
    """The frames of videos as so many images: (B, C, F, …) → (B·F, C, …)."""
    return video.transpose(1, 2).flatten(0, 1)


def unfolded(images: Tensor, frames: int) -> Tensor:
    """Images as the frames of videos: (B·F, C, …) → (B, C, F, …)."""
    videos: Tensor = images.unflatten(0, (-1, frames))
    return videos.transpose(1, 2)


def repeated(told: Tensor, frames: int) -> Tensor:
    """What is told of a video, told of each of its frames: (B, …) → (B·F, …)."""
    return told.unsqueeze(1).expand(-1, frames, *told.shape[1:]).flatten(0, 1)
