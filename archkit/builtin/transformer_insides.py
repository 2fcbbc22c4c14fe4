"""What diagrams show inside a transformer block: its steps, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archkit import Op, Site

if TYPE_CHECKING:
    from .transformers import TransformerBlock


def block(part: TransformerBlock, site: Site) -> tuple[Op, ...]:
    """The steps of a transformer block."""
    c, count, wide = site.x.channels, part.count(site), part.hidden(site)
    told = "1 head" if count == 1 else f"{count} heads"
    told += {"product": "", "cosine": ", cosine"}[part.similarity]
    told += {"none": "", "axial": ", turned"}[part.positions]
    where = {"everywhere": "", "neighbours": " to {0} nearest", "windows": " in windows of {0}"}
    area = where[part.area].format("×".join([str(part.size)] * site.dims))
    gate = "GEGLU" if part.gated and part.activation.type == "gelu" else "MLP"
    return (
        *_norm(part, site, "x"),
        Op(f"Linear {c} → 3 × {c}"),
        Op(f"attention{area}, {told}", group="attention"),
        Op(f"Linear {c} → {c}", name="branch"),
        Op("+", ("branch", "x"), "looked"),
        *_norm(part, site, "looked"),
        Op(f"{gate} {c} → {wide} → {c}", name="branch"),
        Op("+", ("branch", "looked")),
    )


def _norm(part: TransformerBlock, site: Site, reads: str) -> tuple[Op, ...]:
    """A norm, scaled where there is an embedding."""
    steps = part.norm.steps(site, "normed", (reads,)) or (Op("norm", (reads,), "normed"),)
    if site.embedding is None:
        return steps
    linear = Op(f"Linear {site.embedding} → {site.x.channels}", ("embedding",), "vectors")
    return (*steps, linear, Op("×", ("normed", "vectors")))
