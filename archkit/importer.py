"""What a foreign codebase is to archkit: where its tensors are, and how its configs read.

All of it is data or plain functions, and imports no torch.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from .component import Component
from .errors import Problem, SpecError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .plans import Plan


class Source(Protocol):
    """What makes one tensor of ours out of theirs, where a name alone does not do."""

    @property
    def names(self) -> tuple[str, ...]:
        """Which of theirs it takes, below the place of the node."""

    @property
    def how(self) -> str:
        """What is done to them, in a few words for the ledger."""

    def make(self, theirs: Sequence[Tensor], module: nn.Module) -> Tensor:
        """Ours, out of theirs; `module` is the one of ours that holds it."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A joint qkv whose rows stand in another order than ours, (3, heads, width).

    Arguments:
        name: Their tensor.
        order: ``h3c`` (heads, 3, width), as in guided-diffusion; ``hc3`` (heads, width, 3), as
            in EDM.
    """

    name: str
    order: Literal["h3c", "hc3"]

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def how(self) -> str:
        return f"unpacked from {self.order}"

    def make(self, theirs: Sequence[Tensor], module: nn.Module) -> Tensor:
        (tensor,) = theirs
        heads = int(module.heads)  # type: ignore[arg-type]
        rest = tensor.shape[1:]
        if self.order == "h3c":
            rows = tensor.reshape(heads, 3, -1, *rest).transpose(0, 1)
        else:
            rows = tensor.reshape(heads, -1, 3, *rest).movedim(2, 0)
        return rows.reshape(tensor.shape)


Entry = str | tuple[str, ...] | Source
"""One of theirs as it is; several, stacked along their first axis; or a Source of its own."""

Table = Mapping[str, Entry]
"""For one component: where each of its tensors comes from, below the place of the node.

