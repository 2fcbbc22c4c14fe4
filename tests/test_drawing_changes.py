"""Two networks in one picture: what changed is marked in its place, and nothing else is."""

from typing import Any

import archkit
from archkit.drawing import Drawing
from archkit.drawing.scene import Box, Line, Text

BEFORE: dict[str, Any] = {
    "archkit": 1,
    "name": "before",
    "input": {"channels": 3, "size": 32},
    "conditioning": {"label": {"type": "label"}},
    "encoder": [
        {"channels": 32, "blocks": 2},
        {"channels": 64, "blocks": 2, "attention": True},
        {"channels": 64, "blocks": 1},
    ],
}


def changed(**says: Any) -> Drawing:
    return archkit.draw({**BEFORE, "name": "after", **says}, before=BEFORE, detail="stage")


def chips(found: Drawing) -> dict[str, Box]:
    return {b.id: b for b in found.scene if isinstance(b, Box) and b.role == "chip" and b.id}


def marked(found: Drawing) -> dict[str, str]:
    words = ("added", "removed", "changed")
    return {id: box.stroke for id, box in chips(found).items() if box.stroke in words}


def signs(found: Drawing) -> list[str]:
    """The signs on badges, without those of the legend."""
    legend = min(t.y for t in found.scene if isinstance(t, Text) and t.role == "legend")
    discs = [
        b for b in found.scene if isinstance(b, Box) and b.role == "badge" and b.y < legend - 9
    ]
    return [
        t.words
        for t in found.scene
        if isinstance(t, Text) and any(b.centre == (t.x, t.y) for b in discs)
    ]


def test_equal_networks_have_no_marks() -> None:
    found = archkit.draw(BEFORE, before=BEFORE)
    assert not marked(found)
    assert "→" not in next(t.words for t in found.scene if getattr(t, "role", "") == "facts")
    assert archkit.draw(BEFORE).svg == found.svg


def test_another_option_is_a_change_where_it_stands() -> None:
    found = changed(head={"type": "conv", "kernel": 5})
    assert marked(found) == {"head": "changed"}
    assert signs(found) == ["≠"]


def test_what_is_new_is_added_and_what_follows_from_it_changed() -> None:
    rows = [*BEFORE["encoder"][:2], {"channels": 64, "blocks": 2}]
    found = marked(changed(encoder=rows))
    assert found["encoder.2.blocks.1.block"] == "added"
    assert found["decoder.2.blocks.2.block"] == "added"
    assert "encoder.0.blocks.0.block" not in found
    assert set(found.values()) <= {"added", "changed"}


def test_what_is_gone_stands_where_it_stood() -> None:
    found = changed(encoder=BEFORE["encoder"][:2])
    marks, boxes = marked(found), chips(found)
    assert marks["encoder.2.blocks.0.block"] == "removed"
    assert marks["encoder.1.pooling"] == "removed"
    assert boxes["encoder.1.pooling"].y > boxes["encoder.1.blocks.1.block"].y
    # The decoder runs upwards.
    assert marks["decoder.1.upsampling"] == "removed"
    assert boxes["decoder.1.upsampling"].y > boxes["decoder.1.blocks.0.block"].y
    assert all(boxes[path].dashed == (mark == "removed") for path, mark in marks.items())
    cards = {b.id: b for b in found.scene if isinstance(b, Box) and b.role == "stage"}
    assert cards["encoder.2"].stroke == cards["decoder.2"].stroke == "removed"
    gone = {k.links for k in found.scene if isinstance(k, Line) and k.ink == "removed"}
    assert (("encoder.2.blocks.0.block", "decoder.2.blocks.0.join"),) in gone


def test_costs_are_those_of_what_is_there() -> None:
    found = changed(encoder=BEFORE["encoder"][:2])
    for stage in found.outline.stages:
        assert bool(stage.cost.parameters) == (stage.mark != "removed")
    inside = sum(stage.cost.parameters for stage in found.outline.stages)
    assert 0 < inside < found.plan.cost.parameters


def test_another_shape_is_told_with_the_one_before() -> None:
    rows = [{**BEFORE["encoder"][0], "channels": 64}, *BEFORE["encoder"][1:]]
    found = changed(encoder=rows)
    inks = {k.links: k.ink for k in found.scene if isinstance(k, Line) and k.role == "skip"}
    assert inks[(("stem", "decoder.0.blocks.2.join"),)] == "changed"
    assert inks[(("encoder.2.blocks.0.block", "decoder.2.blocks.0.join"),)] == "skip"
    told = [t.words for t in found.scene if isinstance(t, Text) and t.role == "shape"]
    assert "32 @ 32×32 → 64 @ 32×32" in told
    assert "Diagram of a U-Net, before → after." in found.scene.description


def test_conditions_come_and_go() -> None:
    found = changed(conditioning={"pooled": {"type": "vector", "channels": 8}})
    pills = {b.id: b for b in found.scene if isinstance(b, Box) and b.role == "pill"}
    assert pills["condition-pooled"].stroke == "added"
    assert pills["condition-t"].stroke == "time"
    (gone,) = [b for b in pills.values() if b.stroke == "removed"]
    (word,) = [t.words for t in found.scene if isinstance(t, Text) and t.ink == "removed"]
    assert gone.dashed
    assert word == "label"


def test_skips_change() -> None:
    found = archkit.draw({**BEFORE, "skip": "none", "name": "after"}, before=BEFORE)
    skips = [k for k in found.scene if isinstance(k, Line) and k.role == "skip"]
    assert len(skips) == 3
    assert {k.ink for k in skips} == {"removed"}


def test_the_legend_tells_the_marks() -> None:
    found = changed(encoder=BEFORE["encoder"][:2])
    told = [t.words for t in found.scene if isinstance(t, Text) and t.role == "legend"]
    assert "removed" in told
    assert "added" not in told
    plain = [t.words for t in archkit.draw(BEFORE).scene if isinstance(t, Text)]
    assert not {"added", "removed", "changed"} & set(plain)


def test_the_legend_tells_the_marks_of_conditions() -> None:
    text = {"text": {"type": "label"}}
    for before, after, mark in (
        (BEFORE, {}, "removed"),
        ({**BEFORE, "conditioning": {}}, text, "added"),
    ):
        found = archkit.draw({**BEFORE, "conditioning": after}, before=before)
        told = [t.words for t in found.scene if isinstance(t, Text) and t.role == "legend"]
        assert mark in told


def test_the_picture_marks_what_the_comparison_names() -> None:
    """Also where only the width of the embedding is another, which shows in no shape."""
    after = {**BEFORE, "conditioning": {"time": {"type": "sinusoidal", "width": 96}}}
    told, marks = archkit.diff(BEFORE, after), archkit.draw(after, before=BEFORE).outline.changes
    for path in (*told.added, *told.removed, *told.changed):
        assert marks.mark(path)
    assert "encoder.0.blocks.0.block" in told.changed
    assert not any(marks.mark(n.path) for n in marks.after if n.path not in told.changed)
