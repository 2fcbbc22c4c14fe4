"""Weights on disk: safetensors with the resolved spec in the metadata."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ..document import Document
from ..errors import WeightError
from ..files import whole
from ..source import dump, parse
from ..spec import Spec

SPEC = "archkit.spec"


def save(model: Any, path: Path) -> None:
    """Writes the weights with the resolved spec beside them; whole or not at all."""
    tensors = {name: value.contiguous() for name, value in model.state_dict().items()}
    with whole(path) as temporary:
        save_file(tensors, temporary, metadata(model.plan.spec))


def metadata(spec: Spec) -> dict[str, str]:
    """What the header of a file says beside its tensors."""
    return {"format": "pt", SPEC: dump(spec.data())}


def read(path: Path) -> tuple[Document, dict[str, Tensor]]:
    """The document of the spec, and the tensors, mapped from the file."""
    file = opened(path)
    says = file.metadata() or {}
    tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if SPEC not in says:
        raise WeightError(f"{path} holds no spec; it was not written by archkit")
    return parse(says[SPEC], f"{path} (its spec)"), tensors


def opened(path: Path) -> Any:
    """A file of safetensors, mapped; raises WeightError where it is none, or is cut short."""
    try:
        return safe_open(path, framework="pt")
    except FileNotFoundError:
        raise WeightError(f"{path}: no such file") from None
    except (SafetensorError, OSError) as error:
        raise WeightError(
            f"{path} can't be read as safetensors: {error}; if it is one, it was cut short: "
            "fetch it again, or save it again"
        ) from None


def fill(model: nn.Module, tensors: Mapping[str, Tensor], name: str) -> None:
    """Puts the tensors into a blank model; every one has its place, every place its tensor."""
    wanted = model.state_dict()
    missing = sorted(set(wanted) - set(tensors))
    extra = sorted(set(tensors) - set(wanted))
    wrong = sorted(k for k in wanted if k in tensors and wanted[k].shape != tensors[k].shape)
    for what, names in (("lacks", missing), ("has no place for", extra), ("misfits", wrong)):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise WeightError(f"{name} {what} {', '.join(names[:3])}{more}")
    model.load_state_dict(tensors, assign=True)
