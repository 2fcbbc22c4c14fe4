"""Which sequences an attention looks at."""

from __future__ import annotations

from archkit import Misfit, Site


def named(context: str | tuple[str, ...] | None, site: Site) -> tuple[str, ...]:
    """The conditions that an option `context` names; Misfit for one that is no sequence.

    All that are sequences if it is None, and none of them where it says ``none``.
    """
    known = tuple(site.contexts)
    if context == "none":
        return ()
    chosen = known if context is None else context
    chosen = (chosen,) if isinstance(chosen, str) else chosen
    for name in chosen:
        if name not in known:
            others = "".join(f"use `{k}`, or " for k in known)
            raise Misfit(
                f"no condition that is a sequence is called `{name}`",
                f"{others}declare it, as in `conditioning: {{{name}: sequence}}`",
                code="missing-context",
                option=("context",),
            )
    return chosen
