"""What has been read and is to become rows with the next commit."""

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from coderouter_events.events import RequestFinished, Shutdown, WorkerLost
from coderouter_exporter.records.columns import Columns
from coderouter_exporter.records.decode import (
    CONFIGURATION_EVENTS,
    Batch,
    configuration_events,
    read_line,
)
from coderouter_exporter.records.record import Record
from coderouter_exporter.records.values import as_int, as_text, unix_time
from coderouter_exporter.rows import backlog, outbox, requests, usage_tables
from coderouter_exporter.rows.backlog import Entry
from coderouter_exporter.rows.outbox import Unsent
from coderouter_exporter.rows.passed import Ended, Passed, ended_of, passed
from coderouter_exporter.rows.requests import IsDead, Key, key_of
from coderouter_exporter.rows.usage import Usage, zone_name
from coderouter_exporter.state.minutes import Minute
from coderouter_exporter.state.order import Line, is_newer, is_suspect
from coderouter_exporter.state.sequences import ENDED_REPORTED_MAX, is_numbered
from coderouter_exporter.state.state import State

REQUESTS_MAX = 20_000
DIRECT_RECORDS_MAX = 1500
"""Records of a chunk that become rows with the commit; those of larger ones do so when there is time."""
SKIPPED_MAX = 8
"""Parts of the backlog that a commit leaves out: a reader waits for it, and each takes four milliseconds."""
WAITING_RECORDS_MIN = 200
"""Records of a chunk that become rows when there is time although they are few, as long as nobody reads rows."""
DIRECT_CHUNKS_MAX = 32
"""Of small chunks beyond, the rows are made when there is time, too: it bounds the memory between two commits."""
LOOK_EVERY_S = 2.0
"""How often it looks for requests that will never end, unless a process has ended."""
REACH = 2
"""Events are skipped that are followed by so many times the bytes of as many requests as are kept."""
REACH_BYTES_MIN = 1 << 24


class Written(NamedTuple):
    """What is in the tables once the commit has worked."""

    writers: dict[str, float]
    """Of open requests, as `close_lost` returns them."""
    open_keys: set[Key] | None
    backlog: int
    ended: list[Ended]
    """What ends in the newest entries of the backlog."""
    unsent: Unsent | None


def days_zone(state: State) -> str:
    """Return the zone that days are counted in."""
    return zone_name(state.startup.display_timezone if state.startup else None)


