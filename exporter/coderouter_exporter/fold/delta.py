"""What a chunk adds, counted apart from the state: by another process, while the chunks before it are still folded.

It can be added to any state that has seen none of the chunk's lines, with the same result as folding the chunk.
"""

import sys
from functools import partial

import msgspec

from coderouter_events.events import RequestFinished
from coderouter_exporter.families.exporter import BYTES_READ, LINES, NUL_BYTES
from coderouter_exporter.fold.deciding import deciding
from coderouter_exporter.fold.fold import count_groups, grouped, possible_minute
from coderouter_exporter.fold.latest import Newest, list_newest, newest_of, update_latest
from coderouter_exporter.fold.reading import Reading
from coderouter_exporter.fold.spending import Costs, add_costs, costs_of
from coderouter_exporter.records.decode import CONFIGURATION_EVENTS, Chunk, read_batch
from coderouter_exporter.records.record import decode_records, encode_records
from coderouter_exporter.rows.passed import Ended, Passed, passed
from coderouter_exporter.rows.pending import DIRECT_RECORDS_MAX, Pending, days_zone
from coderouter_exporter.rows.usage import Usage
from coderouter_exporter.state.minutes import Minute, counted
from coderouter_exporter.state.sequences import Runs, runs_of
from coderouter_exporter.state.state import Counts, Histograms, State


class Delta(msgspec.Struct, array_like=True, kw_only=True):
    runs: Runs
    counts: Counts
    histograms: Histograms
    minutes: dict[int, Minute]
    costs: Costs
    usage: Usage
    newest_attempts: bytes
    """This and the next two are those of `Newest`; all records are encoded by `encode_records`."""
    newest_events: bytes
    is_full: bool
    latest: bytes
    """The events that decide what else is shown beside the counts."""
    ended: Ended
    """This and the next two are those of `Passed`."""
    ended_ids: list[str | None]
    still_open: bytes


def delta_of(data: bytes, read_ts: float, zone: str) -> Delta | None:
    """Return what the lines add if they are many, and nothing in them depends on the lines before; else None.

    `read_ts` is when they were read, `zone` the one that days are counted in.
    """
    batch = read_batch(data)
    records = batch.records
    groups = grouped(records)
    if len(records) <= DIRECT_RECORDS_MAX or not CONFIGURATION_EVENTS.isdisjoint(groups):
        return None
    runs = runs_of(records)
    if runs is None:
        return None
    counts = State(created_ts=0.0, series_max=sys.maxsize)
    for reason, lines in batch.rejected.items():
        counts.add(LINES, (reason,), lines)
    if batch.nul_bytes:
        counts.add(NUL_BYTES, (), batch.nul_bytes)
    columns = count_groups(counts, groups)
    minute = possible_minute(records, read_ts)
    usage = Usage({}, {})
    whole = usage.count(groups, columns, zone, read_ts, minute)
    finished = groups.get(RequestFinished.msg, [])
    if whole is not None and minute is not None:
        minutes = {minute: whole}
    else:
        minutes = counted(finished, columns, read_ts) if columns is not None else {}
    part = passed(records, finished)
    newest = newest_of(records)
    try:
        encoded = [
            encode_records(each)
            for each in (newest.attempts, newest.events, deciding(records, groups), part.still_open)
        ]
    except OverflowError:
        return None
    return Delta(
        runs=runs,
        counts=counts.counts,
        histograms=counts.histograms,
        minutes=minutes,
        costs=costs_of(finished, read_ts),
        usage=usage,
        newest_attempts=encoded[0],
        newest_events=encoded[1],
        is_full=newest.is_full,
        latest=encoded[2],
        ended=part.ended,
        ended_ids=part.ended_ids,
        still_open=encoded[3],
    )


def add_delta(state: State, chunk: Chunk, delta: Delta, zone: str, read_ts: float, pending: Pending) -> bool:
    """Add what `delta_of` has returned for the chunk, or nothing: then the chunk is to be folded. Return which."""
    if chunk.oversize or chunk.nul_bytes or days_zone(state) != zone:
        return False
    if not state.has_room_for(delta.counts, delta.histograms):
        return False
    follows = state.writers.follows(delta.runs)
    if not state.writers.take_runs(delta.runs, file=chunk.file, at_path=chunk.at_path):
        return False
    state.add(BYTES_READ, (), chunk.bytes_read)
    state.add_all(delta.counts, delta.histograms)
    records = decode_records(delta.latest)
    groups = grouped(records)
    still_open = decode_records(delta.still_open)
    part = Passed(delta.ended, delta.ended_ids, still_open)
    pending.take_counted(chunk.data, delta.usage, part, groups, read_ts)
    if delta.minutes:
        state.minutes.add(delta.minutes, read_ts)
    add_costs(state, delta.costs)
    reading = Reading(state=state, data=b"", records=records, groups=groups, read_ts=read_ts)
    list_newest(reading, partial(_newest, delta), replaces=follows and delta.is_full, postpone=True)
    update_latest(reading)
    return True


def _newest(delta: Delta) -> Newest:
    return Newest(decode_records(delta.newest_attempts), decode_records(delta.newest_events))


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Delta).decode
