"""The stack programs of the published U-Nets."""

from typing import Literal

from archkit import Layout


class DDPM(Layout):
    """Skips after the stem, every block and every pooling; one block more in the decoder.

    References:
        | Denoising Diffusion Probabilistic Models (Ho, Jain, Abbeel, 2020)
        | https://arxiv.org/abs/2006.11239
    """

    type: Literal["ddpm"] = "ddpm"
    enter: str = "stem tap"
    encode: str = "(block attention tap)*n"
    descend: str = "down tap"
    middle: str = "(block attention) (block)"
    ascend: str = "up"
    decode: str = "(join block attention)*(n+1)"
    leave: str = "head"


class EDM(Layout):
    """As `ddpm`, but in the decoder attention follows only the last block of a stage.

    References:
        | Score-Based Generative Modeling through Stochastic Differential Equations
          (Song et al., 2021), DDPM++ and NCSN++
        | https://arxiv.org/abs/2011.13456
        | Elucidating the Design Space of Diffusion-Based Generative Models (Karras et al., 2022)
        | https://arxiv.org/abs/2206.00364
    """

    type: Literal["edm"] = "edm"
    enter: str = "stem tap"
    encode: str = "(block attention tap)*n"
    descend: str = "down tap"
    middle: str = "(block attention) (block)"
    ascend: str = "up"
    decode: str = "(join block)*n (join block attention)"
    leave: str = "head"


class Classic(Layout):
    """One skip a stage, before its pooling; the deepest stage is the bottleneck.

    References:
        | U-Net: Convolutional Networks for Biomedical Image Segmentation
          (Ronneberger, Fischer, Brox, 2015)
        | https://arxiv.org/abs/1505.04597
    """

    type: Literal["classic"] = "classic"
    enter: str = ""
    encode: str = "(block attention)*n"
    descend: str = "tap down"
    middle: str = ""
    ascend: str = "up join"
    decode: str = "(block attention)*n"
    leave: str = "head"
    deepest: Literal["stage", "bottleneck"] = "bottleneck"


class KDiffusion(Layout):
    """One skip a stage, before its pooling; the deepest stage decodes like every other.

    References:
        | Elucidating the Design Space of Diffusion-Based Generative Models
          (Karras et al., 2022), in the form of the library k-diffusion
        | https://arxiv.org/abs/2206.00364
    """

    type: Literal["k-diffusion"] = "k-diffusion"
    enter: str = "stem"
    encode: str = "(block attention)*n"
    descend: str = "tap down"
    middle: str = ""
    ascend: str = "up join"
    decode: str = "(block attention)*n"
    leave: str = "head"


class Narrowing(Layout):
    """As `k-diffusion`, but the last block of a stage leaves with the width of the next finer one.

    References:
        | Elucidating the Design Space of Diffusion-Based Generative Models
          (Karras et al., 2022), in the form of k-diffusion's image_v1
        | https://arxiv.org/abs/2206.00364
    """

    type: Literal["narrowing"] = "narrowing"
    enter: str = "stem"
    encode: str = "(block attention)*n"
    descend: str = "tap down"
    middle: str = ""
    ascend: str = "up join"
    decode: str = "(block attention)*(n-1) (narrow attention)"
    leave: str = "head"


class Diffuser(Layout):
    """One skip a stage, the deepest too; two blocks at the bottom.

    A row of the decoder has the width of what it grows into. The finest skip is not read by the
    original: say ``skip: none`` in that row.

    References:
        | Planning with Diffusion for Flexible Behavior Synthesis (Janner et al., 2022)
        | https://arxiv.org/abs/2205.09991
    """

    type: Literal["diffuser"] = "diffuser"
    enter: str = ""
    encode: str = "(block attention)*n tap"
    descend: str = "down"
    middle: str = "(block) (block)"
    ascend: str = "up"
    decode: str = "join (block attention)*n"
    leave: str = "head"


class DanceDiffusion(Layout):
    """One skip a stage, the deepest too; six blocks at the bottom, which is coarser by one more.

    The last block of a stage leaves with the width of the next finer one.

    References:
        | Dance Diffusion (Evans, 2022)
        | https://github.com/Harmonai-org/sample-generator
    """

    type: Literal["dance-diffusion"] = "dance-diffusion"
    enter: str = ""
    encode: str = "(block attention)*n tap"
    descend: str = "down"
    middle: str = "down (block attention)*6 up"
    ascend: str = "up"
    decode: str = "join (block attention)*(n-1) (narrow attention)"
    leave: str = "head"


