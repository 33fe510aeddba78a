"""Events that are committed and become rows when there is time: their lines, compressed."""

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import accumulate, islice
from typing import NamedTuple

from coderouter_events.events import RequestFinished
from coderouter_exporter.records.decode import read_batch
from coderouter_exporter.records.record import Record
from coderouter_exporter.rows import requests
from coderouter_exporter.rows.passed import Ended

try:
    from compression import zstd  # type: ignore[import-not-found, unused-ignore] # Python 3.14
except ImportError:
    from backports import zstd

LEVEL = -3


class Entry(NamedTuple):
    read_ts: float
    lines: bytes
    """Compressed."""
    ended: Ended


def out_of_reach(entries: Sequence[Ended], requests_max: int, entries_max: int | None = None) -> int:
    """Return how many of the oldest entries, of at most so many, only end requests that would be removed again.

    After each of them as many requests end as are kept, according to the entries that follow.
    """
    oldest = entries[:entries_max]
    for place, ended in enumerate(oldest):
        following = (other.number for other in islice(entries, place + 1, None) if other.first >= ended.last)
        if not any(number >= requests_max for number in accumulate(following, initial=0)):
            return place
    return len(oldest)


def compressed(lines: bytes) -> bytes:
    return bytes(zstd.compress(lines, LEVEL))


def add(db: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    db.executemany("INSERT INTO backlog (read_ts, lines) VALUES (?, ?)", (entry[:2] for entry in entries))


def size(db: sqlite3.Connection) -> int:
    (number,) = db.execute("SELECT count(*) FROM backlog").fetchone()
    return int(number)


def write_oldest(db: sqlite3.Connection, requests_max: int) -> None:
    """Make rows of the oldest entry.

    A row that is removed again because newer ones are kept must have all of its events by then.
    """
    read_ts, records = _oldest(db)
    if requests_max:
        requests.write(db, records, read_ts)
        requests.evict(db, requests_max)
    drop_oldest(db)
    if not size(db):
        requests.close_ended(db)
        requests.evict(db, requests_max)


def skip_oldest(db: sqlite3.Connection) -> None:
    """Leave out the requests that end in the oldest entry, and make rows of the others in it."""
    read_ts, records = _oldest(db)
    ended = {requests.key_of(record) for record in records if record.msg == RequestFinished.msg}
    requests.forget(db, ended)
    requests.write(db, [record for record in records if requests.key_of(record) not in ended], read_ts)
    drop_oldest(db)


def _oldest(db: sqlite3.Connection) -> tuple[float, list[Record]]:
    """Return when the oldest entry was read, and its records; none if there is no entry."""
    found = db.execute("SELECT read_ts, lines FROM backlog ORDER BY id LIMIT 1").fetchone()
    if found is None:
        return 0.0, []
    read_ts, lines = found
    return read_ts, read_batch(zstd.decompress(lines)).records


def drop_oldest(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM backlog WHERE id = (SELECT min(id) FROM backlog)")
