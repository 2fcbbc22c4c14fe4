"""The state of a training run on disk: tensors and facts in safetensors, nothing is unpickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..errors import DiffusionError
from ..files import whole

_FACTS = "archkit.training"


@dataclass(frozen=True)
class Checkpoint:
    """A run at one step.

    Arguments:
        tensors: Groups of tensors: ``model``, ``ema``, ``optimizer``, ``random``, ``losses``.
        facts: Plain data: the step, and all that must be the same when the run goes on.
    """

    tensors: Mapping[str, Mapping[str, Tensor]]
    facts: Mapping[str, Any]

    def write(self, path: Path) -> None:
        """Writes whole or not at all."""
        flat = {
            f"{group}/{name}": tensor.contiguous()
            for group, tensors in self.tensors.items()
            for name, tensor in tensors.items()
        }
        with whole(path) as temporary:
            save_file(flat, temporary, {_FACTS: json.dumps(self.facts)})

    @classmethod
    def read(cls, path: Path) -> Checkpoint:
        """What `write` wrote; raises DiffusionError for anything else."""
        groups: dict[str, dict[str, Tensor]] = {}
        try:
            with safe_open(path, framework="pt") as file:
                facts = json.loads((file.metadata() or {})[_FACTS])
                for key in file.keys():  # noqa: SIM118
                    group, _, name = key.partition("/")
                    groups.setdefault(group, {})[name] = file.get_tensor(key)
        except FileNotFoundError:
            raise DiffusionError(f"{path}: no such file; there is no run to resume") from None
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            raise DiffusionError(f"{path} is no checkpoint of a training run: {error}") from None
        return cls(groups, facts)
