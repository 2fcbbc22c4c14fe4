"""MONAI's U-Nets for segmentation: UNet, BasicUNet and AttentionUnet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from archkit import Codebase, Config, Importer, Options, Table

from .rows import Says, differing, finished

_ROW: Table = {"convs.*": "*.conv", "norms.*": "*.adn.N", "activations.*": "*.adn.A"}
_SINGLE: Table = {"convs.0": "conv", "norms.0": "adn.N", "activations.0": "adn.A"}
_UP: Table = {"conv": "conv", "norm": "adn.N", "activation": "adn.A"}
_SEGMENTS: Says = {"prediction": "none", "conditioning": {"time": "none"}}
_HEAD: Says = {"type": "conv", "kernel": 1, "norm": "none", "activation": "none"}
_ORDERS = {"N": "norm", "A": "activation"}


class _Unets(Importer):
    """One of MONAI's classes, by the arguments of its constructor, or as a bundle names them."""

    target: ClassVar[str]

    def reads(self, config: Config) -> bool:
        return str(config.get("_target_", "")).rpartition(".")[2] == self.target

    def options(self, config: Config) -> Options:
        """Its arguments; `_target_` is how a bundle names the class."""
        options = Options(config, f"MONAI's {self.target}")
        options.skip("_target_", "_requires_", "_disabled_")
        return options


class MonaiUNet(_Unets):
    """MONAI's `UNet`, by the arguments of its constructor.

    References:
        | Left-Ventricle Quantification Using Residual U-Net (Kerfoot et al., 2018)
        | https://doi.org/10.1007/978-3-030-12029-0_40
    """

    target: ClassVar[str] = "UNet"
    type: Literal["monai-unet"] = "monai-unet"

    def spec(self, config: Config) -> dict[str, Any]:
        options = self.options(config)
        says = _sample(options)
        widths, strides = options.take("channels"), options.take("strides")
        units, kernel = options.take("num_res_units", 0), _sizes(options.take("kernel_size", 3))
        after = _after(options, "instance", "prelu")
        block = {"kernel": kernel, "bias": options.take("bias", True), **after}
        up = {"type": "upconv", **block, "kernel": _sizes(options.take("up_kernel_size", 3))}
        kind: Says = {"type": "residual", "count": units} if units else {"type": "conv"}
        into = [says["output"]["channels"], *widths[:-2]]
        decoder: list[Says] = [{"channels": c} for c in into]
        if units:
            for row in decoder:
                row["block"] = {"count": 1}
            decoder[0]["block"] = {"count": 1, "last": "none"}
        else:
            decoder[0]["upsampling"] = {"norm": "none", "activation": "none"}
        says |= {
            "layout": "monai" if units else {"type": "monai", "decode": ""},
            "block": {**kind, **block},
            "pooling": "first",
            "upsampling": up,
            "skip": {"type": "concat", "order": "skip-first"},
            "head": "none",
            "encoder": _encoder(widths, [*strides[: len(widths) - 1], None]),
            "decoder": decoder,
        }
        options.close()
        return finished("monai-unet", says)

    def codebase(self, config: Config) -> Codebase:
        residual = config.get("num_res_units", 0) > 0
        depth, places = len(config["channels"]) - 1, {}
        for level in range(depth):
            here = "model" + ".1.submodule" * level
            places[f"encoder.{level}.blocks.0.block"] = f"{here}.0"
            places[f"decoder.{level}.upsampling"] = f"{here}.2.0" if residual else f"{here}.2"
            places[f"decoder.{level}.blocks.0.block"] = f"{here}.2.1"
        places["bottleneck.block"] = "model" + ".1.submodule" * depth
        branch = {f"branch.{ours}": f"conv.unit{theirs}" for ours, theirs in _ROW.items()}
        tables: dict[str, Table] = {
            "block.residual": {**branch, "shortcut.conv": "residual"},
            "block.conv": _SINGLE,
            "upsampling.upconv": _UP,
        }
        return Codebase("monai-unet", places, tables)


