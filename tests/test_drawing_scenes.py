"""Laws of pictures, over every shipped spec and every irregular network, at every detail."""

from collections.abc import Iterator
from functools import cache
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import assume, given, settings
from irregular import IRREGULAR
from strategies import specs

import archkit
from archkit import zoo
from archkit.drawing import Drawing, Style
from archkit.drawing.font import SUBSCRIPT, width
from archkit.drawing.scene import Box, Line, Point, Scene, Text
from archkit.plans import Plan

NETWORKS = [*zoo.names(), *IRREGULAR]
DETAILS = ("overview", "stage", "block")
SMALL = ("port", "dot", "badge")
"""Boxes that sit on the edges of others."""
Rectangle = tuple[float, float, float, float]
Segment = tuple[Point, Point]


@cache
def planned(name: str) -> Plan:
    return archkit.plan(IRREGULAR.get(name, zoo.find(name)))


@cache
def drawing(name: str, detail: str) -> Drawing:
    return archkit.draw(planned(name), detail=detail)


def boxes(found: Scene, *roles: str) -> list[Box]:
    return [item for item in found if isinstance(item, Box) and (not roles or item.role in roles)]


def texts(found: Scene) -> list[Text]:
    return [item for item in found if isinstance(item, Text)]


def lines(found: Scene, *roles: str) -> list[Line]:
    return [item for item in found if isinstance(item, Line) and (not roles or item.role in roles)]


def around(item: Box | Text) -> Rectangle:
    """Left, top, right and bottom; of a text, as its letters are."""
    if isinstance(item, Box):
        return item.x, item.y, item.right, item.bottom
    wide = width(item.words, item.size, bold=item.bold)
    wide += width(item.sub, item.size * SUBSCRIPT, bold=item.bold)
    left = item.x - {"start": 0.0, "middle": wide / 2, "end": wide}[item.anchor]
    return left, item.y - 0.37 * item.size, left + wide, item.y + 0.37 * item.size


def meet(a: Rectangle, b: Rectangle, slack: float = 0.05) -> bool:
    return (
        a[0] < b[2] - slack and b[0] < a[2] - slack and a[1] < b[3] - slack and b[1] < a[3] - slack
    )


def holds(outer: Rectangle, inner: Rectangle, slack: float = 0.05) -> bool:
    return (
        outer[0] <= inner[0] + slack
        and outer[1] <= inner[1] + slack
        and inner[2] <= outer[2] + slack
        and inner[3] <= outer[3] + slack
    )


def pieces(line: Line) -> Iterator[Rectangle]:
    for (x0, y0), (x1, y1) in pairwise(line.points):
        half = line.width / 2
        yield min(x0, x1) - half, min(y0, y1) - half, max(x0, x1) + half, max(y0, y1) + half


def everything_lies_on_the_canvas(drawn: Drawing) -> None:
    found = drawn.scene
    canvas = (6.0, 6.0, found.width - 6, found.height - 6)
    for item in (*boxes(found), *texts(found)):
        assert holds(canvas, around(item)), item
    for line in lines(found):
        assert all(holds(canvas, piece) for piece in pieces(line)), line


def boxes_lie_apart_or_within_each_other(drawn: Drawing) -> None:
    found = [box for box in boxes(drawn.scene) if box.role not in SMALL]
    for a, b in combinations(found, 2):
        if meet(around(a), around(b)):
            assert holds(around(a), around(b)) or holds(around(b), around(a)), (a, b)


def texts_lie_apart(drawn: Drawing) -> None:
    for a, b in combinations(texts(drawn.scene), 2):
        assert not meet(around(a), around(b)), (a, b)


def captions_fit_their_boxes(drawn: Drawing) -> None:
    found = drawn.scene
    homes = [box for box in boxes(found) if box.role not in ("port", "dot")]
    for text in texts(found):
        if text.role == "caption":
            home = min(
                (box for box in homes if holds(around(box), (text.x, text.y, text.x, text.y))),
                key=lambda box: box.w * box.h,
            )
            assert holds(around(home), around(text)), (home, text)


def no_line_runs_through_a_text(drawn: Drawing) -> None:
    """A text on a chip or a pill lies above what runs below it."""
    found = drawn.scene
    covers = [around(box) for box in boxes(found, "chip", "pill", "op", "badge")]
    free = [t for t in texts(found) if not any(holds(cover, around(t)) for cover in covers)]
    for line in lines(found):
        for piece in pieces(line):
            for text in free:
                assert not meet(piece, around(text)), (line, text)


