"""What imagen_pytorch calls the tensors of each part."""

from __future__ import annotations

from archkit import Table

_FEED_FORWARD = {"0.weight": "0.g", "1": "1", "3.weight": "3.g", "4": "4"}
_LOOK = {
    **{"q": "to_q", "kv": "to_kv", "memory": "null_kv", "out": "to_out.0"},
    **{"cosines.q_scale": "q_scale", "cosines.k_scale": "k_scale"},
}
_GAINS = {"norm.weight": "norm.g", "out_norm.weight": "to_out.1.g"}


def _below(ours: str, theirs: str, *tables: dict[str, str]) -> dict[str, str]:
    """The entries of tables, where both stand below a prefix."""
    return {f"{ours}.{k}": f"{theirs}.{v}" for table in tables for k, v in table.items()}


_POOL = {**_LOOK, "norm": "norm", "norm_latents": "norm_latents", "out_norm": "to_out.1"}
TABLES: dict[str, Table] = {
    "stem.cross-embed": {"": ""},
    "stem.conv": {"": ""},
    "block.imagen": {
        "norm1.weight": "block1.norm.gamma",
        "conv1": "block1.project",
        **_below("cross", "cross_attn", _LOOK, _GAINS),
        "embedding": "time_mlp.1",
        "norm2.weight": "block2.norm.gamma",
        "conv2": "block2.project",
        **_below("gate", "gca", {"weigh": "to_k", "linear1": "net.0", "linear2": "net.2"}),
        "shortcut": "res_conv",
    },
    "attention.imagen": {
        **_below("attention.*", "layers.*.0", _LOOK, _GAINS),
        **_below("attention.*", "layers.*.0.to_context", {"context_norm": "0", "context_kv": "1"}),
        **_below("feed_forward.*", "layers.*.1", _FEED_FORWARD),
    },
    "pooling.unshuffle": {"conv": "1"},
    "pooling.parallel": {"convs": "fns"},
    "upsampling.shuffle": {"conv": "net.0"},
    "upsampling.nearest": {"conv": "1"},
    "time.learned": {
        "features.frequencies": "to_time_hiddens.0.weights",
        "linear1": "to_time_hiddens.1",
    },
    "condition.noise-level": {
        "features.frequencies": "to_lowres_time_hiddens.0.weights",
        "linear1": "to_lowres_time_hiddens.1",
    },
    "embedding.sum": {"linear_time": "to_time_cond.0", "linear_noise": "to_lowres_time_cond.0"},
    "condition.gathered": {
        "linears.0": "to_time_tokens.0",
        "linears.1": "to_lowres_time_tokens.0",
        "norm": "norm_cond",
    },
    "condition.resampled": {
        "linear": "text_to_cond",
        "null": "null_text_embed",
        "resampler.latents": "attn_pool.latents",
        "resampler.positions": "attn_pool.pos_emb.weight",
        "resampler.mean_norm.weight": "attn_pool.to_latents_from_mean_pooled_seq.0.g",
        "resampler.mean": "attn_pool.to_latents_from_mean_pooled_seq.1",
        **_below("resampler.attention.*", "attn_pool.layers.*.0", _POOL),
        **_below("resampler.feed_forward.*", "attn_pool.layers.*.1", _FEED_FORWARD),
    },
    "condition.averaged": {
        "norm": "to_text_non_attn_cond.0",
        "linear1": "to_text_non_attn_cond.1",
        "linear2": "to_text_non_attn_cond.3",
        "null": "null_text_hidden",
    },
    "head.conv": {"conv": ""},
}
