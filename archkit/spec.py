"""Everything a spec may say: the vocabulary, as frozen models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from . import cascade
from .component import Model, Number, PerAxis, Slot, default_registry
from .errors import SpecPath
from .layouts import Layout
from .parts import (
    Activation,
    Attention,
    Block,
    Condition,
    Embedding,
    Head,
    Norm,
    Pooling,
    Precondition,
    Skip,
    Stem,
    Time,
    Upsampling,
)
from .predictions import Prediction
from .source import dump

Method = Literal["add", "scale-shift", "multiply", "adaln-zero", "none"]
BlockSlot = Annotated[Block, Slot("block")]
AttentionSlot = Annotated[Attention, Slot("attention")]
NormSlot = Annotated[Norm, Slot("norm")]
ActivationSlot = Annotated[Activation, Slot("activation")]
PoolingSlot = Annotated[Pooling, Slot("pooling")]
UpsamplingSlot = Annotated[Upsampling, Slot("upsampling")]
SkipSlot = Annotated[Skip, Slot("skip")]
Units = Annotated[tuple[BlockSlot, ...], Field(min_length=1, strict=False)]
ConditionSlot = Annotated[Condition, Slot("condition")]


class Input(Model):
    """The sample `x_t`: its channels and its size."""

    channels: PositiveInt = 3
    """Channels of the sample alone; conditions that join it are counted by themselves."""
    size: PerAxis = 32
    """The size the plan is made for: one number for all axes, or one for each."""
    dims: Literal[1, 2, 3] | None = None
    """Spatial dimensions; from the length of `size`, or 2."""
    frames: PositiveInt | None = None
    """How many frames the plan is made for, where the sample is a video: an axis before those of
    `size`, of which any length runs. Parts are applied to each frame alone, but for those that
    look across frames, such as `block: video`."""

    @property
    def space(self) -> tuple[int, ...]:
        size = self.size if isinstance(self.size, tuple) else (self.size,) * (self.dims or 2)
        return size if self.frames is None else (self.frames, *size)

    @model_validator(mode="after")
    def _agree(self) -> Input:
        if len(self.space) > 3:
            raise _complaint(
                "dims",
                "the frames of a video have one axis or two, and these have three",
                "leave `frames` out, or give `size` two axes",
                ("frames",),
            )
        if isinstance(self.size, tuple) and self.dims not in (None, len(self.size)):
            raise _complaint(
                "dims",
                f"`size` names {len(self.size)} axes and `dims` says {self.dims}",
                "leave `dims` out, or give one size for each axis",
                ("dims",),
            )
        return self


class Output(Model):
    """What leaves the network; by default, exactly what entered."""

    channels: PositiveInt | None = None
    """Channels of the prediction; those of the sample if left out."""
    variance: Literal["none", "learned", "per-sample"] = "none"
    """What the output has beside the mean, which comes first of a pair. ``learned``: as much again,
    the head being twice as wide (Nichol, 2021). ``per-sample``: one number for each sample, the
    mean over all positions of one more channel (k-diffusion's logarithm of the variance)."""


class Conditioning(Model):
    """What else the network is told: the time, and any condition by a name of your own."""

    model_config = {"extra": "allow"}
    __pydantic_extra__: dict[str, ConditionSlot]

    time: Annotated[Time, Slot("time")] = Field("sinusoidal", validate_default=True)
    """How the time is embedded; ``none``: the model takes no `t`."""
    embedding: Annotated[Embedding, Slot("embedding")] = Field("sum", validate_default=True)
    """How the vectors of time and conditions become one embedding."""
    method: Method = cascade.METHOD
    """How blocks take the embedding; fills every block's own `method`."""

    @property
    def conditions(self) -> dict[str, Condition]:
        """The conditions by name, in the order of the file."""
        return dict(self.__pydantic_extra__ or {})


class Place(Model):
    """What any row may say."""

    block: BlockSlot | None = None
    """The block of every unit."""
    attention: bool | AttentionSlot | None = None
    """Attention after every block: ``true`` for that of the top, or one of its own."""
    norm: NormSlot | None = None
    """The norm in everything of this row that does not name its own."""
    activation: ActivationSlot | None = None
    """The activation in everything of this row that does not name its own."""
    method: Method | None = None
    """How the blocks of this row take the embedding."""


class DecoderStage(Place):
    """A stage of the decoder, where it differs from the encoder's of the same level."""

    channels: PositiveInt | None = None
    """Width; the encoder's if left out."""
    blocks: PositiveInt | Units | None = None
    """The count the layout's `n` stands for, or one block for each unit."""
    upsampling: UpsamplingSlot | None = None
    """How the trunk grows to the size of this level."""
    skip: SkipSlot | None = None
    """How skips are merged in this stage."""


class Stage(DecoderStage):
    """A stage of the encoder; the decoder mirrors it."""

    blocks: PositiveInt | Units = 2
    """How many blocks, or one block for each unit."""
    times: Number | None = None
    """Width as a multiple of the top's `width`, instead of `channels`."""
    pooling: PoolingSlot | None = None
    """How the trunk shrinks after this stage."""

    @model_validator(mode="after")
    def _one_width(self) -> Stage:
        if (self.channels is None) == (self.times is None):
            raise _complaint(
                "stage-width",
                "a stage needs `channels`, or `times` to multiply the top's `width`"
                if self.channels is None
                else "a stage takes `channels` or `times`, not both",
                "for example `channels: 64`" if self.channels is None else "keep one of them",
            )
        return self


class Bottleneck(Place):
    """What stands at the bottom, where it differs from the deepest row."""

    channels: PositiveInt | None = None
    """Width; that of the deepest row if left out."""


class Register(Model):
    """What happens to a tensor that a layout keeps beside the trunk, where it is not as usual."""

    pooling: PoolingSlot | None = None
    """How it shrinks at ``down@NAME``; that of the stage if left out."""
    upsampling: UpsamplingSlot | None = None
    """How it grows at ``up@NAME``; that of the stage if left out."""
    skip: SkipSlot | None = None
    """How it is merged at ``join=NAME`` and ``head@NAME``; that of the stage if left out."""
    head: Annotated[Head, Slot("head")] | None = None
    """What makes a picture of the trunk at ``head@NAME``; that of the network if left out."""


class Spec(Model):
    """A U-Net, as declared."""

    archkit: Literal[1]
    """Version of the vocabulary; its defaults never change."""
    name: Annotated[str, Field(min_length=1)]
    """What this network is called."""
    about: str = ""
    """What it is, in a sentence."""
    reference: str = ""
    """Where it was published."""
    parameters: PositiveInt | None = None
    """How many parameters it is expected to have; `archkit check` compares."""
    input: Input = Field(default_factory=Input)
    """The sample."""
    output: Output = Field(default_factory=Output)
    """What leaves; exactly the shape of the sample unless it says otherwise."""
    prediction: Annotated[Prediction, Slot("prediction")] = Field("velocity", validate_default=True)
    """What the output means, and on which path."""
    conditioning: Conditioning = Field(default_factory=Conditioning)
    """What else the network is told."""
    width: PositiveInt | None = None
    """The width that the stages' `times` multiply."""
    encoder: Annotated[tuple[Stage, ...], Field(min_length=1, strict=False)]
    """The stages, one row each, the finest first."""
    bottleneck: Bottleneck | None = None
    """What stands at the bottom; the layout gives it, this says where it differs."""
    decoder: Annotated[tuple[DecoderStage, ...], Field(strict=False)] | None = None
    """The stages of the decoder, the finest first; mirrored from the encoder if left out."""
    layout: Annotated[Layout, Slot("layout")] = Field("ddpm", validate_default=True)
    """Which tensors are kept, merged and resized, and when."""
    registers: dict[str, Register] = Field(default_factory=dict)
    """Tensors that the layout keeps beside the trunk, by name."""
    precondition: Annotated[Precondition, Slot("precondition")] | None = None
    """What wraps the network: scales of sample, time and answer."""
    block: BlockSlot = Field("resnet", validate_default=True)
    """The block of every stage."""
    attention: AttentionSlot = Field("self", validate_default=True)
    """The attention of the stages that have any."""
    norm: NormSlot = Field("group", validate_default=True)
    """The norm of everything that does not name its own."""
    activation: ActivationSlot = Field("silu", validate_default=True)
    """The activation of everything that does not name its own."""
    pooling: PoolingSlot = Field("conv", validate_default=True)
    """How the encoder shrinks."""
    upsampling: UpsamplingSlot = Field("nearest", validate_default=True)
    """How the decoder grows."""
    skip: SkipSlot = Field("concat", validate_default=True)
    """How a skip is merged."""
    stem: Annotated[Stem, Slot("stem")] = Field("conv", validate_default=True)
    """The first node."""
    head: Annotated[Head, Slot("head")] = Field("conv", validate_default=True)
    """The last node."""
    fit: Literal["strict", "pad", "valid"] = "strict"
    """What is promised about sizes: refuse what does not fit, pad it and crop back, or shrink."""

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, data: Any, info: ValidationInfo) -> Any:
        if not isinstance(data, Mapping):
            return data
        context = info.context if isinstance(info.context, dict) else {}
        filled, origins = cascade.fill(data, context.get("registry") or default_registry())
        context.setdefault("origins", {}).update(origins)
        context["filled"] = filled
        return filled

    @model_validator(mode="after")
    def _widths(self) -> Spec:
        wide = [i for i, stage in enumerate(self.encoder) if stage.times is not None]
        if self.width is None and wide:
            raise _complaint(
                "missing-width",
                "`times` multiplies the top's `width`, and there is none",
                "add `width: 64` at the top, or give the stages `channels`",
                ("encoder", wide[0], "times"),
            )
        return self

    def widths(self) -> tuple[int, ...]:
        """The width of each stage."""
        base = self.width or 0
        return tuple(s.channels or round(base * (s.times or 0)) for s in self.encoder)

    def data(self) -> dict[str, Any]:
        """Plain data with every default written out; a spec made of it is equal."""
        return self.model_dump(mode="json")

    def yaml(self) -> str:
        """`data` as YAML."""
        return dump(self.data())


def _complaint(code: str, message: str, mend: str, at: SpecPath = ()) -> PydanticCustomError:
    context = {"message": message, "mend": mend, "at": at}
    return PydanticCustomError(code, "{message}", context)
