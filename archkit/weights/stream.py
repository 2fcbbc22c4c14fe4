"""Safetensors written one tensor after another, so that memory never holds all of them."""

from __future__ import annotations

import ctypes
import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

_TYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


def write(
    path: Path,
    state: Mapping[str, Tensor],
    outlines: Mapping[str, Tensor],
    metadata: Mapping[str, str],
    watch: Callable[[int], object] = lambda _: None,
) -> None:
    """Writes tensors, each asked for once and let go.

    Arguments:
        path: The file; a temporary one, if it is to be whole or not at all.
        state: The tensors by name.
        outlines: Their shapes and types, known before: the header comes first. Meta tensors do.
        metadata: Texts by name, for the header.
        watch: Called with the number of bytes of each tensor written.
    """
    # The widest types first, so that all of them are aligned.
    names = sorted(outlines, key=lambda name: -outlines[name].element_size())
    entries: dict[str, object] = {"__metadata__": dict(metadata)}
    start = 0
    for name in names:
        outline = outlines[name]
        end = start + outline.nbytes
        kind, shape = _TYPES[outline.dtype], list(outline.shape)
        entries[name] = {"dtype": kind, "shape": shape, "data_offsets": [start, end]}
        start = end
    header = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for name in names:
            file.write(_bytes(state[name], outlines[name]))
            watch(outlines[name].nbytes)


def _bytes(tensor: Tensor, outline: Tensor) -> memoryview:
    """The numbers of a tensor as they lie in memory."""
    if tensor.shape != outline.shape or tensor.dtype != outline.dtype:
        raise ValueError(f"{tensor.dtype} {tensor.shape} is not {outline.dtype} {outline.shape}")
    whole = tensor.detach().cpu().contiguous()
    held = (ctypes.c_char * whole.nbytes).from_address(whole.data_ptr())
    held.tensor = whole  # type: ignore[attr-defined]  # it is to outlive the view
    return memoryview(held)
