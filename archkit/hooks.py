"""The hooks a plugin may implement; their docstrings are the reference.

Each is called once, when plugins are loaded. What is given as an import string,
``"package.module:name"``, is imported when it is first looked up, so that it costs nothing before.
"""

# Hooks are declared, and never called as such: pluggy wants no body.
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from typing import TYPE_CHECKING

import pluggy

from .component import Component

if TYPE_CHECKING:
    import click

    from .drawing import Drawing

API = 1
"""The version of these hooks; a plugin may state that it was made for: ``ARCHKIT_API = 1``."""

hookspec = pluggy.HookspecMarker("archkit")
hookimpl = pluggy.HookimplMarker("archkit")


@hookspec
def archkit_components() -> Mapping[str, type[Component] | str]:
    """Offer components to specs.

    Returns:
        A mapping from ``kind.name``, such as ``block.resnet``, to the component class, or to
        where it is. Layouts and importers are components too.
    """


@hookspec
def archkit_specs() -> Iterable[str | PathLike[str]]:
    """Offer specs, which commands take by name, and which others may extend.

    Returns:
        Folders, with their whole path; each ``NAME.yaml`` in them is offered as ``NAME``.
    """


@hookspec
def archkit_writers() -> Mapping[str, Callable[[Drawing], str | bytes] | str]:
    """Offer formats to `archkit draw`.

    Returns:
        A mapping from a suffix without its dot, such as ``json``, to a function from a Drawing
        (with its `plan`, `outline`, `scene` and `style`) to what is written, or to where it is.
    """


@hookspec
def archkit_commands() -> Mapping[str, click.Command | str]:
    """Offer commands to ``archkit NAME``; they see `-p` as archkit's own do.

    Returns:
        A mapping from the name to the command, or to where it is.
    """
