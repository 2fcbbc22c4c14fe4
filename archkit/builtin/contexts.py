"""Which sequences an attention looks at, and which of their tokens it looks past."""

from __future__ import annotations

from dataclasses import replace

from archkit import Cost, Misfit, Op, Site


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


def past_padding(look: Cost, names: tuple[str, ...], site: Site, around: int = 0) -> Cost:
    """An attention to sequences, past their padding if they have any: each key gets a number.

    Arguments:
        look: Its cost without.
        names: The sequences.
        around: How many keys there are besides.
    """
    if not any(name in site.padding for name in names):
        return look
    keys = around + sum(site.contexts[name].positions for name in names)
    return replace(look, saved=look.saved + keys).holding(keys)


def looking(op: Op, names: tuple[str, ...], site: Site) -> tuple[Op, ...]:
    """An op that is an attention to sequences; its steps where these have padding."""
    told = tuple(site.padding[name] for name in names if name in site.padding)
    if not told:
        return (op,)
    label = op.label.replace("cross-attention", "scores").replace("attention", "scores")
    return (
        replace(op, label=label, name="scores"),
        Op("leave out padding", ("scores", *told), repeat=op.repeat),
        Op("softmax · values", name=op.name, group=op.group, repeat=op.repeat),
    )


def one_width(names: tuple[str, ...], site: Site) -> None:
    """Misfit for sequences of several widths, which can't be read as one."""
    widths = {site.contexts[name].channels for name in names}
    if len(widths) > 1:
        told = " and ".join(map(str, sorted(widths)))
        what = f"sequences of {told} channels can't be looked at as one"
        raise Misfit(what, "give them one `width`, or name a `context`", option=("context",))
