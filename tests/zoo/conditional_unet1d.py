"""Diffusion Policy's ConditionalUnet1D, stated again from its published structure and names."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Step(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, t: Tensor) -> Tensor:
        half = self.width // 2
        rates = torch.exp(torch.arange(half) * -(torch.log(torch.tensor(10000.0)) / (half - 1)))
        angles = t[:, None] * rates[None]
        return torch.cat((angles.sin(), angles.cos()), dim=-1)


class ConvBlock(nn.Module):
    def __init__(self, channels: int, width: int, kernel: int, groups: int) -> None:
        super().__init__()
        conv = nn.Conv1d(channels, width, kernel, padding=kernel // 2)
        self.block = nn.Sequential(conv, nn.GroupNorm(groups, width), nn.Mish())

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x)


class Residual(nn.Module):
    def __init__(self, channels: int, width: int, told: int, scales: bool, shape: Sequence[int]):
        super().__init__()
        self.scales = scales
        self.blocks = nn.ModuleList(ConvBlock(c, width, *shape) for c in (channels, width))
        self.cond_encoder = nn.Sequential(nn.Mish(), nn.Linear(told, width * (1 + scales)))
        same = channels == width
        self.residual_conv = nn.Identity() if same else nn.Conv1d(channels, width, 1)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        h, e = self.blocks[0](x), self.cond_encoder(told)[..., None]
        if self.scales:
            scale, bias = e.chunk(2, dim=1)
            h = scale * h + bias
        else:
            h = h + e
        return self.blocks[1](h) + self.residual_conv(x)


class Resampler(nn.Module):
    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class ConditionalUnet1D(nn.Module):
    """Takes samples (B, time, channels), steps (B,) and observations (B, n)."""

    def __init__(
        self,
        input_dim: int,
        global_cond_dim: int | None = None,
        diffusion_step_embed_dim: int = 256,
        down_dims: Sequence[int] = (256, 512, 1024),
        kernel_size: int = 3,
        n_groups: int = 8,
        cond_predict_scale: bool = False,
    ) -> None:
        super().__init__()
        dsed, shape = diffusion_step_embed_dim, (kernel_size, n_groups)
        layers = (nn.Linear(dsed, 4 * dsed), nn.Mish(), nn.Linear(4 * dsed, dsed))
        self.diffusion_step_encoder = nn.Sequential(Step(dsed), *layers)
        told = dsed + (global_cond_dim or 0)

        def residual(channels: int, width: int) -> Residual:
            return Residual(channels, width, told, cond_predict_scale, shape)

        pairs = list(zip((input_dim, *down_dims), down_dims, strict=False))
        deepest = down_dims[-1]
        self.mid_modules = nn.ModuleList(residual(deepest, deepest) for _ in range(2))
        self.down_modules, self.up_modules = nn.ModuleList(), nn.ModuleList()
        for level, (into, out) in enumerate(pairs):
            last = level == len(pairs) - 1
            down = nn.Identity() if last else Resampler(nn.Conv1d(out, out, 3, 2, 1))
            self.down_modules.append(nn.ModuleList([residual(into, out), residual(out, out), down]))
        for into, out in reversed(pairs[1:]):
            up = Resampler(nn.ConvTranspose1d(into, into, 4, 2, 1))
            blocks = [residual(2 * out, into), residual(into, into)]
            self.up_modules.append(nn.ModuleList([*blocks, up]))
        start = down_dims[0]
        self.final_conv = nn.Sequential(
            ConvBlock(start, start, *shape), nn.Conv1d(start, input_dim, 1)
        )

    def forward(self, sample: Tensor, t: Tensor, observed: Tensor | None = None) -> Tensor:
        x, told = sample.mT, self.diffusion_step_encoder(t)
        told = told if observed is None else torch.cat((told, observed), dim=-1)
        kept = []
        for first, second, down in self.down_modules:
            x = second(first(x, told), told)
            kept.append(x)
            x = down(x)
        for block in self.mid_modules:
            x = block(x, told)
        for first, second, up in self.up_modules:
            x = torch.cat((x, kept.pop()), dim=1)
            x = up(second(first(x, told), told))
        return self.final_conv(x).mT
