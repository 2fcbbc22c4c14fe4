"""The HTML page in Chromium: levels, zoom, focus, panel, keyboard, theme; nothing from outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from irregular import IRREGULAR
from PIL import Image

import archkit
from archkit import zoo
from archkit.drawing import Drawing
from archkit.drawing.palette import DARK, LIGHT

from .browser import Browser, Page

DRAWING = archkit.draw(zoo.find("stable-diffusion-1.5"))
LEVELS = ("overview", "stage", "block")
SHOWN = "[...document.querySelectorAll('.level')].filter(e => e.getClientRects().length)"
FRAME = f"{SHOWN}[0].getBoundingClientRect()"
PALE = """[...document.querySelectorAll("svg > .chip + text, svg > .pill + text")].filter(text =>
  getComputedStyle(text).opacity !== getComputedStyle(text.previousElementSibling).opacity
).map(text => text.textContent)"""
"""Texts that fade while the box behind them does not, or the other way round."""
PANEL = "document.querySelector('aside').innerText"


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    running = Browser(tmp_path_factory.mktemp("profile"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return DRAWING.save(tmp_path_factory.mktemp("page") / "page.html")


@pytest.fixture
def page(browser: Browser, file: Path) -> Iterator[Page]:
    opened = browser.open(file)
    yield opened
    opened.close()


def shown(page: Page) -> list[str]:
    found: list[str] = page.ask(f"{SHOWN}.map(e => e.dataset.level)")
    return found


def zoomed(page: Page) -> float:
    """How large the picture is, in pixels for each of its own."""
    size: float = page.ask(f"{FRAME}.width / {SHOWN}[0].querySelector('svg').getAttribute('width')")
    return size


def lit(page: Page) -> set[str]:
    """The stages in focus, on the level that is shown."""
    found = f"[...{SHOWN}[0].querySelectorAll('.stage.lit')]"
    return set(page.ask(f"{found}.map(e => e.id.slice(e.ownerSVGElement.id.length + 1))"))


# Levels, zoom, pan --------------------------------------------------------------------------


def test_it_opens_whole_at_the_overview(page: Page) -> None:
    assert shown(page) == ["overview"]
    box, view = (
        page.ask(f"(b => [b.left, b.top, b.right, b.bottom])({what}.getBoundingClientRect())")
        for what in (f"{SHOWN}[0]", "document.querySelector('main')")
    )
    assert box[0] >= view[0]
    assert box[1] >= view[1]
    assert box[2] <= view[2]
    assert box[3] <= view[3]
    assert max(box[2] - box[0], box[3] - box[1]) > 600


def test_levels_by_key_and_by_button(page: Page) -> None:
    pressed = "[...document.querySelectorAll('[aria-pressed=true]')].map(b => b.dataset.level)"
    for key, level in zip("231", ("stage", "block", "overview"), strict=True):
        page.press(key)
        assert shown(page) == page.ask(pressed) == [level]
    for level in LEVELS:
        page.click(*page.centre(f"button[data-level={level}]"))
        assert shown(page) == page.ask(pressed) == [level]


def test_keys_zoom_and_pan(page: Page) -> None:
    fitting = zoomed(page)
    page.press("+", "+")
    assert zoomed(page) == pytest.approx(fitting * 1.44)
    page.press("-")
    assert zoomed(page) == pytest.approx(fitting * 1.2)
    before = page.ask(f"{FRAME}.left")
    page.press("ArrowRight")
    assert page.ask(f"{FRAME}.left") == pytest.approx(before - 60)
    page.press("0")
    assert zoomed(page) == pytest.approx(fitting)


def test_the_wheel_zooms_about_the_pointer(page: Page) -> None:
    start = zoomed(page)
    x, y = page.centre(".stage[id$='-bottleneck']")
    page.point(x, y, deltaY=-400)
    page.wait(f"{FRAME}.width > 1.5 * {start} * 600")
    assert page.centre(".stage[id$='-bottleneck']") == pytest.approx((x, y), abs=2)


def test_dragging_pans_and_chooses_nothing(page: Page) -> None:
    x, y = page.centre(".stage[id$='-encoder.1'] rect")
    page.drag((x, y), (x + 80, y + 30))
    assert page.centre(".stage[id$='-encoder.1'] rect") == pytest.approx((x + 80, y + 30), abs=1)
    assert "all stages" not in page.ask(PANEL)


# Focus and panel -----------------------------------------------------------------------------


@pytest.mark.parametrize("level", [1, 2])
def test_a_stage_under_the_pointer_is_in_focus_with_what_it_is_joined_to(
    page: Page, level: int
) -> None:
    page.press(str(level))
    page.point(*page.centre(".stage[id$='-encoder.1'] rect"))
    assert {"encoder.0", "encoder.1", "encoder.2", "decoder.1"} <= lit(page)
    assert "decoder.3" not in lit(page)
    opacity = "getComputedStyle({}[0].querySelector('.edge[data-to=\"decoder.0\"]')).opacity"
    page.wait(f"{opacity.format(SHOWN)} < 0.3")
    page.ask("new Promise(done => setTimeout(done, 200))")
    assert page.ask(PALE) == []
    page.point(1270, 890)
    assert lit(page) == set()
    page.wait(f"{opacity.format(SHOWN)} == 1")


def test_a_skip_under_the_pointer_is_in_focus_with_its_ends(page: Page) -> None:
    """On its line, and on the label in the middle of it."""
    edge = ".edge[data-from='encoder.0'][data-to='decoder.0']"
    x, y = page.centre(edge)
    left = page.ask(f'document.querySelector("{edge}").getBoundingClientRect().left')
    for at in ((left + 20, y), (x, y)):
        page.point(*at)
        assert lit(page) == {"encoder.0", "decoder.0"}
        assert page.ask("document.querySelectorAll('.edge.lit').length") == 1
        page.point(1270, 890)
        assert lit(page) == set()


def test_the_panel_lists_stages_and_then_the_nodes_of_one(page: Page) -> None:
    listed = page.ask(PANEL)
    for stage in DRAWING.outline.stages:
        assert stage.name in listed
    page.click(*page.centre(".stage[id$='-encoder.1'] rect"))
    told = page.ask(PANEL)
    (stage,) = [s for s in DRAWING.outline.stages if s.id == "encoder.1"]
    for piece in stage.pieces:
        assert piece.path in told
    assert f"{stage.cost.parameters:,} parameters" in told
    page.click(*page.centre("aside button"))
    assert page.ask(PANEL) == listed


def test_an_address_opens_a_stage_and_a_level(browser: Browser, file: Path) -> None:
    page = browser.open(file)
    page.call("Page.navigate", {"url": "about:blank"})
    page.call("Page.navigate", {"url": f"{file.as_uri()}#decoder.2,stage"})
    page.wait("(document.querySelector('aside') || {}).innerText?.includes('all stages')")
    assert shown(page) == ["stage"]
    assert "decoder.2.upsampling" in page.ask(PANEL)
    page.close()


# Keyboard ------------------------------------------------------------------------------------


def test_everything_is_reached_by_the_keyboard(page: Page) -> None:
    """Tab goes to every button, stage and row; what has the focus is seen to have it."""
    focused = (
        "(e => e.dataset.level || e.dataset.act || e.dataset.stage"
        " || e.id.slice(e.ownerSVGElement?.id.length + 1))(document.activeElement)"
    )
    seen = []
    for _ in range(40):
        page.press("Tab")
        seen.append(page.ask(focused))
        if seen[-1]:
            assert page.ask("getComputedStyle(document.activeElement).outlineStyle") != "none"
    stages = [stage.id for stage in DRAWING.outline.stages]
    assert {*LEVELS, "fit", "theme", "svg", "png", *stages} <= set(seen)
    assert all(seen.count(stage) >= 2 for stage in stages), "in the picture, and in the table"


def test_enter_opens_a_stage_and_escape_goes_back(page: Page) -> None:
    page.ask("document.querySelector('.stage[id$=\"-encoder.0\"]').focus()")
    assert "encoder.0" in lit(page)
    page.press("Enter")
    assert "encoder.0.blocks.0.block" in page.ask(PANEL)
    page.press("Escape")
    assert "encoder.0.blocks.0.block" not in page.ask(PANEL)
    assert lit(page) == set()


# Themes, files, print ------------------------------------------------------------------------


def colours(page: Page) -> tuple[str, str]:
    """Of the ground, and of the card of a stage."""
    card = "document.querySelector('.stage[id$=\"-encoder.0\"] > rect')"
    told = page.ask(
        f"[getComputedStyle(document.body).backgroundColor, getComputedStyle({card}).fill]"
    )
    first, second = ("#" + "".join(f"{int(n):02X}" for n in re.findall(r"\d+", c)) for c in told)
    return first, second


def test_themes(browser: Browser, file: Path) -> None:
    light, dark = ((theme["ground"], theme["card"]) for theme in (LIGHT, DARK))
    for reader, own, other in ((False, light, dark), (True, dark, light)):
        page = browser.open(file, dark=reader)
        assert colours(page) == own
        page.press("t")
        assert colours(page) == other
        page.click(*page.centre("button[data-act=theme]"))
        assert colours(page) == own
        page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_picture_can_be_saved(browser: Browser, file: Path, tmp_path: Path, theme: str) -> None:
    page = browser.open(file, dark=theme == "dark")
    allowed = {"behavior": "allow", "downloadPath": str(tmp_path)}
    browser.call("Browser.setDownloadBehavior", allowed)
    for suffix in ("svg", "png"):
        page.click(*page.centre(f"button[data-act={suffix}]"))
        saved = tmp_path / f"stable-diffusion-1.5-overview.{suffix}"
        for _ in range(100):
            page.ask("new Promise(done => setTimeout(done, 50))")
            if saved.exists():
                break
    ground = (LIGHT if theme == "light" else DARK)["ground"]
    svg = (tmp_path / "stable-diffusion-1.5-overview.svg").read_text()
    assert ElementTree.fromstring(svg).get("role") == "img"
    image = Image.open(tmp_path / "stable-diffusion-1.5-overview.png").convert("RGB")
    assert "#{:02X}{:02X}{:02X}".format(*image.getpixel((2, 2))) == ground
    assert len(image.getcolors(1 << 24) or ()) > 50
    page.close()


def test_print_shows_the_picture_alone(page: Page) -> None:
    page.show(width=800, height=1000, media="print")
    for hidden in ("aside", "header .group"):
        assert page.ask(f"document.querySelector('{hidden}').getClientRects().length") == 0
    assert page.ask(f"{FRAME}.width") > 400


# Every network -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*zoo.names(), *IRREGULAR])
def test_no_error_and_nothing_fetched(browser: Browser, tmp_path: Path, name: str) -> None:
    drawing = archkit.draw(IRREGULAR.get(name) or zoo.find(name))
    file = drawing.save(tmp_path / "page.html")
    page = browser.open(file)
    for key, level in zip("123", LEVELS, strict=True):
        page.press(key)
        assert shown(page) == [level]
    for stage in drawing.outline.stages:
        page.ask(f"show({stage.id!r})")
        assert stage.pieces[0].path in page.ask(PANEL)
    page.press("Escape", "t")
    assert page.complaints == []
    assert page.requests == [file.as_uri()]
    page.close()


@pytest.mark.parametrize("name", ["tiny", "stable-diffusion-1.5", "unet-2015", "monai-ddpm-3d"])
@pytest.mark.parametrize("dark", [False, True])
def test_svg_is_seen_as_it_is_rendered(
    browser: Browser, tmp_path: Path, name: str, dark: bool
) -> None:
    """Chromium's picture of the SVG, in the theme of its reader, is that of the PNG."""
    auto = archkit.draw(zoo.find(name))
    page = browser.open(auto.save(tmp_path / "u.svg"), dark=dark)
    width, height = (round(n * 4 / 3) for n in (auto.scene.width, auto.scene.height))
    page.show(width=width, height=height, dark=dark)
    theirs = Image.open(BytesIO(page.picture())).convert("L")
    drawn = Drawing(auto.plan, archkit.drawing.Style(theme="dark" if dark else "light"))
    ours = Image.open(BytesIO(drawn.write("png"))).convert("L").resize(theirs.size)
    small = (theirs.width // 4, theirs.height // 4)
    pairs = zip(*(i.resize(small, Image.BOX).tobytes() for i in (theirs, ours)), strict=True)
    apart = sorted(abs(a - b) for a, b in pairs)
    assert sum(apart) / len(apart) < 2
    assert apart[int(0.99 * len(apart))] < 40
    assert page.complaints == []
    page.close()
