"""Overrides: one grammar for `set` and for the command line."""

import textwrap

import pytest

from archkit import inherit
from archkit.document import Document
from archkit.errors import Problem, SpecError
from archkit.source import dump

BASE = textwrap.dedent("""\
    archkit: 1
    parameters: 12
    pooling: conv
    attention: true
    norm: {type: group, groups: 32}
    input: {channels: 3, size: [32, 48]}
    encoder:
    - {channels: 64, blocks: [resnet, conv]}
    - {channels: 128, attention: true}
    - {channels: 256}
    """)


def load(*overrides: str, text: str = BASE) -> Document:
    return inherit.load(text, overrides=overrides, library=lambda name: None)


def changed(*overrides: str) -> dict[str, object]:
    """What differs from the base, apart from `parameters`."""
    before = load().data
    return {key: value for key, value in load(*overrides).data.items() if before.get(key) != value}


def as_setting(override: str) -> str:
    """The same override as an entry of `set`."""
    key, _, value = override.partition("=")
    return f"{dump({'set': {key: None}}).rstrip().removesuffix(' null}')} {value or 'null'}}}"


ROWS = load().data["encoder"]
CHANGES = {
    "encoder.0.channels=96": {"encoder": ({**ROWS[0], "channels": 96}, *ROWS[1:])},
    "encoder[0].channels=96": {"encoder": ({**ROWS[0], "channels": 96}, *ROWS[1:])},
    "encoder.-2.channels=96": {"encoder": (ROWS[0], {**ROWS[1], "channels": 96}, ROWS[2])},
    "encoder.*.blocks=1": {"encoder": tuple({**row, "blocks": 1} for row in ROWS)},
    "encoder[*].norm.eps=1e-6": {"encoder": tuple({**row, "norm": {"eps": 1e-6}} for row in ROWS)},
    "encoder.0.blocks+=conv": {
        "encoder": ({"channels": 64, "blocks": ("resnet", "conv", "conv")}, *ROWS[1:])
    },
    "encoder.0.blocks.1=resnet": {
        "encoder": ({"channels": 64, "blocks": ("resnet", "resnet")}, *ROWS[1:])
    },
    "encoder+={channels: 512}": {"encoder": (*ROWS, {"channels": 512})},
    "decoder+={channels: 512}": {"decoder": ({"channels": 512},)},
    "encoder=[{channels: 8}]": {"encoder": ({"channels": 8},)},
    "~encoder.-1": {"encoder": ROWS[:2]},
    "~encoder.*": {"encoder": ()},
    "~encoder.*.attention": {"encoder": (ROWS[0], {"channels": 128}, ROWS[2])},
    "~norm.groups": {"norm": {"type": "group"}},
    "input.size.1=64": {"input": {"channels": 3, "size": (32, 64)}},
    "input.*=1": {"input": {"channels": 1, "size": 1}},
    # A bare name opens, and what is nothing, or a mere `true`, becomes a mapping.
    "pooling.kernel=5": {"pooling": {"type": "conv", "kernel": 5}},
    "attention.heads=4": {"attention": {"heads": 4}},
    "conditioning.time.shift=1": {"conditioning": {"time": {"shift": 1}}},
    # Options of another type go.
    "norm.type=layer": {"norm": {"type": "layer"}},
    "norm.type=group": {},
    "pooling.type=max": {"pooling": {"type": "max"}},
    "norm=layer": {"norm": "layer"},
    # The value is YAML, and may hold another equals sign.
    "name=no": {"name": "no"},
    'name="a=b"': {"name": "a=b"},
    "name=a=b": {"name": "a=b"},
    "norm=null": {"norm": None},
    "input={channels: 1, size: 1}": {"input": {"channels": 1, "size": 1}},
}


@pytest.mark.parametrize(("override", "change"), CHANGES.items())
def test_an_override_changes_what_it_names(override: str, change: dict[str, object]) -> None:
    assert changed(override) == change


@pytest.mark.parametrize(("override", "change"), CHANGES.items())
def test_a_setting_does_the_same(override: str, change: dict[str, object]) -> None:
    data = load(text=f"{BASE}{as_setting(override)}\n").data
    assert {key: value for key, value in data.items() if load().data.get(key) != value} == change
    assert "set" not in data


def test_an_empty_value_is_null() -> None:
    assert changed("norm=") == {"norm": None} == changed("norm= # nothing")


def test_overrides_apply_in_order() -> None:
    data = changed("pooling.kernel=5", "pooling.kernel=7", "encoder=[]", "encoder+={channels: 8}")
    assert data == {"pooling": {"type": "conv", "kernel": 7}, "encoder": ({"channels": 8},)}


