"""The effective receptive field: what the centre of each stage really listens to.

References:
    | Understanding the Effective Receptive Field in Deep Convolutional Neural Networks
      (Luo, Li, Urtasun, Zemel, 2016)
    | https://arxiv.org/abs/1701.04128
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from ..module import UNet

Hook = Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]

# Luo et al. count what lies within two standard deviations of a normal distribution.
_LEAST = 1 - 0.9545
_TOKENS = 8


def effective_fields(
    model: UNet, paths: Mapping[str, str], *, draws: int = 2, seed: int = 0
) -> dict[str, Tensor]:
    """How strongly the centre of a node's output depends on each pixel of the sample.

    The mean magnitude of the gradient, over random samples and random mixtures of the output's
    channels, the largest being 1.

    Arguments:
        paths: The nodes to look from, each by the name it is returned with.

    Returns:
        A tensor of the sample's size for each name.
    """
    model.eval()
    answers: dict[str, Tensor] = {}
    hooks = [
        model.get_submodule(path).register_forward_hook(_keep(answers, name))
        for name, path in paths.items()
    ]
    space = model.plan.space
    found = {name: torch.zeros(space) for name in paths}
    generator = torch.Generator().manual_seed(seed)
    try:
        for _ in range(draws):
            inputs = {name: _random(model, name, generator) for name in model.plan.inputs}
            x = inputs.pop("x").requires_grad_()
            model(x, inputs.pop("t", None), **inputs)
            for name, out in answers.items():
                found[name] += _gradient(out, x, generator)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: field / field.max().clamp_min(1e-30) for name, field in found.items()}


def effective_size(field: Tensor) -> float:
    """The side of a square (a cube, a stretch) of as many pixels as matter."""
    pixels = int((field > _LEAST).sum())
    return float(pixels ** (1 / field.ndim))


def awaken(model: nn.Module, seed: int = 0) -> None:
    """Gives random values to layers that start at zero: an untrained network listens to nothing."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for parameter in model.parameters():
            if parameter.ndim > 1 and not parameter.any():
                nn.init.kaiming_uniform_(parameter, a=5**0.5)


def _keep(answers: dict[str, Tensor], name: str) -> Hook:
    def hook(module: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> None:
        answers[name] = out

    return hook


def _gradient(out: Tensor, x: Tensor, generator: torch.Generator) -> Tensor:
    centre = out[len(out) // 2]  # of the frames, where they are answered each alone
    for n in out.shape[2:]:
        centre = centre[:, n // 2]
    mixture = torch.randn(centre.shape, generator=generator)
    (gradient,) = torch.autograd.grad(centre, x, mixture, retain_graph=True, allow_unused=True)
    return torch.zeros(x.shape[2:]) if gradient is None else gradient[0].abs().mean(0)


def _random(model: UNet, name: str, generator: torch.Generator) -> Tensor:
    takes = model.plan.inputs[name]
    if name == "t":
        return torch.full((1,), 0.5)
    if takes.numbers == "int":
        return torch.zeros(1, *(n or _TOKENS for n in takes.shape), dtype=torch.int64)
    sizes = takes.shape
    if None in sizes[1:]:  # an image
        sizes = (sizes[0], *model.plan.room(name))
    return torch.randn(1, *(n or _TOKENS for n in sizes), generator=generator)
