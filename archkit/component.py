"""The contract: what a spec can name.

A component is a frozen pydantic model. Its fields are the options that YAML may give; a string
under a field documents it. Options that name other components are slots.
"""

from __future__ import annotations

import ast
import inspect
import math
import re
import textwrap
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Protocol, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    PositiveInt,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError, core_schema

from .errors import SpecPath


class Misfit(ValueError):
    """Raised by a component that cannot stand at a site.

    Arguments:
        what: What does not fit, in one sentence.
        mend: What would.
        code: A stable word for the complaint.
        option: The option to blame, as a path below the component.
    """

    def __init__(
        self, what: str, mend: str = "", *, code: str = "misfit", option: SpecPath = ()
    ) -> None:
        super().__init__(what)
        self.what, self.mend, self.code, self.option = what, mend, code, option

    def under(self, *option: str | int) -> Misfit:
        """The same complaint, made by a component that sits in `option` of another."""
        return Misfit(self.what, self.mend, code=self.code, option=(*option, *self.option))


class Lookup(Protocol):
    """What a Slot needs of a registry."""

    def component(self, kind: str, name: str) -> type[Component]: ...


class Slot:
    """An option that names a component: a bare name, a mapping with `type`, or the component.

    The name is looked up when a spec is validated, so that a plugin registered later is seen.
    Written in an annotation: ``norm: Annotated[Norm, Slot("norm")] = "group"``.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(
            self._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(_dump),
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"x-slot": self.kind}

    def _validate(self, value: Any, info: ValidationInfo) -> Component:
        if isinstance(value, Component):
            if value.kind != self.kind:
                raise PydanticCustomError(
                    "wrong-kind",
                    "a {kind} belongs here, and `{name}` is a {other}",
                    {"kind": self.kind, "name": value.type, "other": value.kind},
                )
            return value
        if isinstance(value, str):
            value = {"type": value}
        if not isinstance(value, Mapping):
            raise PydanticCustomError(
                "wrong-type",
                "a {kind} is a name, or a mapping with `type` and options",
                {"kind": self.kind},
            )
        if not isinstance(value.get("type"), str):
            raise PydanticCustomError(
                "missing-type", "which {kind}? `type` is missing", {"kind": self.kind}
            )
        lookup: Lookup = (info.context or {}).get("registry") or default_registry()
        return lookup.component(self.kind, value["type"]).model_validate(
            {**value, "type": value["type"].rpartition("/")[2]}, context=info.context
        )


def default_registry() -> Lookup:
    # The registry stands above the contract; it is reached only when no spec brought its own.
    found: Lookup = import_module("archkit.registry").default_registry()
    return found


def _dump(value: Any) -> Any:
    if not isinstance(value, Component):
        return value
    return {**value.model_dump(mode="json"), "type": value.word()}


class Inherited:
    """Marks an option that is no component and yet is filled from the row or the top of a spec.

    Slots are filled so without a mark, when they bear the name of their kind.
    """


_ROOT = re.compile(r"sqrt\((\d+(?:\.\d+)?)(?:/(\d+(?:\.\d+)?))?\)")


def _number(value: Any) -> Any:
    if isinstance(value, str) and (found := _ROOT.fullmatch(value.replace(" ", ""))):
        return math.sqrt(float(found[1]) / float(found[2] or 1))
    return value


Number = Annotated[float, BeforeValidator(_number)]
"""A number; also ``sqrt(1/2)``, written as a paper does."""

PerAxis = (
    PositiveInt
    | Annotated[tuple[PositiveInt, ...], Field(min_length=1, max_length=3, strict=False)]
)
"""A whole number for every spatial axis, or a list with one for each."""


class Model(BaseModel):
    """Base of everything a spec can say: frozen, closed to unknown keys, finite numbers only."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        validate_default=True,
        allow_inf_nan=False,
        defer_build=True,
        arbitrary_types_allowed=True,
    )


class Component(Model):
    """Something a spec can name. Subclasses are final: they narrow `type` and add options."""

    kind: ClassVar[str]
    dims: ClassVar[tuple[int, ...]] = (1, 2, 3)
    """The spatial dimensions it serves."""
    plugin: ClassVar[str] = ""
    """The plugin that offers it, filled in when it is admitted; empty for those of archkit."""
    excuses: ClassVar[Mapping[str, str]] = {}
    """Laws of `archkit.testing` that it breaks for a reason, each with the reason."""

    type: str

    @classmethod
    def name(cls) -> str:
        """The word in a spec."""
        return str(cls.model_fields["type"].default)

    def word(self) -> str:
        """The word that finds it again whatever else is installed: ``plugin/name``."""
        return f"{self.plugin}/{self.type}" if self.plugin else self.type

    @classmethod
    def slots(cls) -> dict[str, str]:
        """Options that name components, with the kind of each."""
        return {name: mark.kind for name, mark in _marks(cls) if isinstance(mark, Slot)}

    @classmethod
    def inherited(cls) -> list[str]:
        """Options that are no components and are filled from the row or the top of a spec."""
        return [name for name, mark in _marks(cls) if isinstance(mark, Inherited)]


@cache
def _marks(cls: type[Component]) -> list[tuple[str, Slot | Inherited]]:
    marks = []
    for name, info in cls.model_fields.items():
        inner = [getattr(part, "__metadata__", ()) for part in get_args(info.annotation)]
        for mark in (*info.metadata, *(m for found in inner for m in found)):
            if isinstance(mark, Slot | Inherited):
                marks.append((name, mark))
    return marks


@cache
def option_docs(cls: type[BaseModel]) -> dict[str, str]:
    """The documentation of each option: the string literal under its field, inherited too.

    Read from the source only when somebody asks, which keeps `archkit check` quick.
    """
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if not issubclass(base, BaseModel) or base is BaseModel:
            continue
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(base)))
        except (OSError, TypeError, SyntaxError):
            continue
        body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
        for name, text in pairwise(body):
            if (
                isinstance(name, ast.AnnAssign)
                and isinstance(name.target, ast.Name)
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
                and isinstance(text.value.value, str)
            ):
                docs[name.target.id] = inspect.cleandoc(text.value.value)
    return docs
