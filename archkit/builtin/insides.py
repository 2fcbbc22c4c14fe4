"""What diagrams show inside the parts that ship: their steps, as data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from archkit import Norm, Op, Site

from .contexts import looking

if TYPE_CHECKING:
    from .attention import SelfAttention, Transformer
    from .blocks import ResNet
    from .convolutions import ConvolutionRow
    from .linear_attention import LinearAttention
    from .modulated import Modulated
    from .residual import Residual
    from .skips import Add, Gated
    from .strided import UpConvolution
    from .upsampling import _Interpolation as Interpolation


def sides(kernel: int | tuple[int, ...]) -> str:
    """A size that is one number, or one for each axis, as text."""
    return str(kernel) if isinstance(kernel, int) else "×".join(map(str, kernel))


def convolution(
    kernel: int | tuple[int, ...],
    channels: int,
    width: int,
    name: str = "",
    reads: tuple[str, ...] = (),
) -> Op:
    """A convolution as an op."""
    return Op(f"Conv {sides(kernel)} · {channels} → {width}", reads, name, "convolution")


def resnet(block: ResNet, site: Site, vectors: int) -> tuple[Op, ...]:
    """The steps of a ResNet block that takes so many vectors from the embedding."""
    channels, width = site.x.channels, site.width
    smaller = site.resample.steps(site.bared(channels), "smaller") if site.resample else ()
    method = block.method if "embedding" in block.reads(site) else "none"
    ops = (
        *block.norm.steps(site.at(channels)),
        *block.activation.steps(site),
        *smaller,
        convolution(block.kernel, channels, width, "conv1"),
        *taken(method, block.norm, site, vectors),
        *block.activation.steps(site),
        convolution(block.kernel, width, width, "branch"),
    )
    if method == "adaln-zero":
        ops = (*ops, Op("×", ("branch", "vectors"), "branch"))
    shortcut = "x"
    if site.resample:
        ops = (*ops, *site.resample.steps(site.bared(channels), "shortcut", ("x",)))
        shortcut = "shortcut"
    if block.projects(site):
        ops = (*ops, convolution(1, channels, width, "projected", (shortcut,)))
        shortcut = "projected"
    return (*ops, Op("+", ("branch", shortcut)), *scaled(block.scale))


def convolutions(block: ConvolutionRow, site: Site, vectors: int) -> tuple[Op, ...]:
    """The steps of a row of convolutions; the first norm takes the embedding."""
    method = block.method if "embedding" in block.reads(site) else "none"
    ops: tuple[Op, ...] = ()
    channels = site.x.channels
    for width, steps in block.rows(site):
        here = replace(site, width=width)
        ops = (*ops, convolution(block.kernel, channels, width, "conv1"))
        for step in steps:
            entering = method if step == block.enters else "none"
            if step == "norm":
                ops = (*ops, *taken(entering, block.norm, here, vectors))
            elif step == "activation":
                ops = (*ops, *block.activation.steps(site, "conv1"))
                ops = (*ops, *taken(entering, None, here, vectors))
            method = "none" if entering != "none" else method
        channels = width
    return ops


def residual(block: Residual, site: Site, branch: tuple[Op, ...]) -> tuple[Op, ...]:
    """The steps of a branch that is added to its input."""
    channels, width, strides = site.x.channels, site.width, site.stride or (1,)
    shortcut, beside = "x", []
    if max(strides) > 1 and block.shortcut == "avg":
        beside.append(Op(f"Avg pool {sides(strides)}", ("x",), "pooled", "down"))
        shortcut = "pooled"
    if channels != width or (max(strides) > 1 and block.shortcut == "conv"):
        kernel = block.kernel if max(strides) > 1 and block.shortcut == "conv" else 1
        beside.append(convolution(kernel, channels, width, "projected", (shortcut,)))
        beside += block.norm.steps(site.at(width), "projected") if block.shortcut == "avg" else ()
        shortcut = "projected"
    ends = block.activation.steps(site) if block.last == "norm" else ()
    named = (*branch[:-1], replace(branch[-1], name="branch"))
    return (*named, *beside, Op("+", ("branch", shortcut)), *ends)


def up_convolution(part: UpConvolution, site: Site) -> tuple[Op, ...]:
    """The steps of a transposed convolution and what follows it."""
    label = f"Transposed {sides(part.kernel)} · {site.x.channels} → {site.width}"
    ops = [Op(label, group="up")]
    for step in part.follows():
        followed = {"norm": part.norm, "activation": part.activation}.get(step)
        ops += followed.steps(site.at(site.width)) if followed else ()
    return tuple(ops)


def taken(method: str, norm: Norm | None, site: Site, vectors: int) -> tuple[Op, ...]:
    """A norm, if any, and the embedding taken before or after it; the trunk comes from conv1."""
    here = site.at(site.width)
    before = norm.steps(here) if norm else ()
    if method == "none":
        return before
    linear = Op(f"Linear {site.embedding} → {vectors}", ("embedding",), "vectors")
    if method in ("add", "multiply"):
        sign = "+" if method == "add" else "×"
        return (linear, Op(sign, ("conv1", "vectors")), *before)
    normed = norm.steps(here, "normed") if norm else ()
    return (*normed, linear, Op("scale, shift", ("normed" if normed else "conv1", "vectors")))


def scaled(scale: float) -> tuple[Op, ...]:
    """What a sum is multiplied with, unless that is 1."""
    return () if scale == 1.0 else (Op(f"× {scale:.3g}"),)


def self_attention(part: SelfAttention, site: Site, heads: int) -> tuple[Op, ...]:
    """The steps of self-attention on the positions."""
    c, wide = site.x.channels, part.wide(site)
    told = "1 head" if heads == 1 else f"{heads} heads"
    told += f", {part.memory} remembered" if part.memory else ""
    return (
        *part.norm.steps(site),
        Op(f"Linear {c} → 3 × {wide}"),
        Op(f"attention, {told}", group="attention"),
        Op(f"Linear {wide} → {c}", name="branch"),
        Op("+", ("branch", "x")),
        *scaled(part.scale),
    )


def linear_attention(part: LinearAttention, site: Site, heads: int) -> tuple[Op, ...]:
    """The steps of linear attention on the positions."""
    c, wide = site.x.channels, part.wide(site)
    told = "1 head" if heads == 1 else f"{heads} heads"
    told += f", {part.memory} remembered" if part.memory else ""
    return (
        *part.norm.steps(site),
        Op(f"Linear {c} → 3 × {wide}", name="qkv"),
        Op(f"table of keys and values, {told}", ("qkv",), "table", "attention"),
        Op("read by queries", ("qkv", "table"), group="attention"),
        Op(f"Linear {wide} → {c}", name="branch"),
        *part.out_norm.steps(site, "branch"),
        Op("+", ("branch", "x")),
    )


def modulated(block: Modulated, site: Site) -> tuple[Op, ...]:
    """The steps of a modulated block."""
    c, wide = site.x.channels, block.expansion * site.x.channels
    vectors: tuple[Op, ...] = (Op(f"3 × {c} learned", (), "vectors"),)
    if site.embedding is not None:
        vectors = (Op(f"MLP {site.embedding} → 3 × {c}", ("embedding",), "vectors"),)
    normed = block.norm.steps(site, "normed", ("x",))
    return (
        *vectors,
        *normed,
        Op("scale, shift", ("normed" if normed else "x", "vectors")),
        convolution(block.kernel, c, wide),
        *block.activation.steps(site),
        convolution(block.kernel, wide, c, "branch"),
        Op("×", ("branch", "vectors"), "gated"),
        Op("+", ("gated", "x")),
    )


def transformer(
    part: Transformer, site: Site, heads: int, contexts: tuple[str, ...]
) -> tuple[Op, ...]:
    """The steps of a transformer on the positions, its layers once."""
    c, times = site.x.channels, part.depth
    told = "1 head" if heads == 1 else f"{heads} heads"
    ends = ("Linear", "plain") if part.projection == "linear" else ("Conv 1", "convolution")
    enter = Op(f"{ends[0]} · {c} → {c}", name="h", group=ends[1])
    own = [
        Op(f"LayerNorm · self-attention, {told}", name="self", group="attention", repeat=times),
        Op("+", ("self", "h"), "h", repeat=times),
    ]
    crossed = own if part.context == "itself" else _crossed(site, contexts, times)
    layer = (own if part.first == "self" else crossed) + crossed
    wide = part.feed_forward * c
    layer += [
        Op(f"LayerNorm · GEGLU {c} → {wide} → {c}", name="feed-forward", repeat=times),
        Op("+", ("feed-forward", "h"), "h", repeat=times),
    ]
    leave = Op(f"{ends[0]} · {c} → {c}", name="branch", group=ends[1])
    return (*part.norm.steps(site), enter, *layer, leave, Op("+", ("branch", "x")))


def _crossed(site: Site, contexts: tuple[str, ...], times: int) -> list[Op]:
    """The steps of a cross-attention to each of the conditions."""
    layer, looks, normed = [], "LayerNorm · cross-attention", "h"
    if len(contexts) > 1:  # one norm for all of them
        looks, normed = "cross-attention", "normed"
        layer.append(Op("LayerNorm", ("h",), normed, repeat=times))
    for name in contexts:
        keys = f"keys, values {site.contexts[name].channels} → 2 × {site.x.channels}"
        look = Op(looks, (normed, f"keys {name}"), "cross", "transformer", repeat=times)
        layer += [
            Op(keys, (name,), f"keys {name}"),
            *looking(look, (name,), site),
            Op("+", ("cross", "h"), "h", repeat=times),
        ]
    return layer


def interpolation(part: Interpolation, site: Site) -> tuple[Op, ...]:
    """The steps of an upsampling that interpolates, then convolves."""
    larger = Op(f"{part.short} {'×'.join(map(str, part.strides(site)))}", group="up")
    bare = site.bare or not part.conv
    return (larger,) if bare else (larger, convolution(3, site.x.channels, site.width))


def addition(part: Add, site: Site) -> tuple[Op, ...]:
    """The steps of a sum of the trunk and a skip that is projected."""
    assert site.skip is not None
    conv = convolution(1, site.skip.channels, site.x.channels, "projected", ("skip",))
    return (conv, Op("+", ("x", "projected")), *scaled(part.scale))


def gate(part: Gated, site: Site, width: int) -> tuple[Op, ...]:
    """The steps of an attention gate: the trunk weighs the positions of the skip."""
    assert site.skip is not None
    skip, norm, here = site.skip.channels, part.gate_norm, site.at(width)
    both = ("gated", "x") if part.order == "skip-first" else ("x", "gated")
    return (
        convolution(1, site.x.channels, width, "trunk", ("x",)),
        *norm.steps(here, "trunk"),
        convolution(1, skip, width, "kept", ("skip",)),
        *norm.steps(here, "kept"),
        Op("+", ("trunk", "kept")),
        Op("ReLU"),
        convolution(1, width, 1),
        *norm.steps(site.at(1)),
        Op("sigmoid", name="weights"),
        Op("×", ("weights", "skip"), "gated"),
        Op("concat", both),
    )
