"""What a stage of Stable Cascade costs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from archkit import Cost, Shape, Site

from .contexts import past_padding

if TYPE_CHECKING:
    from .stable_cascade import StableCascade


def stage(part: StableCascade, site: Site) -> Cost:
    """All layers, as often as they run."""
    out, skip = Shape(site.width, site.x.space), site.x.channels - site.width
    layers = [_layer(part, site, skip), *[_layer(part, site, 0)] * (part.depth - 1)]
    between = Cost.convolution(site.width, site.width, kernel=1, out=out)
    total = Cost()
    for layer in layers:
        total += layer
    for _ in range(part.repeats - 1):
        total += between
        for layer in layers:
            total += replace(layer, parameters=0)
    return total


def _layer(part: StableCascade, site: Site, skip: int) -> Cost:
    x = Shape(site.width, site.x.space)
    layer = _block(part, site, x, skip)
    if site.embedding is not None:
        layer += _modulation(part, site, x)
    return layer + _attention(part, site, x) if part.heads else layer


def _block(part: StableCascade, site: Site, x: Shape, skip: int) -> Cost:
    """The ConvNeXt block, and its addition."""
    c, n = x.channels, x.positions
    wide = 4 * c * n
    conv = Cost.convolution(c, c, kernel=part.kernel, out=x, groups=c)
    norm = Cost.norm(c, affine=False, positions=n, statistics=2 * n)
    joined = Cost.made((c + skip) * n) if skip else Cost()
    response = Cost(8 * c) + Cost.made(wide, keeps="x", saved=12 * c + 1, spare=12 * c)
    dropout = Cost.dropout(wide) if part.dropout else Cost()
    up, down = Cost.linear(c + skip, 4 * c, tokens=n), Cost.linear(4 * c, c, tokens=n)
    gelu = Cost.made(wide, keeps="x")
    between = up + gelu + response
    return conv + norm + joined + (between) + dropout + down + Cost.made(x.elements)


def _modulation(part: StableCascade, site: Site, x: Shape) -> Cost:
    c, each = x.channels, (site.embedding or 0) // part.vectors
    layers = Cost.linear(each, 2 * c).aside("embedding") * part.vectors
    return layers + Cost.made(x.elements, keeps="x", saved=c, spare=2 * c)


def _attention(part: StableCascade, site: Site, x: Shape) -> Cost:
    c, n, count = x.channels, x.positions, part.heads or 1
    norm = Cost.norm(c, affine=False, positions=n, statistics=2 * n)
    looked = [site.contexts[name] for name in part.looks(site)]
    m = sum(context.positions for context in looked)
    keys = Cost.linear(c, 2 * c, tokens=n + m)
    if looked:
        width = looked[0].channels
        told = Cost.made(width * m) + Cost.made(width * m, keeps="x")
        told += Cost.linear(width, c, tokens=m)
        keys = replace(told, out=None, reach={}) + (Cost.made(c * (n + m)) + keys).holding(c * m)
    both = Cost.linear(c, c, tokens=n) & keys
    look = Cost.attention(c, queries=n, keys=n + m, heads=count)
    look = past_padding(look, part.looks(site), site, around=n) + Cost.linear(c, c, tokens=n)
    return norm + (both + look) + Cost.made(x.elements)
