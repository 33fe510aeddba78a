"""Adds a batch of records to the state."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from coderouter_events.events import RequestFinished
from coderouter_exporter.families.exporter import (
    BYTES_READ,
    DUPLICATES,
    EVENTS_READ,
    LINES,
    NUL_BYTES,
    UNPROVEN,
)
from coderouter_exporter.fold.latest import list_newest, newest_of, update_latest
from coderouter_exporter.fold.plans import PLANS
from coderouter_exporter.fold.reading import Reading
from coderouter_exporter.fold.spending import add_costs, costs_of
from coderouter_exporter.records.columns import Columns
from coderouter_exporter.records.decode import Batch, Chunk, read_batch
from coderouter_exporter.records.record import Record
from coderouter_exporter.rows.pending import Pending
from coderouter_exporter.state.minutes import MINUTE_S, only_minute
from coderouter_exporter.state.order import is_suspect
from coderouter_exporter.state.sequences import is_numbered
from coderouter_exporter.state.state import State


def fold(state: State, chunk: Chunk, read_ts: float = math.inf, pending: Pending | None = None) -> None:
    """Add the chunk to the state: its bytes, its lines, and every event that was not counted before.

    `read_ts` is when it was read. Without it, no time in it is suspect. `pending` takes what becomes rows.
    """
    state.add(BYTES_READ, (), chunk.bytes_read)
    if chunk.oversize:
        state.add(LINES, ("oversize",), chunk.oversize)
    if chunk.nul_bytes:
        state.add(LINES, ("nul",), 1)
        state.add(NUL_BYTES, (), chunk.nul_bytes)
    if chunk.data:
        _fold_batch(state, chunk, read_batch(chunk.data), read_ts, pending)


def _fold_batch(state: State, chunk: Chunk, batch: Batch, read_ts: float, pending: Pending | None) -> None:
    for reason, lines in batch.rejected.items():
        state.add(LINES, (reason,), lines)
    if batch.nul_bytes:
        state.add(NUL_BYTES, (), batch.nul_bytes)
    if batch.records:
        _fold_records(state, chunk, batch, read_ts, pending)


def _fold_records(state: State, chunk: Chunk, batch: Batch, read_ts: float, pending: Pending | None) -> None:
    new, all_numbered, follows = state.writers.take(batch.records, file=chunk.file, at_path=chunk.at_path)
    if len(new) < len(batch.records):
        state.add(LINES, ("duplicate",), len(batch.records) - len(new))
        state.add(DUPLICATES, (), len(batch.records) - len(new))
    groups = grouped(new)
    finished = count_groups(state, groups)
    if not all_numbered:
        _count_unproven(state, new)
    reading = Reading(state=state, data=batch.data, records=new, groups=groups, read_ts=read_ts)
    _count_minutes(reading, batch, finished, pending)
    add_costs(state, costs_of(groups.get(RequestFinished.msg, ()), read_ts))
    newest = newest_of(new)
    replaces = follows and newest.is_full
    list_newest(reading, lambda: newest, replaces=replaces, postpone=pending is not None)
    update_latest(reading)


def grouped(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Return the records by the name of their event."""
    groups: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        groups[record.msg].append(record)
    return groups


def count_groups(state: State, groups: Mapping[str, list[Record]]) -> Columns | None:
    """Add new records to the totals; return the columns of finished requests, if there are any."""
    finished = None
    for event, records in groups.items():
        plan = PLANS.get(event)
        state.add(LINES, ("unknown" if plan is None else "event",), len(records))
        if plan is not None:
            state.add(EVENTS_READ, (event,), len(records))
            columns = plan.count(state, records)
            if event == RequestFinished.msg:
                finished = columns
    return finished


def _count_minutes(reading: Reading, batch: Batch, finished: Columns | None, pending: Pending | None) -> None:
    """Add what requests came to, minute by minute; usually the batch is of one."""
    state, read_ts = reading.state, reading.read_ts
    minute = None if pending is None else possible_minute(reading.records, read_ts)
    whole = None
    if pending is not None:
        whole = pending.take(state, batch, reading.records, reading.groups, finished, read_ts, minute)
    if whole is not None:
        assert minute is not None
        state.minutes.add({minute: whole}, read_ts)
    elif finished is not None:
        state.minutes.count(reading.groups[RequestFinished.msg], finished, read_ts)


def possible_minute(records: Sequence[Record], read_ts: float) -> int | None:
    """Return the minute in which all of the records were written, if that is obvious and possible."""
    minute = only_minute(records)
    return None if minute is None or is_suspect(minute * MINUTE_S, read_ts) else minute


def _count_unproven(state: State, records: list[Record]) -> None:
    """Count the records of known events without a usable number."""
    unproven = [
        record for record in records if record.msg in PLANS and not is_numbered(record.writer, record.seq)
    ]
    if unproven:
        state.add(UNPROVEN, (), len(unproven))
