"""azula's UNet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from archkit import Codebase, Config, Importer, Options, Table

from .rows import Says, differing, finished

_NORMS: dict[str, Says] = {
    "layer": {"type": "layer", "affine": False, "unbiased": True},
    "rms": {"type": "rms", "affine": False, "eps": 1e-5},
    "group": {"type": "group", "affine": False},
}
_TABLES: dict[str, Table] = {
    "stem.conv": {"": ""},
    "pooling.conv": {"": ""},
    "skip.concat": {"fuse": ""},
    "head.conv": {"conv": ""},
    "block.modulated": {
        "linear1": "ada_zero.0",
        "linear2": "ada_zero.2",
        "modulation": "ada_zero",
        "conv1": "ffn.0",
        "conv2": "ffn.3",
    },
}


class Azula(Importer):
    """A `UNet` of azula, by the arguments of its constructor.

    Its `mod` is the condition ``mod``, a vector as it is, and its `cond` the condition ``cond``.

    References:
        | azula (Rozet et al., 2024)
        | https://github.com/probabilists/azula
    """

    type: Literal["azula"] = "azula"

    def reads(self, config: Config) -> bool:
        return {"hid_channels", "hid_blocks"} <= set(config)

    def spec(self, config: Config) -> dict[str, Any]:
        options = Options(config, "azula's UNet")
        dims, kernel = options.take("spatial", 2), options.take("kernel_size", 3)
        if not isinstance(kernel, int):
            options.refuse("kernel_size", kernel)
            kernel = 3
        options.only("periodic", False)
        options.skip("identity_init", "checkpointing")
        widths, counts = _stages(config)
        options.skip("hid_channels", "hid_blocks")
        into, out = options.take("in_channels"), options.take("out_channels")
        says: Says = {"input": {"channels": into, "size": 64, "dims": dims}, "prediction": "sample"}
        if into != out:
            says |= {"output": {"channels": out}, "prediction": "none"}
        says["conditioning"] = _told(options)
        stride = options.take("stride", 2)
        stride = tuple(stride) if isinstance(stride, Sequence) else stride
        says |= {
            "layout": "k-diffusion",
            "block": {"type": "modulated", "kernel": kernel, **_block(options)},
            "pooling": {"type": "conv", "width": "next", "stride": stride, "kernel": kernel},
            "upsampling": {"type": "nearest", "conv": False},
            "skip": {"type": "concat", "order": "skip-first", "match": "crop-end", "fuse": kernel},
            "stem": {"type": "conv", "kernel": kernel},
            "head": {
                **{"type": "conv", "kernel": kernel, "zero_init": False},
                **{"norm": "none", "activation": "none"},
            },
            "encoder": [{"channels": c, "blocks": n} for c, n in zip(widths, counts, strict=True)],
        }
        options.close()
        return finished("azula", says)

    def codebase(self, config: Config) -> Codebase:
        _, counts = _stages(config)
        last = len(counts) - 1
        places = {
            "stem": "descent.0.0",
            "encoder.block": "descent.{level}.{nth}",
            "decoder.block": "ascent.{rise}.{nth}",
            "join": "ascent.{rise}.0",
            "head": f"ascent.{last}.{counts[0] + (last > 0)}",
        }
        for level in range(last):
            places[f"encoder.{level}.pooling"] = f"descent.{level + 1}.0"
        for unit in range(counts[last]):  # the deepest stage has nothing to join
            places[f"decoder.{last}.blocks.{unit}.block"] = f"ascent.0.{unit}"
        return Codebase("azula", places, _TABLES)


def _stages(config: Config) -> tuple[Sequence[int], Sequence[int]]:
    return config.get("hid_channels", (64, 128, 256)), config.get("hid_blocks", (3, 3, 3))


def _told(options: Options) -> Says:
    """The modulation, and the image that joins the sample."""
    told: Says = {"time": "none"}
    if features := options.take("mod_features", 0):
        told = {
            "time": {"type": "none", "width": features},
            "embedding": {"type": "sum", "activation": "none"},
            "mod": {"type": "vector", "channels": features, "layers": 0},
        }
    if channels := options.take("cond_channels", 0):
        told["cond"] = {"type": "image", "channels": channels}
    return told


def _block(options: Options) -> Says:
    name, groups = options.take("norm", "layer"), options.take("groups", 16)
    norm = dict(_NORMS.get(name, {}))
    if not norm:
        options.refuse("norm", name)
        return {}
    if name == "group":
        norm["groups"], norm["min_width"] = groups, 1
    expansion, dropout = options.take("ffn_factor", 1), options.take("dropout")
    usual = {"expansion": 1, "norm": _NORMS["layer"]}
    return differing({"norm": norm, "expansion": expansion, "dropout": dropout}, **usual)
