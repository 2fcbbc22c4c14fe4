"""A few words, such as ``ddpm, 64x64, 4 stages, class 10``, to a spec with comments.

The words, in any order, with commas between them:

* a layout: ``ddpm``, ``classic``, …; a prediction: ``velocity``, ``noise``, …
* a size: ``64`` or ``64x64``, ``128x64``, ``64x64x64``; ``1-D`` for a size of one axis
* ``3 channels`` of the sample, ``4 stages``, ``2 blocks`` in each, ``width 64`` of the finest
* ``class 10``, ``text`` or ``text 768``, ``image 3``: what else the network is told
* ``attention 2``: how many of the deepest stages have it
* a kind and a name: ``skip add``, ``pooling max``, ``block conv``, ``norm layer``, …
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from .component import Component
from .errors import Problem, SpecError
from .registry import Registry
from .scalars import written

SCHEMA = "archkit.schema.json"
"""The file that the first line of a new spec names, for editors."""
_KINDS = ("block", "norm", "activation", "pooling", "upsampling", "skip", "stem", "head")
_COUNTS = {"channels": "channels", "stages": "stages", "blocks": "blocks"}
_NUMBERS = ("width", "class", "text", "image", "attention")
_SIZE = re.compile(r"\d+(?:x\d+){0,2}")
_COUNT = re.compile(r"(\d+) (channel|stage|block)s?")
_NUMBER = re.compile(rf"({'|'.join(_NUMBERS)})(?: (\d+))?")
_PART = re.compile(r"([a-z]+) (\S+)")
_TELLS = {"class": 10, "text": 768, "image": 3, "attention": 1, "width": 64}


@dataclass
class _Sketch:
    """What the words say, over what they leave out."""

    layout: str = ""
    sinks: bool = False
    """Whether the deepest stage pools as well, and nothing in the layout grows back from it."""
    halvings: int = 0
    """How often the sample is halved, besides once between two stages."""
    prediction: str = ""
    size: tuple[int, ...] = (64, 64)
    dims: int | None = None
    numbers: dict[str, int] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)

    def number(self, word: str, default: int) -> int:
        return self.numbers.get(word, default)


def sketch(name: str, words: str, registry: Registry) -> str:
    """The text of a spec; raises SpecError for a word that is none, with the nearest.

    Examples:
        >>> from archkit.registry import default_registry
        >>> text = sketch("mine", "classic, 32x32, 2 stages, width 32", default_registry())
        >>> "layout: classic" in text, "{channels: 64, blocks: 2, attention: true}" in text
        (True, True)
    """
    drawn, unknown = _Sketch(), []
    for phrase in filter(None, (part.strip() for part in words.split(","))):
        if not _read(phrase, drawn, registry):
            unknown.append(_unknown(phrase, registry))
    if unknown:
        raise SpecError(unknown)
    return "\n".join([*_top(name, drawn), *_choices(drawn), *_told(drawn), *_rows(drawn)]) + "\n"


def _read(phrase: str, drawn: _Sketch, registry: Registry) -> bool:
    """Takes one phrase; False where it means nothing."""
    if phrase in registry.names("layout"):
        _lay(drawn, registry.component("layout", phrase))
    elif phrase in registry.names("prediction"):
        drawn.prediction = phrase
    elif _SIZE.fullmatch(phrase):
        drawn.size = tuple(max(1, int(n)) for n in phrase.split("x"))
    elif found := re.fullmatch(r"([123])-?[dD]", phrase):
        drawn.dims = int(found[1])
    elif found := _COUNT.fullmatch(phrase):
        drawn.numbers[f"{found[2]}s"] = max(1, int(found[1]))
    elif found := _NUMBER.fullmatch(phrase):
        drawn.numbers[found[1]] = int(found[2] or _TELLS[found[1]])
    elif (found := _PART.fullmatch(phrase)) and found[1] in _KINDS:
        if found[2] not in registry.names(found[1]):
            return False
        drawn.parts[found[1]] = found[2]
    else:
        return False
    return True


def _lay(drawn: _Sketch, layout: type[Component]) -> None:
    """Takes a layout, and what it asks of the rows."""
    parts = {name: str(info.get_default()) for name, info in layout.model_fields.items()}
    drawn.layout = layout.name()
    if "stem" not in parts["enter"]:  # the first block gets the sample itself
        drawn.parts.setdefault("block", "conv")
    deeper, back = ("down" in parts["middle"], "up" in parts["middle"])
    drawn.sinks = "down" in parts["encode"] or (deeper and not back)
    drawn.halvings = int(deeper and back)


def _unknown(phrase: str, registry: Registry) -> Problem:
    names = [name for kind in ("layout", "prediction") for name in registry.names(kind)]
    parts = [f"{kind} {name}" for kind in _KINDS for name in registry.names(kind)]
    known = [*names, *_NUMBERS, *parts]
    digits = re.search(r"\d+", phrase)
    n = digits[0] if digits else "4"
    known += [f"{n} {word}" for word in _COUNTS] + [f"{word} {n}" for word in _NUMBERS]
    near = difflib.get_close_matches(phrase, known, 1)
    mend = f"did you mean `{near[0]}`?" if near else "see `archkit new NAME.yaml --help`"
    return Problem("unknown-word", f"`{phrase}` says nothing about a network", mend)


def _top(name: str, drawn: _Sketch) -> list[str]:
    dims = drawn.dims or (len(drawn.size) if len(drawn.size) > 1 else 2)
    size = drawn.size * dims if len(drawn.size) == 1 else drawn.size
    square = len(set(size)) == 1
    shown = str(size[0]) if square else f"[{', '.join(map(str, size))}]"
    extra = f", dims: {dims}" if square and dims != 2 else ""
    channels = drawn.number("channels", 3)
    lines = [
        f"# yaml-language-server: $schema={SCHEMA}",
        "archkit: 1          # version of the vocabulary; what it leaves out never changes meaning",
        f"name: {written(name)}",
        "",
        f"input: {{channels: {channels}, size: {shown}{extra}}}   # the sample, and what comes out",
    ]
    step = 2 ** (drawn.number("stages", 4) - 1 + drawn.halvings)
    if any(n % step for n in size):
        lines.append(
            f"fit: pad            # {shown} is no multiple of {step}: padded, cropped back"
        )
    return lines


def _choices(drawn: _Sketch) -> list[str]:
    prediction = drawn.prediction or "velocity"
    lines = [f"prediction: {prediction}   # what the output means: `archkit explain prediction`"]
    if drawn.layout:
        lines.append(f"layout: {drawn.layout}   # which tensors are kept and merged, and when")
    lines += [f"{kind}: {name}" for kind, name in drawn.parts.items()]
    width = drawn.number("width", 64)
    if width % 32 and "norm" not in drawn.parts:
        lines.append(f"norm: {{groups: {math.gcd(width, 32)}}}   # has to divide the channels")
    if "text" in drawn.numbers:
        lines.append("attention: transformer   # looks at the text as well")
    return lines


def _told(drawn: _Sketch) -> list[str]:
    """The conditions."""
    said: dict[str, Callable[[int], str]] = {
        "class": lambda n: f"label: {{type: label, classes: {n}, dropout: 0.1}}   # null: guidance",
        "text": lambda n: f"text: {{type: sequence, channels: {n}}}   # embedded tokens",
        "image": lambda n: f"image: {{type: image, channels: {n}}}   # joins the sample",
    }
    lines = [f"  {say(drawn.numbers[word])}" for word, say in said.items() if word in drawn.numbers]
    return ["conditioning:        # arguments of the model, beside x and t", *lines] * bool(lines)


def _rows(drawn: _Sketch) -> list[str]:
    stages, width = drawn.number("stages", 4), drawn.number("width", 64)
    blocks, lit = drawn.number("blocks", 2), min(stages, drawn.number("attention", 1))
    equal = drawn.parts.get("skip") == "add"
    lines = ["", "encoder:            # one row a stage, the finest first; the decoder mirrors it"]
    for stage in range(stages):
        attention = ", attention: true" if stage >= stages - lit else ""
        channels = width * (1 if equal else min(2**stage, 4))
        pooling = ", pooling: none" if drawn.sinks and stage == stages - 1 else ""
        lines.append(f"  - {{channels: {channels}, blocks: {blocks}{attention}{pooling}}}")
    if drawn.sinks:
        lines[-1] += "   # `none`: nothing grows back from here"
    return lines
