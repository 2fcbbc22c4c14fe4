"""Every format, of every shipped spec: well made, the same every time, and nothing from outside."""

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from irregular import IRREGULAR
from PIL import Image
from portable import texts

import archkit
from archkit import zoo
from archkit.drawing import SUFFIXES, Drawing
from archkit.drawing.scene import Box, Text
from archkit.drawing.style import PAPER_WIDTH

NETWORKS = [*zoo.names(), *IRREGULAR]
FEW = ["tiny", "stable-diffusion-1.5", "unet-2015", "monai-ddpm-3d", "images", "pyramids"]
DETAILS = ("overview", "stage", "block")
SVG = "{http://www.w3.org/2000/svg}"
every = pytest.mark.parametrize("name", NETWORKS)
some = pytest.mark.parametrize("name", FEW)


@cache
def drawing(name: str, detail: str = "overview") -> Drawing:
    return archkit.draw(IRREGULAR.get(name, zoo.find(name)), detail=detail)


def engines() -> dict[str, str]:
    """Graphviz as a package of Python's, and the system's where it has one."""
    packaged = shutil.which("graphviz-pure", path=str(Path(sys.executable).parent))
    assert packaged, "graphviz-pure is one of the packages for tests"
    system = shutil.which("dot")
    return {"graphviz-pure": packaged, **({"dot": system} if system else {})}


@every
@pytest.mark.parametrize("detail", DETAILS)
def test_svg_is_well_made(name: str, detail: str) -> None:
    text = drawing(name, detail).svg
    root = ElementTree.fromstring(text)
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    assert root.get("role") == "img"
    title, told = (root.find(f"{SVG}{tag}") for tag in ("title", "desc"))
    assert title is not None
    assert told is not None
    assert title.text
    assert root.get("aria-labelledby") == f"{title.get('id')} {told.get('id')}"
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"<script|<image|href|url\(|@import", text)


@every
def test_svg_of_an_overview_is_small(name: str) -> None:
    found = drawing(name)
    if len(found.outline.stages) <= 15:
        assert len(found.svg.encode()) <= 100_000


@some
def test_svg_tells_what_it_shows(name: str) -> None:
    """Every stage and every skip is in the description, and has a tooltip."""
    found = drawing(name)
    root = ElementTree.fromstring(found.svg)
    told = root.findtext(f"{SVG}desc") or ""
    for stage in found.outline.stages:
        assert f"{stage.name}: " in told
    for strand in found.outline.strands:
        for source, target in strand.ends:
            tips = [e.text or "" for e in root.iter(f"{SVG}title")]
            assert strand.within or any(f"{source} → {target}" in tip for tip in tips)


@some
def test_edges_lead_to_what_is_there(name: str) -> None:
    root = ElementTree.fromstring(drawing(name).svg)
    uid = root.get("id")
    ids = {e.get("id") for e in root.iter()}
    for edge in root.iter(f"{SVG}g"):
        for end in ("data-from", "data-to"):
            if edge.get(end):
                assert f"{uid}-{edge.get(end)}" in ids, edge.attrib


def test_an_automatic_theme_follows_the_reader() -> None:
    plan = drawing("tiny").plan
    auto, light, dark = (archkit.draw(plan, theme=t).svg for t in ("auto", "light", "dark"))
    assert "prefers-color-scheme:dark" in auto
    assert "prefers-color-scheme" not in light + dark
    assert 'fill="#0D1117"' in dark
    assert "#0D1117" not in light
    # What dark text stands on is never dark.
    assert 'fill="#1F2937"' not in dark


def test_two_drawings_on_one_page_do_not_clash() -> None:
    first, second = drawing("tiny"), drawing("tiny", "stage")
    ids = [set(re.findall(r'id="([^"]+)"', d.svg)) for d in (first, second)]
    assert not ids[0] & ids[1]


def test_what_a_name_holds_cannot_break_out() -> None:
    name = 'a "<script>alert(1)</script>" & \x07 {x} $y_1 %'
    found = archkit.draw({"archkit": 1, "name": name, "encoder": [{"channels": 32}]})
    assert ElementTree.fromstring(found.svg).findtext(f"{SVG}title")
    page = found.write("html").decode()
    assert page.count("<script>") == 1
    assert found.write("pdf").startswith(b"%PDF")
    assert r"\$y\_1 \%" in found.write("tikz").decode()
    assert '"a' not in found.write("mermaid").decode().split("block-beta")[1]


