"""What a part costs and how far it looks, counted on paper for a batch of one.

A cost is put together as its `forward` runs: ``a + b`` is b on what came out of a, ``a & b`` is
both on the same input, ``a * 3`` is three of a kind. What is grouped in parentheses is what a
function of its own would be: its input stays alive while it runs, because its caller holds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .shapes import Shape
from .windows import EVERYWHERE, PerAxis, Reach, Step, Window, joined, of_frames, sliding, united

_X, _OUT = frozenset({"x"}), frozenset({"out"})
_HERE: Mapping[str, Reach] = {"x": ()}


@dataclass(frozen=True, slots=True)
class Scores:
    """The score matrices of an attention: in each of `layers`, `heads` of queries × keys.

    Fused kernels make them piece by piece and never hold one whole.
    """

    heads: int
    queries: int
    keys: int
    layers: int = 1

    @property
    def elements(self) -> int:
        """Of all heads of one layer."""
        return self.heads * self.queries * self.keys


@dataclass(frozen=True, slots=True)
class Cost:
    """Parameters, multiply-accumulates, memory and reach of one forward pass, for a batch of one.

    MACs are those of convolutions, linear layers and attention, each multiplication with its
    addition counted once; norms, activations and additions are left out, as torch's own
    counter does (its FLOPs are twice these). Memory is in elements of the network's own type
    (of float32 for the few that are always whole numbers); it counts the tensors that torch
    hands out, with a fused attention, and not what a kernel needs for itself meanwhile.

    Arguments:
        parameters: Numbers that are learned.
        macs: Multiply-accumulates.
        out: Elements of the tensor that comes out; None where that is the input itself.
        peak: Most elements alive at once inside, the output included, the inputs not.
        saved: Elements made inside that autograd keeps for the backward pass.
        keeps: What it keeps besides: inputs, by their word in `reads`, and its own ``out``.
        reach: For inputs with positions, the operations through which an output sees them.
        scores: The score matrices of its attentions.

    Examples:
        >>> Cost.convolution(3, 64, kernel=3, out=Shape(64, (32, 32)))
        Cost(parameters=1792, macs=1769472)
        >>> block = Cost.linear(10, 20) + Cost.norm(20)
        >>> block, block.peak, block.saved
        (Cost(parameters=260, macs=200), 40, 20)
    """

    parameters: int = 0
    macs: int = 0
    out: int | None = field(default=None, repr=False)
    peak: int = field(default=0, repr=False)
    saved: int = field(default=0, repr=False)
    keeps: frozenset[str] = field(default=frozenset(), repr=False)
    reach: Mapping[str, Reach] = field(default_factory=lambda: _HERE, repr=False)
    scores: tuple[Scores, ...] = field(default=(), repr=False)

    def __add__(self, then: Cost) -> Cost:
        """This, then that on what came out."""
        between = self.out or 0
        saved, keeps = self.saved + then.saved, self.keeps | then.keeps
        if self.out is not None:
            keeps = (self.keeps - _OUT) | (then.keeps - _X)
            if "x" in then.keeps or "out" in self.keeps:
                if then.out is None:
                    keeps |= _OUT
                else:
                    saved += between
        after = then.reach.get("x", ())
        reach = {word: joined(r, after) for word, r in self.reach.items()} if after else self.reach
        return Cost(
            self.parameters + then.parameters,
            self.macs + then.macs,
            self.out if then.out is None else then.out,
            max(self.peak, between + then.peak),
            saved,
            keeps,
            reach,
            self.scores + then.scores,
        )

    def __and__(self, beside: Cost) -> Cost:
        """This, and that on the same input; both results are then at hand."""
        outs = [cost.out for cost in (self, beside) if cost.out is not None]
        kept = sum(cost.out or 0 for cost in (self, beside) if "out" in cost.keeps)
        return Cost(
            self.parameters + beside.parameters,
            self.macs + beside.macs,
            sum(outs) if outs else None,
            max(self.peak, (self.out or 0) + beside.peak),
            self.saved + beside.saved + kept,
            (self.keeps | beside.keeps) - _OUT,
            united(self.reach, beside.reach),
            self.scores + beside.scores,
        )

    def __mul__(self, times: int) -> Cost:
        """So many of a kind in a loop, each in the place of the one before."""
        if times == 0:
            return Cost()
        more = times - 1
        between = self.out or 0 if self.keeps & (_X | _OUT) else 0
        return replace(
            self,
            parameters=self.parameters * times,
            macs=self.macs * times,
            saved=self.saved * times + between * more,
            reach={word: joined(r, r * more) for word, r in self.reach.items()},
            scores=tuple(replace(s, layers=s.layers * times) for s in self.scores),
        )

    def each(self, frames: int, axes: int) -> Cost:
        """The same done to each of so many frames alone, with the same weights.

        Arguments:
            axes: How many axes a frame has.
        """
        return replace(
            self,
            macs=self.macs * frames,
            out=None if self.out is None else self.out * frames,
            peak=self.peak * frames,
            saved=self.saved * frames,
            reach={word: of_frames(r, axes) for word, r in self.reach.items()},
            scores=tuple(replace(s, heads=s.heads * frames) for s in self.scores),
        )

    def reading(self, word: str) -> Cost:
        """The same, done to another input, called so in `reads`."""
        keeps = (self.keeps - _X) | ({word} if "x" in self.keeps else set())
        reach = {word: self.reach["x"]} if "x" in self.reach else {}
        return replace(self, keeps=keeps, reach=reach)

    def aside(self, word: str) -> Cost:
        """The same for an input that is no image: what comes out changes the trunk on its way."""
        return replace(self.reading(word), out=None, reach={})

    def holding(self, elements: int) -> Cost:
        """The same while so many elements more are alive."""
        return replace(self, peak=self.peak + elements) if elements else self

    @classmethod
    def made(
        cls,
        elements: int,
        *,
        keeps: str = "",
        saved: int = 0,
        spare: int = 0,
        windows: tuple[Window, ...] = (),
    ) -> Cost:
        """A new tensor of so many elements, by an operation that multiplies no matrices.

        Arguments:
            keeps: What autograd keeps, words with spaces between: ``x`` for SiLU, ``out`` for ReLU.
            saved: Elements that it keeps besides, such as a mask.
            spare: Elements that are made besides the output, and gone after.
            windows: What a position looks at along each axis; itself if left out.
        """
        reach = {"x": (windows,)} if windows else _HERE
        kept = frozenset(keeps.split())
        return cls(0, 0, elements, elements + spare, saved, kept, reach)

    @classmethod
    def dropout(cls, elements: int) -> Cost:
        """Values dropped while training: the mask is kept. Otherwise it does nothing."""
        return cls(out=elements, saved=elements)

    @classmethod
    def convolution(
        cls,
        channels: int,
        width: int,
        *,
        kernel: PerAxis,
        out: Shape,
        bias: bool = True,
        groups: int = 1,
        stride: PerAxis = 1,
        padding: PerAxis | None = None,
    ) -> Cost:
        """A convolution from `channels` to `width`; `out` gives the positions it is taken at.

        Arguments:
            padding: Zeros before the first position; half of the kernel if left out.
        """
        axes = len(out.space)
        kernels = (kernel,) * axes if isinstance(kernel, int) else kernel
        padding = tuple((k - 1) // 2 for k in kernels) if padding is None else padding
        seen = kernel != 1 or stride != 1
        return cls._taps(
            channels * width // groups,
            kernels,
            positions=out.positions,
            bias=width * bias,
            out=width * out.positions,
            windows=sliding(kernels, stride, padding, axes) if seen else (),
        )

    @classmethod
    def transposed(
        cls,
        kernel: tuple[int, ...],
        stride: tuple[int, ...],
        *,
        x: Shape,
        out: Shape,
        padding: tuple[int, ...],
        bias: bool = True,
    ) -> Cost:
        """A transposed convolution from `x` to `out`; each input meets the whole kernel.

        Arguments:
            padding: What it cuts off before the first position.
        """
        windows = tuple(map(Window.transposed, kernel, stride, padding))
        return cls._taps(
            x.channels * out.channels,
            kernel,
            positions=x.positions,
            bias=out.channels * bias,
            out=out.elements,
            windows=windows,
        )

    @classmethod
    def _taps(
        cls,
        weights: int,
        kernel: tuple[int, ...],
        *,
        positions: int,
        bias: int,
        out: int,
        windows: Step,
    ) -> Cost:
        for k in kernel:
            weights *= k
        reach = {"x": (windows,)} if windows else _HERE
        return cls(weights + bias, weights * positions, out, out, 0, _X, reach)

    @classmethod
    def linear(cls, channels: int, width: int, *, tokens: int = 1, bias: bool = True) -> Cost:
        """A linear layer applied to `tokens` vectors."""
        out, weights = width * tokens, channels * width
        return cls(weights + width * bias, weights * tokens, out, out, 0, _X)

    @classmethod
    def attention(cls, width: int, *, queries: int, keys: int, heads: int = 1) -> Cost:
        """The two products of attention, all heads together `width` wide, on q, k and v.

        A fused kernel: it keeps what it reads, its output, and one number a row of scores.
        """
        out, rows = width * queries, heads * queries
        reach: Mapping[str, Reach] = {"x": EVERYWHERE}
        scores = (Scores(heads, queries, keys),)
        macs = 2 * queries * keys * width
        return cls(0, macs, out, out + rows, rows, _X | _OUT, reach, scores)

    @classmethod
    def norm(
        cls, channels: int, *, affine: bool = True, positions: int = 1, statistics: int = 0
    ) -> Cost:
        """A scale and a shift for each channel.

        Its reach is each position alone: statistics over positions are not counted as looking.

        Arguments:
            positions: At how many it is taken.
            statistics: Numbers it keeps for the backward pass: means and deviations.
        """
        made = cls.made(channels * positions, keeps="x", saved=statistics, spare=statistics)
        return replace(made, parameters=2 * channels * affine)