def no_line_runs_through_a_chip(drawn: Drawing) -> None:
    found = drawn.scene
    for line in lines(found):
        for piece in pieces(line):
            for chip in boxes(found, "chip"):
                x, y, right, bottom = around(chip)
                inside = (x + 2, y + 2, right - 2, bottom - 2)
                assert not meet(piece, inside), (line, chip.id)


def no_line_runs_behind_an_op(drawn: Drawing) -> None:
    found = drawn.scene
    for line in lines(found):
        for piece in pieces(line):
            for box in boxes(found, "op", "pill"):
                x, y, right, bottom = around(box)
                assert not meet(piece, (x + 2, y + 2, right - 2, bottom - 2)), (line, box)


def what_repeats_is_whole(drawn: Drawing) -> None:
    """A residual that comes back within what repeats runs there all the way."""
    for tray in boxes(drawn.scene, "tray"):
        for line in lines(drawn.scene, "skip"):
            (x, y), room = line.points[-1], around(tray)
            if line.stage == tray.stage and holds(room, (x, y, x, y)):
                assert all(holds(room, (a, b, a, b), slack=0.6) for a, b in line.points)


def the_time_has_one_colour(drawn: Drawing) -> None:
    """However far it has come, if anything is told to blocks at all."""
    pills = {box.centre: box for box in boxes(drawn.scene, "pill")}
    told = [pills[t.x, t.y] for t in texts(drawn.scene) if t.words == "time"]
    if drawn.outline.buses:
        assert {box.stroke for box in told} <= {"time"}


def lines_keep_out_of_cards(drawn: Drawing) -> None:
    found = drawn.scene
    for line in lines(found):
        for piece in pieces(line):
            for card in boxes(found, "stage"):
                x, y, right, bottom = around(card)
                assert not meet(piece, (x + 1, y + 1, right - 1, bottom - 1)), (line, card.id)


def only_conditions_cross(drawn: Drawing) -> None:
    """One another, and at right angles."""
    kinds = ("flow", "skip", "condition")
    pairs = [(k.role, pair) for k in lines(drawn.scene, *kinds) for pair in pairwise(k.points)]
    for (role, first), (other, second) in combinations(pairs, 2):
        if crossing(first, second):
            assert role == other == "condition"
            assert upright(first) != upright(second)


def crossing(first: Segment, second: Segment) -> bool:
    """Whether each has an end on either side of the other."""
    (a, b), (c, d) = first, second
    ours = side(a, b, c) * side(a, b, d)
    return ours < -1e-6 and side(c, d, a) * side(c, d, b) < -1e-6


