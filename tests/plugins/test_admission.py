"""Broken plugins: each is named with its reason and its own line, and harms nobody."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plugin_texts import HEAD, offering

from archkit import Block, Layout, PluginError, hookimpl
from archkit.admission import KINDS, Admission
from archkit.discovery import Candidate, candidates
from archkit.registry import load_registry

HOOK = "\n@hookimpl\ndef archkit_components():\n    return "


def half(base: str, *methods: str) -> str:
    """A component that answers nothing, or only these."""
    lines = "".join(f"    def {name}(self, *told): ...\n" for name in methods)
    head = HEAD.replace("Block", base)
    body = f'\nclass A({base}):\n    type: Literal["a"] = "a"\n{lines}'
    return f'{head}{body}{HOOK}{{"{base.lower()}.a": A}}\n'


UNTYPED = HEAD + "\nclass A(Block):\n    type: {}\n" + HOOK + '{{"block.a": A}}\n'
DECLARE = '`block.a`: `A` does not declare `type: Literal["a"] = "a"`'

# Name of the file, its text, what is said of it, and the line that is blamed.
BROKEN = [
    ("imports", "\nimport no_such\n", "ModuleNotFoundError: No module named 'no_such'", 2),
    ("syntax", "x = 1\ndef f(:\n", "SyntaxError: invalid syntax", 2),
    ("exits", "\n\nraise SystemExit(3)\n", "SystemExit: 3", 3),
    ("deep", "import json\njson.loads('{')\n", "JSONDecodeError: Expecting property name", 2),
    ("recursive", "def f():\n    f()\nf()\n", "RecursionError: maximum recursion depth", 2),
    ("raises", HEAD + HOOK + "1 / 0\n", "ZeroDivisionError: division by zero", 7),
    ("empty", "", "it has no hook: no function `archkit_components` that is marked", 1),
    ("hookless", "x = 1\n", "it has no hook: no function `archkit_components` that is marked", 1),
    (
        "unmarked",
        "\ndef archkit_components():\n    return {}\n",
        "the hook `archkit_components` is not marked with `@hookimpl`",
        2,
    ),
    (
        "misspelt",
        offering("a").replace("archkit_components", "archkit_component"),
        "`archkit_component` is no hook; did you mean `archkit_components`?",
        13,
    ),
    (
        "misspelt-unmarked",
        offering("a") + "\ndef archkit_componets():\n    return {}\n",
        "`archkit_componets` is no hook; did you mean `archkit_components`?",
        17,
    ),
    (
        "unprefixed",
        offering("a").replace("archkit_components", "components"),
        "`components` is no hook; did you mean `archkit_components`?",
        13,
    ),
    (
        "arguments",
        offering("a").replace("archkit_components()", "archkit_components(registry)"),
        "the hook `archkit_components` takes no `registry`",
        13,
    ),
    (
        "list",
        HEAD + HOOK + "[Block]\n",
        "`archkit_components` returned a list, and not a mapping from `kind.name` to a component",
        5,
    ),
    ("generator", HEAD + HOOK + "(x for x in ())\n", "`archkit_components` returned a gen", 5),
    ("nothing", HEAD + HOOK + "None\n", "`archkit_components` returned a NoneType, and not", 5),
    ("key", HEAD + HOOK + '{"a": Block}\n', "'a' is no `kind.name`, such as `block.resnet`", 5),
    ("number", HEAD + HOOK + "{1: Block}\n", "1 is no `kind.name`, such as `block.resnet`", 5),
    ("slash", HEAD + HOOK + '{"block.a/b": Block}\n', "'block.a/b' is no `kind.name`", 5),
    (
        "kind",
        HEAD + HOOK + '{"blok.a": Block}\n',
        "`blok` of `blok.a` is no kind of component; did you mean `block`?",
        5,
    ),
    ("thing", HEAD + HOOK + '{"block.a": 3}\n', "`block.a`: an int is no component class", 5),
    ("class", HEAD + HOOK + '{"block.a": dict}\n', "`block.a`: `dict` is no component class", 5),
    (
        "string",
        HEAD + HOOK + '{"block.a": "a.b.C"}\n',
        "`block.a`: 'a.b.C' is no `package.module:Class`",
        5,
    ),
    (
        "crossed",
        offering("a", base="Pooling"),
        "`block.a`: `Offered` does not derive from `Block`",
        5,
    ),
    ("typeless", UNTYPED.format("str = 'a'"), DECLARE, 5),
    ("defaultless", UNTYPED.format("Literal['a']"), DECLARE, 5),
    ("ambivalent", UNTYPED.format("Literal['a', 'b'] = 'a'"), DECLARE, 5),
    ("misnamed", UNTYPED.format("Literal['b'] = 'b'"), "`block.a`: `A` calls itself `b`", 5),
    ("unbuilt", half("Block"), "`block.a`: `A` has no `build`", 5),
    (
        "unrouted",
        half("Condition"),
        "`condition.a`: `A` has no `route` and no `takes` and no `build`",
        5,
    ),
    (
        "unread",
        half("Importer"),
        "`importer.a`: `A` has no `codebase` and no `spec`",
        5,
    ),
    (
        "unwritten",
        half("Importer", "spec", "codebase", "config"),
        "`importer.a`: `A` has no `outlines`",
        5,
    ),
    (
        "unmixed",
        half("Prediction"),
        "`prediction.a`: `A` has no `mix`",
        5,
    ),
    (
        "newer",
        "x = 1\nARCHKIT_API = 2\n",
        "it was made for version 2 of the hooks, and this archkit has 1",
        2,
    ),
    ("archkit", offering("a"), "the name `archkit` is taken by built-in", None),
    ("two words", offering("a"), "the name of a plugin has only letters, digits", None),
]


@pytest.mark.parametrize(("name", "text", "error", "line"), BROKEN, ids=[b[0] for b in BROKEN])
def test_a_broken_plugin_is_told_and_harms_nobody(write, name, text, error, line):
    good = [write("first.py", offering("first")), write("second.py", offering("second"))]
    file = write(f"{name}.py", text)
    registry = load_registry([good[0], file, good[1]])
    broken = [plugin for plugin in registry.plugins if plugin.error]
    assert [plugin.source for plugin in broken] == [file]
    assert broken[0].error.startswith(error)
    assert broken[0].where == (f"{file}:{line}" if line else "")
    assert broken[0].components == ()
    assert registry.component("block", "first").name() == "first"
    assert registry.component("block", "second").name() == "second"
    assert "a" not in registry.names("block")


@pytest.mark.parametrize(("name", "text", "error", "line"), BROKEN, ids=[b[0] for b in BROKEN])
def test_a_broken_plugin_leaves_nothing_behind_and_can_be_mended(write, name, text, error, line):
    file = write(f"{name}.py", text)
    admission = Admission()
    for candidate in candidates([file]):
        admission.admit(candidate)
    assert [plugin.error == "" for plugin in admission.plugins] == [True, False]
    assert {offer.by.name for offer in admission.offers} == {"archkit"}
    assert [name for name, _ in admission.manager.list_name_plugin()] == ["archkit"]
    assert f"archkit_local_{name}" not in sys.modules
    if line:
        write(f"{name}.py", offering("mended"))
        assert load_registry([file]).component("block", "mended").name() == "mended"


def test_an_installed_plugin_is_told_with_distribution_version_and_line(install):
    site = install("archkit-bad", {"bad_plugin": "import nothing_here\n"}, {"bad": "bad_plugin"})
    plugin = next(p for p in load_registry().plugins if p.name == "bad")
    assert (plugin.source, plugin.version) == ("archkit-bad", "1.2")
    assert plugin.error == "ModuleNotFoundError: No module named 'nothing_here'"
    assert plugin.where == f"{site}/bad_plugin.py:1"


@pytest.mark.parametrize("value", ["absent", "absent.deep:thing", ":", ".", "json:absent", "a b"])
def test_an_entry_point_that_leads_nowhere_is_told(install, value):
    install("archkit-bad", {}, {"bad": value})
    plugin = next(p for p in load_registry().plugins if p.name == "bad")
    assert plugin.error


@pytest.mark.parametrize("order", [("archkit-aa", "archkit-bb"), ("archkit-bb", "archkit-aa")])
def test_of_two_entry_points_of_one_name_the_first_distribution_has_it(install, order):
    for distribution in order:
        module = distribution[-2:] + "_plugin"
        install(distribution, {module: offering(module[:2])}, {"same": module})
    rows = [(p.source, p.error) for p in load_registry().plugins if p.name == "same"]
    assert rows == [
        ("archkit-aa", ""),
        ("archkit-bb", "the name `same` is taken by archkit-aa 1.2"),
    ]


def test_one_module_under_two_names_is_one_plugin(install):
    install("archkit-aa", {"aa_plugin": offering("aa")}, {"one": "aa_plugin", "two": "aa_plugin"})
    errors = {p.name: p.error for p in load_registry().plugins}
    assert errors["one"] == ""
    assert errors["two"] == "it is the plugin `one` by another name"


def test_a_hostile_name_does_not_reach_the_terminal(install):
    install("archkit-aa", {"aa_plugin": offering("aa")}, {"\x1b[2Jclean": "aa_plugin"})
    plugin = next(p for p in load_registry().plugins if p.source == "archkit-aa")
    assert plugin.name == "'\\x1b[2Jclean'"
    assert plugin.error.startswith("the name of a plugin has only letters")


def test_an_error_is_told_in_one_printable_line(write):
    plugin = load_registry([write("loud.py", "raise ValueError('a\\n\\x1b[31mb\\tc')\n")]).plugins[
        -1
    ]
    assert plugin.error == "ValueError: a [31mb c"
    text = "class E(Exception):\n    def __str__(self):\n        raise TypeError\nraise E\n"
    assert load_registry([write("mute.py", text)]).plugins[-1].error == "E"


def test_strict_raises_with_name_reason_and_place(write, monkeypatch):
    file = write("exits.py", "raise SystemExit(3)\n")
    monkeypatch.setenv("ARCHKIT_STRICT", "1")
    with pytest.raises(PluginError) as error:
        load_registry([file])
    assert str(error.value) == f"the plugin `exits` ({file}, at {file}:1) is broken: SystemExit: 3"
    monkeypatch.setenv("ARCHKIT_STRICT", "0")
    assert load_registry([file]).plugins[-1].error == "SystemExit: 3"


def test_who_interrupts_a_plugin_that_hangs_is_told_which(write):
    file = write("hangs.py", "raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt) as error:
        load_registry([file])
    assert error.value.__notes__ == [f"while the plugin `hangs` ({file}) was loading"]


def test_importing_torch_is_noted(write, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", ModuleType("torch"))
    monkeypatch.delitem(sys.modules, "torch")
    text = (
        offering("slow") + "\nimport sys, types\nsys.modules['torch'] = types.ModuleType('torch')\n"
    )
    registry = load_registry([write("slow.py", text), write("quick.py", offering("quick"))])
    notes = {plugin.name: plugin.notes for plugin in registry.plugins}
    assert notes["slow"] == ("imports torch when it is loaded, which slows `archkit check`",)
    assert notes["archkit"] == notes["quick"] == ()


def test_every_kind_is_that_of_the_class_which_declares_it():
    assert KINDS["block"] is Block
    assert KINDS["layout"] is Layout
    assert all(cls.kind == kind for kind, cls in KINDS.items())


@given(
    st.dictionaries(
        st.one_of(st.text(), st.integers(), st.sampled_from(["block.a", "norm.b.2", "block."])),
        st.one_of(st.text(), st.none(), st.sampled_from(["a.b:C", Block, Layout, dict, len])),
    )
    | st.text()
    | st.integers()
)
def test_whatever_a_hook_returns_is_taken_whole_or_not_at_all(offered):
    plugin = SimpleNamespace(archkit_components=hookimpl(lambda: offered))
    admission = Admission()
    admission.admit(Candidate("any", "memory", "", lambda: plugin, lambda: None))
    (row,) = admission.plugins
    assert bool(row.error) != (isinstance(offered, dict) and len(admission.offers) == len(offered))
    assert not (row.error and admission.offers)
    assert list(row.components) == [offer.key for offer in admission.offers]
