"""Networks of archkit inside the pipelines of diffusers, which has to be installed.

    from archkit.diffusers import ConditionalUNet
    unet = ConditionalUNet.of(archkit.load("model.safetensors"))
    pipeline = StableDiffusionPipeline(unet=unet, vae=…, …)
    pipeline.save_pretrained("pipeline")   # the spec is in its config.json

A pipeline names the classes here by this module's path, and so finds them again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.models.unets.unet_2d import UNet2DOutput
from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput
from torch import Tensor

from .api import assemble, load_spec
from .errors import DiffusionError, ShapeError
from .module import Told, UNet
from .weights.blank import blank

_CLOCKS = ("noise", "v", "sample")
_ROLES = {
    "encoder_hidden_states": ("sequence", "expanded"),
    "encoder_attention_mask": ("padding",),
    "class_labels": ("label", "vector"),
    "timestep_cond": ("guidance",),
    "added_cond_kwargs": ("micro",),
    "down_block_additional_residuals": ("residuals",),
}
_MASK = "encoder_attention_mask"
_RESIDUALS = ("down_block_additional_residuals", "mid_block_additional_residual")


class UnconditionalUNet(ModelMixin, ConfigMixin):
    """A network where diffusers expects a UNet2DModel: DDPMPipeline, DDIMPipeline, …

    Attributes:
        network: The network itself.
    """

    config_name = "config.json"
    _supports_gradient_checkpointing = True

    @register_to_config
    def __init__(
        self,
        spec: Mapping[str, Any],
        sample_size: int | tuple[int, int] | None = None,
        in_channels: int | None = None,
        out_channels: int | None = None,
    ) -> None:
        super().__init__()
        self.network = _network(spec)
        self.register_to_config(**_sample(self.network))

    @classmethod
    def of(cls, model: UNet) -> UnconditionalUNet:
        """The adapter of a network; it shares its tensors."""
        with blank():  # the network is there already
            made = cls(spec=model.plan.spec.data())
        made.network = model
        return made.train(model.training)

    def forward(
        self,
        sample: Tensor,
        timestep: Tensor | float,
        class_labels: Tensor | None = None,
        return_dict: bool = True,
    ) -> UNet2DOutput | tuple[Tensor]:
        """What the network predicts; mean and variance are one tensor, as diffusers has them.

        Arguments:
            sample: (B, channels, height, width), with whatever joins the sample after it.
            timestep: A step of the scheduler.
            class_labels: (B,) for the condition that is a label.
        """
        out = _answer(self.network, sample, timestep, {"class_labels": class_labels})
        return UNet2DOutput(sample=out) if return_dict else (out,)

    def enable_gradient_checkpointing(self, *_: Any) -> None:
        """Recompute blocks and attention in the backward pass."""
        self.network.save_memory(True)

    def disable_gradient_checkpointing(self) -> None:
        """Keep all activations again."""
        self.network.save_memory(False)


class ConditionalUNet(UnconditionalUNet):
    """A network where diffusers expects a UNet2DConditionModel: Stable Diffusion's pipelines.

    Its conditions are told by what they are: the sequence is ``encoder_hidden_states``, its padding
    (1 where a token is none) the opposite of ``encoder_attention_mask``, a label or a vector
    ``class_labels``, a vector with sizes the pooled text and time ids of SDXL, a vector that joins
    the time ``timestep_cond``, residuals what a ControlNet answers, and images stand in the sample,
    after it.
    """

    @register_to_config
    def __init__(
        self,
        spec: Mapping[str, Any],
        sample_size: int | tuple[int, int] | None = None,
        in_channels: int | None = None,
        out_channels: int | None = None,
        cross_attention_dim: int | None = None,
        time_cond_proj_dim: int | None = None,
        addition_time_embed_dim: int | None = None,
    ) -> None:
        super().__init__(spec=spec)
        self.register_to_config(**_told(self.network))

    @property
    def add_embedding(self) -> SimpleNamespace:
        """Whose first layer SDXL's pipelines ask the width of: pooled text and sizes take it."""
        micro = [name for name in _names(self.network) if _role(self.network, name) == "micro"]
        if not micro:
            raise AttributeError("this network is told no pooled text and sizes")
        mlp = self.network.get_submodule(f"conditioning.{micro[0]}")
        return SimpleNamespace(linear_1=mlp.linear1)

    def forward(  # type: ignore[override]
        self,
        sample: Tensor,
        timestep: Tensor | float,
        encoder_hidden_states: Tensor | None = None,
        class_labels: Tensor | None = None,
        timestep_cond: Tensor | None = None,
        added_cond_kwargs: Mapping[str, Tensor] | None = None,
        return_dict: bool = True,
        **others: Any,
    ) -> UNet2DConditionOutput | tuple[Tensor]:
        """As UNet2DConditionModel's, but for what has no counterpart here, which is refused."""
        mask, *residuals = (others.pop(name, None) for name in (_MASK, *_RESIDUALS))
        if given := sorted(name for name, value in others.items() if value is not None):
            raise ShapeError(f"a network of archkit takes no `{given[0]}`")
        asked = {
            "encoder_hidden_states": encoder_hidden_states,
            _MASK: None if mask is None else 1 - mask.to(torch.int64),
            "class_labels": class_labels,
            "timestep_cond": timestep_cond,
            "added_cond_kwargs": _micro(added_cond_kwargs or {}),
            _RESIDUALS[0]: _residuals(self.network, *residuals),
        }
        out = _answer(self.network, sample, timestep, asked)
        return UNet2DConditionOutput(sample=out) if return_dict else (out,)