def side(a: Point, b: Point, c: Point) -> float:
    """Which side of the way from a to b lies c."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def upright(segment: Segment) -> bool:
    return abs(segment[0][0] - segment[1][0]) < 1e-6


def every_node_has_its_box(drawn: Drawing) -> None:
    shown = [path for box in boxes(drawn.scene) for path in box.nodes]
    assert len(shown) == len(set(shown))
    assert set(shown) == {node.path for node in drawn.plan}


def every_skip_is_drawn(drawn: Drawing) -> None:
    found, links = drawn.scene, drawn.plan.links
    shown = {ends for line in lines(found, "skip") for ends in line.links}
    within = {ends for s in drawn.outline.strands if s.within for ends in s.ends}
    assert {(link.source, link.target) for link in links} <= shown | within


def skips_lead_from_their_source_to_their_target(drawn: Drawing) -> None:
    found = drawn.scene
    by_id = {box.id: box for box in boxes(found) if box.id}
    home = {path: box for box in boxes(found, "chip") for path in box.nodes}
    answer = next(line for line in lines(found, "flow") if line.target == "answer")
    for line in lines(found, "skip"):
        (x0, y0), (x1, y1) = line.points[0], line.points[-1]
        target = by_id[line.target]
        if line.links[0][1]:
            assert target.y <= y1 <= target.bottom, line
            assert target.x - 0.01 <= x1 <= target.right
        else:  # what is offered comes into the arrow that leads to the answer
            (x, low), (_, high) = answer.points[-2:]
            assert x1 == x
            assert min(low, high) <= y1 <= max(low, high)
        if line.source in by_id and by_id[line.source].role == "stage":
            source = by_id[line.source]
            assert source.y <= y0 <= source.bottom
            assert source.x <= x0 <= source.right + 0.01
        for _, joined in line.links:
            # What a register carries ends at the card.
            in_a_row = target.role == "stage" and not line.dashed
            if joined in home and drawn.style.detail == "stage" and in_a_row:
                assert abs(home[joined].centre[1] - y1) < 0.01


def the_first_skip_of_a_level_is_level(drawn: Drawing) -> None:
    found = drawn.scene
    for strand in drawn.outline.strands:
        levels = [end.split(".")[1:] for end in (strand.source, strand.target)]
        if strand.across and levels[0] == levels[1] != []:
            ends = strand.ends if drawn.style.detail == "overview" else strand.ends[:1]
            line = next(k for k in lines(found, "skip") if k.links == ends)
            assert len({y for _, y in line.points}) == 1, line


def it_is_a_u(drawn: Drawing) -> None:
    """Levels share a row, step inwards and downwards; the bottleneck is below, in the middle."""
    cards = {box.id: box for box in boxes(drawn.scene, "stage")}
    left, right = (
        [cards[s.id] for s in sorted(drawn.outline.on(side), key=lambda s: s.level)]
        for side in ("encoder", "decoder")
    )
    for a, b in pairwise(left):
        assert a.x < b.x
        assert a.bottom < b.y
    for a, b in pairwise(right):
        assert a.right > b.right
        assert a.bottom < b.y
    for a, b in zip(left, right, strict=False):
        assert a.right < b.x
        assert a.y < b.bottom
        assert b.y < a.bottom
        if drawn.style.detail == "overview":
            assert abs(a.centre[1] - b.centre[1]) < 0.01
    if "bottleneck" in cards and left and right:
        bottom = cards["bottleneck"]
        assert bottom.y > max(left[-1].bottom, right[-1].bottom)
        assert abs(bottom.centre[0] - (left[-1].x + right[-1].right) / 2) < 0.01


def the_trunk_passes_every_stage_once(drawn: Drawing) -> None:
    found = drawn.scene
    into = [line.target for line in lines(found, "flow") if line.source and line.target]
    for card in boxes(found, "stage"):
        assert into.count(card.id) == 1
    assert into.count("answer") == 1


def conditions_reach_exactly_the_stages_that_read_them(drawn: Drawing) -> None:
    found, plan = drawn.scene, drawn.plan
    stages = {path: box.stage for box in boxes(found, "chip") if box.stage for path in box.nodes}
    for bus in drawn.outline.buses:
        reached = [line.target for line in lines(found, "condition") if line.ink == bus.ink]
        names = plan.arguments.get(bus.id, (bus.id,))
        reads = [n.path for n in plan if {*names} & {*n.inputs} and n.path in stages]
        wanted = {stages[path] for path in reads}
        assert {id for id in reached if id in set(stages.values())} == wanted


def ports_sit_on_exactly_the_chips_that_read(drawn: Drawing) -> None:
    found, plan = drawn.scene, drawn.plan
    told = {bus.id for bus in drawn.outline.buses}
    ports = [around(port) for port in boxes(found, "port")]
    for box in boxes(found, "chip"):
        if not box.stage:
            continue
        words = {name: word for word, names in plan.arguments.items() for name in names}
        reads = told & {words.get(name, name) for name in plan[box.nodes[-1]].inputs}
        x, _, right, bottom = around(box)
        edge = (x, bottom - 0.1, right, bottom + 0.1)
        assert sum(meet(port, edge) for port in ports) == len(reads), box.id


def folds_stand_for_every_node(drawn: Drawing) -> None:
    """A chip in a tray stands for as many nodes as the tray says; joins are not counted."""
    found, plan = drawn.scene, drawn.plan
    for chip in boxes(found, "chip"):
        tray = next((t for t in boxes(found, "tray") if holds(around(t), around(chip))), None)
        told = [t.words for t in texts(found) if t.role == "times" and tray_of(found, t) == tray]
        kinds = [plan[path].component for path in chip.nodes]
        counted = [part for part in kinds if part.kind != "skip" and part.type != "none"]
        if chip.stage:
            assert max(1, len(counted)) == (int(told[0][1:]) if tray else 1), chip


def tray_of(found: Scene, text: Text) -> Box | None:
    return next((t for t in boxes(found, "tray") if holds(around(t), around(text))), None)


def the_costs_of_all_parts_are_the_total(drawn: Drawing) -> None:
    plan, found = drawn.plan, drawn.outline
    inside = sum(stage.cost.parameters for stage in found.stages)
    paths = {path for stage in found.stages for piece in stage.pieces for path in piece.nodes}
    outside = sum(n.cost.parameters for n in plan if n.path not in paths and n.cost)
    assert inside + outside == plan.cost.parameters


def labels_are_the_shapes_of_the_plan(drawn: Drawing) -> None:
    """Between two stops stands the shape of what the last node before it makes."""
    found, plan = drawn.scene, drawn.plan
    told = {t.words for t in texts(found) if t.role == "shape" and not t.stage}
    for line in lines(found, "flow"):
        if line.source.startswith(("encoder", "decoder", "bottleneck")) and line.tip:
            assert line.tip in told or line.target == "answer"
    shapes = [n.shape for n in plan] + [n.site.x for n in plan]
    known = {f"{s.channels} @ {'×'.join(map(str, s.space))}" for s in shapes if s.space}
    known |= {f"{s.channels} @ {s.space[0]}³" for s in shapes if len(s.space) == 3}
    assert {words for words in told if "@" in words} <= known


def type_is_large_enough(drawn: Drawing) -> None:
    assert drawn.scene.smallest_type >= 6.0


def finer_is_taller(drawn: Drawing) -> None:
    """Chips of equal looks on the trunk grow no taller with depth."""
    found, plan = drawn.scene, drawn.plan
    beside = {piece.path for piece in drawn.outline.pieces if piece.aside}
    chips = [c for c in boxes(found, "chip") if c.id.startswith("encoder") and ".blocks." in c.id]
    chips = [c for c in chips if c.id not in beside]
    sized = [(plan[c.id].shape.positions, c.h) for c in chips]
    for (here, tall), (there, low) in pairwise(sized):
        assert here <= there or tall >= low - 0.01


def the_legend_tells_all_colours_and_no_more(drawn: Drawing) -> None:
    found = drawn.scene
    role = "op" if drawn.style.detail == "block" else "chip"
    # The chips of the conditions are explained by their pills.
    lane = [around(box) for box in boxes(found, "lane")]
    chips = [b for b in boxes(found, role) if not any(holds(x, around(b)) for x in lane)]
    used = {box.fill for box in chips if box.fill != "ground"}
    told = {box.fill for box in boxes(found, "legend") if box.fill.startswith("#")}
    assert told == used


def the_legend_is_short(drawn: Drawing) -> None:
    """Up to nine entries stand in two rows."""
    told = [text for text in texts(drawn.scene) if text.role == "legend"]
    assert len({round(text.y) for text in told}) <= 2 + len(told) // 10


ALWAYS = (
    everything_lies_on_the_canvas,
    boxes_lie_apart_or_within_each_other,
    texts_lie_apart,
    captions_fit_their_boxes,
    no_line_runs_through_a_text,
    type_is_large_enough,
    the_legend_tells_all_colours_and_no_more,
    the_legend_is_short,
)
"""What holds at every detail."""
OF_A_U = (
    no_line_runs_through_a_chip,
    only_conditions_cross,
    every_node_has_its_box,
    every_skip_is_drawn,
    skips_lead_from_their_source_to_their_target,
    the_first_skip_of_a_level_is_level,
    it_is_a_u,
    the_trunk_passes_every_stage_once,
    conditions_reach_exactly_the_stages_that_read_them,
    ports_sit_on_exactly_the_chips_that_read,
    labels_are_the_shapes_of_the_plan,
)
"""What holds for a U, folded or not."""
FOLDED = (
    lines_keep_out_of_cards,
    folds_stand_for_every_node,
    the_costs_of_all_parts_are_the_total,
    finer_is_taller,
)
"""What holds where repeats are folded."""
LAWS = {
    "overview": (*ALWAYS, *OF_A_U, *FOLDED),
    "stage": (*ALWAYS, *OF_A_U),
    "block": (
        *ALWAYS,
        no_line_runs_behind_an_op,
        what_repeats_is_whole,
        the_time_has_one_colour,
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("detail", DETAILS)
def test_pictures_obey(name: str, detail: str) -> None:
    for law in LAWS[detail]:
        law(drawing(name, detail))


@settings(max_examples=25)
@given(says=specs())
def test_random_networks_obey_too(says: dict[str, Any]) -> None:
    try:
        plan = archkit.plan(says)
    except archkit.SpecError:
        assume(False)
    for detail, laws in LAWS.items():
        for law in laws:
            law(Drawing(plan, Style(detail=detail)))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("detail", DETAILS)
def test_type_can_be_read_in_print(name: str, detail: str) -> None:
    paper = archkit.draw(planned(name), detail=detail, preset="paper")
    assert paper.scene.smallest_type >= 7.7
    printed = paper.scene.smallest_type * 497 / paper.scene.width
    assert printed >= 5.5, printed
    assert not paper.notes("pdf")


def test_less_than_can_be_read_is_told() -> None:
    small = archkit.draw(planned("stable-diffusion-1.5"), preset="paper", width=150)
    (note,) = small.notes("pdf")
    assert note.code == "small-type"


@pytest.mark.parametrize("detail", DETAILS)
def test_nothing_is_explained_where_nobody_asks(detail: str) -> None:
    bare = Drawing(planned("tiny"), Style(detail=detail, legend=False, title=False, costs=False))
    roles = {item.role for item in bare.scene}
    assert not roles & {"legend", "title", "facts", "cost", "bar"}
