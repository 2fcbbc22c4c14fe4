"""Spec to plan: the one place that knows what a U-Net is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from . import conditioning
from .component import Misfit
from .draft import Draft, Flow, Stand
from .errors import Problem, SpecError, SpecPath
from .layouts import Group, Word, parse
from .parts import Attention, Block, Side, Skip, Tensor, Upsampling
from .plans import Link, Plan
from .proof import Axis, Clash, prove
from .shapes import Shape
from .spec import Spec


def plan_of(spec: Spec, size: tuple[int, ...] | None = None) -> Plan:
    """The plan of a spec; raises SpecError with everything that does not fit.

    Arguments:
        size: The spatial size to plan for, instead of the one the spec names.
    """
    space = size or spec.input.space
    walk = _Walk(spec, space)
    plan = walk.plan(space)
    if spec.fit == "pad" and not walk.draft.problems and all(axis.rests for axis in plan.axes):
        padded = tuple(a.nearest(n)[1] or n for a, n in zip(plan.axes, space, strict=True))
        if padded != space:
            walk = _Walk(spec, padded)
            plan = walk.plan(padded)
    problems = [*walk.draft.problems, *_size_problems(plan, spec, space)]
    problems += _meaning_problems(plan, spec)
    if problems:
        raise SpecError(problems)
    return plan


@dataclass(frozen=True)
class _Row:
    """One stage of one side: what stands there and where the spec says so."""

    width: int
    blocks: int | tuple[Block, ...]
    row: Any
    at: SpecPath
    level: int

    def n(self, groups: tuple[Group, ...]) -> int:
        """What `n` in a template stands for; a list of blocks is one for each unit."""
        if isinstance(self.blocks, int):
            return self.blocks
        units = [g for g in groups if any(word.does == "block" for word in g.words)]
        rest = len(self.blocks) - sum(g.plus for g in units)
        return rest // max(1, sum(g.blocks for g in units))


class _Walk:
    """One walk through the stack program of a spec."""

    def __init__(self, spec: Spec, space: tuple[int, ...]) -> None:
        self.spec = spec
        self.draft = Draft(dims=len(space))
        self.x = Flow("x", Shape(spec.input.channels, space))
        self.draft.shared["x"] = self.x
        self.draft.inputs["x"] = Tensor((spec.input.channels, *(None for _ in space)))
        self.stack: list[Flow] = []
        self.registers: dict[str, Flow] = {}
        widths = spec.widths()
        self.encoder = [
            _Row(w, s.blocks, s, ("encoder", i), i)
            for i, (s, w) in enumerate(zip(spec.encoder, widths, strict=True))
        ]
        self.bottom = self._bottom()
        self.strides: dict[int, tuple[int, ...] | None] = {}

    # The walk ---------------------------------------------------------------------------------

    def plan(self, space: tuple[int, ...]) -> Plan:
        spec, draft = self.spec, self.draft
        stem = spec.stem.leaves(self.encoder[0].width)
        conditioning.wire(draft, spec, stem)
        self.x = conditioning.join_images(draft, spec, self.x, "input")
        self._trunk()
        for flow in self.stack:
            self._left_over(flow)
        self._output()
        output = draft.paces[self.x.source]
        equal = spec.fit != "valid"
        axes = tuple(prove(i, draft.steps, output, equal) for i in range(draft.dims))
        nodes, links = tuple(draft.nodes), tuple(draft.links)
        return Plan(spec, draft.inputs, nodes, links, axes, space)

    def _trunk(self) -> None:
        layout, levels = self.spec.layout, len(self.encoder)
        below = layout.deepest == "bottleneck"
        decoder = self._decoder(levels - below)
        first = self.encoder[0]
        self._part(layout.enter, first, "input", "")
        for row in self.encoder:
            inside = below and row.level == levels - 1
            if inside:
                self._part(layout.encode, self.bottom, "bottleneck", "bottleneck")
            else:
                self._part(layout.encode, row, "encoder", f"encoder.{row.level}")
            if row.level < levels - 1:
                self._part(layout.descend, row, "encoder", f"encoder.{row.level}")
        self._part(layout.middle, self.bottom, "bottleneck", "bottleneck")
        for row in reversed(decoder):
            path = f"decoder.{row.level}"
            if row.level < levels - 1:
                self._part(layout.ascend, row, "decoder", path)
            self._part(layout.decode, row, "decoder", path)
        self._part(layout.leave, decoder[0] if decoder else first, "output", "")

    def _part(self, template: str, row: _Row, side: Side, path: str) -> None:
        groups = parse(template)
        n, units = row.n(groups), 0
        for group in groups:
            for _ in range(group.repeats(n)):
                prefix = self._prefix(path, side, units if group.unit else None)
                for word in group.words:
                    self._word(word, row, side, prefix, units if group.unit else 0)
                units += group.unit

    @staticmethod
    def _prefix(path: str, side: Side, unit: int | None) -> str:
        if unit is None:
            return path or side
        return f"{path}.{unit}" if side == "bottleneck" else f"{path or side}.blocks.{unit}"

    def _word(self, word: Word, row: _Row, side: Side, prefix: str, unit: int) -> None:
        if word.does == "tap":
            self.stack.append(self.x)
        elif word.does == "keep":
            self.registers[word.register] = self.x
        elif word.does == "join":
            self._join(word, row, side, f"{prefix}.join")
        else:
            getattr(self, f"_{word.does}")(row, side, prefix, unit)

    # The words --------------------------------------------------------------------------------

    def _stem(self, row: _Row, side: Side, prefix: str, unit: int) -> None:
        width = self.spec.stem.leaves(row.width)
        stand = Stand("stem", ("stem",), side)
        self.x = self.draft.put(stand, self.spec.stem, self.x, width)
        self.x = conditioning.join_images(self.draft, self.spec, self.x, "stem")

    def _head(self, row: _Row, side: Side, prefix: str, unit: int) -> None:
        stand = Stand("head", ("head",), side)
        self.x = self.draft.put(stand, self.spec.head, self.x, self._out_channels())

    def _block(self, row: _Row, side: Side, prefix: str, unit: int) -> None:
        block, option = row.row.block, ("block",)
        if isinstance(row.blocks, tuple) and side in ("encoder", "decoder"):
            if unit >= len(row.blocks):
                return
            block, option = row.blocks[unit], ("blocks", unit)
        stand = Stand(f"{prefix}.block", (*row.at, *option), side, row.level)
        self.x = self.draft.put(stand, block, self.x, row.width)

    def _attention(self, row: _Row, side: Side, prefix: str, unit: int) -> None:
        if not isinstance(row.row.attention, Attention):
            return
        stand = Stand(f"{prefix}.attention", (*row.at, "attention"), side, row.level)
        self.x = self.draft.put(stand, row.row.attention, self.x, self.x.shape.channels)

    def _down(self, row: _Row, side: Side, prefix: str, unit: int) -> None:
        level = min(row.level, len(self.encoder) - 1)
        here = self.encoder[level]
        pooling = here.row.pooling
        last = level == len(self.encoder) - 1
        there = self.bottom.width if last else self.encoder[level + 1].width
        stand = Stand(f"{prefix}.pooling", (*here.at, "pooling"), side, level)
        width = pooling.leaves(self.x.shape.channels, there)
        self.x = replace(self.draft.put(stand, pooling, self.x, width), level=level + 1)
        self.strides[level] = self.draft.strides(pooling, self.draft.nodes[-1].site)

    def _up(self, row: _Row, side: Side, prefix: str, unit: int) -> None:
        upsampling: Upsampling = row.row.upsampling
        stride = self.strides.get(row.level) if side == "decoder" else (1,) * self.draft.dims
        stand = Stand(f"{prefix}.upsampling", (*row.at, "upsampling"), side, row.level)
        width = upsampling.leaves(self.x.shape.channels, row.width)
        self.x = self.draft.put(stand, upsampling, self.x, width, stride=stride)

    def _join(self, word: Word, row: _Row, side: Side, path: str) -> None:
        skip: Skip = row.row.skip
        stand = Stand(path, (*row.at, "skip"), side, row.level)
        flow = self.registers.get(word.register) if word.register else self._pop(row, stand)
        if flow is None:
            if word.register:
                what = f"the layout joins `{word.register}`, which no `keep` has kept"
                self.draft.complain("layout", what, "keep it earlier", replace(stand, at=("layout",)))
            return
        self.x = self.draft.put(stand, skip, self.x, self.x.shape.channels, skip=flow)
        if skip.reads_skip:
            link = Link(row.level, flow.source, path, flow.shape, skip.type)
            self.draft.links.append(link)

    def _pop(self, row: _Row, stand: Stand) -> Flow | None:
        at = replace(stand, at=row.at)
        if not self.stack:
            self.draft.complain(
                "no-skip-left",
                f"level {row.level} of the decoder joins a skip, and none is left",
                "give this row fewer `blocks`, or the encoder more",
                at,
                ("blocks",),
            )
            return None
        flow = self.stack.pop()
        if flow.level != self.x.level:
            self.draft.complain(
                "skip-level",
                f"level {self.x.level} of the decoder would join the skip of `{flow.source}`, "
                f"which is of level {flow.level}",
                "give encoder and decoder rows of a level the same number of `blocks`",
                at,
                ("blocks",),
            )
        return flow

    # Rows -------------------------------------------------------------------------------------

    def _bottom(self) -> _Row:
        spec, deepest = self.spec, self.encoder[-1]
        if spec.bottleneck is not None:
            width = spec.bottleneck.channels or deepest.width
            return replace(deepest, width=width, row=spec.bottleneck, at=("bottleneck",))
        lit = [r for r in self.encoder if isinstance(r.row.attention, Attention)]
        if not lit or lit[-1] is deepest:
            return deepest
        row = deepest.row.model_copy(update={"attention": lit[-1].row.attention})
        return replace(deepest, row=row)

    def _decoder(self, levels: int) -> list[_Row]:
        mirrored = self.encoder[:levels]
        rows = self.spec.decoder
        if rows is None:
            return [replace(r, blocks=self._mirrored(r)) for r in mirrored]
        if len(rows) != levels:
            self.draft.problems.append(
                Problem(
                    "decoder-levels",
                    f"the decoder has {len(rows)} rows and the encoder gives it {levels} levels",
                    f"state {levels} rows, the finest first; `{{}}` mirrors the encoder's",
                    ("decoder",),
                )
            )
            return [replace(r, blocks=self._mirrored(r)) for r in mirrored]
        return [
            replace(
                mirror,
                width=row.channels or mirror.width,
                blocks=row.blocks or self._mirrored(mirror),
                row=row,
                at=("decoder", mirror.level),
            )
            for row, mirror in zip(rows, mirrored, strict=True)
        ]

    @staticmethod
    def _mirrored(row: _Row) -> int:
        return row.blocks if isinstance(row.blocks, int) else len(row.blocks)

    # What leaves ------------------------------------------------------------------------------

    def _out_channels(self) -> int:
        output = self.spec.output
        channels = output.channels or self.spec.input.channels
        return channels * (2 if output.variance == "learned" else 1)

    def _left_over(self, flow: Flow) -> None:
        at: SpecPath = ("decoder", flow.level) if self.spec.decoder else ("layout",)
        self.draft.problems.append(
            Problem(
                "skip-left-over",
                f"the skip of `{flow.source}` is never joined",
                "give the decoder as many `blocks` as the encoder",
                at,
                flow.source,
            )
        )

    def _output(self) -> None:
        wanted, got = self._out_channels(), self.x.shape.channels
        if got != wanted:
            stand = Stand(self.x.source, ("head",), "output")
            what = f"{got} channels leave the network, and {wanted} are wanted"
            self.draft.complain("output-channels", what, "use `head: conv`", stand)


def _size_problems(plan: Plan, spec: Spec, space: tuple[int, ...]) -> Iterator[Problem]:
    """Axes whose size fails; an axis with the same complaint as another is told once."""
    told: dict[str, Problem] = {}
    for axis, n, name in zip(plan.axes, plan.space, axis_names(len(space)), strict=True):
        if not axis.rests:
            problem = _never(axis)
        elif n in axis and isinstance(axis.walk(n), int):
            continue
        else:
            problem = _clash(axis, n, name, spec)
        told.setdefault(problem.message.replace(name, "size", 1), problem)
    yield from told.values()


def axis_names(dims: int) -> tuple[str, ...]:
    """What the axes of a sample are called.

    Examples:
        >>> axis_names(3)
        ('depth', 'height', 'width')
    """
    return ("length",) if dims == 1 else ("depth", "height", "width")[-dims:]


def _never(axis: Axis) -> Problem:
    return Problem(
        "no-size-fits",
        "no input size leaves this network as it came",
        "every `down` needs an `up` of the same stride; see `pooling` and `upsampling`",
        ("input", "size"),
    )


def _clash(axis: Axis, n: int, name: str, spec: Spec) -> Problem:
    below, above = axis.nearest(n)
    sizes = " or ".join(dict.fromkeys(str(m) for m in (below, above) if m))
    mend = f"use {sizes} ({axis})"
    if spec.fit == "strict":
        mend += ", or `fit: pad`"
    clash = axis.walk(n)
    if not isinstance(clash, Clash):
        what = f"{name} {n} comes out as {clash}"
        return Problem("size", what, mend, ("input", "size"))
    if clash.skip is None:
        what = f"{name} {n} does not fit: {clash.x} at level {clash.level} can't go through"
    else:
        what = (
            f"{name} {n} does not fit: at level {clash.level} the decoder comes back with "
            f"{clash.x} and the skip has {clash.skip}"
        )
    return Problem("size", what, mend, ("input", "size"), clash.path)


def _meaning_problems(plan: Plan, spec: Spec) -> Iterator[Problem]:
    """Conditions that nothing reads, and outputs that contradict the prediction."""
    for name in plan.inputs:
        if name != "x" and not plan.readers(name):
            label = "time" if name == "t" else name
            yield Problem(
                "unread-condition",
                f"`{label}` is declared and nothing reads it",
                _unread_mend(label, spec),
                ("conditioning", label),
                f"conditioning.{label}",
            )
    yield from _variance_problems(spec)
    try:
        spec.prediction.check()
    except Misfit as misfit:
        yield Problem(misfit.code, misfit.what, misfit.mend, ("prediction", *misfit.option))


def _unread_mend(name: str, spec: Spec) -> str:
    condition = spec.conditioning.conditions.get(name)
    if condition is not None and condition.route() == "context":
        return "give a stage `attention: {type: transformer}`, or drop the condition"
    if name == "time":
        return "set `conditioning: {time: none}`, or a `method` that takes it"
    return "drop it, or set a `method` that takes the embedding"


def _variance_problems(spec: Spec) -> Iterator[Problem]:
    channels, sample = spec.output.channels, spec.input.channels
    if channels in (None, sample) or spec.prediction.type == "none":
        return
    if spec.output.variance == "learned":
        what = f"with `variance: learned` the head is doubled by itself; {channels} is not {sample}"
        mend = f"leave `channels` out, or say `channels: {sample}`"
    elif channels == 2 * sample:
        what = f"the output has {channels} channels and the sample {sample}"
        mend = "for a learned variance say `variance: learned`, and leave `channels` out"
    else:
        what = f"the output has {channels} channels and the sample {sample}"
        mend = "leave `channels` out, or set `prediction: none` for a network that does not denoise"
    yield Problem("output-channels", what, mend, ("output", "channels"))


