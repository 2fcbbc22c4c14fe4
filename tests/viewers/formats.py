"""Pictures in the programs that read them: Mermaid, Graphviz, TeX, readers of PDF."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from irregular import IRREGULAR

import archkit
from archkit import zoo
from archkit.drawing import Drawing
from archkit.drawing.scene import Box, Text

from .browser import Browser, Page

NETWORKS = [*zoo.names(), *IRREGULAR]
FEW = ["tiny", "stable-diffusion-1.5", "unet-2015", "monai-ddpm-3d", "images", "pyramids"]
DETAILS = ("overview", "stage", "block")
INSTALLED = Path(__file__).parents[2] / "out/viewers/node_modules"
every = pytest.mark.parametrize("name", NETWORKS)
some = pytest.mark.parametrize("name", FEW)


def drawing(name: str, detail: str = "overview") -> Drawing:
    return archkit.draw(IRREGULAR.get(name) or zoo.find(name), detail=detail)


def engine(name: str) -> str:
    """A program of the system, or of this environment."""
    found = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    assert found, f"install {name}"
    return found


# Mermaid -------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["mermaid", "mermaid-11"])
def mermaid(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    """A page with Mermaid in it."""
    folder = tmp_path_factory.mktemp("mermaid")
    script = (INSTALLED / request.param / "dist/mermaid.min.js").as_uri()
    (folder / "page.html").write_text(f'<meta charset="utf-8"><script src="{script}"></script>')
    browser = Browser(folder / "profile")
    page = browser.open(folder / "page.html")
    page.ask("mermaid.initialize({startOnLoad: false})")
    yield page
    browser.close()


@every
def test_mermaid_parses(mermaid: Page, name: str) -> None:
    text = drawing(name).write("mermaid").decode()
    assert (
        mermaid.ask(f"mermaid.parse({json.dumps(text)}).then(found => found.diagramType)")
        == "block"
    )


@some
def test_mermaid_shows_a_u(mermaid: Page, name: str) -> None:
    """Stages of one level side by side, the encoder on the left; the bottleneck below all."""
    found = drawing(name)
    text = found.write("mermaid").decode()
    drawn = f"mermaid.render('u', {json.dumps(text)})"
    mermaid.ask(f"{drawn}.then(done => {{ document.body.innerHTML = done.svg; }})")
    middles = {
        stage.id: _middle(mermaid, stage.id.replace(".", "")) for stage in found.outline.stages
    }
    depth = 0.0
    for stage in found.outline.on("encoder"):
        x, y = middles[stage.id]
        assert y > depth
        depth = y
        if twin := middles.get(f"decoder.{stage.level}"):
            assert twin[0] > x
            assert twin[1] == pytest.approx(y, abs=1)
    assert all(y <= middles["bottleneck"][1] for _, y in middles.values())


def _middle(page: Page, node: str) -> tuple[float, float]:
    box = f"document.querySelector('[id$=\"-{node}\"], #{node}').getBoundingClientRect()"
    x, y = page.ask(f"(b => [b.x + b.width / 2, b.y + b.height / 2])({box})")
    return x, y


# Graphviz ------------------------------------------------------------------------------------


@every
@pytest.mark.parametrize("detail", DETAILS)
def test_both_engines_draw_the_same_boxes(name: str, detail: str) -> None:
    """Within a point of each other and of the scene; `dot` needs no flags."""
    found = drawing(name, detail)
    source = found.write("dot")
    first, second = (_boxes(program, source) for program in ("dot", "graphviz-pure"))
    assert first.keys() == second.keys()
    for node, box in first.items():
        assert second[node] == pytest.approx(box, abs=1)
    for item in found.scene:
        if isinstance(item, Box) and item.id:
            x, y = item.centre
            assert first[item.id] == pytest.approx(
                (x, found.scene.height - y, item.w, item.h), abs=1
            )


def _boxes(program: str, source: bytes) -> dict[str, tuple[float, ...]]:
    """Middle, width and height of every node, in points."""
    command = [engine(program), "-Tjson", *(["-q"] if program != "dot" else [])]
    run = subprocess.run(command, input=source, capture_output=True, check=True)
    objects: list[dict[str, Any]] = json.loads(run.stdout)["objects"]
    return {
        node["name"]: (
            *map(float, node["pos"].split(",")),
            *(72 * float(node[side]) for side in ("width", "height")),
        )
        for node in objects
        if "pos" in node
    }


# TeX and PDF ---------------------------------------------------------------------------------


@some
@pytest.mark.parametrize("detail", DETAILS)
@pytest.mark.skipif(not shutil.which("pdflatex"), reason="there is no TeX here")
def test_tikz_compiles(name: str, detail: str, tmp_path: Path) -> None:
    """With nothing but TikZ and its arrows, into a page that holds all of the text."""
    source = drawing(name, detail).save(tmp_path / "u.tex").read_text()
    used = re.findall(r"\\use(?:package|tikzlibrary)(?:\[.*?\])?\{(.*?)\}", source)
    assert set(used) == {"fontenc", "helvet", "tikz", "arrows.meta"}
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "u.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Missing character" not in done.stdout
    assert (tmp_path / "u.pdf").stat().st_size > 10_000


@some
@pytest.mark.parametrize("detail", DETAILS)
def test_readers_of_pdf_find_fonts_and_text(name: str, detail: str, tmp_path: Path) -> None:
    found = drawing(name, detail)
    file = found.save(tmp_path / "u.pdf")
    fonts = subprocess.run([engine("pdffonts"), file], capture_output=True, text=True, check=True)
    rows = fonts.stdout.splitlines()[2:]
    assert len(rows) == 2
    assert all(re.search(r"ArchkitSans.* yes yes yes ", row) for row in rows)
    command = [engine("pdftotext"), "-raw", file, "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    selected = "".join(text.split())
    for item in found.scene:
        if isinstance(item, Text):
            assert "".join(item.words.split()) in selected
