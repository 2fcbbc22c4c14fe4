"""What torchview, torchinfo, fvcore and torch itself say of a network of diffusers.

`pictures_and_numbers.py` calls it, one tool a process: ``python traced.py TOOL NETWORK OUT``.
Beside OUT it writes what the tool found: MACs and parameters, where it counts any.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

from peers import peer

TOKENS = {"stable-diffusion-1.5": (77, 768), "sdxl-base": (77, 2048)}


def main() -> None:
    logging.disable(logging.WARNING)
    tool, name, out = sys.argv[1:]
    found = TOOLS[tool](name, Path(out))
    Path(out).with_suffix(".found").write_text(found)


def network(name: str, device: str = "meta") -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """diffusers' network without initialisers, and what it is called with."""
    import torch
    from torch.nn import init

    for word in ("kaiming_uniform_", "uniform_", "normal_"):
        setattr(init, word, lambda tensor, *_, **__: tensor)
    with torch.device(device):
        model = peer(name).eval()
        side = model.config.sample_size
        given = [torch.zeros(1, model.config.in_channels, side, side), torch.zeros(1)]
        if name in TOKENS:
            given.append(torch.zeros(1, *TOKENS[name]))
        more: dict[str, Any] = {"return_dict": False}
        if name == "sdxl-base":
            told = {"text_embeds": torch.zeros(1, 1280), "time_ids": torch.zeros(1, 6)}
            more["added_cond_kwargs"] = told
    return model, tuple(given), more


def torchview(name: str, out: Path) -> str:
    return _torchview(name, out, 1)


def torchview_2(name: str, out: Path) -> str:
    return _torchview(name, out, 2)


def _torchview(name: str, out: Path, depth: int) -> str:
    from torchview import draw_graph

    model, given, more = network(name)
    drawn = draw_graph(model, input_data=given, depth=depth, device="meta", **more)
    source = drawn.visual_graph.source
    subprocess.run(["dot", "-Tsvg", f"-o{out}"], input=source.encode(), check=True)
    return f"depth {depth}"


def torchinfo(name: str, out: Path) -> str:
    from torchinfo import summary

    model, given, more = network(name)
    told = summary(model, input_data=given, verbose=0, depth=6, device="meta", **more)
    out.write_text(str(told))
    return f"{told.total_mult_adds:,}, {told.total_params:,}"


def fvcore(name: str, out: Path) -> str:
    import torch
    from fvcore.nn import FlopCountAnalysis, flop_count_table

    model, given, more = network(name, "cpu")  # it traces, and traces nothing on meta

    class Answer(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *values: torch.Tensor) -> Any:
            return self.model(*values, **more)[0]

    found = FlopCountAnalysis(Answer(), given)
    found.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
    out.write_text(flop_count_table(found))
    return f"{int(found.total()):,}"


def torch_counter(name: str, out: Path) -> str:
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    model, given, more = network(name)
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        model(*given, **more)
    out.write_text(str(counter.get_flop_counts()))
    parameters = sum(p.numel() for p in model.parameters())
    return f"{counter.get_total_flops() // 2:,}, {parameters:,}"


TOOLS = {
    "torchview": torchview,
    "torchview-2": torchview_2,
    "torchinfo": torchinfo,
    "fvcore": fvcore,
    "torch": torch_counter,
}


if __name__ == "__main__":
    main()
