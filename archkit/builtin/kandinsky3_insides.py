"""What diagrams show inside the block and the attention of Kandinsky 3: their steps, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archkit import Op, Site

from .adaptive_insides import modulated
from .contexts import looking

if TYPE_CHECKING:
    from .kandinsky3 import Kandinsky3Attention, Kandinsky3Block


def attention(part: Kandinsky3Attention, site: Site, looked: tuple[str, ...]) -> tuple[Op, ...]:
    """The steps of attention to these sequences or to itself, and of the feed-forward."""
    from archkit.builtin.kandinsky3 import count

    c, heads = site.x.channels, count(part, site.x.channels)
    wide, told = part.expansion * c, "1 head" if heads == 1 else f"{heads} heads"
    ops = list(modulated(part.norm, site, c, "x"))
    if looked:
        ops.append(Op(f"queries {c} → {c}", name="queries"))
        for name in looked:
            keys = f"keys, values {site.contexts[name].channels} → 2 × {c}"
            ops.append(Op(keys, (name,), f"keys of {name}"))
        reads = ("queries", *(f"keys of {name}" for name in looked))
        look = Op(f"cross-attention, {told}", reads, group="attention")
        ops += looking(look, looked, site)
    else:
        ops.append(Op(f"Linear {c} → 3 × {c}"))
        ops.append(Op(f"attention, {told}", group="attention"))
    return (
        *ops,
        Op(f"Linear {c} → {c}", name="branch"),
        Op("+", ("branch", "x"), "looked"),
        *modulated(part.norm, site, c, "looked"),
        Op(f"Linear {c} → {wide} · SiLU"),
        Op(f"Linear {wide} → {c}", name="branch"),
        Op("+", ("branch", "looked")),
    )


def block(part: Kandinsky3Block, site: Site, looked: tuple[str, ...]) -> tuple[Op, ...]:
    """The steps of a block, where each bottleneck is one."""
    c, middle = site.x.channels, part.between(site)
    told = () if site.embedding is None else ("embedding",)
    ops = [Op(f"Bottleneck {c} → {middle}", ("x", *told), "first", "resnet")]
    if looked:
        for name in looked:
            keys = f"keys, values {site.contexts[name].channels} → 2 × {middle}"
            ops.append(Op(keys, (name,), f"keys of {name}"))
        reads = ("normed", *(f"keys of {name}" for name in looked))
        ops += [
            Op("norm · scale, shift" if told else "norm", ("first", *told), "normed"),
            *looking(Op("cross-attention", reads, "branch", "attention"), looked, site),
            Op("+", ("branch", "first"), "looked"),
            Op("norm · MLP", ("looked", *told), "branch", "transformer"),
            Op("+", ("branch", "looked"), "first"),
        ]
    return (*ops, Op(f"Bottleneck {middle} → {site.width}", ("first", *told), group="resnet"))
