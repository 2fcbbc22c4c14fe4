"""Networks of other codebases in small: their configs, our specs of them, and what they answer."""

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DConditionModel, UNet2DModel
from safetensors.torch import load_file
from torch import Tensor, nn

import archkit
from archkit.testing.parity import Reference, randomise

GOLDEN = Path(__file__).parent / "golden"

DDPM = {
    "sample_size": 32,
    "block_out_channels": (128, 256, 256, 256),
    "layers_per_block": 2,
    "down_block_types": ("DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
    "downsample_padding": 0,
    "flip_sin_to_cos": False,
    "freq_shift": 1,
    "norm_eps": 1e-6,
    "attention_head_dim": None,
}
SMALL_DDPM = {
    **DDPM,
    "block_out_channels": (16, 32),
    "layers_per_block": 1,
    "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
    "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
    "attention_head_dim": 8,
    "norm_num_groups": 8,
}
SMALL_DDPM_SPEC = """
archkit: 1
name: ddpm, small
prediction: noise
norm: {type: group, groups: 8, eps: 1e-6}
attention: {type: self, head_width: 8}
pooling: {type: conv, padding: end}
conditioning: {time: {type: sinusoidal, order: sin-cos, shift: 1}}
encoder:
  - {channels: 16, blocks: 1}
  - {channels: 32, blocks: 1, attention: true}
"""
STABLE = {
    "sample_size": 16,
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": (16, 32, 32),
    "layers_per_block": 1,
    "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    "transformer_layers_per_block": (1, 2, 2),
    "cross_attention_dim": 24,
    "attention_head_dim": 4,
    "norm_num_groups": 8,
}
STABLE_SPEC = """
archkit: 1
name: Stable Diffusion, small
input: {channels: 4, size: 16}
prediction: {type: noise, path: scaled-linear}
norm: {type: group, groups: 8}
attention: {type: transformer, heads: 4}
conditioning: {text: {type: sequence, channels: 24}}
encoder:
  - {channels: 16, blocks: 1, attention: true}
  - {channels: 32, blocks: 1, attention: {depth: 2}}
  - {channels: 32, blocks: 1}
"""
GOLDEN_SPECS = {
    "guided-adm-given-1": """
archkit: 1
name: guided-diffusion's ADM, small
input: {channels: 3, size: 16}
output: {variance: learned}
prediction: noise
norm: {type: group, groups: 8}
block: {type: resnet, dropout: 0.1}
attention: {type: self, head_width: 8}
pooling: {type: block, by: avg}
upsampling: {type: block, by: nearest}
conditioning: {method: scale-shift, label: {type: label, classes: 5}}
encoder:
  - {channels: 16, blocks: 1}
  - {channels: 32, blocks: 1, attention: true}
  - {channels: 32, blocks: 1, attention: true}
""",
    "guided-iddpm-given-1": """
archkit: 1
name: improved DDPM, small
input: {channels: 3, size: 16}
output: {variance: learned}
prediction: noise
norm: {type: group, groups: 8}
attention: {type: self, heads: 2}
encoder:
  - {channels: 16, blocks: 1}
  - {channels: 32, blocks: 1}
  - {channels: 32, blocks: 1, attention: true}
""",
    "ldm-sd-given-1": """
archkit: 1
name: latent diffusion with a text, small
input: {channels: 4, size: 16}
prediction: noise
norm: {type: group, groups: 8}
attention: {type: transformer, heads: 4}
conditioning: {text: {type: sequence, channels: 24}}
encoder:
  - {channels: 16, blocks: 1, attention: true}
  - {channels: 16, blocks: 1, attention: true}
  - {channels: 32, blocks: 1}
""",
    "monai-made-1": """
archkit: 1
name: MONAI's network in three dimensions, small
input: {channels: 1, size: 32, dims: 3}
prediction: noise
norm: {type: group, groups: 4, eps: 1e-6}
attention: {type: transformer}
conditioning: {text: {type: sequence, channels: 6}, label: {type: label, classes: 3}}
encoder:
  - {channels: 8, blocks: 1}
  - {channels: 8, blocks: 1, attention: {head_width: 4}}
  - {channels: 16, blocks: 1, attention: {head_width: 8}}
""",
}
FAMILIES = {"guided_diffusion": "guided-diffusion", "ldm": "latent-diffusion", "monai": "monai"}
OURS = {"timesteps": "t", "y": "label", "context": "text"}


def importer(family: str) -> archkit.Importer:
    return archkit.default_registry().component("importer", family)()


def drawn(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=dtype)


def of_diffusers(
    cls: type[nn.Module],
    config: dict[str, Any],
    space: tuple[int, ...] = (16, 24),
    dtype: torch.dtype = torch.float32,
    scale: float = 1.0,
) -> Reference:
    """A network of diffusers with every tensor drawn, and its answer to two drawn samples."""
    module = nn.Module.to(randomise(cls(**config), scale=scale), dtype)
    inputs = {"x": drawn(2, config.get("in_channels", 3), *space, dtype=dtype)}
    inputs["t"] = torch.tensor([7, 901])
    if cls is UNet2DConditionModel:
        inputs["text"] = drawn(2, 7, config["cross_attention_dim"], dtype=dtype)
    codebase = importer("diffusers").codebase({})
    return Reference.of(module, codebase, inputs, lambda m: m(*inputs.values()).sample)


def of_levels(
    module: nn.Module, x: Tensor, t: Tensor, asked: dict[str, Any]
) -> tuple[dict[str, Tensor], Tensor]:
    """What our denoiser is asked where the original is asked for the v of `x` at ¼ ln σ = `t`, and
    the sample that follows from its answer; `x` has its frames after its channels."""
    v = module(x.transpose(1, 2), t, **asked).sample.transpose(1, 2)
    sigma = (4 * t).exp()
    root, level = (n[:, None, None, None, None] for n in ((sigma**2 + 1).sqrt(), sigma))
    own = x[:, : v.shape[1]]
    return {"x": own * root, "t": sigma}, (own - level * v) / root


def golden(name: str) -> Reference:
    """What a network of another codebase answered, from a file."""
    entry = described(name)
    tensors = {key: value.clone() for key, value in load_file(GOLDEN / entry["file"]).items()}
    parts: dict[str, dict[str, Tensor]] = {"weights": {}, "inputs": {}, "outputs": {}}
    for key, value in tensors.items():
        part, _, rest = key.partition("/")
        parts[part][rest] = value
    inputs = {OURS.get(key, key): value for key, value in parts["inputs"].items()}
    codebase = importer(family_of(entry)).codebase(entry["config"])
    return Reference(codebase, parts["weights"], inputs, parts["outputs"]["out"])


def described(name: str) -> dict[str, Any]:
    index = json.loads((GOLDEN / "index.json").read_text())
    return next(entry for entry in index["fixtures"] if entry["name"] == name)


def family_of(entry: dict[str, Any]) -> str:
    return FAMILIES[entry["class"].partition(".")[0]]


def reference_of(name: str, scale: float = 1.0) -> tuple[str, Reference]:
    if name == "small-ddpm":
        return SMALL_DDPM_SPEC, of_diffusers(UNet2DModel, SMALL_DDPM, scale=scale)
    if name == "stable-diffusion":
        return STABLE_SPEC, of_diffusers(UNet2DConditionModel, STABLE, scale=scale)
    return GOLDEN_SPECS[name], golden(name)