class MonaiBasicUNet(_Unets):
    """MONAI's `BasicUNet`, by the arguments of its constructor.

    References:
        | U-Net – Deep Learning for Cell Counting, Detection, and Morphometry (Falk et al., 2019)
        | https://doi.org/10.1038/s41592-018-0261-2
    """

    target: ClassVar[str] = "BasicUNet"
    type: Literal["monai-basic-unet"] = "monai-basic-unet"

    def spec(self, config: Config) -> dict[str, Any]:
        options = self.options(config)
        says = _sample(options, dims=3, channels=1, out=2)
        widths = options.take("features", (32, 32, 64, 128, 256, 32))
        options.only("upsample", "deconv")
        leaky = ("leakyrelu", {"negative_slope": 0.1})
        after = _after(options, ("instance", {"affine": True}), leaky)
        decoder = []
        for level, c in enumerate((widths[5], *widths[1:4])):
            below = widths[level + 1]
            left = below // 2 if level else below
            width = "next" if left == c else "half" if level else "keep"
            decoder.append({"channels": c, "upsampling": {"type": "transposed", "width": width}})
        says |= {
            "layout": "classic",
            "block": {"type": "conv", "count": 2, "bias": options.take("bias", True), **after},
            "pooling": "max",
            "upsampling": "transposed",
            "skip": {"type": "concat", "order": "skip-first", "match": "replicate"},
            "head": _HEAD,
            "encoder": [{"channels": c, "blocks": 1} for c in widths[:5]],
            "decoder": decoder,
        }
        options.close()
        return finished("monai-basic-unet", says)

    def codebase(self, config: Config) -> Codebase:
        places = {
            "encoder.0.blocks.0.block": "conv_0",
            "encoder.block": "down_{level}.convs",
            "bottleneck.block": "down_{level}.convs",
            "head": "final_conv",
        }
        for level in range(4):
            places[f"decoder.{level}.upsampling"] = f"upcat_{level + 1}.upsample.deconv"
            places[f"decoder.{level}.blocks.0.block"] = f"upcat_{level + 1}.convs"
        block = {ours: f"conv_{theirs}" for ours, theirs in _ROW.items()}
        tables: dict[str, Table] = {
            "block.conv": block,
            "upsampling.transposed": {"": ""},
            "head.conv": {"conv": ""},
        }
        return Codebase("monai-basic-unet", places, tables)


class MonaiAttentionUnet(_Unets):
    """MONAI's `AttentionUnet`, by the arguments of its constructor.

    Its merging convolutions have another norm and activation than all else.

    References:
        | Attention U-Net: Learning Where to Look for the Pancreas (Oktay et al., 2018)
        | https://arxiv.org/abs/1804.03999
    """

    target: ClassVar[str] = "AttentionUnet"
    type: Literal["monai-attention-unet"] = "monai-attention-unet"

    def spec(self, config: Config) -> dict[str, Any]:
        options = self.options(config)
        says = _sample(options)
        widths, strides = options.take("channels"), options.take("strides")
        kernel = _sizes(options.take("kernel_size", 3))
        up = _sizes(options.take("up_kernel_size", 3))
        dropped = differing({"dropout": options.take("dropout", 0.0)}, dropout=0.0)
        if dropped:
            dropped["dropout_after"] = "norm"
        block = {"type": "conv", "count": 2, "kernel": kernel, **dropped}
        merge = {"count": 1, "kernel": 3, "norm": {"type": "instance", "affine": False}}
        says |= {
            "layout": "classic",
            "norm": "batch",
            "activation": "relu",
            "block": block,
            "pooling": "first",
            "upsampling": {"type": "upconv", "kernel": up},
            "skip": {"type": "gated", "gate_norm": "batch", "order": "skip-first"},
            "head": _HEAD,
            "encoder": _encoder(widths, strides[: len(widths) - 1]),
            "decoder": [{"block": {**merge, "activation": "prelu"}} for _ in widths[1:]],
        }
        options.close()
        return finished("monai-attention-unet", says)

    def codebase(self, config: Config) -> Codebase:
        depth, here = len(config["channels"]) - 1, "model.1"
        places = {"encoder.0.blocks.0.block": "model.0.conv", "head": "model.2"}
        tables: dict[str, Table] = {
            "block.conv": _ROW,
            "upsampling.upconv": _UP,
            "head.conv": {"conv": "conv"},
            "skip.gated": {
                **{"trunk": "W_g.0.conv", "trunk_norm": "W_g.1"},
                **{"skip": "W_x.0.conv", "skip_norm": "W_x.1"},
                **{"gate": "psi.0.conv", "gate_norm": "psi.1"},
            },
        }
        for level in range(depth):
            places[f"decoder.{level}.join"] = f"{here}.attention"
            places[f"decoder.{level}.upsampling"] = f"{here}.upconv.up"
            places[f"decoder.{level}.blocks.0.block"] = f"{here}.merge"
            tables[f"decoder.{level}.blocks.0.block"] = _SINGLE
            if level < depth - 1:
                places[f"encoder.{level + 1}.blocks.0.block"] = f"{here}.submodule.0.conv"
            else:
                places["bottleneck.block"] = f"{here}.submodule.conv"
            here += ".submodule.1"
        return Codebase("monai-attention-unet", places, tables)


