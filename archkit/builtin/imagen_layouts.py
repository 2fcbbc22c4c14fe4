"""The stack programs of Imagen's U-Nets."""

from typing import Literal

from archkit import Layout


class Imagen(Layout):
    """A skip after every block of a stage but its first, and after its attention.

    The deepest row is followed by its `down` as well, which keeps the size and changes the width
    there; one more block comes last.

    References:
        | Photorealistic Text-to-Image Diffusion Models with Deep Language Understanding
          (Saharia et al., 2022), the 64×64 network in the form of imagen-pytorch
        | https://arxiv.org/abs/2205.11487
    """

    type: Literal["imagen"] = "imagen"
    enter: str = "stem"
    encode: str = "(block) (block tap)*(n-1) attention tap"
    descend: str = "down"
    middle: str = "down (block attention) (block)"
    ascend: str = "up"
    decode: str = "(join block)*n attention"
    leave: str = "block head"


class Efficient(Layout):
    """Imagen's Efficient U-Net: as `imagen`, but every stage below the finest begins with `down`.

    The finest row is the block before the first `down`, and that after the last `up`; it has no
    skip (``skip: none`` in that row of the decoder).

    References:
        | Photorealistic Text-to-Image Diffusion Models with Deep Language Understanding
          (Saharia et al., 2022), appendix B, in the form of imagen-pytorch
        | https://arxiv.org/abs/2205.11487
    """

    type: Literal["efficient"] = "efficient"
    enter: str = "stem"
    encode: str = "(block) (block tap)*(n-1) attention tap"
    descend: str = "down"
    middle: str = "(block attention) (block)"
    ascend: str = "up"
    decode: str = "(join block)*n attention"
    leave: str = "head"
