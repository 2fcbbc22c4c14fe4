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


def test_a_multiple_that_one_node_wants_is_one_of_the_input() -> None:
    """Windows of 3 at half the size: every one of 6, and the pooling's own 2 with it."""
    steps = [
        Step("down", 0, "x", maps=(SizeMap(over=2, exact=True),)),
        Step("windows", 1, "down", maps=(SizeMap(multiple=3),)),
        Step("up", 0, "windows", maps=(DOUBLE,)),
    ]
    axis = prove(0, steps, "up", True)
    assert (axis.multiple, axis.rests, axis.least) == (6, (0,), 6)
    assert axis.walk(8) == Clash("windows", 1, 4, None)


def of_places(before: SizeMap, only: int, out: int) -> list[Step]:
    """A network that has a learned place for each of `only` positions, after `before`."""
    return [
        Step("before", 0, "x", maps=(before,)),
        Step("stem", 0, "before", maps=(SizeMap.constant(only, 256),)),
        Step("join", 0, "stem", skip="stem", join=Meeting()),
        Step("head", 0, "join", maps=(SizeMap.constant(256, out),)),
    ]


def test_what_takes_one_size_only() -> None:
    axis = prove(0, of_places(SizeMap(), 32, 32), "head", True)
    assert str(axis) == "only 32"
    assert [n for n in range(1, 100) if n in axis] == [32]
    assert axis.nearest(32) == (32, 32)
    assert axis.nearest(20) == (None, 32)
    assert axis.nearest(64) == (32, None)
    assert axis.walk(32) == 32
    assert axis.walk(64) == Clash("stem", 0, 64, None)


def test_several_sizes_that_come_down_to_one() -> None:
    axis = prove(0, of_places(HALF_UP, 16, 31), "head", False)
    assert str(axis) == "only 31 or 32"
    assert axis.nearest(40) == (32, None)
    assert prove(0, of_places(HALF_UP, 16, 31), "head", True).only == (31,)


def test_one_size_that_comes_out_as_another() -> None:
    axis = prove(0, of_places(SizeMap(), 32, 16), "head", True)
    assert (str(axis), axis.nearest(32)) == ("no size fits", (None, None))


@given(st.integers(1, 90), st.integers(1, 40), st.sampled_from([HALF_UP, HALF_DOWN, DOUBLE]))
def test_one_size_agrees_with_every_walk(n: int, only: int, before: SizeMap) -> None:
    axis = prove(0, of_places(before, only, 7), "head", False)
    assert (n in axis) == isinstance(axis.walk(n), int)
