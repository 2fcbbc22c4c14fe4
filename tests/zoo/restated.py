"""EDM's and EDM2's networks said once more, as functions of a state dict.

Written from the papers' equations, to have a second opinion at sizes that no fixture has; the
fixtures are what they are tested against.

References:
    | Elucidating the Design Space of Diffusion-Based Generative Models (Karras et al., 2022)
    | Analyzing and Improving the Training Dynamics of Diffusion Models (Karras et al., 2024)
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

HALF = math.sqrt(0.5)


class Edm:
    """`SongUNet`, standard, or `DhariwalUNet`: state dict and config as the original has them."""

    def __init__(self, state: Mapping[str, Tensor], config: Mapping[str, Any]) -> None:
        self.state, self.song = state, config["model_type"] == "SongUNet"
        self.base, self.mult = config["model_channels"], config["channel_mult"]
        self.sizes = [config["img_resolution"] >> i for i in range(len(self.mult))]
        self.blocks, self.classes = config["num_blocks"], config["label_dim"]
        self.taps: Sequence[float] = config.get("resample_filter", (1, 1))
        self.fourier = config.get("embedding_type") == "fourier"
        self.residual = config.get("encoder_type") == "residual"

    def __call__(self, x: Tensor, noise: Tensor, label: Tensor, augment: Tensor) -> Tensor:
        told = self._told(noise, label, augment)
        image, top = x, self.sizes[0]
        x = self._conv(x, f"enc.{top}x{top}_conv")
        skips = [x]
        for size in self.sizes:
            if size != top:
                x = self._block(x, f"enc.{size}x{size}_down", told, "down")
                if self.residual:
                    image = self._aux(image, f"enc.{size}x{size}_aux_residual")
                    x = image = (x + image) * HALF
                skips.append(x)
            for i in range(self.blocks):
                x = self._block(x, f"enc.{size}x{size}_block{i}", told)
                skips.append(x)
        for i in range(2):
            x = self._block(x, f"dec.{size}x{size}_in{i}", told)
        for size in reversed(self.sizes):
            if size != self.sizes[-1]:
                x = self._block(x, f"dec.{size}x{size}_up", told, "up")
            for i in range(self.blocks + 1):
                x = torch.cat((x, skips.pop()), dim=1)
                x = self._block(x, f"dec.{size}x{size}_block{i}", told)
        head = f"dec.{top}x{top}_aux" if self.song else "out"
        return self._conv(F.silu(self._norm(x, f"{head}_norm")), f"{head}_conv")

    def _told(self, noise: Tensor, label: Tensor, augment: Tensor) -> Tensor:
        if self.fourier:
            angles = noise[:, None] * (2 * math.pi * self.state["map_noise.freqs"])
        else:
            steps = torch.arange(self.base // 2) / (self.base // 2 - self.song)
            angles = noise[:, None] * 10000.0**-steps
        waves = (angles.sin(), angles.cos()) if self.song else (angles.cos(), angles.sin())
        told = torch.cat(waves, dim=1) + self._linear(augment, "map_augment")
        one = F.one_hot(label, self.classes).float()
        if self.song:
            told = told + self._linear(one * math.sqrt(self.classes), "map_label")
        told = self._linear(F.silu(self._linear(told, "map_layer0")), "map_layer1")
        return F.silu(told if self.song else told + self._linear(one, "map_label"))

    def _block(self, x: Tensor, name: str, told: Tensor, to: str = "") -> Tensor:
        scale = HALF if self.song else 1.0
        h = self._resampled(F.silu(self._norm(x, f"{name}.norm0")), to)
        h = self._conv(h, f"{name}.conv0")
        vector = self._linear(told, f"{name}.affine")[:, :, None, None]
        if self.song:
            h = self._norm(h + vector, f"{name}.norm1")
        else:
            gain, shift = vector.chunk(2, dim=1)
            h = self._norm(h, f"{name}.norm1") * (1 + gain) + shift
        h = self._conv(F.silu(h), f"{name}.conv1")
        x = self._resampled(x, to)
        if f"{name}.skip.weight" in self.state:
            x = self._conv(x, f"{name}.skip")
        x = (x + h) * scale
        if f"{name}.qkv.weight" in self.state:
            x = (x + self._attention(x, name)) * scale
        return x

    def _attention(self, x: Tensor, name: str) -> Tensor:
        heads = 1 if self.song else x.shape[1] // 64
        qkv = self._conv(self._norm(x, f"{name}.norm2"), f"{name}.qkv")
        q, k, v = qkv.reshape(len(x), heads, x.shape[1] // heads, 3, -1).unbind(3)
        return self._conv(attended(q, k, v).reshape(x.shape), f"{name}.proj")

    def _aux(self, image: Tensor, name: str) -> Tensor:
        weight, around = self.state[f"{name}.weight"], (len(self.taps) - 1) // 2
        image = F.conv2d(image, weight, self.state[f"{name}.bias"], padding=1 + around)
        return self._filtered(image, "down", 0)

    def _resampled(self, x: Tensor, to: str) -> Tensor:
        return self._filtered(x, to, (len(self.taps) - 1) // 2) if to else x

    def _filtered(self, x: Tensor, to: str, around: int) -> Tensor:
        line = torch.tensor(self.taps, dtype=torch.float32)
        square = (line[:, None] * line / line.sum() ** 2).expand(x.shape[1], 1, -1, -1)
        options: dict[str, Any] = {"stride": 2, "padding": around, "groups": x.shape[1]}
        if to == "up":
            return F.conv_transpose2d(x, 4 * square, **options)
        return F.conv2d(x, square, **options)

    def _norm(self, x: Tensor, name: str) -> Tensor:
        groups, eps = min(32, x.shape[1] // 4), 1e-6 if self.song else 1e-5
        state = self.state
        return F.group_norm(x, groups, state[f"{name}.weight"], state[f"{name}.bias"], eps)

    def _conv(self, x: Tensor, name: str) -> Tensor:
        weight = image_like(self.state[f"{name}.weight"])
        return F.conv2d(x, weight, self.state[f"{name}.bias"], padding=weight.shape[2] // 2)

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x, self.state[f"{name}.weight"], self.state.get(f"{name}.bias"))


class Edm2:
    """EDM2's `UNet`: state dict and config as the original has them."""

    def __init__(self, state: Mapping[str, Tensor], config: Mapping[str, Any]) -> None:
        self.state, self.blocks = state, config["num_blocks"]
        self.sizes = [config["img_resolution"] >> i for i in range(len(config["channel_mult"]))]
        self.head, self.classes = config["channels_per_head"], config["label_dim"]

    def __call__(self, x: Tensor, noise: Tensor, label: Tensor) -> Tensor:
        frequencies, phases = (self.state[f"emb_fourier.{name}"] for name in ("freqs", "phases"))
        told = torch.cos(noise[:, None] * frequencies + phases) * math.sqrt(2)
        told = self._product(told, "emb_noise")
        one = F.one_hot(label, self.classes) * math.sqrt(self.classes)
        told = silu(summed(told, self._product(one, "emb_label"), 0.5))
        top = self.sizes[0]
        x = torch.cat((x, torch.ones_like(x[:, :1])), dim=1)
        x = self._product(x, f"enc.{top}x{top}_conv")
        skips = [x]
        for size in self.sizes:
            if size != top:
                x = self._block(F.avg_pool2d(x, 2), f"enc.{size}x{size}_down", told, True)
                skips.append(x)
            for i in range(self.blocks):
                x = self._block(x, f"enc.{size}x{size}_block{i}", told, True)
                skips.append(x)
        for i in range(2):
            x = self._block(x, f"dec.{size}x{size}_in{i}", told)
        for size in reversed(self.sizes):
            if size != self.sizes[-1]:
                x = F.interpolate(x, scale_factor=2)
                x = self._block(x, f"dec.{size}x{size}_up", told)
            for i in range(self.blocks + 1):
                x = self._block(joined(x, skips.pop()), f"dec.{size}x{size}_block{i}", told)
        return self._product(x, "out_conv") * self.state["out_gain"]

    def _block(self, x: Tensor, name: str, told: Tensor, encodes: bool = False) -> Tensor:
        wider = f"{name}.conv_skip.weight" in self.state
        if encodes:
            x = normed(self._product(x, f"{name}.conv_skip") if wider else x, 1)
        h = self._product(silu(x), f"{name}.conv_res0")
        gain = self._product(told, f"{name}.emb_linear") * self.state[f"{name}.emb_gain"]
        h = self._product(silu(h * (1 + gain)[:, :, None, None]), f"{name}.conv_res1")
        if wider and not encodes:
            x = self._product(x, f"{name}.conv_skip")
        x = summed(x, h, 0.3)
        if f"{name}.attn_qkv.weight" in self.state:
            qkv = self._product(x, f"{name}.attn_qkv")
            qkv = qkv.reshape(len(x), x.shape[1] // self.head, self.head, 3, -1)
            h = attended(*normed(qkv, 2).unbind(3)).reshape(x.shape)
            x = summed(x, self._product(h, f"{name}.attn_proj"), 0.3)
        return x.clamp(-256, 256)

    def _product(self, x: Tensor, name: str) -> Tensor:
        """w / (ε + ‖w‖ / √n) / √n, row by row."""
        weight = self.state[f"{name}.weight"]
        n = weight[0].numel()
        lengths = weight.flatten(1).norm(dim=1) / math.sqrt(n)
        weight = weight / (1e-4 + lengths).reshape(-1, *[1] * (weight.ndim - 1)) / math.sqrt(n)
        if x.ndim == 2:
            return F.linear(x, weight)
        weight = image_like(weight)
        return F.conv2d(x, weight, padding=weight.shape[2] // 2)


def attended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Of queries, keys and values (B, heads, C, positions)."""
    scores = torch.einsum("bhcq,bhck->bhqk", q, k / math.sqrt(q.shape[2])).softmax(dim=3)
    return torch.einsum("bhqk,bhck->bhcq", scores, v)


def silu(x: Tensor) -> Tensor:
    return F.silu(x) / 0.596


def normed(x: Tensor, axis: int) -> Tensor:
    return x / (1e-4 + x.norm(dim=axis, keepdim=True) / math.sqrt(x.shape[axis]))


def summed(a: Tensor, b: Tensor, t: float) -> Tensor:
    return ((1 - t) * a + t * b) / math.sqrt((1 - t) ** 2 + t**2)


def joined(a: Tensor, b: Tensor, t: float = 0.5) -> Tensor:
    n, m = a.shape[1], b.shape[1]
    whole = math.sqrt((n + m) / ((1 - t) ** 2 + t**2))
    return torch.cat((a * (whole * (1 - t) / math.sqrt(n)), b * (whole * t / math.sqrt(m))), dim=1)


def image_like(weight: Tensor) -> Tensor:
    """A linear layer's weight as a 1×1 convolution's."""
    return weight if weight.ndim == 4 else weight[:, :, None, None]
