"""What plugins bring: their own names, colours and insides, and nodes that nobody counted."""

from pathlib import Path
from typing import Any

import probes
import pytest

import archkit
from archkit.drawing import Drawing
from archkit.drawing.inner import Inner
from archkit.drawing.scene import Box, Line, Text
from archkit.looks import Op
from archkit.registry import load_registry

PLUGIN = '''
"""Blocks of a stranger."""

from typing import Literal

from archkit import Block, Op, hookimpl


class Mamba(Block):
    """A block with a colour, a short name and an inside of its own."""

    short, group = "Mamba", "state space"
    type: Literal["mamba"] = "mamba"

    def inside(self, site):
        return (
            Op("RMSNorm", name="normed"),
            Op("Linear", name="wide"),
            Op("SiLU", ("wide",), "gate"),
            Op("Conv 1-D", ("wide",), "local", "convolution"),
            Op("scan", ("local",), "scanned", "state space"),
            Op("skip", ("local", "scanned"), "both"),
            Op("×", ("both", "gate"), "gated"),
            Op("+", ("gated", "x")),
        )

    def build(self, site):
        raise NotImplementedError("pictures need no module")


class Plain(Block):
    """A block that tells nothing of itself."""

    type: Literal["gated-convnext-v2-with-film"] = "gated-convnext-v2-with-film"

    def build(self, site):
        raise NotImplementedError("pictures need no module")


@hookimpl
def archkit_components():
    return {"block.mamba": Mamba, "block.gated-convnext-v2-with-film": Plain}
'''


@pytest.fixture
def registry(tmp_path: Path) -> archkit.Registry:
    path = tmp_path / "strange.py"
    path.write_text(PLUGIN)
    return load_registry([str(path)])


def drawn(registry: archkit.Registry, block: str, **style: Any) -> Drawing:
    spec = {
        "archkit": 1,
        "name": "strange",
        "conditioning": {"time": "none"},
        "prediction": "none",
        "encoder": [
            {"channels": 32, "blocks": 2},
            {"channels": 64, "blocks": [block, "resnet"]},
            {"channels": 64, "blocks": 1, "block": block},
        ],
    }
    return archkit.draw(spec, registry=registry, **style)


def words(found: Drawing, role: str) -> list[str]:
    return [t.words for t in found.scene if isinstance(t, Text) and t.role == role]


def test_a_group_of_its_own_has_a_colour_and_a_word(registry: archkit.Registry) -> None:
    found = drawn(registry, "mamba")
    chips = {b.id: b for b in found.scene if isinstance(b, Box) and b.role == "chip"}
    assert chips["encoder.1.blocks.0.block"].fill == "#FFAABB"
    assert chips["encoder.0.blocks.0.block"].fill == "#77AADD"
    assert "state space" in words(found, "legend")
    assert "Mamba" in words(found, "caption")


def test_a_part_that_tells_nothing_is_drawn_by_its_name(registry: archkit.Registry) -> None:
    found = drawn(registry, "gated-convnext-v2-with-film")
    chips = {b.id: b for b in found.scene if isinstance(b, Box) and b.role == "chip"}
    chip = chips["encoder.1.blocks.0.block"]
    assert (chip.fill, chip.stroke) == ("#FFFFFF", "#111827")
    assert "gated-convnext-…" in words(found, "caption")
    assert "block.gated-convnext-v2-with-film" in chip.tip
    assert "custom block" in words(found, "legend")
    inside = drawn(registry, "gated-convnext-v2-with-film", detail="block")
    assert "gated-convnext-v2-with-film" in words(inside, "caption")


def test_what_is_not_counted_is_told(registry: archkit.Registry) -> None:
    found = drawn(registry, "mamba")
    (facts,) = words(found, "facts")
    assert facts.startswith("≥ ")
    assert "nodes are not counted" in facts
    costs = words(found, "cost")
    # Where there are only such blocks, and where others are counted beside them.
    assert "not counted" in costs
    assert any(cost.startswith("≥ ") for cost in costs)
    assert "not counted" in found.text


def test_what_is_not_counted_is_measured_where_that_is_allowed(tmp_path: Path) -> None:
    """The picture of blocks that state no cost is then that of the same blocks that do."""
    (tmp_path / "quiet.py").write_text(probes.PLUGIN)
    registry = load_registry([str(tmp_path / "quiet.py")])
    silent = archkit.draw(probes.small(block="silent"), measure=True, registry=registry)
    stated = archkit.draw(probes.small(block="curt"), registry=registry)
    for role in ("facts", "cost"):
        assert words(silent, role) == words(stated, role)
    quiet = archkit.draw(probes.small(block="silent"), registry=registry)
    assert "not counted" in words(quiet, "cost")


def test_a_free_graph_is_drawn_without_an_engine(registry: archkit.Registry) -> None:
    """Two branches leave one op; each op has its box, each edge its line."""
    found = drawn(registry, "mamba", detail="block").scene
    inset = next(b for b in found if isinstance(b, Box) and b.id == "inside-block.mamba")
    ops = [b for b in found if isinstance(b, Box) and b.role == "op" and b.stage == inset.id]
    lines = [k for k in found if isinstance(k, Line) and k.stage == inset.id]
    assert len(ops) == 8
    # A line for everything that any op reads, and one for what comes out.
    graph = Inner(_ops(registry), ("x",))
    assert len(lines) == sum(len(reads) for reads in graph.reads) + 1


def _ops(registry: archkit.Registry) -> tuple[Op, ...]:
    plan = drawn(registry, "mamba").plan
    node = plan["encoder.1.blocks.0.block"]
    return node.component.inside(node.site)


def test_the_main_line_is_the_longest_way_from_the_trunk(registry: archkit.Registry) -> None:
    graph = Inner(_ops(registry), ("x",))
    told = [graph.ops[op].label for op in graph.main]
    assert told == ["RMSNorm", "Linear", "Conv 1-D", "scan", "skip", "×", "+"]
    assert [graph.ops[c.ops[0]].label for c in graph.chains] == ["SiLU"]
    assert set(graph.brackets) == {(3, 5), ("x", 7)}


def test_a_condition_is_never_the_main_line() -> None:
    ops = (
        Op("one", ("embedding",), "a"),
        Op("two", ("a",), "b"),
        Op("three", ("b",), "c"),
        Op("norm", ("x",), "n"),
        Op("×", ("n", "c")),
    )
    graph = Inner(ops, ("x", "embedding"))
    assert [graph.ops[op].label for op in graph.main] == ["norm", "×"]
    assert graph.chains[0].told == ("embedding",)
    # What is told stands beside its reader, the rest above it.
    last = graph.rows[4]
    assert graph.rows == (last - 2, last - 1, last, 1, last)


def test_an_op_that_reads_nobody_knows_what_is_drawn_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "strange.py"
    path.write_text(PLUGIN.replace('("gated", "x")', '("gated", "nobody")'))
    found = drawn(load_registry([str(path)]), "mamba", detail="block")
    assert "nobody" in words(found, "caption")
