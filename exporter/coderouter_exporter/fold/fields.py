"""Reads fields of a record that may have invalid values."""

from collections.abc import Mapping, Sequence

from coderouter_exporter.records.record import Record
from coderouter_exporter.records.values import unix_time
from coderouter_exporter.state.state import State

Groups = Mapping[str, Sequence[Record]]
"""Records by the name of their event."""


def event_ts(state: State, record: Record) -> float:
    """Return when the event was written, or the time of the newest event when its own cannot be read."""
    ts = unix_time(record.ts)
    return state.last_event_ts if ts is None else ts


def http_status(record: Record) -> int | None:
    return record.status if record.status is not None and 0 <= record.status <= 999 else None
