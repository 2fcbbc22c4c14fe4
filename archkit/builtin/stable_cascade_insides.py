"""What diagrams show inside a stage of Stable Cascade: its steps, as data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from archkit import Op, Site

from .contexts import looking

if TYPE_CHECKING:
    from .stable_cascade import StableCascade


def stage(part: StableCascade, site: Site) -> tuple[Op, ...]:
    """The steps of a stage, its layers once."""
    c, channels = site.width, site.x.channels
    parted = () if channels == c else (Op(f"{c} of {channels} channels", ("x",), "trunk"),)
    trunk = "trunk" if parted else "x"
    ops = [
        Op(f"Depthwise {part.kernel} · LayerNorm", (trunk,), group="convolution"),
        Op(f"Linear {c} → {4 * c} · GELU · response"),
        Op(f"Linear {4 * c} → {c}", name="branch"),
        Op("+", ("branch", trunk), "h"),
    ]
    if site.embedding is not None:
        ops.append(Op("scale, shift", ("h", "embedding"), "h"))
    if part.heads:
        ops += _attention(part, site)
    times = part.depth * part.repeats
    return (*parted, *(replace(op, repeat=times) for op in ops))


def _attention(part: StableCascade, site: Site) -> list[Op]:
    c, told = site.width, "1 head" if part.heads == 1 else f"{part.heads} heads"
    ops = [Op("LayerNorm", ("h",), "seen")]
    for name in part.looks(site):
        width = site.contexts[name].channels
        ops.append(Op(f"append tokens {width} → {c}", ("seen", name), "seen"))
    look = Op(f"attention, {told}", ("seen",), "look", "attention")
    ops += looking(look, part.looks(site), site)
    return [*ops, Op("+", ("look", "h"), "h")]
