"""nnU-Net: the networks of dynamic_network_architectures, plain and with a residual encoder."""

from __future__ import annotations

from typing import Any, Literal

from archkit import Codebase, Config, Importer, Options, Table

from .rows import Says, finished

_PLAIN, _RESIDUAL = "PlainConvUNet", "ResidualEncoderUNet"
_ROW: Table = {"convs.*": "convs.*.conv", "norms.*": "convs.*.norm"}
_BLOCK: Table = {
    "branch.convs.0": "conv1.conv",
    "branch.norms.0": "conv1.norm",
    "branch.convs.1": "conv2.conv",
    "branch.norms.1": "conv2.norm",
    "shortcut.conv": "skip.1.conv",
    "shortcut.norm": "skip.1.norm",
}
# Where a block keeps the size, its shortcut has no pooling before the convolution.
_FLAT: Table = {**_BLOCK, "shortcut.conv": "skip.0.conv", "shortcut.norm": "skip.0.norm"}
_ALIAS = "it is another name of a tensor that is read"
_SUPERVISES = "it is for deep supervision, and takes no part in the answer"
_NORMS = {"InstanceNorm": "instance", "BatchNorm": "batch"}
_ACTIVATIONS = {"LeakyReLU": "leaky-relu", "ReLU": "relu", "GELU": "gelu", "SiLU": "silu"}


class NnUNet(Importer):
    """The `architecture` of a plan of nnU-Net, or the arguments of the constructor.

    Beside them it says `input_channels` and `num_classes`, which nnU-Net takes from the data.

    References:
        | nnU-Net: a self-configuring method for deep learning-based biomedical image segmentation
          (Isensee et al., 2021)
        | https://doi.org/10.1038/s41592-020-01008-z
    """

    type: Literal["nnunet"] = "nnunet"

    def reads(self, config: Config) -> bool:
        name = str(config.get("network_class_name", "")).rpartition(".")[2]
        return name in (_PLAIN, _RESIDUAL) or {"n_stages", "features_per_stage"} <= set(config)

    def spec(self, config: Config) -> dict[str, Any]:
        options = Options(_flat(config), "nnU-Net")
        stages = options.take("n_stages")
        dims = _dims(options)
        kernels = _each(options.take("kernel_sizes"), stages)
        strides = _each(options.take("strides"), stages)
        if _largest(strides[0]) > 1:
            options.refuse("strides", options.take("strides", strides), "the first is to be 1")
        says = _surroundings(options, dims)
        widths = _each(options.take("features_per_stage"), stages)
        depths = options.take("n_blocks_per_stage")
        counts = _each(options.take("n_conv_per_stage", 1), stages)
        up = _each(options.take("n_conv_per_stage_decoder"), stages - 1)
        block: Says = {"type": "conv"}
        if depths is not None:
            block = {"type": "residual", "last": "norm", "shortcut": "avg"}
            depths = _each(depths, stages)
        rows = []
        for level in range(stages):
            row: Says = {"channels": widths[level], "block": {"kernel": kernels[level]}}
            row["blocks"] = depths[level] if depths else 1
            row["block"] |= {} if depths else {"count": counts[level]}
            if level + 1 < stages:
                row["pooling"] = {"type": "first", "stride": strides[level + 1]}
            rows.append(row)
        each = says.pop("each")
        plain: Says = {"type": "conv", **each}
        if depths:  # the stem is a unit of the first stage
            stem = {**plain, "kernel": kernels[0]}
            rows[0]["blocks"] = [stem, *["residual"] * depths[0]]
        decoder = [
            {"blocks": 1, "block": {**plain, "count": n, "kernel": kernels[level]}}
            for level, n in enumerate(reversed(up))
        ]
        says |= {"block": {**block, **each}, "encoder": rows, "decoder": decoder}
        options.close()
        return finished("nnunet", says)

    def codebase(self, config: Config) -> Codebase:
        flat = _flat(config)
        stages = flat["n_stages"]
        places, tables = {"head": f"decoder.seg_layers.{stages - 2}"}, _TABLES
        for level in range(stages - 1):
            nth = stages - 2 - level
            places[f"decoder.{level}.upsampling"] = f"decoder.transpconvs.{nth}"
            places[f"decoder.{level}.blocks.0.block"] = f"decoder.stages.{nth}"
        if flat.get("n_blocks_per_stage") is None:
            places["encoder.block"] = places["bottleneck.block"] = "encoder.stages.{level}.0"
        else:
            places["encoder.block"] = "encoder.stages.{level}.blocks.{unit}"
            places["bottleneck.block"] = "encoder.stages.{level}.blocks.{unit}"
            places["encoder.0.blocks.0.block"] = "encoder.stem"
            for unit in range(_each(flat["n_blocks_per_stage"], stages)[0]):
                places[f"encoder.0.blocks.{unit + 1}.block"] = f"encoder.stages.0.blocks.{unit}"
            tables = {**_TABLES, **_unstrided(flat, stages)}
        unused = {f"decoder.seg_layers.{i}.*": _SUPERVISES for i in range(stages - 2)}
        return Codebase("nnunet", places, tables, {**_DROPPED, **unused})


