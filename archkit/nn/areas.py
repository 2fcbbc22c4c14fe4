"""Attention that looks no further than a window or a neighbourhood of each position."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def everywhere(q: Tensor, k: Tensor, v: Tensor, scale: float | None) -> Tensor:
    """Every position looks at every other: (B, heads, positions, width), as all of these."""
    return functional.scaled_dot_product_attention(q, k, v, scale=scale)


def among_neighbours(
    q: Tensor, k: Tensor, v: Tensor, scale: float | None, space: Sequence[int], size: int
) -> Tensor:
    """Every position looks at the `size` nearest along each axis, itself in their midst.

    At a border they are those nearest to it, so that there are as many everywhere. The keys and
    values of each position are laid out beside it, which takes their memory as often.

    References:
        | Neighborhood Attention Transformer (Hassani et al., 2023)
        | https://arxiv.org/abs/2204.07143
    """
    near = (slice(None), slice(None), *_neighbours(space, size, q.device))
    k, v = (t.unflatten(2, tuple(space))[near] for t in (k, v))
    k, v = (t.flatten(2 + len(space), -2).flatten(1, 1 + len(space)) for t in (k, v))
    out = functional.scaled_dot_product_attention(q.flatten(1, 2)[:, :, None], k, v, scale=scale)
    heads: Tensor = out[:, :, 0].unflatten(1, q.shape[1:3])
    return heads


def _neighbours(space: Sequence[int], size: int, device: torch.device) -> list[Tensor]:
    """Where the positions that each one looks at are along every axis: (*space, *sizes), or 1."""
    axes, found = len(space), []
    for axis, n in enumerate(space):
        start = (torch.arange(n, device=device) - size // 2).clamp(0, n - size)
        along = start[:, None] + torch.arange(size, device=device)
        shape = [1] * (2 * axes)
        shape[axis], shape[axes + axis] = n, size
        found.append(along.view(shape))
    return found


def in_windows(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    scale: float | None,
    space: Sequence[int],
    size: int,
    shift: int,
) -> Tensor:
    """Every position looks at those of its own window; the grid of windows is moved by `shift`.

    References:
        | Swin Transformer: Hierarchical Vision Transformer using Shifted Windows
          (Liu et al., 2021)
        | https://arxiv.org/abs/2103.14030
    """
    q, k, v = (_windows(t.unflatten(2, tuple(space)), size, shift) for t in (q, k, v))
    apart = _apart(space, size, shift, q) if shift else None
    out = functional.scaled_dot_product_attention(q, k, v, attn_mask=apart, scale=scale)
    return _whole(out, space, size, shift).flatten(2, 1 + len(space))


def _windows(t: Tensor, size: int, shift: int) -> Tensor:
    """(B, heads, *space, width) as (B · windows, heads, size ** axes, width)."""
    axes = t.ndim - 3
    if shift:
        t = t.roll((shift,) * axes, tuple(range(2, 2 + axes)))
    for axis in range(axes):
        t = t.unflatten(2 + 2 * axis, (-1, size))
    outer, inner = range(2, 2 + 2 * axes, 2), range(3, 3 + 2 * axes, 2)
    t = t.permute(0, *outer, 1, *inner, 2 + 2 * axes).contiguous()
    return t.flatten(2 + axes, 1 + 2 * axes).flatten(0, axes)


def _whole(t: Tensor, space: Sequence[int], size: int, shift: int) -> Tensor:
    """The way back of `_windows`: (B, heads, *space, width)."""
    axes = len(space)
    t = t.unflatten(0, (-1, *(n // size for n in space))).unflatten(2 + axes, (size,) * axes)
    pairs = [place for axis in range(axes) for place in (1 + axis, 2 + axes + axis)]
    t = t.permute(0, 1 + axes, *pairs, 2 + 2 * axes)
    for axis in range(axes):
        t = t.flatten(2 + axis, 3 + axis)
    return t.roll((-shift,) * axes, tuple(range(2, 2 + axes))) if shift else t


def _apart(space: Sequence[int], size: int, shift: int, like: Tensor) -> Tensor:
    """−∞ between positions that the shift brought into one window from both ends of an axis."""
    t = torch.zeros(1, 1, *space, 1, device=like.device, dtype=torch.int64)
    for axis, n in enumerate(space):
        beyond = torch.arange(n, device=like.device) >= n - shift
        t = 2 * t + beyond.view(n, *(1,) * (len(space) - axis))
    ends = _windows(t, size, shift)[..., 0]  # (windows, 1, size ** axes)
    mask = torch.zeros_like(ends[..., None, :] - ends[..., None], dtype=like.dtype)
    mask = mask.masked_fill(ends[..., None, :] != ends[..., None], float("-inf"))
    return mask.repeat(like.shape[0] // mask.shape[0], 1, 1, 1)
