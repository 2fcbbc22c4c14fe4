"""What the network is told besides the sample: inputs, their nodes, and the one embedding."""

from __future__ import annotations

from keyword import iskeyword

from .draft import Draft, Flow, Stand
from .parts import Condition, Site, Tensor
from .shapes import Shape
from .spec import Spec

_RESERVED = ("x", "t", "embedding", "skip", "answer")


def wire(draft: Draft, spec: Spec, stem: int) -> None:
    """Puts every condition that becomes a vector or a sequence; the trunk has not begun.

    Afterwards `draft.shared` holds ``embedding`` (if there is one) and each sequence.
    """
    told = spec.conditioning
    time = told.time
    width = time.leaves(stem)
    clock = spec.prediction.clock
    place = Site(
        dims=draft.dims, x=Shape(time.features(stem)), width=width, side="conditioning", clock=clock
    )
    has_time = bool(time.reads(place))
    if has_time:
        draft.inputs["t"] = Tensor(())
        draft.shared.setdefault("t", Flow("t", Shape(1)))
    vectors: list[str] = []
    early: list[str] = []
    for name, condition in told.conditions.items():
        stand = Stand(f"conditioning.{name}", ("conditioning", name), "conditioning")
        if not name.isidentifier() or iskeyword(name) or name in _RESERVED:
            draft.complain(
                "condition-name",
                f"`{name}` can't name a condition: it is passed to the model as `{name}=`",
                "use a word of letters, digits and _ other than x, t, embedding, skip and answer",
                stand,
            )
            continue
        takes = condition.takes(draft.dims, draft.shared["x"].shape.space)
        draft.inputs[name] = takes
        route = condition.route()
        if route in ("embedding", "time"):
            into_time = route == "time" and has_time
            out = time.features(stem) if into_time else width
            flow = _vector(draft, stand, condition, name, takes, out)
            (early if into_time else vectors).append(flow.source)
        elif route == "context":
            site = Site(dims=draft.dims, x=shape_of(takes, condition), width=0, side="conditioning")
            flow = draft.note(stand, condition, site, (name,))
            draft.shared[name], draft.contexts[name] = flow, flow.shape
    if has_time:
        stand = Stand("conditioning.time", ("conditioning", "time"), "conditioning")
        vectors.insert(0, draft.note(stand, time, place, (draft.shared["t"].source, *early)).source)
    if vectors:
        stand = Stand("conditioning.embedding", ("conditioning", "embedding"), "conditioning")
        site = Site(dims=draft.dims, x=Shape(width), width=width, side="conditioning")
        draft.shared["embedding"] = draft.note(stand, told.embedding, site, tuple(vectors))


def join_images(draft: Draft, spec: Spec, x: Flow, route: str) -> Flow:
    """The trunk after every image condition of this route has joined it."""
    for name, condition in spec.conditioning.conditions.items():
        if name not in draft.inputs or condition.route() != route:
            continue
        takes = draft.inputs[name]
        stand = Stand(f"conditioning.{name}", ("conditioning", name), "conditioning")
        image = Shape(takes.shape[0] or 0, draft.shared["x"].shape.space)
        site = Site(
            dims=draft.dims,
            x=x.shape,
            width=x.shape.channels + condition.joins(),
            side="conditioning",
            skip=image,
        )
        flow = draft.note(stand, condition, site, (x.source, name))
        draft.paces[flow.source] = draft.paces[x.source]
        x = flow
    return x


def _vector(
    draft: Draft, stand: Stand, condition: Condition, name: str, takes: Tensor, width: int
) -> Flow:
    site = Site(dims=draft.dims, x=shape_of(takes, condition), width=width, side="conditioning")
    return draft.note(stand, condition, site, (name,))


def shape_of(takes: Tensor, condition: Condition) -> Shape:
    """What a condition's tensor is on paper; a free axis is as long as the component counts."""
    if len(takes.shape) == 2:
        return Shape(takes.shape[1] or 0, (condition.counted(),))
    return Shape(takes.shape[0] or 1 if takes.shape else 1)
