"""Images to train on: scikit-learn's digits, or a folder in which each subfolder is a class."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from ..errors import DiffusionError
from .pictures import MODES

_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
_MEND = "pip install 'archkit[demo]'"


@dataclass(frozen=True)
class Images:
    """Images in memory, with their classes.

    Arguments:
        pixels: Bytes (N, C, H, W).
        white: The byte that stands for 1; zero stands for −1.
        labels: The class of each (N,), or None where there are no classes.
        classes: Names of the classes, in the order of their numbers.
    """

    pixels: Tensor
    white: int = 255
    labels: Tensor | None = None
    classes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.pixels)

    def at(self, index: Tensor) -> Tensor:
        """Those images as numbers in [−1, 1] (B, C, H, W)."""
        return self.pixels[index].float() * (2 / self.white) - 1

    def all(self) -> Tensor:
        """Every image as numbers in [−1, 1] (N, C, H, W)."""
        return self.at(torch.arange(len(self)))

    def where(self, index: Tensor) -> Images:
        """Some of the images."""
        labels = None if self.labels is None else self.labels[index]
        return Images(self.pixels[index], self.white, labels, self.classes)

    def split(self, share: float, seed: int = 0) -> tuple[Images, Images]:
        """A random share of the images, and the others."""
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))
        first = round(share * len(self))
        return self.where(order[:first]), self.where(order[first:])

    @property
    def fingerprint(self) -> str:
        """Tells one set of images from another."""
        crc = zlib.crc32(self.pixels.contiguous().numpy().data)
        if self.labels is not None:
            crc = zlib.crc32(self.labels.contiguous().numpy().data, crc)
        return f"{len(self)}-{crc:08x}"


def load(source: str, channels: int, space: Sequence[int]) -> Images:
    """The images of a source, in the channels and the size that a spec asks for.

    Arguments:
        source: ``digits``, or a folder of images; a class a subfolder.
        channels: 1 for grey, 3 for colour, 2 and 4 with transparency.
        space: Height and width. Images are cropped to the shape and resized.
    """
    if len(space) != 2 or channels not in MODES:
        shape = "×".join(map(str, (channels, *space)))
        raise DiffusionError(
            f"images have two axes and 1 to 4 channels, so they can't train a spec for {shape}"
        )
    size = (space[0], space[1])
    if source == "digits":
        return digits(channels, size)
    return folder(Path(source), channels, size)


def digits(channels: int = 1, size: tuple[int, int] = (8, 8)) -> Images:
    """The 1797 handwritten digits that ship with scikit-learn, 8×8 in 17 levels of grey.

    References:
        | Optical Recognition of Handwritten Digits (Alpaydin, Kaynak, 1998), UCI, CC BY 4.0
        | https://doi.org/10.24432/C50P49
    """
    try:
        from sklearn.datasets import load_digits  # type: ignore[import-untyped]
    except ImportError:
        raise DiffusionError(f"the digits come with scikit-learn: {_MEND}") from None
    found = load_digits()
    pixels, white = torch.from_numpy(found.images).to(torch.uint8)[:, None], 16
    if size != (8, 8):
        levels = functional.interpolate(
            pixels * (255 / 16), size=size, mode="bilinear", antialias=True
        )
        pixels, white = levels.round().to(torch.uint8), 255
    pixels = pixels.repeat(1, channels, 1, 1)
    if channels in (2, 4):
        pixels[:, -1] = white
    labels = torch.from_numpy(found.target).long()
    return Images(pixels, white, labels, tuple(map(str, range(10))))


def folder(root: Path, channels: int, size: tuple[int, int]) -> Images:
    """The images of a folder; its subfolders, by name, are the classes."""
    if not root.is_dir():
        raise DiffusionError(f"{root}: no such folder; say `digits`, or a folder of images")
    classes = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    classes = [folder for folder in classes if _images(folder)]
    loose = _images(root)
    if loose and classes:
        raise DiffusionError(
            f"{root} holds images beside folders of images, such as {loose[0].name}; put every "
            "image into the folder of its class, or none"
        )
    if not loose and not classes:
        raise DiffusionError(f"{root} holds no images ({', '.join(_SUFFIXES)})")
    groups = [_images(folder) for folder in classes] or [loose]
    pixels = torch.stack([_read(file, channels, size) for group in groups for file in group])
    if not classes:
        return Images(pixels)
    counts = torch.tensor([len(group) for group in groups])
    labels = torch.arange(len(groups)).repeat_interleave(counts)
    return Images(pixels, labels=labels, classes=tuple(folder.name for folder in classes))


def _images(folder: Path) -> list[Path]:
    """The images right in a folder; names with a dot in front are hidden, as everywhere."""
    found = (p for p in folder.iterdir() if p.suffix.lower() in _SUFFIXES)
    return sorted(p for p in found if p.is_file() and not p.name.startswith("."))


def _read(file: Path, channels: int, size: tuple[int, int]) -> Tensor:
    """One image, cropped to the shape of `size` and resized: bytes (C, H, W)."""
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise DiffusionError(f"images are read by Pillow: {_MEND}") from None
    try:
        with Image.open(file) as opened:
            upright = ImageOps.exif_transpose(opened).convert(MODES[channels])
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DiffusionError(f"{file} can't be read as an image: {error}") from None
    fitted = ImageOps.fit(upright, (size[1], size[0]), Image.Resampling.LANCZOS)
    levels = torch.frombuffer(bytearray(fitted.tobytes()), dtype=torch.uint8)
    return levels.reshape(*size, channels).permute(2, 0, 1)
