"""Where output goes: its width, and tables that fit into it."""

import sys

from rich.console import Console
from rich.table import Table

WIDTH = 120
"""Columns of the output when it is not a terminal."""


def console() -> Console:
    return Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)


def table(*names: str, expand: bool = True, widest: int = 28) -> Table:
    """Return a table without a frame; a `>` before the name of a column aligns it to the right.

    The last column takes what is left of the width if the table is expanded.
    """
    found = Table(box=None, pad_edge=False, expand=expand, header_style="dim")
    for number, name in enumerate(names, start=1):
        is_rest = expand and number == len(names)
        found.add_column(
            name.removeprefix(">"),
            justify="right" if name.startswith(">") else "left",
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if is_rest else None,
            max_width=None if is_rest else widest,
        )
    return found
