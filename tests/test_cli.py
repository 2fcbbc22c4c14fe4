"""The verbs that need no torch: what they print, where, and how they exit."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from archkit import load_spec, plan, zoo
from archkit.cli import main

GOOD = """
archkit: 1
name: good
input: {size: 16}
norm: {groups: 8}
encoder:
  - {channels: 16, blocks: 1}
  - {channels: 32, blocks: 1, attention: true}
"""
BAD = GOOD.replace("groups: 8", "gruops: 8").replace("name: good", "name: bad")
ODD = GOOD.replace("size: 16", "size: 15")
PLUGIN = """
from typing import Literal

from archkit import Activation, hookimpl


class Square(Activation):
    '''x squared.'''

    type: Literal["square"] = "square"

    def build(self, site):
        raise NotImplementedError


@hookimpl
def archkit_components():
    return {"activation.square": Square}
"""


class Result(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Calls archkit in a folder with a few files; nobody ever sees a traceback."""
    monkeypatch.chdir(tmp_path)
    for name, text in {"good": GOOD, "bad": BAD, "odd": ODD}.items():
        Path(f"{name}.yaml").write_text(text)
    Path("square.py").write_text(PLUGIN)
    Path("broken.py").write_text("import nowhere_to_be_found\n")

    def call(*arguments: str, stdin: str = "") -> Result:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as exit:
            main(arguments)
        told = capsys.readouterr()
        if "--debug" not in arguments:
            assert "Traceback" not in told.err
        return Result(int(exit.value.code or 0), told.out, told.err)

    return call


# check --------------------------------------------------------------------------------------------


def test_check_says_fine(run: Run) -> None:
    assert run("check", "good.yaml") == (0, "good.yaml: fine\n", "")


def test_check_tells_what_is_wrong_on_stderr(run: Run) -> None:
    code, out, err = run("check", "bad.yaml")
    assert (code, out) == (1, "")
    assert err == (
        "bad.yaml:5:8: error[unknown-key]: norm `group` has no option `gruops`\n"
        "  5 | norm: {gruops: 8}\n"
        "    |        ^^^^^^\n"
        "  at norm.gruops\n"
        "  mend: did you mean `groups`?\n\n"
        "bad.yaml: 1 error\n"
    )


def test_check_takes_several_files(run: Run) -> None:
    code, out, err = run("check", "good.yaml", "bad.yaml", "odd.yaml")
    assert (code, out) == (1, "good.yaml: fine\n")
    assert "bad.yaml: 1 error\n" in err
    assert err.endswith("odd.yaml: 1 error\n")


def test_check_reads_stdin(run: Run) -> None:
    assert run("check", "-", stdin=GOOD) == (0, "<stdin>: fine\n", "")
    code, out, err = run("check", "-", stdin=BAD)
    assert (code, out) == (1, "")
    assert err.startswith("<stdin>:5:8: error[unknown-key]")


def test_check_knows_the_shipped_specs(run: Run) -> None:
    assert run("check", "tiny") == (0, "tiny: fine\n", "")


def test_check_takes_another_size(run: Run) -> None:
    assert run("check", "odd.yaml", "--size", "16").code == 0
    assert run("check", "good.yaml", "--size", "16,32").code == 0
    assert run("check", "good.yaml", "--size", "16x32").code == 0
    code, _, err = run("check", "good.yaml", "--size", "16,15")
    assert code == 1
    assert err.startswith("error[size]: width 15 does not fit")


@pytest.mark.parametrize("size", ["wide", "16,", "0", "-4", "16;16"])
def test_check_refuses_what_is_no_size(run: Run, size: str) -> None:
    code, out, err = run("check", "good.yaml", f"--size={size}")
    assert (code, out) == (2, "")
    assert f"`{size}` is no size" in err


