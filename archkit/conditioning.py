"""What the network is told besides the sample: inputs, their nodes, and the one embedding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from keyword import iskeyword

from .draft import Draft, Flow, Stand
from .parts import Condition, Role, Site, Tensor
from .shapes import Shape
from .spec import Conditioning, Spec

_RESERVED = ("x", "t", "embedding", "skip", "answer")
_AT_TAPS = ("block", "blocks", "attention", "pooling", "upsampling", "join", "offer")
"""What stands where skips are tapped, beside the residuals."""
_NAMES = "use a word of letters, digits and _ other than "


def wire(draft: Draft, spec: Spec, stem: int) -> None:
    """Puts every condition that becomes a vector or a sequence; the trunk has not begun.

    Afterwards `draft.shared` holds ``embedding`` (if there is one), each sequence and each token.
    """
    told, time = spec.conditioning, spec.conditioning.time
    features, width, clock = time.features(stem), time.leaves(stem), spec.prediction.clock
    place = Site(dims=draft.dims, x=Shape(features), width=width, side="conditioning", clock=clock)
    timed = bool(time.reads(place))
    if timed:
        draft.inputs["t"] = Tensor(())
        draft.shared.setdefault("t", Flow("t", Shape(1)))
    timed = timed and not time.joins()
    early, late = _put(draft, told, width, features if timed else width, stem)
    if timed:
        read = (draft.shared["t"].source, *(flow.source for flow in early))
        flow = draft.note(_stand("time"), time, place, read)
        draft.shared["time"] = flow
        if time.route() == "tokens":
            draft.tokens.insert(0, "time")
        else:
            late = [flow, *late]
    else:
        late = early + late
    _gather(draft, told)
    if late:
        wide = told.embedding.leaves([flow.shape.channels for flow in late])
        x = Shape(late[0].shape.channels)
        vectors = {flow.source.rpartition(".")[2]: flow.shape for flow in late}
        site = Site(dims=draft.dims, x=x, width=wide, side="conditioning", contexts=vectors)
        read = tuple(flow.source for flow in late)
        draft.shared["embedding"] = draft.note(_stand("embedding"), told.embedding, site, read)


def _put(
    draft: Draft, told: Conditioning, width: int, features: int, stem: int
) -> tuple[list[Flow], list[Flow]]:
    """Puts the conditions; returns the vectors for the time's features, and for the embedding."""
    vectors: dict[str, list[Flow]] = {"time": [], "embedding": []}
    for name, condition in told.conditions.items():
        taken = _RESERVED + (_AT_TAPS if condition.route() == "taps" else ())
        if not name.isidentifier() or iskeyword(name) or name in taken:
            what = f"`{name}` can't name a condition: it is passed to the model as `{name}=`"
            mend = f"{_NAMES}{', '.join(taken[:-1])} and {taken[-1]}"
            draft.complain("condition-name", what, mend, _stand(name))
            continue
        route = condition.route()
        if route == "padding":
            _pad(draft, told.conditions, name)
        own = not condition.gathers() and route not in ("taps", "padding")
        source = _source(draft, told.conditions, name) if own else None
        if source is None:
            continue
        takes = draft.inputs[source]
        if route not in ("embedding", "time", "context", "tokens"):
            continue
        x, read = shape_of(takes, told.conditions[source]), source
        if condition.takes_made and source in draft.contexts:
            x, read = draft.contexts[source], draft.shared[source].source
        joined = told.embedding.asks(x.channels if takes.shape else width, width)
        leaves = {"embedding": joined, "time": features, "context": 0, "tokens": stem}[route]
        pads = {k: v for k, v in draft.padding.items() if k == source != read}
        site = Site(dims=draft.dims, x=x, width=leaves, side="conditioning")
        site = replace(site, contexts=dict.fromkeys(pads, x), padding=pads)
        words = {"x": read, "told": source, **{w: draft.shared[w].source for w in pads.values()}}
        inputs = tuple(words[word] for word in condition.reads(site))
        flow = draft.note(_stand(name), condition, site, inputs)
        draft.shared[name] = flow
        if route == "context":
            draft.contexts[name] = flow.shape
        elif route == "tokens":
            draft.tokens.append(name)
        else:
            vectors[route].append(flow)
    return vectors["time"], vectors["embedding"]


def _pad(draft: Draft, conditions: Mapping[str, Condition], name: str) -> None:
    """Puts what says which tokens of a sequence are padding; the sequence stands before it."""
    of = conditions[name].pads() or next(reversed(draft.contexts), "")
    if of not in draft.contexts or not conditions[of].keeps_tokens():
        what = f"`{name}` tells of padding, and no sequence stands before it"
        mend = "declare one above it, as in `conditioning: {text: sequence}`"
        if of in draft.contexts:
            what = f"`{of}` makes tokens of its own, so that none of them is padding"
            mend = f"leave `{name}` out, or use `sequence`"
        elif of:
            what = f"`{name}` tells of padding in `{of}`, and no sequence before it is called so"
            mend = f"declare `{of}` above it"
        draft.complain("missing-condition", what, mend, _stand(name), ("of",))
        return
    if of in draft.padding:
        what = f"`{draft.padding[of]}` tells of padding in `{of}` already"
        draft.complain("unread-condition", what, f"drop `{name}`", _stand(name), ("of",))
        return
    source = draft.shared[of].source
    if early := next((node.path for node in draft.nodes if source in node.inputs), None):
        first = early.rpartition(".")[2]
        what = f"`{first}` looks at `{of}` before `{name}` tells of its padding"
        draft.complain("missing-condition", what, f"declare `{name}` above `{first}`", _stand(name))
        return
    takes = conditions[name].takes(draft.dims, draft.shared["x"].shape.space)
    draft.inputs[name] = replace(takes, of=of)
    x = Shape(draft.contexts[of].positions)
    site = Site(dims=draft.dims, x=x, width=x.channels, side="conditioning")
    draft.shared[name] = draft.note(_stand(name), conditions[name], site, (name,))
    draft.padding[of] = name


