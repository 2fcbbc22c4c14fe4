"""What diagrams show inside the adaptive block and attention: their steps, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archkit import Norm, Op, Site

from .contexts import looking
from .insides import convolution

if TYPE_CHECKING:
    from .adaptive import AdaptiveAttention, AdaptiveBlock


def block(part: AdaptiveBlock, site: Site) -> tuple[Op, ...]:
    """The steps of an adaptive block."""
    channels, width = site.x.channels, site.width
    inner = site.inner or width
    ops = (
        *modulated(part.norm, site, channels, "x"),
        *part.activation.steps(site.at(channels)),
        convolution(part.kernel, channels, inner, "conv1"),
        *modulated(part.norm, site, inner, "conv1"),
        *part.activation.steps(site.at(inner)),
        convolution(part.kernel, inner, width, "branch"),
    )
    shortcut = "x"
    if channels != width:
        ops = (*ops, convolution(1, channels, width, "projected", ("x",)))
        shortcut = "projected"
    return (*ops, Op("+", ("branch", shortcut)))


def attention(part: AdaptiveAttention, site: Site, contexts: tuple[str, ...]) -> tuple[Op, ...]:
    """The steps of an adaptive attention."""
    c, count, at = site.x.channels, part.count(site), "x"
    told = "1 head" if count == 1 else f"{count} heads"
    ops: tuple[Op, ...] = ()
    if part.itself:
        ops = (
            *modulated(part.norm, site, c, at),
            Op(f"Linear {c} → 3 × {c}"),
            Op(f"attention, {told}", group="attention"),
            Op(f"Linear {c} → {c}", name="branch"),
            Op("+", ("branch", at), "looked"),
        )
        at = "looked"
    look = f"cross-attention, {told}"
    for name in contexts:
        keys = f"LayerNorm · keys, values {site.contexts[name].channels} → 2 × {c}"
        ops = (
            *ops,
            Op(keys, (name,), f"keys {name}"),
            *modulated(part.norm, site, c, at),
            Op(f"queries {c} → {c}", name="queries"),
            *looking(Op(look, ("queries", f"keys {name}"), group="attention"), (name,), site),
            Op(f"Linear {c} → {c}", name="branch"),
            Op("+", ("branch", at), "looked"),
        )
        at = "looked"
    return ops


def modulated(norm: Norm, site: Site, channels: int, reads: str) -> tuple[Op, ...]:
    """A norm that the embedding modulates."""
    steps = norm.steps(site.at(channels), "normed", (reads,))
    normed = "normed" if steps else reads
    if site.embedding is None:
        return steps or (Op("norm", (reads,)),)
    linear = Op(f"Linear {site.embedding} → 2 × {channels}", ("embedding",), "vectors")
    return (*steps, linear, Op("scale, shift", (normed, "vectors")))