def test_check_takes_overrides(run: Run) -> None:
    assert run("check", "odd.yaml", "--set", "input.size=16").code == 0
    assert run("check", "odd.yaml", "--set", "input.size=17", "--set", "fit=pad").code == 0
    code, _, err = run("check", "good.yaml", "--set", "norm.groups=5")
    assert code == 1
    assert err.startswith("<override 1>:1:13: error[groups]")


def test_check_warns_and_still_exits_with_0(run: Run) -> None:
    Path("warned.yaml").write_text(GOOD + "about: no\n")
    code, out, err = run("check", "warned.yaml")
    assert (code, out) == (0, "warned.yaml: fine\n")
    assert "warning[yaml-1.1-word]: `no` is text here" in err


def test_check_tells_tools(run: Run) -> None:
    code, out, err = run("check", "good.yaml", "bad.yaml", "--format", "json")
    assert (code, err) == (1, "")
    assert json.loads(out) == {
        "format_version": 1,
        "valid": False,
        "diagnostics": [
            {
                "file": "bad.yaml",
                "severity": "error",
                "code": "unknown-key",
                "message": "norm `group` has no option `gruops`",
                "mend": "did you mean `groups`?",
                "instead": "groups",
                "path": "norm.gruops",
                "node": "",
                "range": {
                    "file": "bad.yaml",
                    "start": {"line": 5, "column": 8},
                    "end": {"line": 5, "column": 14},
                },
            }
        ],
    }


def test_check_tells_tools_that_all_is_well(run: Run) -> None:
    code, out, _ = run("check", "good.yaml", "--format", "json")
    assert code == 0
    assert json.loads(out) == {"format_version": 1, "valid": True, "diagnostics": []}


def test_check_annotates_for_github(run: Run) -> None:
    code, out, err = run("check", "bad.yaml", "odd.yaml", "--format", "github")
    assert (code, err) == (1, "")
    assert out.splitlines() == [
        "::error file=bad.yaml,line=5,col=8,endColumn=14,title=archkit unknown-key::"
        "norm `group` has no option `gruops`; did you mean `groups`?",
        "::error file=odd.yaml,line=4,col=15,endColumn=17,title=archkit size::"
        "height 15 does not fit: at level 0 the decoder comes back with 16 and the skip has 15; "
        "use 14 or 16 (a multiple of 2), or `fit: pad`",
    ]


def test_annotations_without_a_place_name_the_file(run: Run) -> None:
    _, out, _ = run("check", "good.yaml", "--size", "15", "--format", "github")
    assert out.startswith("::error file=good.yaml,title=archkit size::height 15")


# plan, resolve ------------------------------------------------------------------------------------


def test_plan_lists_and_proves(run: Run) -> None:
    code, out, err = run("plan", "good.yaml")
    assert (code, err) == (0, "")
    table, proof, skips, readers = out.rstrip().split("\n\n")
    drawn = plan(GOOD)
    lines = table.splitlines()
    assert lines[0].split() == ["node", "component", "reads", "shape", "parameters", "MACs"]
    assert [line.split()[0] for line in lines[1:-1]] == [node.path for node in drawn]
    assert lines[-1].split() == ["total", f"{drawn.cost.parameters:,}", f"{drawn.cost.macs:,}"]
    assert proof.splitlines() == [
        "output == input == 3×16×16",
        "  height: a multiple of 2",
        "  width: a multiple of 2",
    ]
    assert skips.splitlines()[1].split() == [
        "1",
        "encoder.1.blocks.0.attention",
        "decoder.1.blocks.0.join",
        "32×8×8",
        "concat",
    ]
    assert readers.startswith("t (batch) is read by encoder.0.blocks.0.block")