def _gather(draft: Draft, told: Conditioning) -> None:
    """Puts the conditions that gather what others have made; what they gather is no context."""
    for name, condition in told.conditions.items():
        names = condition.gathers()
        lacking = [n for n in names if n not in draft.shared or n in _RESERVED]
        if lacking:
            what = f"`{name}` gathers `{lacking[0]}`, and nothing that becomes a vector or a "
            mend = "name conditions, or `time` where the network is told it"
            what += "sequence is called so"
            draft.complain("missing-condition", what, mend, _stand(name), ("of",))
        elif names:
            flows = [draft.shared[n] for n in names]
            shapes = {n: flow.shape for n, flow in zip(names, flows, strict=True)}
            site = Site(
                dims=draft.dims,
                x=flows[0].shape,
                width=0,
                side="conditioning",
                contexts=shapes,
            )
            read = tuple(flow.source for flow in flows)
            draft.shared[name] = flow = draft.note(_stand(name), condition, site, read)
            draft.contexts[name] = flow.shape
            for n in names:
                draft.contexts.pop(n, None)


def _source(draft: Draft, conditions: Mapping[str, Condition], name: str) -> str | None:
    """The input that a condition takes: its own, or that of another which it names."""
    other = conditions[name].source()
    if other is None or other == name:
        takes = conditions[name].takes(draft.dims, draft.shared["x"].shape.space)
        draft.inputs[name] = takes
        return name
    if other in draft.inputs and other in conditions:
        return other
    what = f"`{name}` takes the tensor of `{other}`, and no condition before it is called so"
    mend = f"declare `{other}` above it"
    draft.complain("missing-condition", what, mend, _stand(name), ("of",))
    return None


def _stand(name: str) -> Stand:
    return Stand(f"conditioning.{name}", ("conditioning", name), "conditioning")


def join_images(draft: Draft, spec: Spec, x: Flow, route: str) -> Flow:
    """The trunk after every image condition of this route, and maybe the time, has joined it."""
    time = spec.conditioning.time
    if route == "input" and (more := time.joins()):
        width = x.shape.channels + more
        site = Site(dims=draft.dims, x=x.shape, width=width, side="conditioning")
        flow = draft.note(_stand("time"), time, site, (x.source, draft.shared["t"].source))
        draft.paces[flow.source] = draft.paces[x.source]
        x = flow
    for name, condition in spec.conditioning.conditions.items():
        source = condition.source() or name
        if source not in draft.inputs or condition.route() != route:
            continue
        takes = draft.inputs[source]
        room = tuple(takes.times * n for n in draft.shared["x"].shape.space)
        image = Shape(takes.shape[0] or 0, room)
        site = Site(
            dims=draft.dims,
            x=x.shape,
            width=x.shape.channels + condition.joins(),
            side="conditioning",
            skip=image,
            role="output" if route == "head" else "input",
        )
        flow = draft.note(_stand(name), condition, site, (x.source, source))
        draft.paces[flow.source] = draft.paces[x.source]
        x = flow
    return x


def join_taps(draft: Draft, spec: Spec, x: Flow, place: Stand) -> Flow:
    """What a skip takes along, or leaves the bottleneck, after the conditions of that route.

    Each takes a tensor of its own at every place: ``NAME.encoder.0.blocks.0``.
    """
    for name, condition in spec.conditioning.conditions.items():
        if condition.route() != "taps":
            continue
        given, free = f"{name}.{place.path}", (None,) * draft.dims
        takes = condition.takes(draft.dims, x.shape.space)
        draft.inputs[given] = replace(
            takes, shape=(x.shape.channels, *free), follows=True, of=x.source
        )
        stand = replace(place, path=f"{place.path}.{name}", at=("conditioning", name))
        site = Site(
            dims=draft.dims,
            x=x.shape,
            width=x.shape.channels,
            side=place.side,
            level=place.level,
            skip=x.shape,
        )
        flow = draft.note(stand, condition, site, (x.source, given), x.level)
        draft.paces[flow.source] = draft.paces[x.source]
        x = flow
    return x


def precondition(draft: Draft, spec: Spec, x: Flow, role: Role) -> Flow:
    """The trunk after one place of the precondition, where the spec has one and it acts there.

    At ``time`` the trunk stays as it is, and `draft.shared` holds the other ``t``.
    """
    part = spec.precondition
    if part is None or role not in part.roles:
        return x
    draft.inputs["t"] = Tensor(())
    sources = {"x": "x", "answer": x.source, "t": "t"}
    shape = Shape(1) if role == "time" else x.shape
    site = Site(dims=draft.dims, x=shape, width=shape.channels, side="conditioning", role=role)
    stand = Stand(f"precondition.{role}", ("precondition",), "conditioning")
    flow = draft.note(stand, part, site, tuple(sources[word] for word in part.reads(site)))
    if role == "time":
        draft.shared["t"] = flow
        return x
    draft.paces[flow.source] = draft.paces[x.source]
    return flow


def shape_of(takes: Tensor, condition: Condition) -> Shape:
    """What a condition's tensor is on paper; a free axis is as long as the component counts."""
    if len(takes.shape) == 2:
        return Shape(takes.shape[1] or 0, (condition.counted(),))
    return Shape(takes.shape[0] or 1 if takes.shape else 1)