class Pending:
    """Collects what the fold reads. Only `write` touches the tables, in the transaction of a commit."""

    def __init__(self, requests_max: int = REQUESTS_MAX, *, exports: bool = False) -> None:
        self.requests_max = requests_max
        self.exports = exports
        """Requests that have ended are collected for an export."""
        self.exported = 0
        """The position up to which they are exported."""
        self.unsent: Unsent | None = None
        """What is still to be exported, as of the last commit."""
        self.rows_can_wait = False
        """Many events come, and nobody reads rows."""
        self.bytes_behind = 0
        """How many bytes of its file follow the chunk that is taken next."""
        self.take_back = False
        """The last commit was lost: what it had added to days and slots is subtracted with the next one."""
        self.open_keys: set[Key] | None = None
        """Requests that are open in the tables; None while that is not known, and so none of their ends is skipped."""
        self.looks_for_lost = False
        """Some open request is known to have lost its process."""
        self._looked_ts = 0.0
        self._writers: dict[str, float] = {}
        self.backlog = 0
        """How many entries of the backlog have not become rows."""
        self.ended_in_backlog: list[Ended] = []
        """What ends in the newest of them."""
        self.clear()

    def clear(self) -> None:
        """Forget everything, because it is committed, or because it is read again."""
        self.usage = Usage({}, {})
        self.ended: set[str] = set()
        """Writers that have written their last line."""
        self._direct: list[tuple[float, Sequence[Record]]] = []
        self._stash: list[Entry] = []
        self._carried: dict[Key, tuple[float, list[Record]]] = {}
        self._closed: list[Key] = []
        self._skipped_until = 0.0
        self._skipped = 0

    def take(
        self,
        state: State,
        batch: Batch,
        new: Sequence[Record],
        groups: Mapping[str, Sequence[Record]],
        columns: Columns | None,
        read_ts: float,
        minute: int | None = None,
    ) -> Minute | None:
        """Take the new records of a batch, which the state has not followed yet; `minute` as in `Usage.count`."""
        startup, zone = state.startup, days_zone(state)
        whole = None
        if CONFIGURATION_EVENTS.isdisjoint(groups):
            whole = self.usage.count(groups, columns, zone, read_ts, minute)
        else:
            reports = configuration_events(batch.data)
            zones = {
                (as_text(fields.get("writer")), as_int(fields.get("seq"))): as_text(
                    fields.get("display_timezone")
                )
                for fields in reports
            }
            line = startup.line if startup else None
            self._count_by_zone(new, zone, line, zones, read_ts, known=startup is not None)
            for fields in reports:
                reported = fields.get("ended_writers")
                if isinstance(reported, dict):
                    self.ended.update(list(reported)[:ENDED_REPORTED_MAX])
        self._note_ended(groups)
        records_max = WAITING_RECORDS_MIN if self.rows_can_wait else DIRECT_RECORDS_MAX
        is_direct = len(new) <= records_max and len(self._direct) < DIRECT_CHUNKS_MAX
        if self.requests_max and is_direct:
            self._direct.append((read_ts, new))
        elif self.requests_max:
            lines, finished = _lines_of(batch, new), groups.get(RequestFinished.msg, ())
            if self._is_out_of_reach(len(lines), len(finished)):
                self._skip(passed(new, finished), read_ts)
            else:
                self._stash.append(Entry(read_ts, backlog.compressed(lines), ended_of(finished)))
        return whole

    def take_counted(
        self,
        lines: bytes,
        usage: Usage,
        part: Passed,
        groups: Mapping[str, Sequence[Record]],
        read_ts: float,
    ) -> None:
        """Take many new records that were counted elsewhere; `groups` has at least those of ended processes."""
        self.usage.add(usage)
        self._note_ended(groups)
        if self.requests_max:
            if self._is_out_of_reach(len(lines), part.ended.number):
                self._skip(part, read_ts)
            else:
                self._stash.append(Entry(read_ts, backlog.compressed(lines), part.ended))

    def _note_ended(self, groups: Mapping[str, Sequence[Record]]) -> None:
        for event in (Shutdown.msg, WorkerLost.msg):
            self.ended.update(record.writer for record in groups.get(event, ()) if record.writer)

    def write(self, db: sqlite3.Connection, number: int, now_ts: float, is_dead: IsDead) -> Written:
        """Write the rows with generation `number`."""
        if self.take_back:
            for (undone,) in db.execute("SELECT usage FROM undo").fetchall():
                usage_tables.subtract(db, usage_tables.decode_usage(undone), now_ts)
        outbox.keep(db, on=self.exports, after=max(self.exported, int(now_ts * 1000)))
        usage_tables.add(db, self.usage, now_ts)
        db.execute("DELETE FROM undo")
        db.execute("INSERT INTO undo VALUES (?, ?)", (number, usage_tables.encode_usage(self.usage)))
        if self._closed or self._skipped_until:
            requests.forget(db, self._closed, self._skipped_until)
        for read_ts, records in (*self._carried.values(), *self._direct):
            requests.write(db, records, read_ts)
        backlog.add(db, self._stash)
        ended = [*self.ended_in_backlog, *(entry.ended for entry in self._stash)]
        requests.note_ended(db, self.ended)
        backlog_size = backlog.size(db)
        if len(ended) == backlog_size and not self.exports:
            skipped = backlog.out_of_reach(ended, self.requests_max, SKIPPED_MAX)
            for _ in range(skipped):
                backlog.skip_oldest(db)
            backlog_size -= skipped
            del ended[:skipped]
        is_due = self.looks_for_lost or self.ended or not 0 <= now_ts - self._looked_ts < LOOK_EVERY_S
        if is_due and not backlog_size:  # otherwise their ends may be in it
            requests.close_ended(db)
            self._looked_ts, self._writers = now_ts, requests.close_lost(db, is_dead)
        writers = self._writers
        requests.evict(db, self.requests_max)
        if self.exports:
            outbox.advance(db, self.exported)
            outbox.add_lost(db, self._skipped - self.lost)
        open_keys = requests.open_keys(db) if self.bytes_behind > REACH_BYTES_MIN else None
        unsent = outbox.unsent(db) if self.exports else None
        return Written(writers, open_keys, backlog_size, ended, unsent)

    @property
    def lost(self) -> int:
        """How many requests were lost to the export; the next commit reports them."""
        return self.unsent.lost if self.unsent else 0

    def committed(self, written: Written | None) -> None:
        """Continue after the commit of what was written; None: it was left out."""
        self.clear()
        self.take_back = self.looks_for_lost = False
        if written is not None:
            self.open_keys, self.backlog = written.open_keys, written.backlog
            self.ended_in_backlog = written.ended
            self.unsent = written.unsent
        elif self.unsent is not None:
            self.unsent = self.unsent._replace(lost=0)

    def _count_by_zone(
        self,
        new: Sequence[Record],
        zone: str,
        line: Line | None,
        zones: Mapping[tuple[str | None, int | None], str | None],
        read_ts: float,
        *,
        known: bool,
    ) -> None:
        """Count each event in the zone of the newest configuration before it."""
        groups: defaultdict[str, list[Record]] = defaultdict(list)
        for record in new:
            if record.msg in CONFIGURATION_EVENTS:
                own = (record.writer, record.seq) if is_numbered(record.writer, record.seq) else None
                if not known or is_newer(own, line):  # type: ignore[arg-type]
                    self.usage.count(groups, None, zone, read_ts)
                    groups.clear()
                    zone, line, known = zone_name(zones.get((record.writer, record.seq))), own, True  # type: ignore[assignment]
            groups[record.msg].append(record)
        self.usage.count(groups, None, zone, read_ts)

    def _is_out_of_reach(self, size: int, finished: int) -> bool:
        if self._direct or self._stash or self.backlog or self.open_keys is None:
            return False  # requests may have begun there that end here
        needed = REACH * self.requests_max * size // finished if finished else 0
        return bool(finished) and self.bytes_behind > max(REACH_BYTES_MIN, needed)

    def _skip(self, part: Passed, read_ts: float) -> None:
        """Leave out the requests that end here: more than are kept come after them. Keep those that do not."""
        self._skipped += part.ended.number
        ended = set(part.ended_ids)
        for key in [key for key in self._carried if key[0] in ended]:
            del self._carried[key]
        self._closed += [key for key in self.open_keys or () if key[0] in ended]
        for record in part.still_open:
            self._carried.setdefault(key_of(record), (read_ts, []))[1].append(record)
        latest = unix_time(part.ended.last)
        if latest is not None and not is_suspect(latest, read_ts):
            self._skipped_until = max(self._skipped_until, latest)


def _lines_of(batch: Batch, new: Sequence[Record]) -> bytes:
    """Return the lines of the batch that hold its new records."""
    if len(new) == len(batch.records) and not batch.rejected:
        return batch.data
    wanted = {(record.writer, record.seq) for record in new}
    return b"".join(
        line + b"\n"
        for line in batch.data.split(b"\n")
        if isinstance(found := read_line(line), str) or (found.writer, found.seq) in wanted
    )