_TABLES: dict[str, Table] = {
    "block.conv": _ROW,
    "block.residual": _BLOCK,
    "upsampling.transposed": {"": ""},
    "head.conv": {"conv": ""},
}
_DROPPED = {
    "encoder.*.all_modules.*": _ALIAS,
    "decoder.stages.*.all_modules.*": _ALIAS,
    "decoder.encoder.*": _ALIAS,
}


def _unstrided(config: Config, stages: int) -> dict[str, Table]:
    """The tables of the first blocks of stages that keep the size."""
    strides = _each(config["strides"], stages)
    flat = [level for level in range(1, stages) if _largest(strides[level]) == 1]
    last = stages - 1
    return {
        "bottleneck.0.block" if level == last else f"encoder.{level}.blocks.0.block": _FLAT
        for level in flat
    }


def _flat(config: Config) -> dict[str, Any]:
    """A plan's `architecture` as the arguments of the constructor."""
    apart = ("network_class_name", "arch_kwargs", "_kw_requires_import")
    own = {key: value for key, value in config.items() if key not in apart}
    return {**config.get("arch_kwargs", {}), **own}


def _dims(options: Options) -> int | None:
    kind = str(options.take("conv_op")).rpartition(".")[2].strip("'>")
    if kind not in ("Conv1d", "Conv2d", "Conv3d"):
        options.refuse("conv_op", kind)
        return None
    return int(kind[4])


def _surroundings(options: Options, dims: int | None) -> Says:
    """All but the rows; ``each`` is what every block has."""
    sample = {"channels": options.take("input_channels"), "size": 128, "dims": dims}
    bias = options.take("conv_bias", False)
    options.only("dropout_op", None)
    options.only("dropout_op_kwargs", None, {})
    options.only("block", None)
    options.only("bottleneck_channels", None)
    options.only("stem_channels", None)
    options.skip("deep_supervision")
    order = {"order": "activation-norm"} if options.take("nonlin_first", False) else {}
    return {
        "input": sample,
        "output": {"channels": options.take("num_classes")},
        "prediction": "none",
        "conditioning": {"time": "none"},
        "layout": "classic",
        "norm": _norm(options),
        "activation": _activation(options),
        "upsampling": {"type": "transposed", "bias": bias},
        "head": {"type": "conv", "kernel": 1, "norm": "none", "activation": "none"},
        "each": {"bias": bias, **order},
    }


def _norm(options: Options) -> Says:
    name = options.take("norm_op")
    given = dict(options.take("norm_op_kwargs") or {})
    if name is None:
        return {"type": "none"}
    kind = _NORMS.get(str(name).rpartition(".")[2].strip("'>")[:-2])
    if kind is None:
        options.refuse("norm_op", str(name))
        return {"type": "none"}
    given.setdefault("affine", kind == "batch")
    return {"type": kind, **given}


def _activation(options: Options) -> Says:
    name = options.take("nonlin")
    given = dict(options.take("nonlin_kwargs") or {})
    given.pop("inplace", None)
    if name is None:
        return {"type": "none"}
    kind = _ACTIVATIONS.get(str(name).rpartition(".")[2].strip("'>"))
    if kind is None:
        options.refuse("nonlin", str(name))
        return {"type": "none"}
    slope = {"slope": given["negative_slope"]} if "negative_slope" in given else {}
    return {"type": kind, **slope}


def _each(value: Any, stages: int) -> list[Any]:
    """One value for each stage, from one for all or a list."""
    return [value] * stages if isinstance(value, int) else [_sizes(v) for v in value]


def _sizes(value: Any) -> Any:
    """One number where all axes have the same."""
    if isinstance(value, int):
        return value
    return value[0] if len(set(value)) == 1 else tuple(value)


def _largest(value: int | tuple[int, ...]) -> int:
    return value if isinstance(value, int) else max(value)