def _network(spec: Mapping[str, Any]) -> UNet:
    """The network of a spec, which has to count steps as diffusers' schedulers do."""
    read = load_spec(spec)
    if read.prediction.type not in _CLOCKS:
        raise DiffusionError(
            f"diffusers' schedulers have no use for `prediction: {read.prediction.type}` of "
            f"`{read.name}`; they take {', '.join(_CLOCKS)}"
        )
    if len(read.input.space) != 2:
        raise DiffusionError(f"diffusers' pipelines sample images, and `{read.name}` has none")
    if read.output.variance == "per-sample":
        what = "diffusers' schedulers have no use for one variance of a whole sample"
        raise DiffusionError(f"{what}, as `{read.name}` has it")
    return assemble(read)


def _sample(network: UNet) -> dict[str, Any]:
    """What pipelines ask of every network."""
    spec, space = network.plan.spec, network.plan.spec.input.space
    beside = sum(shape for _, shape in _images(network))
    return {
        "sample_size": space[0] if len(set(space)) == 1 else space,
        "in_channels": spec.input.channels + beside,
        "out_channels": network.plan.output.channels,
    }


def _told(network: UNet) -> dict[str, Any]:
    """What Stable Diffusion's pipelines ask beside."""
    known = {_role(network, name): name for name in _names(network)}
    parts = network.plan.spec.conditioning.conditions
    wide = {role: parts[name].model_dump() for role, name in known.items()}
    return {
        "cross_attention_dim": wide.get("sequence", {}).get("channels"),
        "time_cond_proj_dim": wide.get("guidance", {}).get("channels"),
        "addition_time_embed_dim": wide.get("micro", {}).get("size_width"),
    }


def _residuals(
    network: UNet, skips: Sequence[Tensor] | None, middle: Tensor | None
) -> Mapping[str, Tensor] | None:
    """What is added to the skips and to the bottleneck, by the names of the places."""
    if skips is None and middle is None:
        return None
    told = [*(skips or ()), *(() if middle is None else (middle,))]
    places = [name.partition(".")[2] for name in network.plan.conditions if "." in name]
    if len(places) not in (0, len(told)):
        what = f"{len(told)} residuals are told, and the network takes {len(places)}"
        raise ShapeError(f"{what}: one for each skip, and one for the middle")
    return dict(zip(places, told, strict=False))


def _names(network: UNet) -> list[str]:
    """The conditions; residuals are one, however many tensors they are."""
    return [word for word in network.plan.arguments if word not in ("x", "t")]


def _role(network: UNet, name: str) -> str:
    """What a condition is to diffusers."""
    condition = network.plan.spec.conditioning.conditions[name]
    says = condition.model_dump()
    if condition.type != "vector":
        return condition.type
    if says["into"] == "time":
        return "guidance"
    return "micro" if says["sizes"] else "vector"


def _images(network: UNet) -> list[tuple[str, int]]:
    """The conditions that stand in diffusers' sample after the sample itself, and their widths."""
    roles = ((name, _role(network, name)) for name in _names(network))
    inputs = network.plan.inputs
    return [(name, int(inputs[name].shape[0] or 0)) for name, role in roles if role == "image"]


def _micro(added: Mapping[str, Tensor]) -> Tensor | None:
    """The pooled text and the sizes as one vector."""
    if unknown := sorted(set(added) - {"text_embeds", "time_ids"}):
        raise ShapeError(f"a network of archkit takes no `{unknown[0]}`")
    if not added:
        return None
    text, ids = added["text_embeds"], added["time_ids"]
    return torch.cat((text, ids.to(text.dtype)), dim=1)


def _answer(
    network: UNet, sample: Tensor, timestep: Tensor | float, asked: Mapping[str, Told]
) -> Tensor:
    """Asks the network by its own names; what it does not take must not have been given."""
    conditions: dict[str, Told] = {}
    images = _images(network)
    sizes = [network.plan.spec.input.channels, *(size for _, size in images)]
    if sample.shape[1] != sum(sizes):
        raise ShapeError(f"the sample has {sample.shape[1]} channels and needs {sum(sizes)}")
    x, *beside = sample.split(sizes, dim=1)
    for (name, _), image in zip(images, beside, strict=True):
        conditions[name] = image
    roles = {_role(network, n): n for n in _names(network) if n not in conditions}
    for argument, value in asked.items():
        taken = [roles[role] for role in _ROLES[argument] if role in roles]
        if taken:
            conditions[taken[0]] = value
        elif value is not None:
            raise ShapeError(f"this network takes no `{argument}`")
    times = torch.as_tensor(timestep, device=sample.device)
    path = network.plan.spec.prediction.along
    if path is not None and not path.tells_time:
        times = path.build().told(times)
    out = network(x, times, **conditions)
    return torch.cat(out, dim=1) if isinstance(out, tuple) else out
