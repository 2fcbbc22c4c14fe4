"""`archkit plugins check`: faults are caught, each by its own law or by the loader; excuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from broken_plugins import REFUSED, SOUND, UNLAWFUL, broken

from archkit import PluginError, cli, load_registry
from archkit.testing import LAWS
from archkit.testing.conformance import conformance, tried

CONVNEXT = Path(__file__).parents[2] / "plugins" / "archkit-convnext"
QUICK = "documented bare-name round-trip schema shape cost batch-of-one untouched".split()


@pytest.mark.parametrize("fault", UNLAWFUL)
def test_a_fault_is_caught_by_its_law_and_by_no_other(write, fault) -> None:
    old, new, law = UNLAWFUL[fault]
    registry = load_registry([write("faulty.py", broken(old, new))])
    assert not any(plugin.error for plugin in registry.examined())
    (row,) = conformance(registry, "faulty")
    assert set(row.breaches) == {law}
    told = row.breaches[law]
    assert told.startswith(f"block.sound breaks the law `{law}`: ")
    assert f"\n  why: {LAWS[law].why}\n  mend: {LAWS[law].mend}" in told


@pytest.mark.parametrize("fault", REFUSED)
def test_a_fault_is_caught_by_the_loader(write, fault) -> None:
    old, new, sentence = REFUSED[fault]
    registry = load_registry([write("faulty.py", broken(old, new))])
    plugin = registry.plugins[-1]
    assert plugin.error.startswith(sentence)
    assert "sound" not in registry.names("block")


def test_without_a_fault_there_is_nothing_to_catch(write) -> None:
    registry = load_registry([write("sound.py", SOUND)])
    (row,) = conformance(registry, "sound")
    assert row.breaches == {}
    assert set(row.results.values()) == {"kept"}
    assert len(UNLAWFUL) + len(REFUSED) >= 20


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    told = capsys.readouterr()
    return int(stop.value.code or 0), told.out, told.err


@pytest.fixture
def few_laws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the quick laws, where the table is what is tested."""
    for name in set(LAWS) - set(QUICK):
        monkeypatch.delitem(LAWS, name)


@pytest.mark.usefixtures("few_laws")
def test_a_plugin_is_checked_by_its_path_or_its_name(write, capsys) -> None:
    file = write("sound.py", SOUND)
    for arguments in (("plugins", "check", file), ("-p", file, "plugins", "check", "sound")):
        code, out, _ = run(capsys, *arguments)
        assert (code, out) == (
            0,
            f"sound ({file})\n\n"
            "             1  2  3  4  5  6  7  8\n"
            "block.sound  ✓  ✓  ✓  ✓  ✓  ✓  ✓  ✓\n\n"
            "1 documented  2 bare-name  3 round-trip  4 schema  5 shape  6 cost  7 batch-of-one  "
            "8 untouched\n\n"
            "1 component: 8 of 8 kept\n\n",
        )


@pytest.mark.usefixtures("few_laws")
def test_a_breach_says_what_why_and_the_mend(write, capsys) -> None:
    file = write("faulty.py", broken(*UNLAWFUL["a bias that is not counted"][:2]))
    code, out, _ = run(capsys, "plugins", "check", file)
    assert code == 1
    assert "\n✗ block.sound breaks the law `cost`: at 3×1 to 4 channels" in out
    assert "  why: reports and parameter counts are made on paper, and are taken for exact" in out
    assert "  mend: correct `cost`, or leave it out: the part is then shown as not counted" in out
    assert "1 component: 7 of 8 kept" in out
    code, out, _ = run(capsys, "plugins", "check", file, "--json")
    (component,) = json.loads(out)["components"]
    rows = {row["law"]: row for row in component["laws"]}
    assert (code, component["component"]) == (1, "block.sound")
    assert rows["shape"]["result"] == "kept"
    assert rows["cost"]["result"] == "broken"
    assert "parameters and torch" in rows["cost"]["breach"]


@pytest.mark.usefixtures("few_laws")
def test_a_broken_plugin_is_told_and_fails(write, capsys) -> None:
    file = write("faulty.py", broken(*REFUSED["no build"][:2]))
    code, out, _ = run(capsys, "plugins", "check", file)
    assert code == 1
    assert out.startswith(f"✗ faulty ({file}): `block.sound`: `Sound` has no `build`\n    at ")
    code, out, _ = run(capsys, "plugins", "check", file, "--json")
    assert (code, json.loads(out)["broken"][0]["name"]) == (1, "faulty")


@pytest.mark.usefixtures("few_laws")
def test_a_project_need_not_be_installed(capsys) -> None:
    code, out, _ = run(capsys, "plugins", "check", str(CONVNEXT))
    assert code == 0
    assert f"archkit-convnext ({CONVNEXT})" in out
    assert "1 component: 8 of 8 kept" in out


@pytest.mark.usefixtures("few_laws")
def test_all_is_the_built_ins_and_every_plugin(write, capsys, monkeypatch) -> None:
    # The law that it is excused from is not among the quick ones.
    averaged = load_registry([]).component("condition", "averaged")
    monkeypatch.setattr(averaged, "excuses", {})
    code, out, _ = run(capsys, "-p", write("sound.py", SOUND), "plugins", "check", "--all")
    assert code == 0
    assert "\nblock.resnet " in out
    assert "\nblock.sound " in out


def test_one_plugin_or_all(capsys) -> None:
    assert run(capsys, "plugins", "check")[0] == 2
    assert run(capsys, "plugins", "check", "x", "--all")[0] == 2
    code, _, err = run(capsys, "plugins", "check", "nowhere")
    assert code == 1
    assert "`nowhere` is no path, and no plugin that is loaded; those are archkit" in err


def excused(write, excuses: str, fault: str = "a bias that is not counted"):
    text = broken(*UNLAWFUL[fault][:2]) if fault else SOUND
    text = text.replace("    gain:", f"    excuses = {excuses}\n    gain:", 1)
    registry = load_registry([write("excused.py", text)])
    return tried(registry.component("block", "sound"))


@pytest.mark.usefixtures("few_laws")
def test_an_excuse_needs_a_reason_a_law_and_a_breach(write) -> None:
    row = excused(write, '{"cost": "the bias is shared"}')
    assert (row.results["cost"], row.breaches) == ("excused", {})
    assert row.excuses == {"cost": "the bias is shared"}


@pytest.mark.usefixtures("few_laws")
def test_an_excuse_that_is_not_needed_fails(write) -> None:
    row = excused(write, '{"cost": "the bias is shared"}', fault="")
    assert row.results["cost"] == "needless"
    assert row.breaches["cost"].split("\n") == [
        "block.sound keeps the law `cost`, and is excused from it: the bias is shared",
        "  why: an excuse that is not needed hides the next breach",
        "  mend: take `cost` out of its `excuses`",
    ]


@pytest.mark.parametrize(
    ("excuses", "told"),
    [
        ('{"costs": "why not"}', "block.sound: no law is called 'costs'; there are documented, "),
        ('{"cost": " "}', "block.sound: the excuse from the law 'cost' needs a reason"),
    ],
)
def test_an_excuse_from_nothing_or_for_nothing_is_refused(write, excuses, told) -> None:
    with pytest.raises(PluginError, match=told):
        excused(write, excuses)
