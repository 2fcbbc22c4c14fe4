"""The integer proof of sizes, without any network."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archkit.parts import Skip
from archkit.proof import Clash, Step, prove
from archkit.shapes import SizeMap

HALF_UP = SizeMap.convolution(kernel=3, stride=2, padding=1)
HALF_DOWN = SizeMap.window(kernel=2, stride=2, padding=0)
DOUBLE = SizeMap(times=2)


class Meeting(Skip):
    type: str = "meeting"
    crop: bool = False

    def meet(self, x: int, skip: int) -> int | None:
        return min(x, skip) if self.crop else super().meet(x, skip)


def unet(levels: int, down: SizeMap, crop: bool = False) -> list[Step]:
    """Taps before each pooling, joins after each upsampling."""
    steps, here, taps = [], "x", []
    for level in range(levels):
        taps.append(here)
        steps.append(Step(f"down{level}", level, here, maps=(down,)))
        here = f"down{level}"
    for level in reversed(range(levels)):
        steps.append(Step(f"up{level}", level, here, maps=(DOUBLE,)))
        join = Step(f"join{level}", level, f"up{level}", skip=taps.pop(), join=Meeting(crop=crop))
        steps.append(join)
        here = f"join{level}"
    return steps


@pytest.mark.parametrize("down", [HALF_UP, HALF_DOWN])
@pytest.mark.parametrize("levels", [1, 2, 3, 5])
def test_pooling_needs_a_multiple(down: SizeMap, levels: int) -> None:
    axis = prove(0, unet(levels, down), "join0", True)
    assert (axis.multiple, axis.rests) == (2**levels, (0,))
    assert axis.least == 2**levels


@given(st.integers(1, 300), st.sampled_from([HALF_UP, HALF_DOWN]), st.integers(1, 4))
def test_the_proof_agrees_with_every_walk(n: int, down: SizeMap, levels: int) -> None:
    axis = prove(0, unet(levels, down), "join0", True)
    walked = axis.walk(n)
    assert (n in axis) == (walked == n)


def test_a_clash_names_level_and_sizes() -> None:
    axis = prove(0, unet(3, HALF_UP), "join0", True)
    assert axis.walk(28) == Clash("join2", 2, 8, 7)
    assert axis.nearest(28) == (24, 32)
    assert axis.nearest(32) == (32, 32)
    assert axis.nearest(3) == (None, 8)


def test_exact_pooling_refuses_a_rest() -> None:
    exact = SizeMap.window(2, 2, 0)
    exact = SizeMap(exact.times, exact.plus, exact.over, exact=True)
    steps = [Step("down", 0, "x", maps=(exact,)), Step("up", 0, "down", maps=(DOUBLE,))]
    axis = prove(0, steps, "up", False)
    assert axis.multiple == 2
    assert axis.walk(7) == Clash("down", 0, 7, None)


def test_valid_convolutions_as_in_2015() -> None:
    """Ronneberger et al.: 572 comes out as 388; sizes are 16k + 12 from 188."""
    valid = SizeMap.convolution(kernel=5)  # two 3×3
    pool = SizeMap(over=2, exact=True)
    steps: list[Step] = []
    here, taps = "x", []

    def put(name: str, change: SizeMap) -> None:
        nonlocal here
        steps.append(Step(name, 0, here, maps=(change,)))
        here = name

    for level in range(4):
        put(f"block{level}", valid)
        taps.append(here)
        put(f"pool{level}", pool)
    put("bottom", valid)
    for level in reversed(range(4)):
        put(f"up{level}", DOUBLE)
        join = Step(f"join{level}", 0, here, skip=taps.pop(), join=Meeting(crop=True))
        steps.append(join)
        here = join.path
        put(f"decode{level}", valid)
    axis = prove(0, steps, here, False)
    assert (axis.multiple, axis.rests, axis.least) == (16, (12,), 188)
    assert axis.walk(572) == 388
    assert str(axis) == "16k + 12, at least 188"


def test_without_an_up_no_size_fits() -> None:
    axis = prove(0, [Step("down", 0, "x", maps=(HALF_UP,))], "down", True)
    assert axis.rests == ()
    assert axis.nearest(8) == (None, None)
    assert str(axis) == "no size fits"


def test_paths_that_never_keep_step_are_refused() -> None:
    steps = [
        Step("down", 0, "x", maps=(HALF_UP,)),
        Step("join", 0, "down", skip="x", join=Meeting()),
    ]
    assert prove(0, steps, "join", False).rests == ()