def test_an_override_leaves_its_source_alone() -> None:
    source = {"encoder": [{"channels": 64}], "norm": {"groups": 8}}
    for override in ("encoder.0.channels=1", "~encoder.0", "norm.type=layer", "encoder+=1"):
        inherit.load(source, overrides=[override], library=lambda name: None)
    assert source == {"encoder": [{"channels": 64}], "norm": {"groups": 8}}


@pytest.mark.parametrize(
    ("override", "kept"), [("name=a", False), ("~name", False), ("parameters=7", True)]
)
def test_an_override_drops_the_expected_number_of_parameters(override: str, kept: bool) -> None:
    assert ("parameters" in load(override, text=f"{BASE}name: b\n").data) is kept


REFUSED = {
    "encoder.0.channels": """\
<override 1>:1:1: error[bad-override]: an override is `KEY=VALUE`
  1 | encoder.0.channels
    | ^^^^^^^^^^^^^^^^^^
  mend: for example `encoder.0.channels=64`""",
    "~norm=1": """\
<override 1>:1:1: error[bad-override]: `~KEY` takes no value
  1 | ~norm=1
    | ^^^^^
  mend: for example `encoder.0.channels=64`""",
    "encoder..channels=64": """\
<override 1>:1:1: error[bad-override]: `encoder..channels` is no path into a spec
  1 | encoder..channels=64
    | ^^^^^^^^^^^^^^^^^
  mend: for example `encoder.0.channels=64`""",
    "=64": """\
<override 1>:1:1: error[bad-override]: `` is no path into a spec
  1 | =64
    | ^
  mend: for example `encoder.0.channels=64`""",
    "encoder.3.channels=64": """\
<override 1>:1:9: error[bad-override]: `encoder.3` is out of range
  1 | encoder.3.channels=64
    |         ^
  at encoder
  mend: `encoder` has 3 items: 0 to 2, or -1 to -3 from the end""",
    "encoder[-4].channels=64": """\
<override 1>:1:9: error[bad-override]: `encoder.-4` is out of range
  1 | encoder[-4].channels=64
    |         ^^
  at encoder
  mend: `encoder` has 3 items: 0 to 2, or -1 to -3 from the end""",
    "encoder.first.channels=64": """\
<override 1>:1:9: error[bad-override]: `encoder` is a list, and `first` is no index
  1 | encoder.first.channels=64
    |         ^^^^^
  at encoder
  mend: write `encoder.0`, `encoder.-1` or `encoder.*`""",
    "decoder.0.channels=64": """\
<override 1>:1:9: error[bad-override]: there is no list at `decoder`
  1 | decoder.0.channels=64
    |         ^
  at decoder
  mend: set the list as a whole: `decoder=[…]`""",
    "pooling.0=max": """\
<override 1>:1:9: error[bad-override]: there is no list at `pooling`
  1 | pooling.0=max
    |         ^
  at pooling
  mend: set the list as a whole: `pooling=[…]`""",
    "input.channels.kernel=5": """\
<override 1>:1:16: error[bad-override]: `input.channels` is 3 and has nothing inside
  1 | input.channels.kernel=5
    |                ^^^^^^
  at input.channels
  mend: set it: `input.channels=…`""",
    "norm+=5": """\
<override 1>:1:1: error[bad-override]: `norm` is no list to append to
  1 | norm+=5
    | ^^^^
  at norm
  mend: set it as a whole, without the `+`""",
    "~norn": """\
<override 1>:1:2: error[bad-override]: there is no `norn` to delete
  1 | ~norn
    |  ^^^^
  at norn
  mend: did you mean `norm`?""",
    "~encoder.*.kernel": """\
<override 1>:1:12: error[bad-override]: there is no `encoder.0.kernel` to delete
  1 | ~encoder.*.kernel
    |            ^^^^^^
  at encoder.0.kernel
<override 1>:1:12: error[bad-override]: there is no `encoder.1.kernel` to delete
  1 | ~encoder.*.kernel
    |            ^^^^^^
  at encoder.1.kernel
<override 1>:1:12: error[bad-override]: there is no `encoder.2.kernel` to delete
  1 | ~encoder.*.kernel
    |            ^^^^^^
  at encoder.2.kernel""",
    "extends=tiny": """\
<override 1>:1:1: error[bad-override]: `extends` can't be overridden
  1 | extends=tiny
    | ^^^^^^^
  at extends
  mend: write it into the spec""",
    "norm.groups=[8": """\
<override 1>:1:13: error[broken-yaml]: this is never closed
  1 | norm.groups=[8
    |             ^
  mend: close it with `]`""",
    "norm.groups=${x}": """\
<override 1>:1:13: error[interpolation]: `${` is reserved
  1 | norm.groups=${x}
    |             ^^^^
  at norm.groups
  mend: use an anchor, &name and *name; as text, write it "\\x24{\"""",
    "encoder.0=!!python/name:os.system": """\
<override 1>:1:11: error[yaml-tag]: the tag `!!python/name:os.system` is refused
  1 | encoder.0=!!python/name:os.system
    |           ^^^^^^^^^^^^^^^^^^^^^^^
  at encoder.0
  mend: a spec is data: write the value without a tag""",
    "name=\udcff": """\
<override 1>:1:6: error[bad-character]: the character U+DCFF may not stand in YAML
  1 | name=\ufffd
    |      ^
  mend: remove it, if this is meant to be a text file""",
    "na\x00me=1": """\
<override 1>:1:3: error[bad-character]: the character U+0000 may not stand in YAML
  1 | na\ufffdme=1
    |   ^
  mend: remove it, if this is meant to be a text file""",
}