Names are those of modules, and hold for weight and bias alike; ``*`` stands for a number, the
same on both sides; ``""`` is the node itself. Theirs may be templates over the fields of
Coordinates, as places are.
"""


Constant = Callable[[tuple[int, ...]], "Tensor"]
"""Makes a tensor that is the same in every network of its shape."""


@dataclass(frozen=True, slots=True)
class Codebase:
    """How a codebase names its tensors; one for all of its networks.

    Arguments:
        name: What it is called.
        places: The address table: where each node is. Keys are, the nearest first, a node's
            path, its side and word (``encoder.block``), its word (``down``), its component
            (``condition.label``); values are templates over the fields of Coordinates
            (``input_blocks.{tap}.{step}``).
        tables: The parameter tables, by a node's path or, for all others, by its component
            (``block.resnet``).
        dropped: Tensors of theirs that have no counterpart, and why; ``*`` stands for anything.
        inside: What names begin with where the network is part of a larger checkpoint, the
            likeliest first.
        constants: Of the tensors that are dropped, those that nothing of a network is needed to
            make again, for the way back; ``*`` stands for anything.
    """

    name: str
    places: Mapping[str, str]
    tables: Mapping[str, Table]
    dropped: Mapping[str, str] = field(default_factory=dict)
    inside: tuple[str, ...] = ()
    constants: Mapping[str, Constant] = field(default_factory=dict)

    def but(
        self,
        places: Mapping[str, str] | None = None,
        tables: Mapping[str, Table] | None = None,
        dropped: Mapping[str, str] | None = None,
        constants: Mapping[str, Constant] | None = None,
    ) -> Codebase:
        """The same, where these entries replace or join its own."""
        return replace(
            self,
            places={**self.places, **(places or {})},
            tables={**self.tables, **(tables or {})},
            dropped={**self.dropped, **(dropped or {})},
            constants={**self.constants, **(constants or {})},
        )


Config = Mapping[str, Any]
"""The options that a network of theirs was made with, by their names."""

Shapes = Mapping[str, tuple[int, ...]]
"""The tensors of a state dict: names and shapes, no numbers."""


class Importer(Component):
    """Reads the networks of one family, as configs and as tensors.

    A component like any other, offered by the same hook as ``importer.<family>``. None of its
    answers needs torch, so that a config can be turned into a spec without it.
    """

    kind = "importer"
    config_file: ClassVar[str] = "config.json"
    """What a config is called in a folder of theirs."""
    weights_file: ClassVar[str] = "model.safetensors"
    """What weights are called beside it."""
    before: ClassVar[tuple[str, ...]] = ()
    """Families whose network may stand beside one of this family, and is then read only where it is
    asked for."""

    def reads(self, config: Config) -> bool:
        """Whether a config says, by itself, that it is of this family."""
        return False

    def finds(self, shapes: Shapes) -> Config | None:
        """The config that a state dict was made with, as far as names and shapes tell.

        None if it is of another family, or if nothing can be told.
        """
        return None

    def told(self, config: Config | None, shapes: Shapes) -> Config | None:
        """The config of a state dict: the one that was given, or what names and shapes tell.

        None if nothing tells. An importer may complete what was given; where one thing is left to
        be said, it raises WeightError, and says which.

        Arguments:
            config: What was given; None for nothing.
            shapes: The tensors; none of them where only a config was given.
        """
        return self.finds(shapes) if config is None else config

    @abstractmethod
    def spec(self, config: Config) -> dict[str, Any]:
        """The spec, as plain data; raises SpecError naming every option without counterpart."""

    @abstractmethod
    def codebase(self, config: Config) -> Codebase:
        """How its tensors are named."""

    def config(self, plan: Plan) -> Config | None:
        """The way back: the config of the network of theirs that is this one, or comes nearest.

        What `spec` makes of it is compared with the plan. None, if nothing is written in this
        form. Raises SpecError where no network comes near.
        """
        return None

    def outlines(self, config: Config) -> Shapes:
        """The tensors of the network of a config, as theirs makes it; for the way back."""
        raise NotImplementedError(f"{type(self).__name__} has no outlines()")


class Options:
    """A foreign config, read option by option; what is left unread has no counterpart.

    Arguments:
        config: The options by name.
        owner: Whose they are, for complaints.

    Examples:
        >>> options = Options({"width": 64, "gated": True}, "their network")
        >>> options.take("width", 32)
        64
        >>> options.only("gated", False)
        >>> options.close()
        Traceback (most recent call last):
        archkit.errors.SpecError: error[no-counterpart]: `gated: true` of their network has no ...
    """

    def __init__(self, config: Config, owner: str) -> None:
        self._left = dict(config)
        self._owner = owner
        self._problems: list[Problem] = []

    def take(self, key: str, default: Any = None) -> Any:
        """An option, or the default that the original has."""
        return self._left.pop(key, default)

    def need(self, key: str) -> Any:
        """An option that the original has no default for; raises SpecError where it is left out."""
        if key not in self._left:
            what = f"the config does not say `{key}`, which {self._owner} has no default for"
            raise SpecError([Problem("incomplete-config", what, "give the whole config", (key,))])
        return self._left.pop(key)

    def only(self, key: str, *allowed: Any) -> None:
        """An option that archkit has no counterpart for, but where it is one of these values."""
        if key in self._left and (value := self._left.pop(key)) not in allowed:
            self.refuse(key, value)

    def skip(self, *keys: str) -> None:
        """Options that change no number of the network's answer."""
        for key in keys:
            self._left.pop(key, None)

    def refuse(self, key: str, value: Any, mend: str = "") -> None:
        """One more complaint: this value has no counterpart."""
        what = f"`{key}: {json.dumps(value)}` of {self._owner} has no counterpart in archkit"
        self._problems.append(Problem("no-counterpart", what, mend, (key,)))

    def close(self) -> None:
        """Raises SpecError with every complaint; an option that nothing has read is one."""
        for key in self._left:
            what = f"`{key}` is no option of {self._owner} that archkit knows"
            self._problems.append(Problem("no-counterpart", what, "", (key,)))
        self._left.clear()
        if self._problems:
            raise SpecError(self._problems)
