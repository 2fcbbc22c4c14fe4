"""What diagrams show inside a spatio-temporal transformer: its steps, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archkit import Op, Site

from .contexts import looking

if TYPE_CHECKING:
    from .spatiotemporal import SpatioTemporalTransformer


def transformer(
    part: SpatioTemporalTransformer, site: Site, contexts: tuple[str, ...]
) -> tuple[Op, ...]:
    """The steps of a spatio-temporal transformer, its layers once."""
    c, times, wide = site.x.channels, part.depth, part.feed_forward * site.x.channels
    told = f"{part.count(site)} heads"
    forward = f"LayerNorm · GEGLU {c} → {wide} → {c}"
    inside = [_branch(f"LayerNorm · self-attention, {told}", "h", "attention", times)]
    across = [_branch(forward, "v", "plain", times)]
    across.append(_branch(f"LayerNorm · attention of frames, {told}", "v", "attention", times))
    for name in contexts:
        inside.append(_crossed(name, "h", site, times))
        across.append(_crossed(name, "v", site, times))
    inside.append(_branch(forward, "h", "plain", times))
    across.append(_branch(forward, "v", "plain", times))
    return (
        *part.norm.steps(site.frame()),
        Op(f"Linear · {c} → {c}", name="h"),
        *(op for branch in inside for op in branch),
        Op("+ number of the frame", ("h",), "v", repeat=times),
        *(op for branch in across for op in branch),
        Op("blend", ("v", "h"), "h", repeat=times),
        Op(f"Linear · {c} → {c}", name="branch"),
        Op("+", ("branch", "x")),
    )


def _branch(label: str, on: str, group: str, times: int) -> tuple[Op, ...]:
    """One branch, added to what it reads."""
    return (Op(label, (on,), "branch", group, times), Op("+", ("branch", on), on, repeat=times))


def _crossed(name: str, on: str, site: Site, times: int) -> tuple[Op, ...]:
    """A cross-attention to one condition."""
    keys = f"keys, values {site.contexts[name].channels} → 2 × {site.x.channels}"
    look = Op("LayerNorm · cross-attention", (on, f"keys {name}"), "cross", "transformer", times)
    return (
        Op(keys, (name,), f"keys {name}"),
        *looking(look, (name,), site),
        Op("+", ("cross", on), on, repeat=times),
    )
