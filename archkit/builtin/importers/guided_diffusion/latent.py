"""Latent diffusion: LDM, CompVis' Stable Diffusion 1, Stability's 2 and XL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from archkit import Codebase, Config, Importer, Options, Shapes

from ..rows import Rows, Says, finished
from .common import Levels, sample
from .names import GUIDED
from .published import LATENT, published
from .shapes import config as shapes_config

_PARTS = ("unet_config", "network_config")


class LatentDiffusion(Importer):
    """A `UNetModel` of ldm or sgm, by the arguments of its constructor, or by a whole config file.

    The original's `context` is the condition ``text``; `y` is ``label`` where it is a class and
    ``vector`` where it is one, already embedded.

    References:
        | High-Resolution Image Synthesis with Latent Diffusion Models (Rombach et al., 2022)
        | https://arxiv.org/abs/2112.10752
    """

    type: Literal["latent-diffusion"] = "latent-diffusion"

    def reads(self, config: Config) -> bool:
        return arguments(config, *_PARTS) is not config

    def finds(self, shapes: Shapes) -> Config | None:
        return published(shapes, LATENT) or shapes_config(shapes)

    def spec(self, config: Config) -> dict[str, Any]:
        return read(Options(arguments(config, *_PARTS), "latent diffusion's UNetModel"))

    def codebase(self, config: Config) -> Codebase:
        return GUIDED


def read(options: Options) -> Says:
    """The spec that options say, of this class or of one that shares them."""
    _refused(options)
    levels = Levels(options)
    says = sample(options, levels)
    says.setdefault("prediction", {"type": "noise", "path": "scaled-linear"})
    context = options.take("context_dim")
    if isinstance(context, list | tuple):
        if len(context) > 1:
            options.refuse("context_dim", context)
        context = context[0]
    says["conditioning"] |= _conditions(options, context)
    linear = options.take("use_linear_in_transformer", False)
    crosses = options.take("use_spatial_transformer", context is not None)
    kind: Says = {"type": "transformer" if crosses else "self"}
    if linear and crosses:
        kind["projection"] = "linear"
    says |= _rows(options, levels, crosses).spec(kind)
    options.close()
    return finished("latent-diffusion", says)


def arguments(config: Config, *parts: str) -> Config:
    """Those of one of these parts, where the config is of a whole model, such as ldm's
    v1-inference.yaml; otherwise the config itself."""
    here: Any = config
    for key in ("model", "params"):
        here = here.get(key) if isinstance(here, Mapping) else None
    whole = here if isinstance(here, Mapping) else {}
    network = next((whole[part] for part in parts if whole.get(part)), None)
    found: Config = network["params"] if isinstance(network, Mapping) else config
    return found


def _refused(options: Options) -> None:
    options.only("n_embed", None)
    options.only("num_attention_blocks", None)
    options.only("use_new_attention_order", False)
    # How attention is computed and trained changes no number of the answer.
    options.skip(
        "use_checkpoint", "use_fp16", "use_bf16", "spatial_transformer_attn_type", "legacy"
    )


def _conditions(options: Options, context: int | None) -> Says:
    says: Says = {}
    if context is not None:
        says["text"] = {"type": "sequence", "channels": context}
    classes, width = options.take("num_classes"), options.take("adm_in_channels")
    if classes == "sequential":
        says["vector"] = {"type": "vector", "channels": width}
    elif isinstance(classes, int):
        says["label"] = {"type": "label", "classes": classes}
    elif classes is not None:
        options.refuse("num_classes", classes)
    return says


def _rows(options: Options, levels: Levels, crosses: bool) -> Rows:
    n = len(levels.widths)
    heads, width = options.take("num_heads", -1), options.take("num_head_channels", -1)
    options.only("num_heads_upsample", -1, heads)
    depths = options.take("transformer_depth", 1)
    depths = list(depths) if isinstance(depths, list | tuple) else [depths] * n
    depths.append(options.take("transformer_depth_middle") or depths[-1])
    count: Says = {"heads": heads} if width == -1 else {"head_width": width}
    if not crosses:
        return levels.rows([count] * n, [count] * n, count)
    # What looks at the text first too, at each level and in the middle.
    only = list(options.take("disable_self_attentions") or [False] * n)
    only.append(options.take("disable_middle_self_attn", False))
    each: list[Says] = [{**count, "depth": depth} for depth in depths]
    if any(only):
        for says, crossing in zip(each, only, strict=True):
            says["first"] = "cross" if crossing else "self"
    return levels.rows(each[:n], each[:n], each[n])
