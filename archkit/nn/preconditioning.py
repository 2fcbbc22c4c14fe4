"""What wraps a denoiser: scales of the sample, the time and the answer, from the noise level.

References:
    | Elucidating the Design Space of Diffusion-Based Generative Models (Karras et al., 2022),
      table 1
    | https://arxiv.org/abs/2206.00364
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .axes import spread


class ScaleInput(nn.Module):
    """c_in · x with c_in = 1 / √(σ² + σ_data²): (B, C, …), (B,) → (B, C, …)."""

    def __init__(self, sigma_data: float) -> None:
        super().__init__()
        self.sigma_data = sigma_data

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        scale = torch.rsqrt(sigma.square() + self.sigma_data**2)
        return x * spread(scale[:, None].to(x.dtype), x)


class LogTime(nn.Module):
    """factor · ln σ: (B,) → (B,)."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, sigma: Tensor) -> Tensor:
        return sigma.log() * self.factor


class Denoised(nn.Module):
    """c_skip · x + c_out · answer: (B, C, …), (B, C, …), (B,) → (B, C, …).

    With c_skip = σ_data² / (σ² + σ_data²) and c_out = σ · σ_data / √(σ² + σ_data²).

    Arguments:
        sigma_data: Standard deviation of the data.
        opposite: Take −c_out instead, for a network that answers v.
    """

    def __init__(self, sigma_data: float, opposite: bool = False) -> None:
        super().__init__()
        self.sigma_data = sigma_data
        self._most = -sigma_data if opposite else sigma_data

    def forward(self, x: Tensor, answer: Tensor, sigma: Tensor) -> Tensor:
        total = sigma.square() + self.sigma_data**2
        keep = spread((self.sigma_data**2 / total)[:, None].to(x.dtype), x)
        scale = spread((sigma * self._most * torch.rsqrt(total))[:, None].to(x.dtype), x)
        return keep * x + scale * answer


class OverSigma(nn.Module):
    """answer / σ: (B, C, …), (B,) → (B, C, …)."""

    def forward(self, answer: Tensor, sigma: Tensor) -> Tensor:
        return answer / spread(sigma[:, None].to(answer.dtype), answer)
