"""The text of plugins."""

from textwrap import dedent

HEAD = """\
from typing import Literal

from archkit import Block, Pooling, hookimpl
"""


def offering(name: str, *, base: str = "Block", kind: str = "block") -> str:
    """The text of a plugin with one component."""
    return HEAD + dedent(f'''
        class Offered({base}):
            """A component of a test."""

            type: Literal["{name}"] = "{name}"

            def build(self, site):
                raise NotImplementedError

        @hookimpl
        def archkit_components():
            return {{"{kind}.{name}": Offered}}
    ''')