class Hourglass(Layout):
    """One skip a stage; the deepest stage is the bottleneck, the stem makes the tokens.

    References:
        | Scalable High-Resolution Pixel-Space Image Synthesis with Hourglass Diffusion
          Transformers (Crowson et al., 2024)
        | https://arxiv.org/abs/2401.11605
    """

    type: Literal["hourglass"] = "hourglass"
    enter: str = "stem"
    encode: str = "(block attention)*n"
    descend: str = "tap down"
    middle: str = ""
    ascend: str = "up join"
    decode: str = "(block attention)*n"
    leave: str = "head"
    deepest: Literal["stage", "bottleneck"] = "bottleneck"


class Flat(Layout):
    """No resampling at all: the first half of the blocks is joined to the second.

    References:
        | All are Worth Words: A ViT Backbone for Diffusion Models (Bao et al., 2023)
        | https://arxiv.org/abs/2209.12152
    """

    type: Literal["flat"] = "flat"
    enter: str = "stem"
    encode: str = "(block attention tap)*n"
    descend: str = ""
    middle: str = "(block attention)"
    ascend: str = ""
    decode: str = "(join block attention)*n"
    leave: str = "head"


class Monai(Layout):
    """Every stage begins with its pooling and ends with its upsampling, the finest one too.

    A row of the decoder has the width of what it grows into: the next finer stage's, or the
    output's. The deepest stage is the bottleneck, and may keep the size (``pooling: none``).

    References:
        | Left-Ventricle Quantification Using Residual U-Net (Kerfoot et al., 2018), in the form
          of MONAI's UNet
        | https://doi.org/10.1007/978-3-030-12029-0_40
    """

    type: Literal["monai"] = "monai"
    enter: str = ""
    encode: str = "down (block attention)*n"
    descend: str = "tap"
    middle: str = ""
    ascend: str = "join up"
    decode: str = "(block attention)*n"
    leave: str = "head"
    deepest: Literal["stage", "bottleneck"] = "bottleneck"


class Lucidrains(Layout):
    """Two skips a stage, and the stem kept in a register for the last block.

    The deepest row is followed by its `down` as well, which keeps the size and changes the
    width there (``pooling: {type: conv, stride: 1, width: next}``); the last `up` keeps the size.

    References:
        | denoising-diffusion-pytorch (Wang), after Ho, Jain, Abbeel, 2020
        | https://github.com/lucidrains/denoising-diffusion-pytorch
    """

    type: Literal["lucidrains"] = "lucidrains"
    enter: str = "stem keep=stem"
    encode: str = "(block tap)*(n-1) (block attention tap)"
    descend: str = "down"
    middle: str = "down (block attention) (block)"
    ascend: str = "up"
    decode: str = "(join block)*(n-1) (join block attention)"
    leave: str = "up join=stem block head"


class ControlNet(Layout):
    """The half that feeds another U-Net: what `ddpm` taps, and the bottleneck, are offered.

    The `head` makes each offer, at the width of its place. The other network takes them in as
    `residuals`.

    References:
        | Adding Conditional Control to Text-to-Image Diffusion Models
          (Zhang, Rao, Agrawala, 2023)
        | https://arxiv.org/abs/2302.05543
    """

    type: Literal["controlnet"] = "controlnet"
    enter: str = "stem offer"
    encode: str = "(block attention offer)*n"
    descend: str = "down offer"
    middle: str = "(block attention) (block) offer"
    ascend: str = ""
    decode: str = ""
    leave: str = ""


class Kandinsky3(Layout):
    """One skip a stage, after its pooling; in the decoder it joins before the upsampling.

    The last block of a stage pools and the first upsamples (``type: block``), attention stands at
    the outer end of a stage, and its last block leaves with the width of the next finer stage.

    References:
        | Kandinsky 3.0 Technical Report (Arkhipkin et al., 2023)
        | https://arxiv.org/abs/2312.03511
    """

    type: Literal["kandinsky3"] = "kandinsky3"
    enter: str = "stem"
    encode: str = "attention (block)*(n-1)"
    descend: str = "down tap"
    middle: str = "(block) (block)"
    ascend: str = "join up"
    decode: str = "(block)*(n-2) (narrow) attention"
    leave: str = "head"
    finest: Literal["stage", "stem"] = "stem"
