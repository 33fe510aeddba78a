"""Where output goes: its width, and tables that fit into it."""

import csv
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDTH = 120
"""Columns of the output when it is not a terminal."""
GAP = 2
NAME_WIDTH_MIN = 10


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


@dataclass(frozen=True)
class Column:
    """A column with its cells; those of the highest rank are left out first when there is no room."""

    name: str
    cells: Sequence[Text]
    right: bool = False
    """It has numbers, which are never cut; names are, down to `width_min`, unless they are `fixed`."""
    fixed: bool = False
    width_min: int = NAME_WIDTH_MIN
    rank: int = 0

    @property
    def width(self) -> int:
        return max(len(self.name), *(cell.cell_len for cell in self.cells))

    @property
    def least(self) -> int:
        return self.width if self.right or self.fixed else min(self.width, self.width_min)


def fitted(columns: Sequence[Column], width: int, *, total: bool = False) -> Table:
    """Return a table of what fits into the width; with `total` the last row is in bold."""
    shown = list(columns)
    while len(shown) > 1 and sum(column.least + GAP for column in shown) - GAP > width:
        shown.remove(max(shown, key=lambda column: column.rank))
    left = width - sum(column.least + GAP for column in shown) + GAP
    found = Table(box=None, pad_edge=False, header_style="dim", padding=(0, GAP, 0, 0))
    for column in shown:
        more = min(column.width - column.least, max(0, left))
        left -= more
        found.add_column(
            column.name,
            justify="right" if column.right else "left",
            no_wrap=True,
            overflow="ellipsis",
            width=column.least + more,
        )
    last = len(shown[0].cells) - 1
    for number in range(last + 1):
        style = "bold" if total and number == last else ""
        found.add_row(*(column.cells[number] for column in shown), style=style)
    return found


def print_csv(lines: Iterable[bytes], limit: int | None = None) -> None:
    """Print CSV of the API: its header and at most `limit` records."""
    records = csv.reader(line.decode() for line in lines)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerows(islice(records, None if limit is None else limit + 1))
