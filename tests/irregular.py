"""Networks that are irregular in one way each, for whatever has to cope with all of them."""

from typing import Any

_INPUT = {"channels": 3, "size": 64}
_ROWS = [
    {"channels": 64, "blocks": 2},
    {"channels": 128, "blocks": 2, "attention": True},
    {"channels": 256, "blocks": 2},
]
_WIDE = {"type": "conv", "stride": 1, "width": "next"}
_CONDITIONS = {
    "label": {"type": "label", "classes": 1000},
    "pooled": {"type": "vector", "channels": 1280},
    "text": {"type": "sequence", "channels": 4096},
    "layout": {"type": "sequence", "channels": 512},
}
_WIDTHS = (64, 128, 128, 256, 256, 512, 1024)
_IMAGES = {
    "mask": {"type": "image", "channels": 1},
    "hint": {"type": "image", "channels": 3, "into": "stem"},
    "label": {"type": "label", "into": "time"},
}
_PYRAMIDS = {
    "type": "ddpm",
    "enter": "keep=image stem tap",
    "descend": "down down@image join=image tap",
    "ascend": "up up@picture",
    "decode": "(join block attention)*(n+1) head@picture",
    "leave": "use=picture",
}
_REGISTERS = {
    "image": {"pooling": {"type": "conv", "width": "next"}, "skip": "add"},
    "picture": {"upsampling": {"type": "nearest", "conv": False}, "skip": "add"},
}


def _network(**says: Any) -> dict[str, Any]:
    return {"archkit": 1, "input": _INPUT, "encoder": _ROWS, **says}


IRREGULAR: dict[str, dict[str, Any]] = {
    "register": _network(
        layout="lucidrains",
        pooling={"type": "conv", "width": "next"},
        upsampling={"type": "nearest", "width": "next"},
        encoder=[*_ROWS[:2], {**_ROWS[2], "pooling": _WIDE}],
    ),
    "no-bottleneck": _network(layout="k-diffusion", pooling="blur", upsampling="blur"),
    "gated": _network(layout="k-diffusion", skip="gated"),
    "one-skip-a-stage": _network(layout="hourglass"),
    "flat": _network(layout="flat", encoder=[{"channels": 128, "blocks": 6, "attention": True}]),
    "no-skips": _network(skip="none"),
    "added": _network(skip="add", encoder=[{"channels": 128, "blocks": 2}] * 3),
    "images": _network(conditioning=_IMAGES),
    "preconditioned": _network(precondition="edm", prediction={"type": "sample", "path": "edm"}),
    "one-level": _network(encoder=_ROWS[:1]),
    "bottleneck-only": _network(layout="classic", norm="rms", encoder=_ROWS[:1]),
    "seven-levels": _network(
        input={"channels": 3, "size": 256},
        output={"variance": "learned"},
        prediction="noise",
        attention={"type": "transformer", "heads": 8},
        conditioning=_CONDITIONS,
        encoder=[{"channels": c, "blocks": 3, "attention": c in (256, 512)} for c in _WIDTHS],
    ),
    "padded": _network(input={"channels": 3, "size": [50, 70]}, fit="pad"),
    "padded-one-level": _network(
        input={"channels": 3, "size": [50]},
        fit="pad",
        norm="none",
        encoder=[{"channels": 4}],
    ),
    "joint-sequences": _network(
        attention={"type": "joint", "heads": 2, "context_norm": "layer"}, conditioning=_CONDITIONS
    ),
    "half": _network(layout="controlnet", conditioning={"hint": {"type": "hint", "widths": [8]}}),
    "steered": _network(conditioning={"edges": "residuals", "pose": "residuals"}),
    "steered-once-a-stage": _network(
        layout="classic", norm="rms", conditioning={"time": "none", "control": "residuals"}
    ),
    "asymmetric": _network(decoder=[{"channels": 32}, {"attention": False}, {}]),
    "text-alone": _network(
        prediction="none",
        attention={"type": "transformer", "heads": 8},
        conditioning={"time": "none", "text": {"type": "sequence", "channels": 512}},
    ),
    "falling": _network(encoder=[{"channels": c, "blocks": 1} for c in (256, 128, 64)]),
    "pyramids": _network(layout=_PYRAMIDS, registers=_REGISTERS),
    "resampling-blocks": _network(
        pooling="block",
        upsampling="block",
        block={"type": "resnet", "method": "adaln-zero", "scale": "sqrt(1/2)"},
    ),
    "still": _network(encoder=[{**_ROWS[0], "pooling": "none"}, *_ROWS[1:]]),
    "long": _network(input={"channels": 2, "size": [1024]}),
}
for _name, _spec in IRREGULAR.items():
    _spec["name"] = _name
