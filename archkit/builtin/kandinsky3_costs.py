"""What the block and the attention of Kandinsky 3 cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archkit import Cost, Shape, Site

from .adaptive import modulated
from .contexts import past_padding

if TYPE_CHECKING:
    from archkit import Resampler

    from .kandinsky3 import Kandinsky3Attention, Kandinsky3Block


def block(part: Kandinsky3Block, site: Site, looked: tuple[str, ...]) -> Cost | None:
    """Both bottlenecks, and the attention between."""
    out, grows = part.infer(site), site.side == "decoder"
    middle = Shape(part.between(site), out.space if grows else site.x.space)
    up, down = (site.resample, None) if grows else (None, site.resample)
    there = site.at(middle.channels, middle.space)
    return _sum(
        _bottleneck(part, site, middle, up=up),
        attention(part, there, looked) if looked else Cost(),
        _bottleneck(part, there, out, down=down),
    )


def _bottleneck(
    part: Kandinsky3Block,
    site: Site,
    out: Shape,
    *,
    up: Resampler | None = None,
    down: Resampler | None = None,
) -> Cost | None:
    x, width = site.x, out.channels
    inner = max(x.channels, width) // part.compression
    steps: list[Cost | None] = []
    here = x
    for index, kernel in enumerate((1, 3, 3, 1)):
        at = site.at(here.channels, here.space)
        steps.append(_sum(modulated(part.norm, at), part.activation.cost(at)))
        if up and index == 1:
            steps.append(up.cost(at.bared(inner)))
            here = Shape(inner, out.space)
        after = Shape(width if index == 3 else inner, here.space)
        steps.append(Cost.convolution(here.channels, after.channels, kernel=kernel, out=after))
        if down and index == 2:
            steps.append(down.cost(site.at(inner, after.space).bared(inner)))
            after = Shape(inner, out.space)
        here = after
    branch, shortcut = _sum(*steps), _shortcut(site, out, up=up, down=down)
    if branch is None or shortcut is None:
        return None
    return (branch & shortcut) + Cost.made(out.elements)


def _shortcut(
    site: Site, out: Shape, *, up: Resampler | None, down: Resampler | None
) -> Cost | None:
    x, width = site.x, out.channels
    at = Shape(width, out.space if up else x.space)
    same = x.channels == width
    return _sum(
        up.cost(site.bared(x.channels)) if up else Cost(),
        Cost() if same else Cost.convolution(x.channels, width, kernel=1, out=at),
        down.cost(site.bared(width)) if down else Cost(),
    )


def _sum(*steps: Cost | None) -> Cost | None:
    total = Cost()
    for step in steps:
        if step is None:
            return None
        total += step
    return total


def attention(
    part: Kandinsky3Attention | Kandinsky3Block, site: Site, looked: tuple[str, ...]
) -> Cost | None:
    """Attention to these sequences or to itself, and a feed-forward."""
    from archkit.builtin.kandinsky3 import count

    x, c, n = site.x, site.x.channels, site.x.positions
    norm, added = modulated(part.norm, site), Cost.made(x.elements)
    if norm is None:
        return None
    m = sum(site.contexts[name].positions for name in looked)
    keys = Cost.linear(c, 2 * c, tokens=n, bias=False)
    if looked:
        width = site.contexts[looked[0]].channels
        keys = Cost.made(width * m) + Cost.linear(width, 2 * c, tokens=m, bias=False)
        keys = keys.reading(looked[0])
    look = Cost.attention(c, queries=n, keys=m or n, heads=count(part, c))
    look = past_padding(look, looked, site)
    look += Cost.linear(c, c, tokens=n, bias=False)
    both = Cost.linear(c, c, tokens=n, bias=False) & keys
    wide = x.with_channels(part.expansion * c)
    up = Cost.convolution(c, wide.channels, kernel=1, out=wide, bias=False)
    down = Cost.convolution(wide.channels, c, kernel=1, out=x, bias=False)
    forward = norm + up + Cost.made(wide.elements, keeps="x") + down + added
    return norm + (Cost.made(x.elements) + (both + look)) + added + forward
