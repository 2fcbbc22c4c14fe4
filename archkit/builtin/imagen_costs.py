"""What the block and the transformer of Imagen cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

from archkit import Cost, Shape, Site

from .blocks import with_embedding
from .contexts import past_padding

if TYPE_CHECKING:
    from .imagen import ImagenAttention, ImagenBlock


def block(part: ImagenBlock, site: Site) -> Cost | None:
    """Both convolutions, what is between and after them, and the shortcut."""
    channels, width, space = site.x.channels, site.width, site.x.space
    here, there, out = site.at(channels), site.at(width), Shape(width, space)
    parts = (
        *(part.norm.cost(here), part.activation.cost(here)),
        *(part.norm.cost(there), part.activation.cost(there)),
    )
    counted = [each for each in parts if each is not None]
    if len(counted) < len(parts):
        return None
    norm1, activation1, norm2, activation2 = counted
    vectors = 2 * width if "embedding" in part.reads(site) else 0
    total = norm1 + activation1
    total += Cost.convolution(channels, width, kernel=3, out=out)
    if part.looks(site):
        look = crossing(part, site, out) + Cost.made(out.elements)
        total += Cost.made(out.elements) + look + Cost.made(out.elements)
    total += with_embedding(part, site, norm2, out)
    total += activation2.holding(vectors)
    total += Cost.convolution(width, width, kernel=3, out=out).holding(vectors)
    if part.gate:
        total += global_context(out) + Cost.made(out.elements, keeps="x").holding(vectors)
    shortcut = Cost()
    if channels != width:
        shortcut = Cost.convolution(channels, width, kernel=1, out=out)
    return (total & shortcut) + Cost.made(out.elements).holding(vectors)


def told(site: Site, names: tuple[str, ...], then: Callable[[int, int], Cost]) -> tuple[Cost, int]:
    """What is done to sequences, one after another; what that costs, and their length.

    Arguments:
        then: Its cost, of their width and length.
    """
    shapes = [site.contexts[name] for name in names]
    width, length = shapes[0].channels, sum(shape.positions for shape in shapes)
    cost = then(width, length)
    if len(names) == 1:
        return cost.reading(names[0]), length
    sequences = Cost().reading(names[0])
    for name in names[1:]:
        sequences &= Cost().reading(name)
    return sequences + (Cost.made(width * length) + cost), length


def gain(channels: int, positions: int) -> Cost:
    """A layer norm that learns a scale and no shift."""
    norm = Cost.norm(channels, positions=positions, statistics=2 * positions)
    return replace(norm, parameters=channels)


def unit(vectors: int, width: int) -> Cost:
    """So many vectors, each divided by its length and scaled."""
    n = vectors * width
    root = Cost.made(n, keeps="x") + Cost.made(vectors, saved=vectors)
    scaled = root + Cost.made(n)
    return scaled + Cost.made(n, keeps="x").holding(vectors) + Cost(width)


def crossing(part: ImagenBlock, site: Site, x: Shape) -> Cost:
    """Tokens that look at sequences and at a learned one."""
    c, n, wide = x.channels, x.positions, part.inner
    head = wide // part.heads
    q = gain(c, n) + Cost.linear(c, wide, tokens=n, bias=False) + unit(part.heads * n, head)
    kv, length = told(
        site, part.looks(site), lambda w, m: Cost.linear(w, 2 * wide, tokens=m, bias=False)
    )
    keys = length + 1
    kv = kv + Cost.made(2 * wide * keys) + unit(part.heads * keys, head) + Cost(2 * head)
    look = Cost.attention(wide, queries=n, keys=keys, heads=part.heads)
    look = past_padding(look, part.looks(site), site, around=1)
    held = wide * n + 2 * wide * (length + keys)
    return _looked((q & kv) + look.holding(held), part, x, held)


def _looked(look: Cost, part: ImagenBlock | ImagenAttention, x: Shape, held: int) -> Cost:
    """An attention and what follows it; meanwhile so many elements are held."""
    c, n, wide = x.channels, x.positions, part.inner
    look += Cost.linear(wide, c, tokens=n, bias=False).holding(held)
    return look + gain(c, n).holding(held)


def transformer(part: ImagenAttention, site: Site) -> Cost:
    """The layers of a transformer on the positions."""
    x, c, n = site.x, site.x.channels, site.x.positions
    wide = part.hidden(site)
    forward = gain(c, n) + Cost.linear(c, wide, tokens=n, bias=False)
    forward += Cost.made(wide * n, keeps="x") + gain(wide, n)
    forward += Cost.linear(wide, c, tokens=n, bias=False)
    added = Cost.made(x.elements)
    layer = (_attention(part, site) + added) + (forward + added)
    return Cost.made(x.elements) + layer * part.depth


def _attention(part: ImagenAttention, site: Site) -> Cost:
    c, n, wide, names = site.x.channels, site.x.positions, part.inner, part.looks(site)
    head, length = wide // part.heads, 0
    q = Cost.linear(c, wide, tokens=n, bias=False) + unit(part.heads * n, head)
    kv = Cost.linear(c, 2 * head, tokens=n, bias=False)
    if names:
        beside, length = told(site, names, lambda w, m: _context(w, 2 * head, m))
        kv = beside & kv
    keys = length + 1 + n
    kv = kv + Cost.made(2 * head * keys) + unit(keys, head) + Cost(2 * head)
    held = wide * n + 2 * head * (length + n + keys)
    look = Cost.attention(wide, queries=n, keys=keys, heads=part.heads)
    look = past_padding(look, names, site, around=1 + n)
    return gain(c, n) + _looked((q & kv) + look.holding(held), part, site.x, held)


def _context(channels: int, width: int, tokens: int) -> Cost:
    norm = Cost.norm(channels, positions=tokens, statistics=2 * tokens)
    return norm + Cost.linear(channels, width, tokens=tokens)


def global_context(x: Shape) -> Cost:
    """A weighted mean over all positions, through two layers, as a gate for each channel."""
    c, n, hidden = x.channels, prod(x.space), max(3, x.channels // 2)
    weigh = Cost.convolution(c, 1, kernel=1, out=Shape(1, x.space)) + Cost.made(n)
    everywhere = Cost.attention(1, queries=1, keys=n).reach
    mean = Cost(0, c * n, c, c, 0, frozenset({"x"}), everywhere)
    gate = Cost.linear(c, hidden) + Cost.made(hidden, keeps="x") + Cost.linear(hidden, c)
    return (weigh & Cost()) + mean + gate + Cost.made(c, keeps="out")
