"""From the options of each level to the rows of a spec, with what all share said once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Says = dict[str, Any]
Attention = Says | Literal[False]


@dataclass
class Rows:
    """The stages of a network, level by level, the finest first.

    Attention is a mapping of options, the same options at every level; or False for none.

    Arguments:
        widths: Channels of each level.
        blocks: Blocks of each encoder row.
        encoder, decoder: Attention of each level, on the way down and up.
        bottleneck: That of the bottleneck.
        pooling, upsampling: Between each level and the next deeper one.
    """

    widths: Sequence[int]
    blocks: Sequence[int]
    encoder: Sequence[Attention]
    decoder: Sequence[Attention]
    bottleneck: Attention
    pooling: Sequence[Says] = field(default_factory=list)
    upsampling: Sequence[Says] = field(default_factory=list)

    def spec(self, attention: Says) -> Says:
        """The part of a spec that says all this.

        Arguments:
            attention: What the attention of every level has, its type among it.
        """
        lit = [a for a in (*self.encoder, *self.decoder, self.bottleneck) if a is not False]
        shared = _shared(lit)
        rows = [self._row(i, shared) for i in range(len(self.widths))]
        said: Says = {"encoder": rows, "bottleneck": self._bottom(shared)}
        if list(self.encoder) != list(self.decoder):
            said["decoder"] = [{"attention": _rest(a, shared)} for a in self.decoder]
        if lit:
            said["attention"] = differing({**attention, **shared}, depth=1)
        said |= _resampled("pooling", self.pooling, rows)
        said |= _resampled("upsampling", self.upsampling, said.get("decoder", rows))
        return {key: value for key, value in said.items() if value}

    def _row(self, level: int, shared: Says) -> Says:
        row: Says = {"channels": self.widths[level], "blocks": self.blocks[level]}
        if self.encoder[level] is not False:
            row["attention"] = _rest(self.encoder[level], shared)
        return row

    def _bottom(self, shared: Says) -> Says:
        """What the bottleneck says where it is not as the deepest row with attention."""
        lit = [a for a in self.encoder if a is not False]
        if self.bottleneck == (lit[-1] if lit else False):
            return {}
        return {"attention": _rest(self.bottleneck, shared)}


def differing(says: Mapping[str, Any], **defaults: Any) -> Says:
    """Options without those that are as archkit's defaults, or that say nothing."""
    return {
        key: value
        for key, value in says.items()
        if value not in (None, {}) and (key not in defaults or value != defaults[key])
    }


def _resampled(name: str, steps: Sequence[Says], rows: Sequence[Says]) -> Says:
    """One resampler for all, at the top; or each of them in its row, and nothing at the top."""
    if all(step == steps[0] for step in steps):
        return {name: steps[0]} if steps else {}
    for row, step in zip(rows[: len(steps)], steps, strict=True):
        row[name] = step
    return {}


def finished(name: str, says: Says) -> Says:
    """The whole spec, without what archkit says by itself."""
    usual: Says = {"pooling": {"type": "conv"}, "upsampling": {"type": "nearest"}}
    return {"archkit": 1, "name": name, **differing(says, **usual)}


def _shared(said: Sequence[Says]) -> Says:
    first = said[0] if said else {}
    if any(other.get("type") != first.get("type") for other in said):
        return {}  # options of different components have nothing to do with each other
    return {k: v for k, v in first.items() if all(other[k] == v for other in said)}


def _rest(attention: Attention, shared: Says) -> Says | bool:
    if attention is False:
        return False
    return {k: v for k, v in attention.items() if k not in shared} or True
