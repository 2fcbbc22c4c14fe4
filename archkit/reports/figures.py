"""The numbers of a network as plain data: a Report, its rows, and an estimate of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from ..shapes import Shape
from .receptive import Field

Dtype = Literal["float64", "float32", "bfloat16", "float16"]
DTYPES: tuple[str, ...] = get_args(Dtype)
BYTES = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2}


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast a device was measured to compute: MACs a second, in one type of numbers.

    Arguments:
        device: Its name.
        matrix: Of matrix products, which linear layers and attention are made of.
        convolution: Of a 3×3 convolution.
    """

    device: str
    dtype: str
    matrix: float
    convolution: float


@dataclass(frozen=True, slots=True)
class Row:
    """The numbers of a node or of a stage, for the whole batch.

    Arguments:
        path: The node's path, or the stage's: ``encoder.0``.
        component: Kind and name of the node's component; empty for a stage.
        shape: What comes out, without the batch; of a stage, before its pooling.
        parameters, macs: None where a component does not say; of a stage, what is counted.
        inference: Bytes of activations alive at most while it runs, waiting skips included.
        training: Bytes that it makes and autograd keeps for the backward pass.
        assumed: Whether some of that memory is assumed, because a component does not say.
        field: Of a stage: its receptive field, where it has one and all components say.
        leaves: Of a stage: the node that `shape` and `field` are of.
    """

    path: str
    component: str
    shape: Shape
    parameters: int | None
    macs: int | None
    inference: int
    training: int
    assumed: bool = False
    field: Field | None = None
    leaves: str = ""


@dataclass(frozen=True, slots=True)
class Matrix:
    """The score matrices of one attention, as they would be if a kernel made them whole.

    Arguments:
        node: Whose they are.
        bytes: Of all heads and the whole batch, in one layer.
    """

    node: str
    layers: int
    heads: int
    queries: int
    keys: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds of arithmetic at a measured rate: a floor, because memory traffic is not in it.

    Arguments:
        sample: For one forward pass of the batch.
        train: For one training step of the batch: the backward pass is twice the forward.
    """

    rate: Rate
    sample: float
    train: float


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is counted of a network, for a batch and a type of numbers.

    Parameters and MACs are exact. Memory is exact for float32 on the CPU, as the module frees its
    tensors and with a fused attention; elsewhere it is an estimate: kernels have workspaces,
    allocators round, and half precision keeps some statistics in float32.

    Arguments:
        name: Of the spec.
        sample: The shape of the sample, after padding.
        parameters: That are counted; `uncounted` are not among them.
        inference: Bytes of activations alive at most, at the node `busiest`.
        training: Bytes of activations that autograd keeps, inputs included.
        bottleneck: What the centre of the bottleneck looks at; None where a component does not say.
        uncounted: Nodes whose component states no cost.
        assumed: Nodes whose component does not state its memory.
    """

    name: str
    sample: Shape
    batch: int
    dtype: str
    parameters: int
    macs: int
    inference: int
    busiest: str
    training: int
    bottleneck: Field | None
    nodes: tuple[Row, ...]
    stages: tuple[Row, ...]
    scores: tuple[Matrix, ...]
    uncounted: tuple[str, ...]
    assumed: tuple[str, ...]
    time: Estimate | None = None

    @property
    def flops(self) -> int:
        """Floating-point operations: two a MAC."""
        return 2 * self.macs

    @property
    def weights(self) -> int:
        """Bytes of the parameters."""
        return self.parameters * BYTES[self.dtype]

    @property
    def states(self) -> int:
        """Bytes of parameters, their gradients, and the two moments of Adam, all of one type."""
        return 4 * self.weights

    def as_dict(self) -> dict[str, Any]:
        """Plain data for tools; every key names its unit."""
        return {
            "name": self.name,
            "sample": _sizes(self.sample),
            "batch": self.batch,
            "dtype": self.dtype,
            "parameters": self.parameters,
            "macs": self.macs,
            "flops": self.flops,
            "weights_bytes": self.weights,
            "inference_bytes": self.inference,
            "inference_peak_at": self.busiest,
            "training_bytes": self.training,
            "training_states_bytes": self.states,
            "bottleneck_receptive_field": _field(self.bottleneck),
            "bottleneck_sees_everything": self.bottleneck and self.bottleneck.whole,
            "stages": [
                {**self._row(row), "receptive_field": _field(row.field)} for row in self.stages
            ],
            "nodes": [{**self._row(row), "component": row.component} for row in self.nodes],
            "attention": [_matrix(matrix) for matrix in self.scores],
            "uncounted": list(self.uncounted),
            "memory_assumed": list(self.assumed),
            "time": self.time and _time(self.time),
        }

    def _row(self, row: Row) -> dict[str, Any]:
        parts = {
            "parameters": (row.parameters, self.parameters),
            "macs": (row.macs, self.macs),
            "inference": (row.inference, self.inference),
            "training": (row.training, self.training),
        }
        return {
            "path": row.path,
            "shape": _sizes(row.shape),
            "parameters": row.parameters,
            "macs": row.macs,
            "inference_bytes": row.inference,
            "training_bytes": row.training,
            "memory_assumed": row.assumed,
            "share": {
                name: None if part is None else round(part / whole if whole else 0.0, 6)
                for name, (part, whole) in parts.items()
            },
        }


def _sizes(shape: Shape) -> list[int]:
    return [shape.channels, *shape.space]


def _field(field: Field | None) -> Any:
    return field and ("global" if field.size is None else list(field.size))


def _matrix(matrix: Matrix) -> dict[str, Any]:
    return {
        "node": matrix.node,
        "layers": matrix.layers,
        "heads": matrix.heads,
        "queries": matrix.queries,
        "keys": matrix.keys,
        "scores_bytes": matrix.bytes,
    }


def _time(time: Estimate) -> dict[str, Any]:
    return {
        "device": time.rate.device,
        "dtype": time.rate.dtype,
        "matrix_macs_per_second": round(time.rate.matrix),
        "convolution_macs_per_second": round(time.rate.convolution),
        "sample_step_seconds": time.sample,
        "train_step_seconds": time.train,
    }
