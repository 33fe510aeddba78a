"""Writes the rows of requests: begun ones are open, ended ones have an outcome, those of dead writers are lost."""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from operator import itemgetter

from coderouter_events.events import RequestFinished
from coderouter_exporter.families.kinds import MICRO, MISSING
from coderouter_exporter.records.columns import scaled
from coderouter_exporter.records.record import Record
from coderouter_exporter.records.values import unix_time
from coderouter_exporter.rows import story
from coderouter_exporter.rows.story import Step, clipped, seconds, whole
from coderouter_exporter.rows.tables import LOST, OPEN, REQUEST_COLUMNS
from coderouter_exporter.state.order import is_suspect

Key = tuple[str, str]
"""The id of the request, and the writer that has it."""
IsDead = Callable[[str, float], bool]
"""Returns whether a writer has ended, given when a request of it began that has no end."""

REQUEST_ID_CHARS_MAX = 200
ENDED_MAX = 4096

_NAMES = tuple(REQUEST_COLUMNS)
_INSERT = (
    f"INSERT INTO request ({', '.join(_NAMES)}) VALUES ({', '.join('?' * len(_NAMES))}) "
    f"ON CONFLICT (request_id, writer) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _NAMES[2:])
)
_INSERT_OPEN = (
    "INSERT INTO request (request_id, writer, at, start, outcome, error, error_type, profile, stream, steps) "
    f"VALUES (?, ?, ?, ?, '{OPEN}', ?, ?, ?, ?, ?)"
)
_SELECT = "SELECT request_id, writer, steps FROM request WHERE request_id IN ({})"
SELECTED_AT_ONCE = 500
"""SQLite takes 999 parameters or more."""
_UPDATE = (
    "UPDATE request SET error = ?, error_type = ifnull(error_type, ?), steps = ? "
    "WHERE request_id = ? AND writer = ?"
)


def key_of(record: Record) -> Key:
    return (record.request_id or "")[:REQUEST_ID_CHARS_MAX], (record.writer or "")[:REQUEST_ID_CHARS_MAX]


def write(db: sqlite3.Connection, records: Iterable[Record], read_ts: float) -> None:
    """Add the events to the rows of their requests. The order of the calls does not matter."""
    groups: defaultdict[Key, list[Record]] = defaultdict(list)
    for record in records:
        if record.request_id and record.msg in story.EVENTS:
            groups[key_of(record)].append(record)
    known_steps = _known_steps(db, groups)
    changes: list[tuple[str, tuple[object, ...]]] = []
    for key, group in groups.items():
        known = known_steps.get(key)
        steps = list(map(story.step_of, group))
        if known is not None:
            steps += story.decode(known)
        if len(steps) > 1:
            steps = story.in_order(steps)
        finished = next((record for record in group if record.msg == RequestFinished.msg), None)
        if finished is not None:
            changes.append((_INSERT, _ended(key, finished, steps, read_ts)))
        elif known is None:
            changes.append((_INSERT_OPEN, _begun(key, group, steps, read_ts)))
        else:
            failure = story.last_failure(steps)
            error, kind = (failure.error, failure.error_type) if failure else (None, None)
            changes.append((_UPDATE, (error, kind, story.encode(steps), *key)))
    # In order: of requests that end at the same time, the one that was written first is removed first.
    for statement, run in groupby(changes, itemgetter(0)):
        db.executemany(statement, map(itemgetter(1), run))


def _known_steps(db: sqlite3.Connection, keys: Iterable[Key]) -> dict[Key, bytes]:
    """Return the steps of those requests that have a row."""
    ids = list({request_id for request_id, _ in keys})
    found: dict[Key, bytes] = {}
    for at in range(0, len(ids), SELECTED_AT_ONCE):
        part = ids[at : at + SELECTED_AT_ONCE]
        rows = db.execute(_SELECT.format(", ".join("?" * len(part))), part)
        found |= {(request_id, writer): steps for request_id, writer, steps in rows}
    return found


