"""Components with one fault each: every fault is caught by the laws it breaks, and by no other."""

import inspect
import itertools
from typing import Annotated, Any, ClassVar, Literal

import pytest
import torch
from pydantic import AfterValidator, Field
from torch import Tensor, nn

from archkit import Block, Cost, Misfit, Pooling, Shape, Site, SizeMap
from archkit.nn.axes import convolution, max_pool
from archkit.testing import LAWS, Unlawful, laws, parametrize_with_checks

pytest_plugins = "pytester"


class Pointwise(nn.Module):
    def __init__(self, dims: int, channels: int, width: int) -> None:
        super().__init__()
        self.conv = convolution(dims, channels, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return out


class Sound(Block):
    """A 1×1 convolution; nothing is wrong with it."""

    type: Literal["sound"] = "sound"
    gain: float = 1.0
    """Of nothing."""
    module: ClassVar[Any] = Pointwise
    breaks: ClassVar[set[str]] = set()

    def cost(self, site: Site) -> Cost | None:
        out = site.x.with_channels(site.width)
        return Cost.convolution(site.x.channels, site.width, kernel=1, out=out)

    def build(self, site: Site) -> nn.Module:
        made: nn.Module = self.module(site.dims, site.x.channels, site.width)
        return made


class Undocumented(Sound):
    """It has an option of which nothing is said."""

    breaks = {"documented"}
    loss: float = 1.0


class Speechless(Sound):
    breaks = {"documented"}


class Demanding(Sound):
    """It has an option without a default."""

    breaks = {"bare-name"}
    must: float
    """Needed."""


class Growing(Sound):
    """An option of it is another when it is read again."""

    breaks = {"round-trip"}
    size: Annotated[float, AfterValidator(lambda n: n + 1)] = 1.0
    """Of anything."""


class Window:
    """Nothing that YAML can write."""


class Unwritable(Sound):
    """An option of it is an object."""

    breaks = {"round-trip", "schema"}
    window: Window = Field(default_factory=Window)
    """To look through."""


class WrongShape(Sound):
    """On paper it has a channel too many."""

    breaks = {"shape"}

    def infer(self, site: Site) -> Shape:
        return Shape(site.width + 1, site.x.space)


class WrongAtOddSizes(Pooling):
    """On paper it keeps what fills no window."""

    breaks: ClassVar[set[str]] = {"shape"}
    type: Literal["ceil"] = "ceil"

    def size_maps(self, site: Site) -> tuple[SizeMap, ...]:
        return (SizeMap(plus=1, over=2, least=2),) * site.dims

    def build(self, site: Site) -> nn.Module:
        return max_pool((2,) * site.dims)


class WrongParameters(Sound):
    """On paper it has no bias."""

    breaks = {"cost"}

    def cost(self, site: Site) -> Cost:
        out = site.x.with_channels(site.width)
        return Cost.convolution(site.x.channels, site.width, kernel=1, out=out, bias=False)


class WrongMultiplications(Sound):
    """On paper its convolution is taken once, wherever it stands."""

    breaks = {"cost"}

    def cost(self, site: Site) -> Cost:
        return Cost.linear(site.x.channels, site.width)


class Uncounted(Sound):
    """What it costs it does not say, which is no fault."""

    def cost(self, site: Site) -> None:
        return None


class Squeezing(Sound):
    """It drops a batch of one."""

    breaks = {"batch-of-one"}

    class module(Pointwise):
        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x).squeeze(0) if x.shape[0] == 1 else self.conv(x)


class BatchMean(Sound):
    """It takes the mean over the batch."""

    breaks = {"batch-independence"}

    class module(Pointwise):
        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x - x.mean(0, keepdim=True))


class Tallying(Sound):
    """It counts its calls, those of evaluation too."""

    breaks = {"modes"}

    class module(Pointwise):
        calls: Tensor

        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self.register_buffer("calls", torch.zeros(1))

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            return self.conv(x)


class InPlace(Sound):
    """It works in place on its input."""

    breaks = {"untouched", "gradients", "checkpointing"}

    class module(Pointwise):
        def forward(self, x: Tensor) -> Tensor:
            return self.conv(nn.functional.relu(x, inplace=True))


class UnusedWeight(Sound):
    """It has a layer that it does not use."""

    breaks = {"gradients", "cost"}

    class module(Pointwise):
        def __init__(self, dims: int, channels: int, width: int) -> None:
            super().__init__(dims, channels, width)
            self.idle = nn.Linear(2, 2)


class ZeroedWeight(Sound):
    """It multiplies a weight with zero."""

    breaks = {"gradients"}

    class module(Pointwise):
        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x) * 0.0 + x.sum(1, keepdim=True)


class Detached(Sound):
    """It cuts its input off."""

    breaks = {"gradients"}

    class module(Pointwise):
        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x.detach())


class WiredDtype(Sound):
    """It answers in float32, whatever it is given."""

    breaks = {"dtypes"}

    class module(Pointwise):
        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x).float()


class MixedDtypes(Sound):
    """It mixes its input with what autocast made of it."""

    breaks = {"autocast"}

    class module(Pointwise):
        def forward(self, x: Tensor) -> Tensor:
            return torch.lerp(self.conv(x), x.mean(1, keepdim=True), 0.5)


class WiredDevice(Sound):
    """It makes a tensor on the CPU, wherever it runs."""

    breaks = {"meta"}

    class module(Pointwise):
        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x) + torch.zeros(1, device="cpu", dtype=x.dtype)


