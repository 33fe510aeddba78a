"""Which of two lines was written later, and which times can be trusted.

Clocks are set, jump and start in 1970, so `ts` decides neither: the numbers of a writer do, and between writers the
order in which lines are read.
"""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from coderouter_exporter.state.sequences import SEQ_MAX

CLOCK_ERROR_S_MAX = 300.0
FIRST_TS = datetime(2020, 1, 1, tzinfo=UTC).timestamp()
"""Before any event. A clock that was never set starts in 1970, or when its firmware was built."""


Line = tuple[str, int]
"""Writer and number of a line that has both."""
When = tuple[float, Line | None, bool]
"""The time in a line, which line it is, and whether the time is suspect. Built often, hence without names."""


class OfLine(Protocol):
    @property
    def line(self) -> Line | None: ...


Entry = TypeVar("Entry", bound=OfLine)


def is_newer(line: Line | None, than: Line | None) -> bool:
    """Return whether a line that is read now was written after one that was read before."""
    return line is None or than is None or line[0] != than[0] or line[1] > than[1]


def possible(now_ts: float) -> tuple[float, float]:
    """Return the first and the last time that a clock may give, if it is `now_ts` now; infinite: if that is unknown."""
    return FIRST_TS if FIRST_TS <= now_ts < math.inf else -math.inf, now_ts + CLOCK_ERROR_S_MAX


def is_suspect(ts: float, now_ts: float) -> bool:
    """Return whether the clock that gave this time must have been wrong, if it is `now_ts` now."""
    first_ts, last_ts = possible(now_ts)
    return not first_ts <= ts <= last_ts


def newest(kept: Sequence[Entry], read: Iterable[Entry], limit: int) -> list[Entry]:
    """Return the newest of the entries kept and those read now, oldest first."""
    entries = [*kept, *read]
    return (entries if _is_in_order(entries) else _in_order(entries))[-limit:]


def _is_in_order(entries: Sequence[OfLine]) -> bool:
    last: dict[str, int] = {}
    for entry in entries:
        if (line := entry.line) is not None:
            writer, seq = line
            if seq < last.get(writer, 0):
                return False
            last[writer] = seq
    return True


def _in_order(entries: Sequence[Entry]) -> list[Entry]:
    """Move each entry that was read late before the first one that its writer wrote after it."""
    seqs: defaultdict[str, list[int]] = defaultdict(list)
    places: defaultdict[str, list[int]] = defaultdict(list)
    keys: list[tuple[int, int]] = []
    for at, entry in enumerate(entries):
        key = at, SEQ_MAX
        if entry.line is not None:
            writer, seq = entry.line
            following = bisect_left(seqs[writer], seq)
            if following < len(seqs[writer]):
                key = places[writer][following], seq
            else:
                seqs[writer].append(seq)
                places[writer].append(at)
        keys.append(key)
    return [entries[at] for at in sorted(range(len(entries)), key=keys.__getitem__)]
