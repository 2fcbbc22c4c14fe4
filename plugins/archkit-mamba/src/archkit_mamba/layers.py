"""The block in torch, without a kernel of its own, which knows nothing of specs."""

from __future__ import annotations

import math

import torch
from archkit.nn.axes import convolution, spread
from torch import Tensor, nn
from torch.nn.functional import pad, silu, softplus


def scan(keep: Tensor, add: Tensor) -> Tensor:
    """Every h of h[t] = keep[t] · h[t-1] + add[t] along axis 1, in log₂ steps of whole tensors.

    Two neighbours make one step twice as long; those of half the length give every second h, and
    these the others.

    References:
        | Prefix Sums and Their Applications (Blelloch, 1990)

    Arguments:
        keep, add: (B, positions, …).
    """
    length, pairs = add.shape[1], add.shape[1] // 2
    if not pairs:
        return add
    keeps, odd_keeps = keep[:, ::2], keep[:, 1::2]
    adds, odd_adds = add[:, ::2], add[:, 1::2]
    odd = scan(odd_keeps * keeps[:, :pairs], odd_adds + odd_keeps * adds[:, :pairs])
    later = adds[:, 1:] + keeps[:, 1:] * odd[:, : adds.shape[1] - 1]
    even = torch.cat((adds[:, :1], later), 1)
    both = torch.stack((even[:, :pairs], odd), 2).flatten(1, 2)
    return both if length == 2 * pairs else torch.cat((both, even[:, pairs:]), 1)


class SelectiveStateSpace(nn.Module):
    """A state space whose steps depend on what it reads: (B, positions, width) → the same shape.

    Arguments:
        width: Channels that enter and leave.
        state: Numbers that each of them remembers.
        rank: Numbers that the step size is made of.
    """

    def __init__(self, width: int, state: int, rank: int) -> None:
        super().__init__()
        self.state, self.rank = state, rank
        self.read = nn.Linear(width, rank + 2 * state, bias=False)
        self.step = nn.Linear(rank, width)
        # Steps between 0.001 and 0.1, as published: softplus undone.
        steps = torch.exp(torch.linspace(math.log(1e-3), math.log(1e-1), width))
        self.step.bias = nn.Parameter(torch.log(torch.expm1(steps)))
        decays = torch.arange(1.0, state + 1).expand(width, state)
        self.log_decay = nn.Parameter(torch.log(decays).contiguous())
        self.through = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        coarse, enter, leave = self.read(x).split((self.rank, self.state, self.state), -1)
        step = softplus(self.step(coarse))
        keep = torch.exp(-step[..., None] * torch.exp(self.log_decay))
        add = (step * x)[..., None] * enter[:, :, None]
        held = scan(keep, add)
        out: Tensor = (held * leave[:, :, None]).sum(-1) + self.through * x
        return out


class MambaModule(nn.Module):
    """(B, channels, …) and an embedding (B, E) → (B, width, …).

    Arguments:
        dims: Spatial axes.
        channels, width: Channels that enter and leave.
        norm: The norm of `channels`.
        embedding: The width of the embedding; None for none.
        inner: Width inside, numbers remembered, and rank of the step size.
        kernel: Of the causal convolution.
        both: Whether positions are read backwards too.
    """

    def __init__(
        self,
        dims: int,
        channels: int,
        width: int,
        *,
        norm: nn.Module,
        embedding: int | None,
        inner: tuple[int, int, int],
        kernel: int = 4,
        both: bool = True,
    ) -> None:
        super().__init__()
        wide, state, rank = inner
        self.kernel, self.both = kernel, both
        self.norm = norm
        self.embedding = None if embedding is None else nn.Linear(embedding, channels)
        self.enter = nn.Linear(channels, 2 * wide, bias=False)
        self.conv = nn.Conv1d(wide, wide, kernel, groups=wide)
        self.states = SelectiveStateSpace(wide, state, rank)
        self.leave = nn.Linear(wide, width, bias=False)
        self.shortcut = None if channels == width else convolution(dims, channels, width, 1)

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        h = self.norm(x)
        if self.embedding is not None:
            h = h + spread(self.embedding(embedding), h)
        line, gate = self.enter(h.flatten(2).transpose(1, 2)).chunk(2, -1)
        if self.both:
            ways = torch.stack((line, line.flip(1))).flatten(0, 1)
            forwards, backwards = self.along(ways).unflatten(0, (2, -1)).unbind()
            mixed = forwards + backwards.flip(1)
        else:
            mixed = self.along(line)
        out: Tensor = self.leave(mixed * silu(gate)).transpose(1, 2).unflatten(2, x.shape[2:])
        return out + (x if self.shortcut is None else self.shortcut(x))

    def along(self, line: Tensor) -> Tensor:
        """What each position makes of itself and of those before it: (B, positions, wide)."""
        seen = self.conv(pad(line.transpose(1, 2), (self.kernel - 1, 0))).transpose(1, 2)
        mixed: Tensor = self.states(silu(seen))
        return mixed
