"""What the branches of a transformer block cost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from archkit import Cost, Norm, Site

if TYPE_CHECKING:
    from .transformers import TransformerBlock


def scaled(norm: Norm, site: Site, bias: bool) -> Cost | None:
    """A norm, and the layer of the embedding that scales it."""
    counted, c = norm.cost(site), site.x.channels
    if counted is None or site.embedding is None:
        return counted
    project = Cost.linear(site.embedding, c, bias=bias).aside("embedding")
    return project + (counted + Cost.made(site.x.elements, keeps="x", saved=c, spare=2 * c))


def attention(block: TransformerBlock, site: Site) -> Cost:
    """Queries, keys and values of tokens, what they look at, and the last projection."""
    c, n, count = site.x.channels, site.x.positions, block.count(site)
    out = Cost.linear(c, c, tokens=n, bias=block.linear_bias)
    look = _look(block, site, count)
    if block.similarity == "cosine" or block.positions == "axial":
        # Queries and keys are new, and values still in the joint projection.
        look = _prepared(block, site, count) + look
        look = replace(look, keeps=look.keeps | {"x"})
    if block.area != "everywhere" or (block.positions == "axial" and count > 1):
        out = Cost.made(c * n) + out  # heads lie apart, and are brought together
    return Cost.linear(c, 3 * c, tokens=n, bias=block.bias) + (look + out)


def _prepared(block: TransformerBlock, site: Site, count: int) -> Cost:
    """Queries and keys of length one, and turned by their position."""
    c, n = site.x.channels, site.x.positions
    pairs = count * (c // count // (4 * site.dims)) * site.dims * n
    elements, parameters, saved, peak = c * n, 0, 0, 0
    cosine, axial = block.similarity == "cosine", block.positions == "axial"
    if cosine:
        parameters, saved, peak = count, elements + 2 * count * n, 2 * elements + count * n
    if axial:
        saved += 2 * pairs
        peak = (4 if cosine else 2) * elements + 5 * pairs
    return Cost(parameters, 0, 2 * elements, max(peak, 2 * elements), saved, frozenset())


def _look(block: TransformerBlock, site: Site, count: int) -> Cost:
    """The attention itself."""
    c, n = site.x.channels, site.x.positions
    if block.area == "everywhere":
        return Cost.attention(c, queries=n, keys=n, heads=count)
    keys = block.size**site.dims
    look = Cost.attention(c, queries=n, keys=keys, heads=count)
    if block.area == "neighbours":
        return Cost.made((2 * keys + 1) * c * n) + look
    moved = bool(block.shift)
    apart, back = Cost(saved=moved * n * keys), Cost.made(c * n) * (1 + moved)
    windows = Cost.made(3 * c * n, spare=moved * c * n)
    return windows + (apart + (look + back).holding(moved * n * keys))


def feed_forward(block: TransformerBlock, site: Site, activation: Cost) -> Cost:
    """Linear, activation and maybe a gate, linear."""
    c, n, wide, bias = site.x.channels, site.x.positions, block.hidden(site), block.linear_bias
    dropout = Cost.dropout(wide * n) if block.dropout else Cost()
    if block.gated:
        return gated(c, wide, n, activation, dropout, bias=bias)
    up, down = (Cost.linear(*widths, tokens=n, bias=bias) for widths in ((c, wide), (wide, c)))
    return up + activation + dropout + down


def gated(
    channels: int, wide: int, tokens: int, activation: Cost, dropout: Cost, *, bias: bool
) -> Cost:
    """Linear to a value and its gate, linear."""
    gate = activation + Cost.made(wide * tokens, keeps="x")
    # The value is kept, and its other half, the gate, with it.
    gate = replace(gate, keeps=gate.keeps | {"x"})
    down = Cost.linear(wide, channels, tokens=tokens, bias=bias)
    return Cost.linear(channels, 2 * wide, tokens=tokens, bias=bias) + (gate + dropout + down)
