"""Spec to plan: the one place that knows what a U-Net is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from . import conditioning, verdict
from .draft import Draft, Flow, Stand
from .errors import Problem, SpecError, SpecPath, counted
from .layouts import Word, parse
from .parts import Attention, Pooling, Side, Skip, Tensor, Upsampling
from .plans import Link, Plan
from .proof import prove
from .rows import Row, bottom_row, decoder_rows, encoder_rows, row_problems
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
    problems = [*walk.draft.problems, *verdict.meaning(plan)]
    if walk.draft.sound:
        problems += verdict.sizes(plan, ("input", "size") if size is None else ())
    if problems:
        raise SpecError(problems)
    return plan


class _Walk:
    """One walk through the stack program of a spec."""

    def __init__(self, spec: Spec, space: tuple[int, ...]) -> None:
        self.spec = spec
        self.draft = Draft(dims=len(space), frames=spec.input.frames and space[0])
        self.x = Flow("x", Shape(spec.input.channels, space))
        self.draft.shared["x"] = self.x
        self.draft.inputs["x"] = Tensor((spec.input.channels, *(None for _ in space)))
        self.stack: list[Flow] = []
        self.joins = 0
        self.registers: dict[str, Flow] = {}
        self.offers: dict[str, str] = {}
        self.encoder = encoder_rows(spec)
        self.bottom = bottom_row(spec, self.encoder)
        self.strides: dict[int, tuple[int, ...] | None] = {}

    # The walk ---------------------------------------------------------------------------------

    def plan(self, space: tuple[int, ...]) -> Plan:
        spec, draft = self.spec, self.draft
        stem = spec.stem.leaves(self.encoder[0].width)
        conditioning.precondition(draft, spec, self.x, "time")
        conditioning.wire(draft, spec, stem)
        self.x = conditioning.precondition(draft, spec, self.x, "input")
        self.x = conditioning.join_images(draft, spec, self.x, "input")
        self._trunk()
        equal = spec.fit != "valid" and not spec.layout.offers
        if not spec.layout.offers:
            self.x = conditioning.precondition(draft, spec, self.x, "output")
            self._output()
        output = draft.paces[self.x.source]
        axes = tuple(prove(i, draft.steps, output, equal) for i in range(draft.dims))
        nodes, links = tuple(draft.nodes), tuple(draft.links)
        return Plan(spec, draft.inputs, nodes, links, axes, space, self.offers)

    def _trunk(self) -> None:
        layout, levels = self.spec.layout, len(self.encoder)
        below = layout.deepest == "bottleneck"
        decoder = decoder_rows(self.spec, self.encoder[: levels - below])
        self.draft.problems += row_problems(self.spec, levels - below)
        first = self.encoder[0]
        self._part(layout.enter, first, "input", "")
        for row in self.encoder:
            if below and row.level == levels - 1:
                self._part(layout.encode, self.bottom, "bottleneck", "bottleneck")
            else:
                self._part(layout.encode, row, "encoder", f"encoder.{row.level}")
            if row.level < levels - 1:
                self._part(layout.descend, row, "encoder", f"encoder.{row.level}")
        self._part(layout.middle, self.bottom, "bottleneck", "bottleneck")
        self.x = self._added(self.x, self.bottom, "bottleneck", "bottleneck")
        for row in reversed(decoder):
            path, self.joins, taps = f"decoder.{row.level}", 0, len(self.stack)
            if row.level < levels - 1:
                self._part(layout.ascend, row, "decoder", path)
            self._part(layout.decode, row, "decoder", path)
            self._settle(row, taps - len(self.stack))
        self._part(layout.leave, decoder[0] if decoder else first, "output", "")

    def _part(self, template: str, row: Row, side: Side, path: str) -> None:
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

    def _word(self, word: Word, row: Row, side: Side, prefix: str, unit: int) -> None:
        self.draft.block_is_next(word.does)
        if word.does == "tap":
            level = row.level if self.spec.layout.joins_small else self.x.level
            self.stack.append(replace(self._added(self.x, row, side, prefix), level=level))
        elif word.does == "keep":
            self.registers[word.register] = self.x
        elif word.register:
            getattr(self, f"_{word.does}_register")(word.register, row, side, prefix)
        else:
            getattr(self, f"_{word.does}")(row, side, prefix, unit)

    # The words --------------------------------------------------------------------------------

    def _stem(self, row: Row, side: Side, prefix: str, unit: int) -> None:
        stem, stand = self.spec.stem, Stand("stem", ("stem",), side)
        self.x = self.draft.put(stand, stem, self.x, stem.leaves(row.width))
        self.x = conditioning.join_images(self.draft, self.spec, self.x, "stem")

    def _head(self, row: Row, side: Side, prefix: str, unit: int) -> None:
        head, width = Stand("head", ("head",), side), self._out_channels()
        self.x = conditioning.join_images(self.draft, self.spec, self.x, "head")
        self.x = self.draft.put(head, self.spec.head, self.x, width)

    def _offer(self, row: Row, side: Side, prefix: str, unit: int) -> None:
        stand = Stand(f"{prefix}.offer", ("head",), side, row.level)
        offered = self.draft.put(stand, self.spec.head, self.x, self.x.shape.channels)
        self.offers[prefix] = offered.source

    def _added(self, x: Flow, row: Row, side: Side, prefix: str) -> Flow:
        """What is tapped, after all that conditions add to it there."""
        stand = Stand(prefix, (), side, x.level)
        return conditioning.join_taps(self.draft, self.spec, x, stand)

    def _narrow(self, row: Row, side: Side, prefix: str, unit: int) -> None:
        self._block(row, side, prefix, unit, row.finer or row.width)

    def _block(self, row: Row, side: Side, prefix: str, unit: int, leaves: int = 0) -> None:
        block = row.says.block
        option: SpecPath = ("block",)
        if isinstance(row.blocks, tuple) and side in ("encoder", "decoder"):
            if unit >= len(row.blocks):
                return
            block, option = row.blocks[unit], ("blocks", unit)
        stand = Stand(f"{prefix}.block", (*row.at, *option), side, row.level)
        inner = row.width if leaves else None
        self.x = self.draft.put(stand, block, self.x, leaves or row.width, inner=inner)

    def _attention(self, row: Row, side: Side, prefix: str, unit: int) -> None:
        if not isinstance(row.says.attention, Attention):
            return
        stand = Stand(f"{prefix}.attention", (*row.at, "attention"), side, row.level)
        self.x = self.draft.put(stand, row.says.attention, self.x, self.x.shape.channels)

    def _down(self, row: Row, side: Side, prefix: str, unit: int) -> None:
        level = min(row.level, len(self.encoder) - 1)
        here, pooling = self.encoder[level], self.encoder[level].says.pooling
        there = (*self.encoder, self.bottom)[level + 1].width
        stand = Stand(f"{prefix}.pooling", (*here.at, "pooling"), side, level)
        site = self.draft.site(pooling, x=self.x.shape, width=there)
        if pooling.by_next:
            self.x = self.draft.leave_to_next(stand, pooling, self.x, site)
        else:
            self.x = self._shrunk(stand, pooling, self.x, there)
        self.strides[level] = self.draft.strides(pooling, site)

    def _shrunk(self, stand: Stand, pooling: Pooling, x: Flow, there: int) -> Flow:
        width = pooling.leaves(x.shape.channels, there)
        return replace(self.draft.put(stand, pooling, x, width), level=stand.level + 1)

    def _up(self, row: Row, side: Side, prefix: str, unit: int) -> None:
        row = self.encoder[-1] if side == "bottleneck" else row
        stand = Stand(f"{prefix}.upsampling", (*row.at, "upsampling"), side, row.level)
        self.x = self._grown(stand, row.says.upsampling, self.x, row.width)

    def _grown(self, stand: Stand, upsampling: Upsampling, x: Flow, there: int) -> Flow:
        ends = stand.side == "output"
        stride = (1,) * self.draft.dims_of(upsampling) if ends else self.strides.get(stand.level)
        width = upsampling.leaves(x.shape.channels, there)
        return self.draft.put(stand, upsampling, x, width, stride=stride)

    def _join(self, row: Row, side: Side, prefix: str, unit: int) -> None:
        flow = self._pop(row.level)
        if flow is not None:
            stand = Stand(f"{prefix}.join", (*row.at, "skip"), side, row.level)
            self.x = self._merged(stand, row.says.skip, self.x, flow, row.width)

    def _merged(self, stand: Stand, skip: Skip, x: Flow, flow: Flow, width: int) -> Flow:
        if skip.reads_skip:
            link = Link(stand.level, flow.source, stand.path, flow.shape, skip.type)
            self.draft.links.append(link)
        merged = self.draft.put(stand, skip, x, width, skip=flow)
        return replace(merged, level=x.level)

    def _pop(self, level: int) -> Flow | None:
        """The next skip of a level; None where it has no more, which `_settle` complains of."""
        self.joins += 1
        if not self.stack or self.stack[-1].level != level:
            return None
        return self.stack.pop()

    def _settle(self, row: Row, joined: int) -> None:
        """Complains where a level of the decoder joins more skips than it is offered, or fewer.

        What is left over is dropped, so that the next level has only its own.
        """
        left = [flow for flow in self.stack if flow.level >= row.level]
        if self.joins == joined and not left:
            return
        del self.stack[len(self.stack) - len(left) :]
        offered = joined + len(left)
        skips = counted(self.joins, "skip")
        what = f"level {row.level} of the decoder joins {skips}, and the encoder offers {offered}"
        code = "no-skip-left" if self.joins > offered else "skip-left-over"
        mend = "let `ascend` and `decode` join what `encode` and `descend` tap"
        at: SpecPath = ("layout",)
        if self.spec.decoder:
            mend = f"use `blocks: {self.encoder[row.level].count}`, as the encoder has"
            at = (*row.at, "blocks")
        self.draft.sound = False
        self.draft.problems.append(Problem(code, what, mend, at, f"decoder.{row.level}"))

    # Registers --------------------------------------------------------------------------------

    def _use_register(self, name: str, row: Row, side: Side, prefix: str) -> None:
        self.x = self._held(name)

    def _join_register(self, name: str, row: Row, side: Side, prefix: str) -> None:
        stand, skip = self._own(name, "skip", "join", row, side, prefix)
        self.x = self._merged(stand, skip, self.x, self._held(name), self.x.shape.channels)

    def _down_register(self, name: str, row: Row, side: Side, prefix: str) -> None:
        stand, pooling = self._own(name, "pooling", "pooling", row, side, prefix)
        there = self.x.shape.channels
        self.registers[name] = self._shrunk(stand, pooling, self._held(name), there)

    def _up_register(self, name: str, row: Row, side: Side, prefix: str) -> None:
        stand, upsampling = self._own(name, "upsampling", "upsampling", row, side, prefix)
        there = self.x.shape.channels
        self.registers[name] = self._grown(stand, upsampling, self._held(name), there)

    def _head_register(self, name: str, row: Row, side: Side, prefix: str) -> None:
        stand, head = self._own(name, "head", "head", row, side, prefix)
        picture = self.draft.put(stand, head, self.x, self._out_channels())
        if name in self.registers:
            stand, skip = self._own(name, "skip", "join", row, side, prefix)
            held = self.registers[name]
            picture = self._merged(stand, skip, held, picture, held.shape.channels)
        self.registers[name] = picture

    def _own(
        self, name: str, option: str, leaf: str, row: Row, side: Side, prefix: str
    ) -> tuple[Stand, Any]:
        """A register's component for one step, or else that of the stage, and where it stands."""
        part = getattr(self.spec.registers.get(name), option, None)
        at: SpecPath = ("registers", name, option)
        if part is None and option == "head":
            part, at = self.spec.head, ("head",)
        elif part is None:
            part, at = getattr(row.says, option), (*row.at, option)
        return Stand(f"{prefix}.{name}.{leaf}", at, side, row.level), part

    def _held(self, name: str) -> Flow:
        if name not in self.registers:
            what = f"the layout reads the register `{name}` before anything is kept there"
            stand = Stand("", ("layout",), "input")
            self.draft.complain("layout", what, f"put `keep={name}` before it", stand)
        return self.registers.get(name, self.x)

    # What leaves ------------------------------------------------------------------------------

    def _out_channels(self) -> int:
        output = self.spec.output
        mean = output.channels or self.spec.input.channels
        return mean + {"none": 0, "learned": mean, "per-sample": 1}[output.variance]

    def _output(self) -> None:
        wanted, got = self._out_channels(), self.x.shape.channels
        if got != wanted:
            stand = Stand(self.x.source, ("head",), "output")
            what = f"{got} channels leave the network, and {wanted} are wanted"
            self.draft.complain("output-channels", what, "use `head: conv`", stand)
