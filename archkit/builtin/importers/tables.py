"""Parameter tables that several codebases share."""

from archkit import Table

CONVOLUTION: Table = {"": ""}
"""A convolution by itself."""

TRANSFORMER: Table = {
    "norm": "norm",
    "enter": "proj_in",
    "leave": "proj_out",
    "layers.*.norm1": "transformer_blocks.*.norm1",
    "layers.*.attention.qkv": tuple(f"transformer_blocks.*.attn1.to_{t}" for t in "qkv"),
    "layers.*.attention.out": "transformer_blocks.*.attn1.to_out.0",
    "layers.*.first.0.q": "transformer_blocks.*.attn1.to_q",
    "layers.*.first.0.kv": tuple(f"transformer_blocks.*.attn1.to_{t}" for t in "kv"),
    "layers.*.first.0.out": "transformer_blocks.*.attn1.to_out.0",
    "layers.*.norm2": "transformer_blocks.*.norm2",
    "layers.*.cross.0.q": "transformer_blocks.*.attn2.to_q",
    "layers.*.cross.0.kv": tuple(f"transformer_blocks.*.attn2.to_{t}" for t in "kv"),
    "layers.*.cross.0.out": "transformer_blocks.*.attn2.to_out.0",
    "layers.*.norm3": "transformer_blocks.*.norm3",
    "layers.*.feed_forward.up": "transformer_blocks.*.ff.net.0.proj",
    "layers.*.feed_forward.down": "transformer_blocks.*.ff.net.2",
}
"""The transformer of latent diffusion, whose names diffusers kept."""
