"""What a name in a spec leads to, and what is said of one that leads nowhere."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plugin_texts import HEAD, offering
from pydantic import BaseModel
from pydantic_core import PydanticCustomError

import archkit
from archkit import Block, Component, Slot, cli, default_registry
from archkit.registry import installed_registry, load_registry

SHIPPED = load_registry()


def complaint(registry, kind: str, name: str) -> tuple[str, str, str]:
    """Code, message and mend."""
    with pytest.raises(PydanticCustomError) as error:
        registry.component(kind, name)
    context = error.value.context or {}
    assert error.value.message() == context["message"]
    return error.value.type, context["message"], context["mend"]


def following(target: str, kind: str = "block", name: str = "far") -> str:
    """The text of a plugin that offers an import string."""
    return (
        HEAD
        + f'\n@hookimpl\ndef archkit_components():\n    return {{"{kind}.{name}": "{target}"}}\n'
    )


def test_a_bare_name_and_a_qualified_one_lead_to_the_same_component():
    assert SHIPPED.component("layout", "ddpm") is SHIPPED.component("layout", "archkit/ddpm")
    assert SHIPPED.owner("layout", "ddpm") is SHIPPED.plugins[0]
    assert SHIPPED.owner("layout", "archkit/ddpm").name == "archkit"


def test_kinds_and_names():
    assert {"block", "attention", "pooling", "layout", "prediction"} <= set(SHIPPED.kinds())
    assert {"ddpm", "classic"} <= set(SHIPPED.names("layout"))
    assert SHIPPED.names("no-such-kind") == []


@pytest.mark.parametrize(
    ("kind", "name", "message", "mend"),
    [
        ("block", "resnett", "no block is called `resnett`", "did you mean `resnet`?"),
        (
            "upsampling",
            "bilinaer",
            "no upsampling is called `bilinaer`",
            "did you mean `bilinear`?",
        ),
        (
            "block",
            "self",
            "no block is called `self`",
            "`self` is an attention, not a block",
        ),
        (
            "activation",
            "ddpm",
            "no activation is called `ddpm`",
            "`ddpm` is a path, not an activation",
        ),
        ("block", "zzz", "no block is called `zzz`", "see `archkit components block`"),
        ("block", "", "no block is called ``", "see `archkit components block`"),
        (
            "block",
            "archkit/resnett",
            "the plugin `archkit` has no block called `resnett`",
            "did you mean `archkit/resnet`?",
        ),
        (
            "block",
            "archkti/resnet",
            "no plugin called `archkti` is loaded",
            "did you mean `archkit/resnet`?",
        ),
        (
            "block",
            "other/zzz",
            "no plugin called `other` is loaded",
            "install it, or load it with `-p`; see `archkit plugins`",
        ),
        ("block", "/resnet", "no plugin called `` is loaded", "did you mean `archkit/resnet`?"),
    ],
)
def test_an_unknown_name_is_told_with_the_mend(kind, name, message, mend):
    registry = load_registry()
    assert complaint(registry, kind, name) == ("unknown-component", message, mend)


def test_an_unknown_name_may_be_that_of_a_plugin_that_failed(write):
    bad, worse = write("bad.py", "import no_such\n"), write("worse.py", "")
    told = "the plugin `bad` failed to load: ModuleNotFoundError: No module named 'no_such', "
    told += "see `archkit plugins`"
    registry = load_registry([bad])
    assert complaint(registry, "block", "zzz")[2] == told
    assert complaint(registry, "block", "resnett")[2] == f"did you mean `resnet`? {told}"
    assert complaint(registry, "block", "ddpm")[2] == f"`ddpm` is a path, not a block; {told}"
    assert complaint(registry, "block", "bad/zzz")[1:] == ("no plugin called `bad` is loaded", told)
    told = "the plugins `bad`, `worse` failed to load, see `archkit plugins`"
    assert complaint(load_registry([bad, worse]), "block", "zzz")[2] == told


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])
def test_an_ambiguous_bare_name_is_refused(write, order):
    registry = load_registry([write(f"{name}.py", offering("fir")) for name in order])
    code, message, mend = complaint(registry, "block", "fir")
    assert (code, message) == ("ambiguous-component", "the block `fir` is offered by 2 plugins")
    assert mend == f"write `{order[0]}/fir` or `{order[1]}/fir`"
    assert registry.names("block")[-2:] == [f"{name}/fir" for name in order]
    for name in order:
        found = registry.component("block", f"{name}/fir")
        assert found.__module__ == f"archkit_local_{name}"
        assert registry.owner("block", f"{name}/fir").name == name
    notes = {plugin.name: plugin.notes for plugin in registry.plugins}
    assert notes["one"] == (
        "the block `fir` is offered by `two` too: write `one/fir` for this one",
    )


def test_a_plugin_does_not_replace_what_ships(write):
    registry = load_registry([write("mine.py", offering("resnet"))])
    assert registry.component("block", "resnet").__module__ == "archkit.builtin.blocks"
    assert registry.component("block", "mine/resnet").__module__ == "archkit_local_mine"
    assert registry.names("block")[0] == "resnet"
    assert "mine/resnet" in registry.names("block")
    assert registry.plugins[-1].notes == (
        "the block `resnet` is archkit's own: write `mine/resnet` for this one",
    )


def test_an_import_string_is_followed_when_first_looked_up(write):
    write("pair/far.py", offering("far"))
    text = following("archkit_local_pair.far:Offered")
    registry = load_registry([write("pair/__init__.py", text)[: -len("/__init__.py")]])
    assert registry.plugins[-1].components == ("block.far",)
    assert "archkit_local_pair.far" not in sys.modules
    assert registry.component("block", "far").name() == "far"
    assert "archkit_local_pair.far" in sys.modules


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("no_such:A", "ModuleNotFoundError: No module named 'no_such'"),
        ("json:Absent", "AttributeError: module 'json' has no attribute 'Absent'"),
        ("json:loads", "a function is no component class"),
        ("archkit.builtin.layouts:DDPM", "`DDPM` does not derive from `Block`"),
        ("archkit.builtin.blocks:ResNet", "`ResNet` calls itself `resnet`"),
    ],
)
def test_a_component_that_cannot_be_had_is_told(write, target, reason):
    file = write("lazy.py", following(target))
    registry = load_registry([file])
    assert not registry.plugins[-1].error
    for _ in range(2):
        assert complaint(registry, "block", "far") == (
            "broken-component",
            f"the block `far` of the plugin `lazy` cannot be loaded: {reason}",
            "see `archkit plugins`",
        )
    assert "far" not in registry.components("block")
    assert "resnet" in registry.components("block")
    broken = registry.examined()[-1]
    assert (broken.name, broken.source) == ("lazy", file)
    assert broken.error == f"`block.far`: {reason}"


def test_the_line_that_is_blamed_is_the_plugins_own(write, tmp_path):
    write("pair/__init__.py", following("archkit_local_pair.far:A"))
    far = write("pair/far.py", "\nimport json\n\njson.loads('{')\n")
    registry = load_registry([str(tmp_path / "pair")])
    assert registry.examined()[-1].where == f"{far}:4"


def test_a_component_that_cannot_be_had_is_tried_once(write, tmp_path):
    write("pair/__init__.py", following("archkit_local_pair.far:A"))
    write("pair/far.py", "import sys\nsys.tried = getattr(sys, 'tried', 0) + 1\n1 / 0\n")
    registry = load_registry([str(tmp_path / "pair")])
    said = [complaint(registry, "block", "far") for _ in range(3)]
    assert said[0] == said[1] == said[2]
    assert sys.__dict__.pop("tried") == 1


def test_strict_raises_for_a_component_too(write, monkeypatch):
    registry = load_registry([write("lazy.py", following("no_such:A"))])
    monkeypatch.setenv("ARCHKIT_STRICT", "1")
    with pytest.raises(archkit.PluginError, match=r"`lazy` .* is broken: ModuleNotFoundErr"):
        registry.component("block", "far")


def test_a_model_sees_the_plugins_of_the_registry_it_is_given(write):
    class Row(BaseModel):
        block: Annotated[Component, Slot("block")]

    with pytest.raises(ValueError, match="no block is called `late`"):
        Row.model_validate({"block": "late"}, context={"registry": load_registry()})
    later = load_registry([write("later.py", offering("late"))])
    assert Row.model_validate({"block": "late"}, context={"registry": later}).block.type == "late"
    row = Row.model_validate({"block": {"type": "later/late"}}, context={"registry": later})
    assert isinstance(row.block, Block)


def test_the_default_registry_is_one_until_it_is_dropped(write, monkeypatch):
    first = default_registry()
    assert default_registry() is first
    monkeypatch.setenv("ARCHKIT_PLUGINS", write("later.py", offering("late")))
    assert "late" not in default_registry().names("block")
    installed_registry.cache_clear()
    assert "late" in default_registry().names("block")


def test_every_built_in_loads_without_torch():
    code = (
        "import sys, archkit.registry as r\n"
        "plugin = r.load_registry().examined()[0]\n"
        "print(plugin.error, plugin.notes, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["()", "False"]


@given(st.text(), st.text())
def test_any_name_leads_to_a_component_or_a_complaint(kind, name):
    for asked in (kind, "block"):
        assert complaint(SHIPPED, asked, f"{name}\x00")[0] == "unknown-component"


def run(capsys, *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    return int(stop.value.code or 0), capsys.readouterr().out


def test_the_plugins_are_listed(write, capsys):
    good = write("good.py", offering("resnet"))
    code, out = run(capsys, "-p", good, "plugins")
    assert code == 0
    assert out.splitlines()[-2:] == [
        f"✓ good ({good}): 1 component",
        "    the block `resnet` is archkit's own: write `good/resnet` for this one",
    ]
    bad = write("bad.py", following("no_such:A"))
    code, out = run(capsys, "-p", bad, "-p", good, "plugins")
    assert code == 1
    assert f"✗ bad ({bad}): `block.far`: ModuleNotFoundError: No module named 'no_such'" in out
    code, out = run(capsys, "-p", bad, "-p", write("worse.py", "\n1 / 0\n"), "plugins", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert code == 1
    assert rows["archkit"]["error"] == ""
    assert rows["worse"]["where"].endswith("worse.py:2")
    assert set(rows["bad"]) == {
        "name", "source", "version", "components", "extras", "error", "where", "notes",
    }  # fmt: skip


def test_a_component_that_cannot_be_had_does_not_spoil_the_list(write, capsys):
    bad, good = write("bad.py", following("no_such:A")), write("good.py", offering("resnet"))
    code, out = run(capsys, "-p", bad, "-p", good, "components", "block")
    assert code == 0
    listed = [line.split()[0] for line in out.splitlines()]
    assert listed[0] == "block.resnet"
    assert listed[-1] == "block.good/resnet"
