"""Requests as lines that fit the terminal, each below the previous one."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Any

from rich.text import Text

from coderouter_exporter.terminal import output, words

GAP = 2
SHORT_ID_CHARS = 12
"""Of the id when there is no room for all of it; `trace` understands it."""
WHOLE_ID_RANK = 9
Row = dict[str, Any]


@dataclass(frozen=True)
class Column:
    name: str
    width: int
    value: Callable[[Row], Text | str]
    right: bool = False
    rank: int = 0
    """Columns of a lower rank are the last to be left out."""


def lines_for(width: int, zone: tzinfo | None, *, dated: bool, id_chars: int) -> "Lines":
    """Return what fits, and at least the time.

    `dated` leaves room for the date before it, `id_chars` is the length of ids.
    """

    def time(row: Row) -> str:
        return words.time_of_day(row["ts"] or row["started"], datetime.now(UTC), zone)

    short = Column("Request", SHORT_ID_CHARS, lambda row: row["request_id"])
    whole = replace(short, width=max(SHORT_ID_CHARS, id_chars), rank=WHOLE_ID_RANK)
    every = (
        Column("Time", 15 if dated else 8, time),
        short,
        Column("Outcome", 14, words.outcome),
        Column("Provider", 16, lambda row: row["provider"] or "", rank=1),
        Column("Model", 24, lambda row: row["model"] or row["requested_model"] or "", rank=8),
        Column("Agent", 12, lambda row: row["agent"] or "", rank=6),
        Column("Session", 12, lambda row: row["session"] or "", rank=10),
        Column("Tries", 5, lambda row: _number(row["attempts"]), right=True, rank=7),
        Column("First", 8, lambda row: words.seconds(row["ttft_s"]), right=True, rank=4),
        Column("Took", 8, lambda row: words.seconds(row["duration_s"]), right=True, rank=2),
        Column("In", 6, lambda row: words.compact(_prompt_tokens(row)), right=True, rank=5),
        Column("Out", 6, lambda row: words.compact(row["output_tokens"]), right=True, rank=5),
        Column("Cost", 9, words.cost_of, right=True, rank=3),
    )
    chosen = dict[str, Column]()
    for column in sorted((*every, whole), key=lambda column: column.rank):
        widened = chosen | {column.name: column}
        if not chosen or _width(widened.values()) <= width:
            chosen = widened
    return Lines([chosen[column.name] for column in every if column.name in chosen], every)


class Lines:
    def __init__(self, columns: Sequence[Column], every: Sequence[Column]) -> None:
        self._columns = columns
        names = {column.name for column in columns}
        left_out = [column.name for column in every if column.name not in names]
        self.note = output.wider(_width(every), left_out) if left_out else ""
        """Which width would show the columns that do not fit; empty if all do."""

    def header(self) -> Text:
        cells = [Text(column.name, "dim") for column in self._columns]
        return self._joined(cells)

    def of(self, row: Row) -> Iterator[Text]:
        """Yield the line of the request, and one for its error."""
        cells = [words.line(column.value(row)) for column in self._columns]
        yield self._joined(cells)
        error = "" if row["outcome"] in ("ok", "open") else words.why_failed(row)
        if error:
            yield words.line(" " * (self._columns[0].width + GAP), Text(words.clean(error), "red"))

    def _joined(self, cells: list[Text]) -> Text:
        for column, cell in zip(self._columns, cells, strict=True):
            is_id = column.name == "Request"  # whose beginning can be copied
            cell.truncate(column.width, overflow="crop" if is_id else "ellipsis", pad=not column.right)
            if column.right:
                cell.align("right", column.width)
        return Text(" " * GAP, no_wrap=True).join(cells)


def _width(columns: Iterable[Column]) -> int:
    return sum(column.width + GAP for column in columns) - GAP


def _prompt_tokens(row: Row) -> int | None:
    """Return all tokens of the prompt, cached or not."""
    found = [row[f"{name}_tokens"] for name in ("input", "cache_read", "cache_creation")]
    known = [number for number in found if number is not None]
    return sum(known) if known else None


def _number(value: int | None) -> str:
    return words.NONE if value is None else f"{value:,}"
