"""What speaks against a plan: sizes that clash, conditions that nothing reads, contradictions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from .component import Misfit
from .errors import Problem, SpecPath, counted
from .parts import Skip
from .plans import Plan
from .proof import Axis, Clash, prove
from .spec import Spec


def sizes(plan: Plan, at: SpecPath) -> Iterator[Problem]:
    """Axes whose size fails; an axis with the same complaint as another is told once.

    Arguments:
        plan: What was planned.
        at: The place in the spec that says the size; empty if it was asked for from outside.
    """
    told: dict[str, Problem] = {}
    for axis, n, name in zip(plan.axes, plan.space, plan.axis_names, strict=True):
        if not axis.rests:
            problem = _never(axis)
        elif n in axis and isinstance(axis.walk(n), int):
            continue
        else:
            problem = _clash(axis, n, name, plan.spec)
        # Before the axes that `size` names may come that of the frames, of which any number fits.
        index = axis.index - (plan.spec.input.frames is not None)
        path = (*at, index) if at and isinstance(plan.spec.input.size, tuple) else at
        told.setdefault(problem.message.replace(name, "size", 1), replace(problem, path=path))
    yield from told.values()


def _never(axis: Axis) -> Problem:
    what = "leaves this network as it came" if axis.equal else "fits this network"
    return Problem("no-size-fits", f"no input size {what}", _uneven(axis) or _matched(axis))


def _uneven(axis: Axis) -> str:
    """The deepest level where the decoder does not grow as much as the encoder shrinks, if any."""
    bottom: set[int] = set()
    paces: dict[int, dict[str, Fraction]] = {}
    for step in axis.steps:
        side, _, word = step.path.partition(".")
        word = word.rpartition(".")[2]
        if side == "bottleneck" and word == "pooling":
            bottom.add(step.level)
        if step.maps and word in ("pooling", "upsampling"):
            change = step.maps[axis.index]
            known = paces.setdefault(step.level, {})
            known[word] = known.get(word, Fraction(1)) * change.times / change.over
    for level, known in sorted(paces.items(), reverse=True):
        down, up = 1 / known.get("pooling", Fraction(1)), known.get("upsampling", Fraction(1))
        if down == up:
            continue
        if level in bottom and "upsampling" not in known:
            return "say `pooling: none` in the last row of `encoder`: nothing grows back from there"
        told = f"level {level} shrinks by {down} on the way down and grows by {up} on the way up"
        return f"{told}; give its pooling and its upsampling the same stride"
    return ""


def _matched(axis: Axis) -> str:
    """What makes trunk and skips meet where no stride is wrong, tried on paper."""
    crop = tuple(replace(step, join=_cropping(step.join)) for step in axis.steps)
    cropping, valid = "say `skip: {match: crop}`", "`fit: valid`, which lets the output be smaller"
    tries = ((crop, axis.equal, cropping), (axis.steps, False, f"say {valid}"))
    for steps, equal, mend in (*tries, (crop, False, f"{cropping}, and {valid}")):
        if prove(axis.index, steps, axis.output, equal).rests:
            return f"{mend}; or use convolutions that keep the size"
    return "give every pooling an upsampling of the same stride"


def _cropping(join: Skip | None) -> Skip | None:
    """A join that crops, if it can."""
    known = join is not None and "match" in type(join).model_fields
    return join.model_copy(update={"match": "crop"}) if join and known else join


def _clash(axis: Axis, n: int, name: str, spec: Spec) -> Problem:
    below, above = axis.nearest(n)
    sizes = " or ".join(dict.fromkeys(str(m) for m in (below, above) if m))
    mend = f"use {sizes} ({axis})"
    if spec.fit == "strict":
        mend += ", or `fit: pad`"
    clash = axis.walk(n)
    if not isinstance(clash, Clash):
        what = f"{name} {n} comes out as {clash}"
        return Problem("size", what, mend)
    if clash.skip is None:
        what = f"{name} {n} does not fit: {clash.x} at level {clash.level} can't go through"
    else:
        what = (
            f"{name} {n} does not fit: at level {clash.level} the decoder comes back with "
            f"{clash.x} and the skip has {clash.skip}"
        )
    return Problem("size", what, mend, node=clash.path)


def meaning(plan: Plan) -> Iterator[Problem]:
    """Conditions that nothing reads, and outputs that contradict the prediction."""
    spec, ignored = plan.spec, _ignored(plan)
    yield from ignored.values()
    for name in plan.inputs:
        if name != "x" and name not in ignored and not plan.readers(name):
            label = "time" if name == "t" else name
            what = "the time is embedded" if name == "t" else f"`{name}` is declared"
            yield Problem(
                "unread-condition",
                f"{what} and nothing reads it",
                _unread_mend(label, spec),
                ("conditioning", label),
                f"conditioning.{label}",
            )
    yield from _channels(spec)
    yield from _variance(spec)
    yield from _levels(spec)
    try:
        spec.prediction.check()
    except Misfit as misfit:
        yield Problem(misfit.code, misfit.what, misfit.mend, ("prediction", *misfit.option))


def _ignored(plan: Plan) -> dict[str, Problem]:
    """Padding that a node takes for tokens, by its name; the first such node is told of."""
    found: dict[str, Problem] = {}
    paddings = [n for n, c in plan.spec.conditioning.conditions.items() if c.route() == "padding"]
    for node in plan.nodes:
        for name in (word for word in paddings if word in plan.inputs):
            of = plan.inputs[name].of
            looks, told = (f"conditioning.{word}" in node.inputs for word in (of, name))
            if looks and not told and name not in found:
                what = f"`{node.component.type}` looks at `{of}`, and takes its padding for tokens"
                other = "attention-pooled" if node.component.kind == "condition" else "transformer"
                mend = f"use one that looks past it, such as `{other}`, or drop `{name}`"
                found[name] = Problem("unread-padding", what, mend, node.at, node.path)
    return found


def _unread_mend(name: str, spec: Spec) -> str:
    condition = spec.conditioning.conditions.get(name)
    told = spec.conditioning.time if name == "time" else condition
    if told is not None and told.route() == "tokens":
        return "use `stem: tokens`, which puts it before its own, or another `into`"
    if condition is not None and condition.route() in ("context", "padding"):
        return "give a stage `attention: {type: transformer}`, or drop the condition"
    if name == "time":
        return "set `conditioning: {time: none}`, or a `method` that takes it"
    return "drop it, or set a `method` that takes the embedding"


def _levels(spec: Spec) -> Iterator[Problem]:
    around, path = spec.precondition, spec.prediction.along
    if around is not None and around.levels and path is not None and not path.levels:
        yield Problem(
            "time-not-sigma",
            f"the precondition `{around.type}` takes the time for the noise level σ, and on the "
            f"path `{path.type}` it is none",
            f"set `prediction: {{type: {spec.prediction.type}, path: edm}}`, or leave "
            "`precondition` out",
            ("precondition",),
        )


def _variance(spec: Spec) -> Iterator[Problem]:
    """A precondition scales the answer as the sample, channel by channel."""
    variance, around = spec.output.variance, spec.precondition
    if variance != "none" and around is not None and "output" in around.roles:
        yield Problem(
            "output-channels",
            f"the precondition `{around.type}` scales the answer as it does the sample, and with "
            f"`variance: {variance}` the answer has more channels",
            "leave `precondition` out, or `variance`",
            ("output", "variance"),
        )


def _channels(spec: Spec) -> Iterator[Problem]:
    channels, sample = spec.output.channels, spec.input.channels
    if channels is None or channels == sample or spec.prediction.type == "none":
        return
    if (variance := spec.output.variance) != "none":
        widens = {"learned": "is doubled", "per-sample": "has one more channel"}[variance]
        what = (
            f"with `variance: {variance}` the head {widens} by itself; {channels} is not {sample}"
        )
        mend = f"leave `channels` out, or say `channels: {sample}`"
    elif channels == 2 * sample:
        what = f"the output has {counted(channels, 'channel')} and the sample {sample}"
        mend = "for a learned variance say `variance: learned`, and leave `channels` out"
    else:
        what = f"the output has {counted(channels, 'channel')} and the sample {sample}"
        mend = "leave `channels` out, or set `prediction: none` for a network that does not denoise"
    yield Problem("output-channels", what, mend, ("output", "channels"))
