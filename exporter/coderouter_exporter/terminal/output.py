"""Where output goes: its width, and tables that fit into it."""

import csv
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from rich.console import Console
from rich.text import Text

WIDTH = 120
"""Columns of the output when it is not a terminal."""
GAP = 2
NAME_WIDTH_MIN = 10


def console() -> Console:
    return Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)


@dataclass(frozen=True)
class Column:
    """A column with its cells; those of the highest rank are left out first when there is no room, those of 0 never."""

    name: str
    cells: Sequence[Text]
    right: bool = False
    """It has numbers, which are never cut; names are, down to `width_min`, unless they are `fixed`."""
    fixed: bool = False
    width_min: int = NAME_WIDTH_MIN
    rank: int = 0

    @property
    def width(self) -> int:
        return max(len(self.name), self._cells_width)

    @property
    def least(self) -> int:
        if self.right:
            return self.width
        least = self._cells_width if self.fixed else self.width_min
        return min(self.width, max(least, min(len(self.name), NAME_WIDTH_MIN)))

    @property
    def _cells_width(self) -> int:
        return max((cell.cell_len for cell in self.cells), default=0)


def fitted(
    columns: Sequence[Column], width: int, *, total: bool = False, below: Sequence[Text] = ()
) -> list[Text]:
    """Return the lines of a table with the columns that fit into the width; the last line names the others.

    With `total` the last row is in bold; `below` has a text for the line below each row, which may be empty.
    """
    shown = list(columns)
    while (optional := [column for column in shown if column.rank]) and width_of(shown) > width:
        shown.remove(max(optional, key=lambda column: column.rank))
    left = width - width_of(shown)
    widths = []
    for column in shown:
        more = min(column.width - column.least, max(0, left))
        left -= more
        widths.append(column.least + more)
    lines = [_joined([Text(column.name, "dim") for column in shown], shown, widths, width)]
    last = len(shown[0].cells) - 1
    for number in range(last + 1):
        row = _joined([column.cells[number] for column in shown], shown, widths, width)
        if total and number == last:
            row.stylize("bold")
        lines.append(row)
        if below and below[number]:
            lines.append(_cut(Text.assemble(" " * GAP, below[number]), width))
    left_out = [column.name for column in columns if column not in shown]
    if left_out:
        lines.append(_cut(Text(wider(width_of(columns), left_out), "dim"), width))
    return lines


def wider(width: int, columns: Sequence[str]) -> str:
    """Return that this width shows these columns too."""
    return f"A width of {width} shows also: {', '.join(columns)}"


def width_of(columns: Sequence[Column]) -> int:
    """Return the width in which all of them fit."""
    return sum(column.least + GAP for column in columns) - GAP


def _joined(cells: Sequence[Text], columns: Sequence[Column], widths: Sequence[int], width: int) -> Text:
    parts = []
    for cell, column, room in zip(cells, columns, widths, strict=True):
        part = cell.copy()
        part.truncate(room, overflow="ellipsis", pad=not column.right)
        if column.right:
            part.align("right", room)
        parts.append(part)
    joined = Text(" " * GAP).join(parts)
    joined.rstrip()
    return _cut(joined, width)


def _cut(text: Text, width: int) -> Text:
    """Return the text as one line of that width at most."""
    text.no_wrap, text.overflow = True, "ellipsis"
    text.truncate(width, overflow="ellipsis")
    return text


def print_csv(lines: Iterable[bytes], limit: int | None = None) -> None:
    """Print CSV of the API: its header and at most `limit` records."""
    records = csv.reader(line.decode() for line in lines)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerows(islice(records, None if limit is None else limit + 1))