def test_bytes_are_the_same_every_time() -> None:
    """In two processes whose sets and mappings are shuffled differently."""
    code = (
        "import sys, json, hashlib, archkit; drawing = archkit.draw(sys.argv[1])\n"
        "print(json.dumps([hashlib.sha1(drawing.write(f)).hexdigest() for f in sys.argv[2:]]))"
    )
    forms = sorted(set(SUFFIXES.values()))
    runs = [
        subprocess.run(
            [sys.executable, "-c", code, str(zoo.find("sdxl-base")), *forms],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        )
        for seed in ("1", "2")
    ]
    assert len(json.loads(runs[0].stdout)) == len(forms)
    assert runs[0].stdout == runs[1].stdout


@some
def test_png_is_the_picture_at_twice_its_size(name: str) -> None:
    found = drawing(name)
    image = Image.open(BytesIO(found.write("png"))).convert("RGB")
    assert abs(image.width - found.scene.width * 8 / 3) <= 2
    assert abs(image.height - found.scene.height * 8 / 3) <= 2
    assert image.getpixel((1, 1)) == (255, 255, 255)
    # Text is there: dark pixels where the title stands.
    (title,) = [i for i in found.scene if getattr(i, "role", "") == "title"]
    row = [image.getpixel((int(x * 8 / 3), int(title.y * 8 / 3))) for x in range(20, 80)]
    assert min(map(sum, row)) < 300


@some
def test_pdf_embeds_its_fonts(name: str) -> None:
    data = drawing(name).write("pdf")
    assert data.startswith(b"%PDF")
    assert data.count(b"/FontFile2") == 2
    assert set(re.findall(rb"/BaseFont /([\w+-]+)", data)) == {
        b"AAAAAA+ArchkitSans",
        b"AAAAAA+ArchkitSans-Bold",
    }
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", data)
    assert box
    assert float(box[1]) == pytest.approx(drawing(name).scene.width, abs=0.01)


@some
@pytest.mark.parametrize("detail", DETAILS)
def test_the_text_of_a_pdf_can_be_selected(name: str, detail: str) -> None:
    """All of it, sign by sign, and nothing else."""
    found = drawing(name, detail)
    items = [item for item in found.scene if isinstance(item, Text)]
    words = [word for item in items for word in (item.words, item.sub) if word]
    assert sorted(texts(found.write("pdf"))) == sorted(words)


def test_paper_is_as_wide_as_asked() -> None:
    plan = drawing("tiny").plan
    for width in (None, 300.0):
        data = archkit.draw(plan, preset="paper", width=width).write("pdf")
        box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", data)
        assert box
        assert float(box[1]) == pytest.approx(width or PAPER_WIDTH, abs=0.01)


@every
def test_html_needs_nothing_from_outside(name: str) -> None:
    page = drawing(name).write("html").decode()
    bare = page.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|//cdn|src=|<link|@import|url\(", bare)
    assert [page.count(f'class="level" data-level="{d}"') for d in DETAILS] == [1, 1, 1]
    data = re.search(r"STAGES = (\[.*\]);\n", page)
    assert data
    stages = json.loads(data[1])
    assert [s["name"] for s in stages] == [s.name for s in drawing(name).outline.stages]
    if len(stages) <= 12:
        assert len(page.encode()) <= 300_000


@pytest.mark.parametrize("engine", engines())
@pytest.mark.parametrize(
    ("name", "detail"),
    [
        *((name, "overview") for name in FEW),
        # Their text reaches the edge of the picture.
        ("dance-diffusion", "stage"),
        ("stable-diffusion-x2-upscaler", "block"),
    ],
)
def test_dot_draws_the_same_boxes(name: str, detail: str, engine: str) -> None:
    """The boxes of the scene, within a point; no engine lays anything out by itself."""
    found = drawing(name, detail)
    run = subprocess.run(
        [engines()[engine], "-Tjson", "-q"],
        input=found.write("dot"),
        capture_output=True,
        check=True,
    )
    drawn = {node["name"]: node for node in json.loads(run.stdout)["objects"]}
    boxes = [item for item in found.scene if isinstance(item, Box) and item.id]
    assert len(boxes) >= (3 if detail == "block" else 10)
    for box in boxes:
        node = drawn[box.id]
        x, y = map(float, node["pos"].split(","))
        assert abs(x - box.centre[0]) < 1
        assert abs(found.scene.height - y - box.centre[1]) < 1
        assert abs(float(node["width"]) * 72 - box.w) < 1
        assert abs(float(node["height"]) * 72 - box.h) < 1