def _ended(key: Key, record: Record, steps: list[Step], read_ts: float) -> tuple[object, ...]:
    ended = _possible(unix_time(record.ts), read_ts)
    duration_s = seconds(record.duration_s)
    failure = story.last_failure(steps)
    micro_usd = MISSING if record.cost_usd is None else scaled(record.cost_usd, MICRO)
    return (
        *key,
        ended,
        ended - (duration_s or 0.0),
        ended,
        clipped(record.outcome) or "other",
        whole(record.status),
        clipped(record.error_type) or (failure.error_type if failure else None),
        failure.error if failure else None,
        clipped(record.agent),
        clipped(record.session),
        clipped(record.request_class),
        clipped(record.ingress),
        clipped(record.profile),
        clipped(record.requested_model),
        clipped(record.provider),
        clipped(record.model),
        whole(record.attempts),
        whole(record.key_index),
        seconds(record.waited_s),
        seconds(record.ttft_s),
        duration_s,
        whole(record.input_tokens),
        whole(record.output_tokens),
        whole(record.cache_read_tokens),
        whole(record.cache_creation_tokens),
        None if micro_usd == MISSING else micro_usd,
        clipped(record.stop_reason),
        record.stream,
        whole(record.tool_calls),
        record.had_tools,
        clipped(record.traceparent),
        story.encode(steps),
    )


def _begun(key: Key, group: Sequence[Record], steps: list[Step], read_ts: float) -> tuple[object, ...]:
    start = _possible(steps[0].ts or None, read_ts)
    failure = story.last_failure(steps)
    return (
        *key,
        start,
        start,
        failure.error if failure else None,
        failure.error_type if failure else None,
        clipped(next((found for record in group if (found := record.resolved_profile)), None)),
        next((record.stream for record in group if record.stream is not None), None),
        story.encode(steps),
    )


def _possible(ts: float | None, read_ts: float) -> float:
    return read_ts if ts is None or is_suspect(ts, read_ts) else min(ts, read_ts)


def forget(db: sqlite3.Connection, keys: Iterable[Key], until: float = 0.0) -> None:
    """Remove what was open of these requests, and all that ended until then: newer ones were not kept."""
    db.executemany(f"DELETE FROM request WHERE request_id = ? AND writer = ? AND outcome = '{OPEN}'", keys)
    if until:
        db.execute(f"DELETE FROM request WHERE at <= ? AND outcome != '{OPEN}'", (until,))


def open_keys(db: sqlite3.Connection) -> set[Key]:
    return set(db.execute(f"SELECT request_id, writer FROM request WHERE outcome = '{OPEN}'"))


def note_ended(db: sqlite3.Connection, writers: Iterable[str]) -> None:
    """Note writers that have written their last line; of old ones no open request is left."""
    names = ((writer[:REQUEST_ID_CHARS_MAX],) for writer in writers)
    db.executemany("INSERT OR IGNORE INTO ended (writer) VALUES (?)", names)
    db.execute("DELETE FROM ended WHERE id <= (SELECT max(id) FROM ended) - ?", (ENDED_MAX,))


def close_ended(db: sqlite3.Connection) -> None:
    """Close the open requests of writers that have ended."""
    db.execute(
        f"UPDATE request SET outcome = '{LOST}' WHERE outcome = '{OPEN}' AND writer IN (SELECT writer FROM ended)"
    )


def close_lost(db: sqlite3.Connection, is_dead: IsDead) -> dict[str, float]:
    """Close the open requests of dead writers; return the others' writers, with when their newest one began."""
    writers = dict(
        db.execute(f"SELECT writer, max(at) FROM request WHERE outcome = '{OPEN}' GROUP BY writer").fetchall()
    )
    dead = [writer for writer, at in writers.items() if is_dead(writer, at)]
    for writer in dead:
        db.execute(
            f"UPDATE request SET outcome = '{LOST}' WHERE outcome = '{OPEN}' AND writer = ?", (writer,)
        )
        del writers[writer]
    return writers


def evict(db: sqlite3.Connection, most: int) -> None:
    """Keep so many requests that have ended, the newest ones, and as many open ones."""
    (every,) = db.execute("SELECT count(*) FROM request").fetchone()
    if every <= most:
        return
    (number_open,) = db.execute(f"SELECT count(*) FROM request WHERE outcome = '{OPEN}'").fetchone()
    for condition, number in (
        (f"outcome != '{OPEN}'", every - number_open),
        (f"outcome = '{OPEN}'", number_open),
    ):
        if number > most:
            oldest = f"SELECT id FROM request WHERE {condition} ORDER BY at, id LIMIT ?"
            db.execute(f"DELETE FROM request WHERE id IN ({oldest})", (number - most,))
