"""A batch of new records, in the order in which they were read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from coderouter_exporter.records.record import Record
from coderouter_exporter.records.values import unix_time
from coderouter_exporter.state.order import Line, When, possible
from coderouter_exporter.state.sequences import is_numbered
from coderouter_exporter.state.state import State


class Times(NamedTuple):
    """The first and the last time that an event can have, and the time of one whose own cannot be read."""

    first_ts: float
    last_ts: float
    unreadable_ts: float

    def when(self, record: Record) -> When:
        ts = unix_time(record.ts)
        if ts is None:
            ts = self.unreadable_ts
        return ts, line_of(record), not self.first_ts <= ts <= self.last_ts


@dataclass(slots=True, kw_only=True)
class Reading:
    state: State
    data: bytes
    """The lines of the batch, which may hold duplicates as well."""
    records: list[Record]
    groups: Mapping[str, Sequence[Record]]
    """The records by the name of their event."""
    read_ts: float
    """When they were read, by the clock of this machine; infinite if that does not matter."""
    has_suspects: bool = field(default=False, init=False)
    """Whether the time that `event_ts` returned for any record is that of reading."""
    _first_ts: float = field(init=False)
    _last_ts: float = field(init=False)

    def __post_init__(self) -> None:
        self._first_ts, self._last_ts = possible(self.read_ts)

    def of(self, *events: str) -> Sequence[Record]:
        """Return the records of these events."""
        present = [self.groups[event] for event in events if event in self.groups]
        if len(present) < 2:
            return present[0] if present else ()
        return [record for record in self.records if record.msg in events]

    def event_ts(self, record: Record) -> float:
        """Return when the event happened as far as that is known: if its time is suspect, when it was read."""
        ts = self.written_ts(record)
        if self._first_ts <= ts <= self._last_ts:
            return min(ts, self.read_ts)
        self.has_suspects = True
        return self.read_ts

    def written_ts(self, record: Record) -> float:
        """Return the time in the record, or that of the event before it when its own cannot be read."""
        ts = unix_time(record.ts)
        return self.state.last_event_ts if ts is None else ts

    @property
    def times(self) -> Times:
        return Times(self._first_ts, self._last_ts, self.state.last_event_ts)

    def when(self, record: Record) -> When:
        return self.times.when(record)


def line_of(record: Record) -> Line | None:
    writer, seq = record.writer, record.seq
    return (writer, seq) if seq is not None and is_numbered(writer, seq) else None


def http_status(record: Record) -> int | None:
    return record.status if record.status is not None and 0 <= record.status <= 999 else None