def _sample(options: Options, **defaults: int) -> Says:
    """Sample and output of a network for segmentation."""
    dims = options.take("spatial_dims", defaults.get("dims"))
    channels = options.take("in_channels", defaults.get("channels"))
    out = options.take("out_channels", defaults.get("out"))
    sample = {"channels": channels, "size": 96, "dims": dims}
    return {"input": sample, "output": {"channels": out}, **_SEGMENTS}


def _encoder(widths: Sequence[int], strides: Sequence[Any]) -> list[Says]:
    """The rows, with the strides that are not 2; None is a stage that does not pool."""
    rows: list[Says] = [{"channels": c, "blocks": 1} for c in widths]
    for row, stride in zip(rows, strides, strict=False):
        if stride is None:
            row["pooling"] = "none"
        elif stride != 2:
            row["pooling"] = {"type": "first", "stride": _sizes(stride)}
    return rows


def _sizes(value: Any) -> Any:
    """One number where all axes have the same."""
    if isinstance(value, int):
        return value
    return value[0] if len(set(value)) == 1 else tuple(value)


def _after(options: Options, norm: Any, activation: Any) -> Says:
    """What follows each convolution: norm, dropout and activation, in the order they name."""
    says: Says = {
        "norm": _norm(options, options.take("norm", norm)),
        "activation": _activation(options, options.take("act", activation)),
    }
    order = options.take("adn_ordering", "NDA").upper()
    if sorted(order) != ["A", "D", "N"]:
        options.refuse("adn_ordering", order)
        return says
    dropout = options.take("dropout", 0.0)
    if not isinstance(dropout, int | float):
        options.refuse("dropout", dropout)
    elif dropout:
        before = order[order.index("D") - 1] if order.index("D") else ""
        says |= {"dropout": dropout, "dropout_after": _ORDERS.get(before, "convolution")}
    if order.index("A") < order.index("N"):
        says["order"] = "activation-norm"
    return says


def _named(value: Any) -> tuple[str, Mapping[str, Any]]:
    name, given = (value, {}) if isinstance(value, str) else value
    return name.lower(), given


def _norm(options: Options, value: Any) -> Says:
    if value is None:
        return {"type": "none"}
    name, given = _named(value)
    known = {"num_groups": "groups", "eps": "eps", "affine": "affine", "momentum": "momentum"}
    if name not in ("batch", "instance", "group") or set(given) - {"num_channels", *known}:
        options.refuse("norm", value)
        return {"type": "none"}
    says = {ours: given[theirs] for theirs, ours in known.items() if theirs in given}
    if name == "instance":
        says.setdefault("affine", False)
        says.pop("momentum", None)
    return {"type": name, **says}


def _activation(options: Options, value: Any) -> Says:
    if value is None:
        return {"type": "none"}
    name, given = _named(value)
    known: dict[str, Says] = {
        "relu": {"type": "relu"},
        "leakyrelu": {"type": "leaky-relu", "slope": given.get("negative_slope", 0.01)},
        "prelu": {"type": "prelu", "slope": given.get("init", 0.25)},
        "gelu": {"type": "gelu"},
        "swish": {"type": "silu"},
        "mish": {"type": "mish"},
    }
    allowed = {"leakyrelu": {"negative_slope"}, "prelu": {"init"}}.get(name, set())
    if name not in known or set(given) - {"inplace", *allowed}:
        options.refuse("act", value)
        return {"type": "none"}
    return known[name]
