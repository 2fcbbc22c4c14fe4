"""The graph inside a part, as lines of a metro map: a main line, branches, and what comes in.

Every graph without cycles has such a map, so that no layout engine is needed: the main line leads
from the trunk to what comes out, every other chain of ops runs beside it, and what is still left
becomes a bracket.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ..looks import Op


@dataclass(frozen=True)
class Chain:
    """Ops that run one after the other beside the main line.

    Arguments:
        ops: Their places in the list of ops.
        told: The conditions that its first op reads, if that is all it reads.
    """

    ops: tuple[int, ...]
    told: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inner:
    """The ops of a part and how they hang together.

    Arguments:
        outside: What the part itself reads; the first is the trunk.
    """

    ops: tuple[Op, ...]
    outside: tuple[str, ...] = ("x",)

    @cached_property
    def reads(self) -> tuple[tuple[int | str, ...], ...]:
        """For each op, the ops (by place) and outside values (by name) that it reads."""
        named: dict[str, int] = {}
        found: list[tuple[int | str, ...]] = []
        for i, op in enumerate(self.ops):
            before: int | str = i - 1 if i else self.outside[0]
            wanted = [named.get(name, name) for name in op.reads] or [before]
            found.append(tuple(wanted))
            if op.name:
                named[op.name] = i
        return tuple(found)

    @cached_property
    def main(self) -> tuple[int, ...]:
        """The main line: back from the last op to the trunk, by the longest way."""
        line = [len(self.ops) - 1]
        while before := [r for r in self.reads[line[-1]] if isinstance(r, int)]:
            nearest = max(before, key=lambda op: self._depths[op])
            if self._depths[nearest] < 0 and self.outside[0] in self.reads[line[-1]]:
                break
            line.append(nearest)
        return tuple(reversed(line))

    @cached_property
    def _depths(self) -> tuple[int, ...]:
        """How many ops lie between the trunk and each; negative where none of it comes there."""
        far = -len(self.ops)
        depths: list[int] = []
        for reads in self.reads:
            from_trunk = [0] if self.outside[0] in reads else []
            before = [depths[r] for r in reads if isinstance(r, int)]
            depths.append(1 + max([*from_trunk, *before, far]))
        return tuple(depths)

    @property
    def start(self) -> str:
        """What the main line begins with: the trunk, if its first op reads that."""
        reads = [r for r in self.reads[self.main[0]] if isinstance(r, str)]
        return self.outside[0] if self.outside[0] in reads or not reads else reads[0]

    def readers(self, op: int) -> tuple[int, ...]:
        """The ops that read an op."""
        return tuple(i for i, reads in enumerate(self.reads) if op in reads)

    @cached_property
    def chains(self) -> tuple[Chain, ...]:
        """Everything beside the main line, as chains."""
        chains: list[list[int]] = []
        for i in range(len(self.ops)):
            if i in self.main:
                continue
            before = self.reads[i][0]
            home = next((c for c in chains if c[-1] == before), None)
            alone = len(self.reads[i]) == 1 and home and self.readers(home[-1]) == (i,)
            if home and alone:
                home.append(i)
            else:
                chains.append([i])
        return tuple(Chain(tuple(c), self._told(c[0])) for c in chains)

    def _told(self, op: int) -> tuple[str, ...]:
        """The conditions an op reads; nothing if it reads anything else."""
        names = [r for r in self.reads[op] if isinstance(r, str) and r != self.start]
        return tuple(names) if len(names) == len(self.reads[op]) else ()

    def fed(self, chain: Chain) -> bool:
        """Whether a chain goes on where another comes back to."""
        before = self.reads[chain.ops[0]][0]
        ends = [other.ops[-1] for other in self.chains if not other.told and other != chain]
        return any(before == end and self.readers(end)[0] == chain.ops[0] for end in ends)

    @cached_property
    def rows(self) -> tuple[int, ...]:
        """The row of each op, from 1: below all it reads.

        What is told stands beside its reader, a branch halfway along.
        """
        rows = [0] * len(self.ops)
        told = {op: chain for chain in self.chains if chain.told for op in chain.ops}
        asking = {op for _, op in self.asked}
        free = -len(self.ops)  # the next row where nothing is told yet
        for i, reads in enumerate(self.reads):
            if i in told:
                continue
            above = [rows[r] for r in reads if isinstance(r, int) and r not in told]
            rows[i] = 1 + max(above, default=0)
            for chain in (told[r] for r in reads if isinstance(r, int) and r in told):
                if self.readers(chain.ops[-1])[0] == i:
                    rows[i] = max(rows[i], free + len(chain.ops))
                    for back, op in enumerate(reversed(chain.ops)):
                        rows[op] = rows[i] - back
                    free = rows[i] + 1
            if i in asking:
                rows[i] = max(rows[i], free)
                free = rows[i] + 1
        for chain in self.chains:
            if not chain.told and not any(op in asking for op in chain.ops):
                reader = min((rows[r] for r in self.readers(chain.ops[-1])), default=1)
                self._halfway(rows, chain, (reader - 1 - rows[chain.ops[-1]]) // 2)
        return tuple(rows)

    def _halfway(self, rows: list[int], chain: Chain, slack: int) -> None:
        """Moves a branch down, unless something is told to it."""
        reads = (r for op in chain.ops for r in self.reads[op] if isinstance(r, int))
        if not any(r in other.ops for r in reads for other in self.chains if other.told):
            for op in chain.ops:
                rows[op] += slack

    @cached_property
    def brackets(self) -> tuple[tuple[int | str, int], ...]:
        """Edges that neither a line nor the end of a chain draws: residuals, above all."""
        drawn: set[tuple[int | str, int]] = set(zip(self.main, self.main[1:], strict=False))
        drawn.add((self.start, self.main[0]))
        for chain in self.chains:
            drawn |= set(zip(chain.ops, chain.ops[1:], strict=False))
            drawn.add((self.reads[chain.ops[0]][0], chain.ops[0]))
            readers = self.readers(chain.ops[-1])
            back = [r for r in readers if r in self.main][:1]
            drawn |= {(chain.ops[-1], r) for r in (readers if chain.told else back)}
        edges = ((r, i) for i, reads in enumerate(self.reads) for r in reads)
        return tuple(
            e
            for e in dict.fromkeys(edges)
            if e not in drawn and (isinstance(e[0], int) or e[0] == self.start)
        )

    @cached_property
    def asked(self) -> tuple[tuple[str, int], ...]:
        """Conditions that ops of the main line or of branches read directly."""
        first = {chain.ops[0] for chain in self.chains if chain.told}
        return tuple(
            (r, i)
            for i, reads in enumerate(self.reads)
            for r in reads
            if isinstance(r, str) and r != self.start and i not in first
        )
