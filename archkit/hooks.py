"""The hooks a plugin may implement; their docstrings are the reference."""

from __future__ import annotations

from collections.abc import Mapping

import pluggy

from .component import Component

API = 1
"""The version of these hooks; a plugin may state the one it was written for, ``ARCHKIT_API = 1``."""

hookspec = pluggy.HookspecMarker("archkit")
hookimpl = pluggy.HookimplMarker("archkit")


@hookspec
def archkit_components() -> Mapping[str, type[Component] | str]:
    """Offer components to specs.

    Returns:
        A mapping from ``kind.name``, such as ``block.resnet``, to the component class, or to
        where it is, ``"package.module:Class"``: it is then imported when first looked up.
    """
    raise NotImplementedError