def test_graphviz_takes_it() -> None:
    source = drawing("tiny").to_graphviz()
    assert type(source).__module__.startswith("graphviz")
    assert "layout=nop2" in source.source


@every
def test_mermaid_is_a_u_of_three_columns(name: str) -> None:
    text = drawing(name).write("mermaid").decode()
    lines = [line.strip() for line in text.splitlines()]
    assert lines[1:3] == ["block-beta", "columns 3"]
    ids = re.findall(r'\s(\w+)(?:\[|\(\[)"', text)
    assert sorted(ids) == sorted(
        ["x", "y", *(s.id.replace(".", "") for s in drawing(name).outline.stages)]
    )
    for line in lines:
        if "-->" in line:
            ends = re.match(r'(\w+) (?:-- ".*" )?--> (\w+)$', line)
            assert ends, line
            assert {ends[1], ends[2]} <= set(ids)
        assert line.count('"') % 2 == 0


@every
def test_tikz_is_whole(name: str) -> None:
    text = drawing(name).write("tikz").decode()
    bare = text.replace("\\{", "").replace("\\}", "")
    assert bare.count("{") == bare.count("}")
    used = set(re.findall(r"(?:fill|draw|text)=(ak\w+)", text))
    assert used <= set(re.findall(r"\\definecolor\{(\w+)\}", text))
    assert text.isascii()


def test_tikz_compiles_where_there_is_tex(tmp_path: Path) -> None:
    path = drawing("tiny").save(tmp_path / "u.tex")
    if tex := shutil.which("pdflatex"):
        command = [tex, "-interaction=nonstopmode", "-halt-on-error", path.name]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        assert (tmp_path / "u.pdf").stat().st_size > 10_000


@every
def test_text_is_a_u(name: str) -> None:
    found = drawing(name)
    lines = found.text.splitlines()
    for stage in found.outline.stages:
        assert any(f"╭ {stage.name} " in line for line in lines)
    rows = {name: i for i, line in enumerate(lines) for name in re.findall(r"╭ (\w+ ?\d*) ", line)}
    for stage in found.outline.on("encoder"):
        twin = f"dec {stage.level}"
        if twin in rows:
            assert rows[stage.name] == rows[twin]
    assert all(line == line.rstrip() for line in lines)


def test_text_is_a_list_where_a_u_is_too_wide() -> None:
    found = drawing("stable-diffusion-1.5")
    narrow = found.as_text(columns=90)
    assert "╭" not in narrow
    assert "enc 2 → dec 2: concat · 2 × 1280 + 640 ch" in narrow
    assert "╭" in found.as_text(columns=200)


def test_a_notebook_shows_it() -> None:
    bundle = drawing("tiny")._repr_mimebundle_()
    assert bundle["image/svg+xml"].startswith("<svg")
    assert bundle["text/plain"].startswith("tiny: ")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_are_written_by_their_suffix(suffix: str, tmp_path: Path) -> None:
    path = drawing("tiny").save(tmp_path / f"tiny.{suffix}")
    assert path.read_bytes() == drawing("tiny").write(SUFFIXES[suffix])
    assert os.listdir(tmp_path) == [path.name]


def test_signs_the_font_lacks_are_told(tmp_path: Path) -> None:
    found = archkit.draw({"archkit": 1, "name": "U 日本", "encoder": [{"channels": 32}]})
    assert not found.notes("svg")
    (note,) = found.notes("png")
    assert "日, 本" in note.message
    with pytest.warns(UserWarning, match="has no sign for 日"):
        found.save(tmp_path / "u.png")
