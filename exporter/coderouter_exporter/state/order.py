"""Which of two lines was written later, and which times can be trusted.

Clocks are set, jump and start in 1970, so `ts` decides neither: the numbers of a writer do, and between writers the
order in which lines are read.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol, TypeVar

CLOCK_ERROR_S_MAX = 300.0
FIRST_TS = datetime(2020, 1, 1, tzinfo=UTC).timestamp()
"""Before any event. A clock that was never set starts in 1970, or when its firmware was built."""


class Line(NamedTuple):
    """Identifies a line that has a writer and a number."""

    writer: str
    seq: int


class When(NamedTuple):
    """The time and place of a line as they are shown."""

    ts: float
    line: Line | None
    suspect: bool
    """The time was impossible when the line was read."""


class OfLine(Protocol):
    @property
    def line(self) -> Line | None: ...


Entry = TypeVar("Entry", bound=OfLine)


def is_newer(line: Line | None, than: Line | None) -> bool:
    """Return whether a line that is read now was written after one that was read before."""
    return line is None or than is None or line.writer != than.writer or line.seq > than.seq


def is_suspect(ts: float, now_ts: float) -> bool:
    """Return whether the clock that gave this time must have been wrong, if it is `now_ts` now."""
    return ts > now_ts + CLOCK_ERROR_S_MAX or ts < FIRST_TS <= now_ts < math.inf


def newest(kept: Sequence[Entry], read: Iterable[Entry], limit: int) -> list[Entry]:
    """Return the newest of the entries kept and those read now, oldest first."""
    merged = list(kept)
    last = {entry.line.writer: entry.line.seq for entry in kept if entry.line is not None}
    for entry in read:
        line = entry.line
        if line is not None and line.seq < last.get(line.writer, 0):
            merged.insert(_place(merged, line), entry)
        else:
            merged.append(entry)
            if line is not None:
                last[line.writer] = line.seq
    return merged[-limit:]


def _place(entries: Sequence[OfLine], line: Line) -> int:
    """Return the index of the first entry that the same writer wrote later."""
    return next(at for at, entry in enumerate(entries) if not is_newer(line, entry.line))
