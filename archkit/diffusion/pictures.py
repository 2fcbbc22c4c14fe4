"""Images as a sheet, in a PNG."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from ..errors import DiffusionError
from ..files import whole

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
"""Pillow's name for images of so many channels."""


def sheet(images: Tensor, columns: int | None = None, gap: int = 1) -> Tensor:
    """Images (N, C, H, W) in [−1, 1] side by side, row by row: bytes (H', W', C).

    Arguments:
        columns: As many as rows unless given.
        gap: Black pixels around each.
    """
    count, channels, height, width = images.shape
    columns = min(count, columns or math.ceil(math.sqrt(count)))
    rows = math.ceil(count / columns)
    levels = ((images.detach().float().cpu().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    framed = functional.pad(levels, (gap, 0, gap, 0))
    blank = torch.zeros(rows * columns - count, *framed.shape[1:], dtype=torch.uint8)
    cells = torch.cat((framed, blank)).reshape(rows, columns, channels, height + gap, width + gap)
    whole_sheet = cells.permute(0, 3, 1, 4, 2).reshape(rows * (height + gap), -1, channels)
    return functional.pad(whole_sheet, (0, 0, 0, gap, 0, gap))


def write_png(images: Tensor, path: Path, columns: int | None = None, enlarge: int = 1) -> None:
    """Writes a sheet of images (N, C, H, W) in [−1, 1], each pixel `enlarge` pixels wide."""
    if images.ndim != 4 or images.shape[1] not in MODES:
        shape = "×".join(map(str, images.shape[1:]))
        raise DiffusionError(
            f"samples of {shape} make no picture: that takes 1 to 4 channels and two axes"
        )
    from PIL import Image

    pixels = sheet(images, columns).numpy()
    mode = MODES[pixels.shape[2]]
    size = (pixels.shape[1], pixels.shape[0])
    picture = Image.frombytes(mode, size, pixels.tobytes())
    larger = picture.resize((size[0] * enlarge, size[1] * enlarge), Image.Resampling.NEAREST)
    with whole(path) as temporary:
        larger.save(temporary, "PNG")