def complaints(*overrides: str, text: str = BASE) -> str:
    with pytest.raises(SpecError) as caught:
        load(*overrides, text=text)
    return str(caught.value)


@pytest.mark.parametrize(("override", "words"), REFUSED.items(), ids=ascii)
def test_what_is_refused_is_told(override: str, words: str) -> None:
    assert complaints(override) == words


def test_an_empty_list_has_no_items() -> None:
    words = complaints("encoder=[]", "encoder.0.channels=1", "encoder.*.channels=1")
    assert "`encoder.0` is out of range" in words
    assert "mend: `encoder` is an empty list" in words
    assert "`encoder` is empty: `*` stands for nothing" in words


def test_a_path_is_as_long_as_a_spec_is_deep() -> None:
    data = load(f"a{'.a' * 63}=1").data
    for _ in range(64):
        data = data["a"]
    assert data == 1
    assert "is no path into a spec" in complaints(f"a{'.a' * 64}=1")


def test_all_overrides_are_checked_before_any_is_refused() -> None:
    words = complaints("norm", "~norn", "encoder.9.x=1", "name={")
    assert [line.partition(":")[0] for line in words.splitlines() if line[0] == "<"] == [
        "<override 1>",
        "<override 2>",
        "<override 3>",
        "<override 4>",
    ]


def test_a_setting_is_told_by_its_key() -> None:
    words = complaints(
        text=BASE + 'set:\n  "encoder.7.channels": 64\n  encoder.-9: 1\n  ~norm: 5\n'
    )
    assert words == textwrap.dedent("""\
        <text>:12:12: error[bad-override]: `encoder.7` is out of range
          12 |   "encoder.7.channels": 64
             |            ^
          at encoder
          mend: `encoder` has 3 items: 0 to 2, or -1 to -3 from the end
        <text>:13:11: error[bad-override]: `encoder.-9` is out of range
          13 |   encoder.-9: 1
             |           ^^
          at encoder
          mend: `encoder` has 3 items: 0 to 2, or -1 to -3 from the end
        <text>:14:10: error[bad-override]: `~norm` deletes, and takes no value
          14 |   ~norm: 5
             |          ^
          mend: write `~norm: null`""")


def test_settings_are_a_mapping() -> None:
    words = complaints(text=BASE + "set: [a=1]\n")
    assert words.startswith(
        "<text>:11:6: error[bad-override]: `set` is a mapping of keys to values"
    )


def test_settings_of_python_are_told_without_a_place() -> None:
    with pytest.raises(SpecError) as caught:
        inherit.load({"set": {"norm": 1, "a..b": 1}}, library=lambda name: None)
    assert [str(p) for p in caught.value.problems] == [
        "error[bad-override]: `a..b` is no path into a spec\n"
        "  mend: for example `encoder.0.channels=64`"
    ]


@pytest.mark.parametrize(
    ("path", "code", "place", "marked"),
    [
        (("encoder", 0, "channels"), "misfit", "<override 1>:1:21", "64"),
        (("encoder", 0, "channels"), "unknown-key", "<override 1>:1:12", "channels"),
        (("conditioning", "time", "shift"), "misfit", "<override 2>:1:25", "1"),
        (("conditioning", "time"), "misfit", "<override 2>:1:14", "time"),
        (("norm", "eps"), "misfit", "<override 3>:1:25", "1.0e-6"),
        (("encoder", 0, "blocks", 2, "kernel"), "unknown-key", "<override 4>:1:32", "kernel"),
        (("encoder", 1, "channels"), "misfit", "<text>:9:14", "128"),
    ],
)
def test_values_know_which_override_gave_them(
    path: tuple[str | int, ...], code: str, place: str, marked: str
) -> None:
    document = load(
        "encoder[0].channels=64",
        "conditioning.time.shift=1",
        "norm={type: group, eps: 1.0e-6}",
        "encoder.0.blocks+={type: conv, kernel: 5}",
    )
    found = document.locate(Problem(code, "what", path=path))
    assert found.span
    assert (str(found.span), found.excerpt[found.span.column - 1 : found.span.end_column - 1]) == (
        place,
        marked,
    )