def test_plan_is_plain_data_as_well(run: Run) -> None:
    code, out, _ = run("plan", "good.yaml", "--json", "--size", "32")
    assert code == 0
    data, drawn = json.loads(out), plan(GOOD, 32)
    assert [node["path"] for node in data["nodes"]] == [node.path for node in drawn]
    assert data["parameters"] == drawn.cost.parameters
    assert data["space"] == [32, 32]
    assert data["output"] == [3, 32, 32]
    height = {"name": "height", "multiple": 2, "rests": [0], "least": 2, "only": None}
    assert data["axes"][0] == height
    assert len(data["skips"]) == len(drawn.links)
    assert list(data["conditions"]) == ["t"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("output.variance=learned", "output == input == 3×16×16, twice: mean and variance"),
        ("fit=pad", "  height: a multiple of 2, padded to it otherwise"),
        ("conditioning.time=none", "no conditions"),
        ("skip=none", "no skips"),
    ],
)
def test_plan_says_what_is_unusual(run: Run, change: str, said: str) -> None:
    code, out, _ = run("plan", "good.yaml", "--set", change)
    assert code == 0
    assert said in out.splitlines()


def test_plan_shows_where_the_decoder_differs(run: Run) -> None:
    change = "decoder=[{block: {kernel: 5}}, {attention: false}]"
    _, out, _ = run("plan", "good.yaml", "--set", change)
    sections = out.rstrip().split("\n\n")
    assert sections[2].splitlines() == [
        "decoder.0 differs from encoder.0: block",
        "decoder.1 differs from encoder.1: attention",
    ]
    _, out, _ = run(
        "plan", "good.yaml", "--set", "decoder=[{channels: 32, blocks: 1}, {}]", "--json"
    )
    assert json.loads(out)["differences"] == {"decoder.0": ["channels"]}
    _, out, _ = run("plan", "good.yaml", "--json")
    assert json.loads(out)["differences"] == {}


def test_resolve_is_a_fixed_point(run: Run) -> None:
    code, once, err = run("resolve", "good.yaml")
    assert (code, err) == (0, "")
    assert "eps: 1.0e-05" in once
    assert "fit: strict\n" in once
    assert run("resolve", "-", stdin=once) == (0, once, "")
    assert load_spec(once) == load_spec(GOOD)


@pytest.mark.parametrize("name", zoo.names())
def test_every_shipped_spec_resolves_to_itself(run: Run, name: str) -> None:
    _, once, _ = run("resolve", name)
    assert run("resolve", "-", stdin=once).out == once
    assert "extends" not in once


# components, explain, plugins, schema -------------------------------------------------------------


def test_components_are_listed(run: Run) -> None:
    code, out, err = run("components")
    assert (code, err) == (0, "")
    assert any(line.startswith("block.resnet ") for line in out.splitlines())
    code, out, _ = run("components", "norm")
    assert code == 0
    assert {line.split()[0] for line in out.splitlines()} >= {"norm.group", "norm.layer"}
    assert all(line.startswith("norm.") for line in out.splitlines())


def test_components_of_local_plugins_are_among_them(run: Run) -> None:
    assert "activation.square" not in run("components").out
    assert "activation.square           x squared." in run("-p", "square.py", "components").out


