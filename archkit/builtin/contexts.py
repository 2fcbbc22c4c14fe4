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


def padded(names: tuple[str, ...], site: Site) -> tuple[str, ...]:
    """Sequences, each before the condition that says which of its tokens are padding, if any."""
    words = ((name, site.padding.get(name)) for name in names)
    return tuple(word for pair in words for word in pair if word)


def one_width(names: tuple[str, ...], site: Site) -> None:
    """Misfit for sequences of several widths, which can't be read as one."""
    widths = {site.contexts[name].channels for name in names}
    if len(widths) > 1:
        told = " and ".join(map(str, sorted(widths)))
        what = f"sequences of {told} channels can't be looked at as one"
        raise Misfit(what, "give them one `width`, or name a `context`", option=("context",))
