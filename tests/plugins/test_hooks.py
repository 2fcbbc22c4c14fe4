"""Every hook is used by archkit itself and by a plugin of a test, and refuses what it can't use."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from plugin_texts import HEAD, offering

import archkit.builtin
from archkit import DrawingError, PluginError, api, cli, hooks, load_registry

HOOKS = [name for name in vars(hooks) if name.startswith("archkit_")]
TINY = "archkit: 1\nname: {}\ninput: {{channels: 1, size: 8}}\nencoder: [{{channels: 32}}]\n"
SMALL = {"archkit": 1, "name": "small", "extends": "tiny"}
WHOLE = (
    offering("mine")
    + '''
import click
from pathlib import Path

@hookimpl
def archkit_specs():
    return [Path(__file__).parent / "specs"]

@hookimpl
def archkit_writers():
    return {"paths": lambda drawing: "\\n".join(node.path for node in drawing.plan) + "\\n"}

@click.command()
@click.argument("spec")
def greet(spec):
    """Say how many nodes a spec has."""
    import archkit
    print(f"{spec}: {len(archkit.plan({'archkit': 1, 'name': 'x', 'extends': spec}).nodes)} nodes")

@hookimpl
def archkit_commands():
    return {"greet": greet}
'''
)


@pytest.fixture
def whole(write) -> str:
    """A plugin that offers something by every hook."""
    write("specs/my-spec.yaml", TINY.format("my-spec"))
    return write("whole.py", WHOLE)


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    told = capsys.readouterr()
    return int(stop.value.code or 0), told.out, told.err


def test_the_hooks_are_one_short_file_that_says_what_they_are() -> None:
    assert len(inspect.getsource(hooks).splitlines()) < 100
    assert all("Returns:" in (getattr(hooks, name).__doc__ or "") for name in HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_used_by_the_built_ins_and_by_the_plugin(whole, hook) -> None:
    assert callable(getattr(archkit.builtin, hook))
    kind = hook.removeprefix("archkit_").removesuffix("s")
    built_in, plugin = (load_registry([whole]).plugins[i] for i in (0, -1))
    for row in (built_in, plugin):
        assert row.error == ""
        assert (
            row.components
            if kind == "component"
            else any(key.startswith(f"{kind}.") for key in row.extras)
        )


def test_a_plugin_is_listed_with_all_it_offers(whole, capsys) -> None:
    code, out, _ = run(capsys, "-p", whole, "plugins")
    assert code == 0
    assert out.splitlines()[-1].endswith("1 component, 1 spec, 1 writer, 1 command")


def test_a_spec_of_a_plugin_is_called_by_its_name_and_extended(whole, capsys, tmp_path) -> None:
    assert run(capsys, "-p", whole, "check", "my-spec")[0] == 0
    assert run(capsys, "-p", whole, "check", "whole/my-spec")[0] == 0
    (tmp_path / "own.yaml").write_text("archkit: 1\nname: own\nextends: my-spec\n")
    assert run(capsys, "-p", whole, "check", "own.yaml")[0] == 0
    code, out, err = run(capsys, "check", "own.yaml")
    assert code == 1
    assert "`my-spec` is no file" in out + err
    registry = load_registry([whole])
    own = {"archkit": 1, "name": "own", "extends": "whole/my-spec"}
    assert api.plan(own, registry=registry).output.channels == 1
    assert registry.spec("my-spec") == tmp_path / "specs" / "my-spec.yaml"
    assert registry.spec("nowhere") is None
    assert registry.spec("ddpm-cifar10") == load_registry().spec("archkit/ddpm-cifar10")


def test_a_writer_of_a_plugin_writes_by_its_suffix(whole, capsys, tmp_path) -> None:
    code, *_ = run(capsys, "-p", whole, "draw", "my-spec", "-o", "out.paths")
    assert code == 0
    assert (tmp_path / "out.paths").read_text().endswith("head\n")
    drawing = archkit.draw(
        {"archkit": 1, "name": "a", "extends": "tiny"}, registry=load_registry([whole])
    )
    assert drawing.save("other.paths").read_text().endswith("head\n")
    code, _, err = run(capsys, "draw", "tiny", "-o", "out.paths")
    assert code == 1
    assert "can't write out.paths: suffixes are .svg" in err
    assert ".csv" in err


def test_the_table_for_spreadsheets_is_a_writer_too(tmp_path) -> None:
    drawing = archkit.draw(SMALL)
    head, *rows = drawing.save("tiny.csv").read_text().splitlines()
    assert head == "path,component,inputs,channels,size,parameters,macs"
    assert len(rows) == len(drawing.plan.nodes)
    assert sum(int(row.split(",")[5]) for row in rows) == drawing.plan.cost.parameters


@pytest.mark.parametrize(
    ("writer", "told"),
    [
        ("lambda drawing: 1 / 0", "the writer of .bad files failed: ZeroDivisionError"),
        ("lambda drawing: 3", "the writer of .bad files has to return text or bytes, not int"),
        (
            '"no_such:thing"',
            "the writer `bad` of the plugin `bad` cannot be loaded: Module",
        ),
    ],
)
def test_a_writer_that_fails_is_told(write, tmp_path, writer, told) -> None:
    text = HEAD + f"\n@hookimpl\ndef archkit_writers():\n    return {{'bad': {writer}}}\n"
    registry = load_registry([write("bad.py", text)])
    drawing = archkit.draw(SMALL, registry=registry)
    with pytest.raises((DrawingError, PluginError), match=told):
        drawing.save("a.bad")
    assert not (tmp_path / "a.bad").exists()


def test_a_command_of_a_plugin_runs_and_is_in_the_help(whole, capsys) -> None:
    assert run(capsys, "-p", whole, "greet", "my-spec") == (0, "my-spec: 14 nodes\n", "")
    assert "Say how many nodes a spec has." in run(capsys, "-p", whole, "greet", "--help")[1]
    code, _, err = run(capsys, "greet", "my-spec")
    assert code == 2
    assert "No such command `greet`" in err
    code, _, err = run(capsys, "-p", whole, "great")
    assert "Did you mean `greet`?" in err


def test_a_command_that_cannot_be_loaded_harms_no_other(write, capsys) -> None:
    text = HEAD + "\n@hookimpl\ndef archkit_commands():\n    return {'far': 'no_such:command'}\n"
    file = write("far.py", text)
    code, _, err = run(capsys, "-p", file, "far")
    assert (code, "the command `far` of the plugin `far` cannot be loaded" in err) == (1, True)
    assert run(capsys, "-p", file, "check", "tiny")[0] == 0


BAD = [
    ("archkit_specs", "'specs'", "`archkit_specs` returned a str, and not a list of folders"),
    (
        "archkit_specs",
        "['/no/such/folder']",
        "`archkit_specs`: there is no folder '/no",
    ),
    (
        "archkit_writers",
        "['svg']",
        "`archkit_writers` returned a list, and not a mapping from a",
    ),
    (
        "archkit_writers",
        "{'.x': print}",
        "'.x' has to be lower-case letters, digits, ",
    ),
    ("archkit_writers", "{'x': 3}", "`writer.x`: an int is no function of a drawing"),
    ("archkit_writers", "{'x': 'a.b'}", "`writer.x`: 'a.b' is no `package.module:Class`"),
    ("archkit_commands", "{'x': print}", "`command.x`: a builtin_function_or_method is no command"),
    ("archkit_commands", "{1: 'a:b'}", "1 has to be lower-case letters, digits"),
]


@pytest.mark.parametrize(("hook", "returned", "told"), BAD)
def test_what_a_hook_can_not_use_is_told(write, hook, returned, told) -> None:
    file = write("bad.py", HEAD + f"\n@hookimpl\ndef {hook}():\n    return {returned}\n")
    plugin = load_registry([file]).plugins[-1]
    assert plugin.error.startswith(told)
    assert plugin.where == f"{file}:5"


def test_archkit_keeps_its_own_names(write, capsys) -> None:
    text = WHOLE.replace('"greet": greet', '"train": greet, "check": greet').replace(
        '"paths": lambda', '"svg": lambda'
    )
    Path("specs").mkdir()
    registry = load_registry([write("greedy.py", text)])
    assert registry.extra("command", "train").name == "train"
    assert registry.extra("command", "greedy/train").name == "greet"
    assert archkit.draw(SMALL, registry=registry).svg
    assert "the command `train` is archkit's own: write `greedy/train` for this one" in (
        registry.plugins[-1].notes
    )
