"""Options of the built-in components, one variant a line: every option, every word it may be."""

from typing import Any

HALF = {"type": "avg", "stride": 3}
RMS = {"type": "rms"}

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "block.resnet": [
        {"method": "scale-shift", "norm": RMS},
        {"method": "multiply", "dropout": 0.1, "activation": "gelu"},
        {"method": "adaln-zero", "zero_init": False, "norm": "layer"},
        {"method": "none", "kernel": 5, "scale": "sqrt(1/2)", "norm": "batch"},
        {"shortcut": "resample", "kernel": 1, "norm": {"type": "group", "groups": 3}},
    ],
    "block.conv": [
        {"count": 2, "padding": "valid", "norm": "none", "activation": "relu"},
        {"method": "scale-shift", "bias": False, "norm": "instance"},
        {"method": "multiply", "kernel": 5, "dropout": 0.2},
        {"method": "none", "count": 3, "norm": "batch"},
        {"method": "add", "kernel": 4, "padding": "valid"},
    ],
    "attention.self": [
        {"heads": 4, "norm": RMS},
        {"head_width": 16, "zero_init": False},
        {"scale": "sqrt(1/2)", "norm": "none"},
    ],
    "attention.transformer": [
        {"heads": 2, "depth": 2, "projection": "linear"},
        {"head_width": 8, "context": "none", "norm": "layer"},
        {"context": ["text", "pose"], "feed_forward": 2, "dropout": 0.1, "zero_init": False},
        {"context": "pose"},
    ],
    "pooling.max": [{"stride": 3}, {"stride": [1, 2]}, {"odd": "refuse"}],
    "pooling.avg": [{"stride": 3}, {"stride": [2, 1, 2]}, {"odd": "refuse"}],
    "pooling.conv": [
        {"padding": "end"},
        {"stride": 1, "width": "next"},
        {"stride": [1, 2], "kernel": 5},
        {"stride": 3, "kernel": 1},
        {"kernel": 4, "padding": "end"},
    ],
    "pooling.blur": [{"taps": [1.0, 2.0, 1.0]}, {"stride": [1, 2]}, {"stride": 3, "taps": [1, 1]}],
    "pooling.unshuffle": [{"width": "next"}, {"stride": [2, 1]}, {"stride": 3}],
    "pooling.block": [
        {"by": {"type": "blur", "stride": [2, 1]}, "block": {"type": "resnet", "method": "none"}},
        {"by": "conv", "block": {"type": "resnet", "shortcut": "resample", "norm": RMS}},
        {"by": "max", "block": {"type": "resnet", "method": "scale-shift"}},
    ],
    "upsampling.nearest": [{"stride": [1, 3], "width": "next"}, {"conv": False}],
    "upsampling.bilinear": [{"stride": 3, "width": "next"}, {"conv": False}],
    "upsampling.transposed": [{"kernel": 4}, {"stride": [1, 2], "width": "keep"}],
    "upsampling.shuffle": [{"width": "next"}, {"stride": [1, 2, 2]}],
    "upsampling.blur": [{"taps": [1.0, 2.0, 1.0]}, {"stride": [2, 1]}],
    "upsampling.block": [
        {"by": {"type": "blur", "stride": 2}, "block": {"type": "resnet", "method": "none"}},
        {"by": {"type": "transposed", "width": "keep"}, "block": {"type": "resnet", "norm": RMS}},
        {"by": "bilinear", "block": {"type": "resnet", "method": "adaln-zero"}},
    ],
    "skip.concat": [
        {"order": "skip-first", "match": "crop"},
        {"scale": "sqrt(1/2)", "match": "pad"},
        {"match": "resize"},
    ],
    "skip.add": [{"match": "crop"}, {"match": "pad", "scale": 0.5}, {"match": "resize"}],
    "skip.gated": [{"width": 2}],
    "norm.group": [
        {"groups": 1, "eps": 1e-6},
        {"groups": 3, "affine": False},
        {"min_width": 4},
        {"width": 5},
    ],
    "norm.layer": [{"affine": False, "eps": 1e-3}],
    "norm.rms": [{"affine": False, "eps": 1e-3}],
    "norm.instance": [{"affine": False, "eps": 1e-3}],
    "norm.batch": [{"affine": False, "eps": 1e-3, "momentum": 0.5}],
    "activation.gelu": [{"approximate": "tanh"}],
    "activation.leaky-relu": [{"slope": 0.2}],
    "stem.conv": [{"channels": 5, "kernel": 1}, {"kernel": 7}],
    "head.conv": [{"kernel": 1, "norm": "none", "activation": "none"}, {"zero_init": False}],
    "time.sinusoidal": [
        {"order": "sin-cos", "shift": 1, "channels": 5},
        {"width": 6, "scale": 0.5, "period": 100.0, "activation": "gelu"},
    ],
    "time.fourier": [
        {"order": "sin-cos", "std": 0.5, "channels": 4},
        {"width": 6, "scale": 2.0, "activation": "relu"},
    ],
    "time.learned": [{"channels": 5, "width": 6}, {"scale": 0.5, "activation": "mish"}],
    "embedding.sum": [{"activation": "none"}],
    "condition.label": [{"dropout": 0.0, "classes": 1}, {"dropout": 0.3, "into": "time"}],
    "condition.vector": [
        {"channels": 3, "sizes": 2, "size_width": 5, "into": "time"},
        {"channels": 3, "layers": 1, "bias": False},
        {"channels": 3, "activation": "gelu"},
    ],
    "condition.sequence": [{"channels": 4, "tokens": 3}],
    "condition.image": [
        {"into": "stem", "channels": 1},
        {"into": "stem", "resize": "nearest"},
        {"resize": "linear"},
    ],
    "precondition.edm": [{"sigma_data": 1.0}],
    "precondition.over-sigma": [{"time": 0.25}],
    "path.linear": [{"data_at": 0}],
    "path.cosine": [
        {"steps": 50, "offset": 0.0, "max_beta": 0.99},
        {"steps": 20, "zero_terminal": True},
    ],
    "path.ddpm": [
        {"steps": 50, "beta_start": 1e-3, "beta_end": 0.1},
        {"steps": 20, "zero_terminal": True},
    ],
    "path.scaled-linear": [
        {"steps": 50, "beta_start": 1e-3, "beta_end": 0.1},
        {"steps": 20, "zero_terminal": True},
    ],
    "prediction.velocity": [{"toward": "noise"}, {"path": {"type": "linear", "data_at": 0}}],
    "prediction.noise": [{"path": "cosine"}],
    "prediction.score": [{"path": "scaled-linear"}],
    "prediction.sample": [{"path": "linear"}],
    "prediction.v": [{"path": {"type": "ddpm", "zero_terminal": True, "steps": 30}}],
}
