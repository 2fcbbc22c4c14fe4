"""Random specs: any dimensions, sizes, stages, layouts and components, fitting or not."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from archkit import default_registry

NAMES = default_registry().names
CHANNELS = (4, 6, 8)


def sometimes(value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value, or None to leave the key out."""
    return st.one_of(st.none(), value)


@st.composite
def strides(draw: DrawFn, dims: int) -> Any:
    """One number for all axes, or one for each."""
    each = st.sampled_from([1, 2, 2, 3])
    return draw(st.one_of(each, st.lists(each, min_size=dims, max_size=dims)))


@st.composite
def resamplers(draw: DrawFn, kind: str, dims: int) -> Any:
    """A pooling or an upsampling, with a stride where it has one."""
    registry = default_registry()
    name = draw(st.sampled_from(NAMES(kind)))
    options = registry.component(kind, name).model_fields
    found: dict[str, Any] = {"type": name}
    if "stride" in options and draw(st.integers(0, 7 if kind == "upsampling" else 1)) == 1:
        found["stride"] = draw(strides(dims))
    if "width" in options and draw(st.booleans()):
        found["width"] = draw(st.sampled_from(["keep", "next"]))
    if "odd" in options and draw(st.booleans()):
        found["odd"] = "refuse"
    if "by" in options:
        found["by"] = draw(st.sampled_from([n for n in NAMES(kind) if n not in ("block", "first")]))
    return found


@st.composite
def rows(draw: DrawFn, dims: int) -> dict[str, Any]:
    """One stage of the encoder."""
    row: dict[str, Any] = {"channels": draw(st.sampled_from(CHANNELS))}
    row["blocks"] = draw(st.integers(1, 2))
    row["attention"] = draw(st.booleans())
    own = {
        "pooling": draw(sometimes(resamplers("pooling", dims))),
        "upsampling": draw(sometimes(resamplers("upsampling", dims))),
    }
    return {**row, **{k: v for k, v in own.items() if v and draw(st.integers(0, 7)) == 0}}


@st.composite
def conditions(draw: DrawFn, attention: str) -> dict[str, Any]:
    """What the network is told; mostly what something reads."""
    offered = {
        "method": st.sampled_from(["add", "scale-shift", "multiply", "adaln-zero"]),
        "label": st.sampled_from(
            [{"type": "label", "classes": 3}, {"type": "label", "dropout": 0}]
        ),
        "extra": st.just({"type": "vector", "channels": 3}),
        "low": st.sampled_from([{"type": "image", "into": into} for into in ("input", "stem")]),
    }
    found = {name: draw(values) for name, values in offered.items() if draw(st.integers(0, 2)) == 0}
    found["time"] = draw(st.sampled_from(["sinusoidal", *NAMES("time")]))
    if draw(st.integers(0, 9)) == 0:
        found["method"] = "none"
    if attention == "transformer" or draw(st.integers(0, 9)) == 0:
        found["text"] = {"type": "sequence", "channels": 5, "tokens": 2}
    return found


@st.composite
def specs(draw: DrawFn) -> dict[str, Any]:
    """A spec, as plain data; most fit, and some do not."""
    dims = draw(st.sampled_from([1, 2, 2, 3]))
    most = {1: 40, 2: 24, 3: 12}[dims]
    size = draw(st.lists(st.integers(1, most), min_size=dims, max_size=dims))
    if draw(st.booleans()):
        size = [max(4, n // 4 * 4) for n in size]
    block = draw(
        st.sampled_from(
            [
                *({"type": name} for name in ("resnet", *NAMES("block"))),
                {"type": "conv", "count": 2},
                {"type": "conv", "padding": "valid"},
            ]
        )
    )
    skip: dict[str, Any] = {"type": draw(st.sampled_from(NAMES("skip")))}
    fit = draw(st.sampled_from(["strict", "strict", "pad", "valid", "valid"]))
    if fit == "valid":  # where sizes differ by design
        skip = {"type": draw(st.sampled_from(["none", "concat", "concat"]))}
    if skip["type"] in ("concat", "add"):
        loose = ["crop", "pad", "resize"]
        skip["match"] = draw(st.sampled_from([*loose, *(["strict"] * 4 if fit != "valid" else [])]))
    encoder = draw(st.lists(rows(dims), min_size=1, max_size=3))
    encoder[0]["attention"] = True
    norms = ["none", "rms", "batch", {"groups": 2}, {"groups": 2}, {"groups": 3}]
    attention = {"type": draw(st.sampled_from(NAMES("attention"))), "heads": 2}
    return {
        "archkit": 1,
        "name": "random",
        "input": {"channels": draw(st.integers(1, 3)), "size": size},
        "output": {"variance": draw(st.sampled_from(["none", "learned"]))},
        "fit": fit,
        "prediction": draw(st.sampled_from(NAMES("prediction"))),
        "layout": draw(st.sampled_from(["ddpm", *NAMES("layout")])),
        "norm": draw(st.sampled_from(norms)),
        "attention": attention,
        "block": block,
        "pooling": draw(resamplers("pooling", dims)),
        "upsampling": draw(resamplers("upsampling", dims)),
        "skip": skip,
        "conditioning": draw(conditions(attention["type"])),
        "encoder": encoder,
    }
