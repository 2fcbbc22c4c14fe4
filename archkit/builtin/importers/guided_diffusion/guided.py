"""guided-diffusion: improved DDPM, ADM and its upsamplers."""

from __future__ import annotations

from typing import Any, Literal

from archkit import Codebase, Config, Importer, Options, Shapes, WeightError

from ..rows import Says, finished
from .common import Levels, sample
from .inferred import inferred, untold
from .names import GUIDED, GUIDED_NEW_ORDER
from .published import ADM, published


class GuidedDiffusion(Importer):
    """A `UNetModel` or `SuperResModel`, by the arguments of its constructor.

    The original's `y` is the condition ``label``, its `low_res` is ``low_res``.

    References:
        | Improved Denoising Diffusion Probabilistic Models (Nichol, Dhariwal, 2021)
        | https://arxiv.org/abs/2102.09672
        | Diffusion Models Beat GANs on Image Synthesis (Dhariwal, Nichol, 2021)
        | https://arxiv.org/abs/2105.05233
    """

    type: Literal["guided-diffusion"] = "guided-diffusion"

    def finds(self, shapes: Shapes) -> Config | None:
        return published(shapes, ADM) or inferred(shapes)

    def told(self, config: Config | None, shapes: Shapes) -> Config | None:
        whole = published(shapes, ADM) if config is None else config
        if whole is not None and "model_channels" in whole:
            return whole
        found, given = inferred(shapes), config or {}
        if found is not None and (left := untold(found, given)):
            raise WeightError(
                "names and shapes of these weights tell that they are of guided-diffusion, and "
                f"all of their config but {', '.join(left)}; give these with `config`"
            )
        return config if found is None else {**found, **given}

    def spec(self, config: Config) -> dict[str, Any]:
        options = Options(config, "guided-diffusion's UNetModel")
        options.skip("use_checkpoint", "use_fp16", "use_new_attention_order")
        levels = Levels(options)
        says = sample(options, levels)
        says.setdefault("prediction", {"type": "noise", "path": "cosine"})
        if options.take("super_res", False):
            low = {"type": "image", "channels": says["input"]["channels"], "resize": "linear"}
            says["conditioning"]["low_res"] = low
        if classes := options.take("num_classes"):
            says["conditioning"]["label"] = {"type": "label", "classes": classes}
        down = _attention(options)
        up = {"heads": heads} if (heads := _upsample(options, down)) else down
        n = len(levels.widths)
        says |= levels.rows([down] * n, [up] * n, down).spec({"type": "self"})
        options.close()
        return finished("guided-diffusion", says)

    def codebase(self, config: Config) -> Codebase:
        return GUIDED_NEW_ORDER if config.get("use_new_attention_order") else GUIDED


def _attention(options: Options) -> Says:
    heads, width = options.take("num_heads", 1), options.take("num_head_channels", -1)
    return {"heads": heads} if width == -1 else {"head_width": width}


def _upsample(options: Options, down: Says) -> int | None:
    """Heads of the decoder, where they are not those of the encoder."""
    heads: int = options.take("num_heads_upsample", -1)
    return None if heads == -1 or "head_width" in down or heads == down["heads"] else heads
