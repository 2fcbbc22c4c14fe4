"""explain: what a word means, be it a component, a kind, a key of a spec or a code."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterator

import click
from pydantic import BaseModel
from pydantic_core import PydanticCustomError

from ..contract import KINDS
from ..explanations import Example, Explanation, explanations
from ..reference import Option, options
from ..registry import Registry
from ..schema import first_line
from ..spec import Spec
from ..vocabulary import slot_or_model
from . import common

_LIKE = "`block.resnet`, `block`, `encoder.channels` or `unknown-key`"


@click.command()
@click.argument("word")
@click.pass_context
def explain(context: click.Context, word: str) -> None:
    """Explain WORD: a component, a kind, a key of a spec, or the code of an error.

    For example block.resnet, resnet, condition, encoder.channels, unknown-component.
    """
    registry = common.registry(context)
    found = list(_meanings(registry, word)) or list(_meanings(registry, word.removesuffix("s")))
    if not found:
        raise click.UsageError(f"`{word}` is nothing that archkit knows; {_mend(registry, word)}")
    click.echo("\n\n".join(found))


def _meanings(registry: Registry, word: str) -> Iterator[str]:
    """Everything that a word means."""
    kind, dot, name = word.partition(".")
    if code := explanations().get(word):
        yield _code(code)
    if word in KINDS:
        yield _kind(registry, word)
    if dot and kind in KINDS and name in registry.names(kind):
        yield _component(registry, kind, name)
    yield from _of_spec(word)
    if not dot:
        yield from (_component(registry, k, word) for k in KINDS if word in registry.names(k))


def _mend(registry: Registry, word: str) -> str:
    kind, dot, name = word.partition(".")
    if dot and kind in KINDS:
        try:
            registry.component(kind, name)
        except PydanticCustomError as error:
            return f"{error.message()}; {(error.context or {}).get('mend', '')}"
    names = [name for kind in KINDS for name in registry.names(kind)]
    known = [*names, *KINDS, *explanations(), *Spec.model_fields]
    near = difflib.get_close_matches(word, known, 1)
    return f"did you mean `{near[0]}`?" if near else f"write a word such as {_LIKE}"


def _code(found: Explanation) -> str:
    parts = [f"{found.code}  (what `archkit check` or another command says in brackets)"]
    parts.append(found.meaning)
    parts += [_example("Told so", found.wrong), _example("Fine", found.right)]
    return "\n\n".join(parts)


def _example(title: str, example: Example) -> str:
    indented = "".join(f"    {line}".rstrip() + "\n" for line in example.text.splitlines())
    return f"{title}:\n\n{indented}".rstrip()


def _kind(registry: Registry, kind: str) -> str:
    lines = [f"{kind}  (a kind of component)", "", inspect.cleandoc(KINDS[kind].__doc__ or "")]
    lines += ["", "There are:"]
    known = registry.components(kind)
    wide = max(map(len, known), default=0)
    lines += [f"  {name:<{wide}}  {first_line(cls)}" for name, cls in known.items()]
    return "\n".join(lines)


def _component(registry: Registry, kind: str, name: str) -> str:
    try:
        cls = registry.component(kind, name)
    except PydanticCustomError as error:
        return f"{kind}.{name}  {error.message()}"
    lines = [f"{kind}.{name}  (from {registry.owner(kind, name).name})", ""]
    lines.append(inspect.cleandoc(cls.__doc__ or ""))
    if found := options(cls):
        lines += ["", "Options:", *(line for option in found for line in _option(option))]
    return "\n".join(lines)


def _option(option: Option) -> list[str]:
    default = option.default or "left out"
    lines = [f"  {option.name}: {default} ({option.takes})"]
    return lines + [f"      {line}" for line in option.doc.splitlines()]


def _of_spec(path: str) -> Iterator[str]:
    """The key of a spec at a path; numbers in it, and what is inside a component, are nothing."""
    model: type[BaseModel] | None = Spec
    *above, last = (step for step in path.split(".") if not step.isdigit())
    for step in above:
        kind, model = slot_or_model(model, step)
        if kind:
            return
    for option in options(model) if model else ():
        if option.name == last:
            lines = [f"{path}  (a key of a spec)", "", option.doc, "", f"Takes {option.takes}."]
            if option.default:
                given = option.default == "required"
                lines += ["It has to be given." if given else f"By default {option.default}."]
            kind, below = slot_or_model(model, last)
            if below and not kind:
                lines += ["", "Keys:", *(line for o in options(below) for line in _option(o))]
            yield "\n".join(lines)