class ForgottenBuffer(Sound):
    """A buffer of it is made where parameters are made, and not saved."""

    breaks = {"meta"}

    class module(Pointwise):
        def __init__(self, dims: int, channels: int, width: int) -> None:
            super().__init__(dims, channels, width)
            self.register_buffer("two", torch.full((1,), 2.0), persistent=False)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x) * self.two.to(x.dtype)


class Looking(Sound):
    """It branches on a value."""

    breaks = {"meta", "compile", "export"}

    class module(Pointwise):
        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x) if x.mean().item() > -9.0 else self.conv(2 * x)


class Counting(Sound):
    """It branches on the number of samples."""

    breaks = {"export"}

    class module(Pointwise):
        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x) if x.shape[0] <= 2 else self.conv(x + 0)


class Shared(Sound):
    """One parameter of it has two names."""

    breaks = {"state"}

    class module(Pointwise):
        def __init__(self, dims: int, channels: int, width: int) -> None:
            super().__init__(dims, channels, width)
            self.again = self.conv.weight


class Hidden(Sound):
    """It keeps a layer in a list, where torch doesn't look."""

    breaks = {"state", "meta", "dtypes", "cost"}

    class module(Pointwise):
        def __init__(self, dims: int, channels: int, width: int) -> None:
            super().__init__(dims, channels, width)
            self.more = [convolution(dims, width, width, 1)]

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.more[0](self.conv(x))
            return out


class Forgetful(Sound):
    """It draws numbers when it is built, and does not save them."""

    breaks = {"state", "meta"}

    class module(Pointwise):
        def __init__(self, dims: int, channels: int, width: int) -> None:
            super().__init__(dims, channels, width)
            self.factor = float(torch.rand(1, device="cpu"))

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x) * self.factor


class Noisy(Sound):
    """It adds noise in evaluation mode too."""

    breaks = {
        *("determinism", "modes", "state", "meta"),
        *("copies", "compile", "export"),
    }

    class module(Pointwise):
        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x + torch.rand_like(x))


class Closure(Sound):
    """It keeps a function that can't be pickled."""

    breaks = {"copies"}

    class module(Pointwise):
        def __init__(self, dims: int, channels: int, width: int) -> None:
            super().__init__(dims, channels, width)
            self.after = lambda x: x + 0

        def forward(self, x: Tensor) -> Tensor:
            return self.after(self.conv(x))


class Alternating(Sound):
    """Each time it trains it does something else."""

    breaks = {"checkpointing"}

    class module(Pointwise):
        def forward(self, x: Tensor) -> Tensor:
            if self.training:
                self.turn = not getattr(self, "turn", False)
            return self.conv(x.square() if self.training and self.turn else x)


FAULTY = [
    cls
    for cls in list(globals().values())
    if inspect.isclass(cls) and issubclass(cls, Sound | WrongAtOddSizes)
]


def broken(component: Any) -> set[str]:
    found = set()
    for law in laws(component):
        try:
            law(component)
        except Unlawful:
            found.add(law.name)
    return found


@pytest.mark.parametrize("cls", FAULTY, ids=lambda cls: cls.__name__)
def test_a_fault_is_caught_by_its_own_laws(cls: Any) -> None:
    component = cls(must=1.0) if cls is Demanding else cls()
    assert broken(component) == cls.breaks


def test_every_law_of_parts_catches_a_fault() -> None:
    caught = set(itertools.chain.from_iterable(cls.breaks for cls in FAULTY))
    assert caught == {law.name for law in laws(Sound())}


def test_a_breach_says_what_why_and_the_mend() -> None:
    with pytest.raises(Unlawful) as caught:
        LAWS["documented"](Undocumented())
    assert str(caught.value).split("\n") == [
        "block.sound breaks the law `documented`: nothing is said of `loss`",
        "  law: The class and each of its options are documented.",
        "  why: `archkit explain` and editors show it; nobody can guess what an option means",
        '  mend: begin the docstring with one sentence, and put a """string""" under each option',
    ]


def test_laws_leave_the_generator_alone() -> None:
    before = torch.get_rng_state()
    broken(Noisy())
    assert torch.equal(before, torch.get_rng_state())


def test_a_component_that_stands_nowhere_is_told() -> None:
    class Nowhere(Sound):
        """It refuses every site."""

        def infer(self, site: Site) -> Shape:
            raise Misfit("it is tired", "let it sleep")

    with pytest.raises(Unlawful, match="it stands nowhere: it is tired; let it sleep"):
        LAWS["shape"](Nowhere())


def test_no_law_of_that_name() -> None:
    with pytest.raises(ValueError, match="no law is called 'shapes'; there are documented, "):
        parametrize_with_checks([Sound()], skip={"shapes": "no"})


def test_an_excuse_is_a_strict_xfail(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_plugin="""
        import archkit.testing
        from test_unlawful import BatchMean, Sound

        @archkit.testing.parametrize_with_checks(
            [BatchMean()], skip={"batch-independence": "by design"}, checks=["batch-independence"]
        )
        def test_needed(component, check):
            check(component)

        @archkit.testing.parametrize_with_checks(
            [Sound()], skip={"documented": "too lazy"}, checks=["documented", "bare-name"]
        )
        def test_needless(component, check):
            check(component)
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-o", "addopts=", "-rA")
    result.assert_outcomes(passed=1, xfailed=1, failed=1)
    result.stdout.fnmatch_lines(["*XPASS(strict)*too lazy*"])