def test_explain_says_what_a_component_is(run: Run) -> None:
    code, out, err = run("explain", "block.resnet")
    assert (code, err) == (0, "")
    assert out.startswith("block.resnet  (from archkit)\n\nnorm, activation, convolution, twice")
    assert "https://arxiv.org/abs/2006.11239" in out
    assert '  norm: "group" (a norm)\n      The norm before each convolution.\n' in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("explain", "block.resnett"), "no block is called `resnett`; did you mean `resnet`?"),
        (("explain", "resnett"), "did you mean `resnet`?"),
        (("components", "blok"), "no kind is called `blok`"),
        (("chekc", "good.yaml"), "No such command `chekc`. Did you mean `check`?"),
        (("check",), "Missing argument 'FILE...'"),
        (("check", "good.yaml", "--format", "xml"), "'xml' is not one of 'text', 'json', 'github'"),
        (("plan",), "Missing argument 'FILE'"),
    ],
)
def test_usage_is_told_with_2(run: Run, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert said in " ".join(err.split())


def test_plugins_are_listed(run: Run) -> None:
    code, out, err = run("-p", "square.py", "plugins")
    assert (code, err) == (0, "")
    assert out.splitlines()[0].startswith("✓ archkit (built-in ")
    assert "✓ square (" in out


def test_a_broken_plugin_is_listed_with_its_reason(run: Run) -> None:
    code, out, _ = run("-p", "broken.py", "plugins", "--json")
    assert code == 1
    found = {plugin["name"]: plugin for plugin in json.loads(out)}
    assert "No module named 'nowhere_to_be_found'" in found["broken"]["error"]
    assert found["broken"]["where"].endswith("broken.py:1")
    assert not found["archkit"]["error"]
    assert run("-p", "broken.py", "check", "good.yaml").code == 0


def test_schema_is_printed(run: Run) -> None:
    code, out, err = run("-p", "square.py", "schema")
    assert (code, err) == (0, "")
    schema = json.loads(out)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert "activation.square" in schema["definitions"]


# Mistakes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["check", "plan", "resolve"])
@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("nowhere.yaml", "nowhere.yaml:1:1: error[missing-file]: there is no file `nowhere.yaml`"),
        (".", "is a folder"),
        ("bad.yaml", "bad.yaml:5:8: error[unknown-key]"),
    ],
)
def test_a_mistake_is_told_with_1(run: Run, verb: str, file: str, said: str) -> None:
    code, out, err = run(verb, file)
    assert (code, out) == (1, "")
    assert said in err


def test_debug_shows_the_traceback(run: Run) -> None:
    code, _, err = run("--debug", "plan", "bad.yaml")
    assert code == 1
    assert "Traceback (most recent call last)" in err
    assert "error[unknown-key]" in err


def test_help_lists_the_verbs(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    for verb in ("check", "plan", "resolve", "components", "explain", "plugins", "schema"):
        assert f"\n  {verb} " in out
    assert run("check", "-h").code == 0


# No torch -----------------------------------------------------------------------------------------

ENTER = (
    "import sys; from archkit.cli import main\ntry: main({arguments!r})\nexcept SystemExit: pass\n"
)
TORCH = "\nimport sys; print('torch' in sys.modules, file=sys.stderr)"


def imports_torch(code: str) -> bool:
    """Whether a fresh process has torch after some code."""
    told = subprocess.run([sys.executable, "-c", code + TORCH], capture_output=True, text=True)
    return {"True": True, "False": False}[told.stderr.split()[-1]]


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "good.yaml", "bad.yaml", "sdxl-base"),
        ("plan", "good.yaml"),
        ("resolve", "good.yaml"),
        ("components",),
        ("explain", "block.resnet"),
        ("explain", "unknown-key"),
        ("sweep", "good.yaml", "--grid", "fit=strict,pad", "-o", "out"),
        ("new", "mine.yaml", "--like", "ddpm, 16"),
        ("plugins", "--json"),
        ("schema",),
        ("--help",),
    ],
    ids=lambda arguments: arguments[0],
)
@pytest.mark.usefixtures("run")
def test_no_torch_is_imported(arguments: tuple[str, ...]) -> None:
    assert not imports_torch(ENTER.format(arguments=arguments))


@pytest.mark.parametrize(
    "code",
    ["import archkit", "from archkit import *", f"import archkit; archkit.check({GOOD!r})"],
)
def test_python_imports_none_either(code: str) -> None:
    assert not imports_torch(code)


def test_that_test_can_fail() -> None:
    assert imports_torch(f"import archkit; archkit.assemble({GOOD!r}, initialise=False)")


def test_plain_yaml_reads_what_resolve_prints(run: Run) -> None:
    """Other readers are of YAML 1.1, where `1e-05` is text."""
    printed = run("resolve", "good.yaml").out
    assert yaml.safe_load(printed) == load_spec(GOOD).data()
