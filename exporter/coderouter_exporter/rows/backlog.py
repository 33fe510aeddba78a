"""Events that are committed and become rows when there is time: their lines, compressed."""

import sqlite3
from collections.abc import Sequence

from coderouter_exporter.records.decode import read_batch
from coderouter_exporter.rows import requests

try:
    from compression import zstd  # type: ignore[import-not-found, unused-ignore] # Python 3.14
except ImportError:
    from backports import zstd

LEVEL = -3


def compressed(lines: bytes) -> bytes:
    return bytes(zstd.compress(lines, LEVEL))


def add(db: sqlite3.Connection, entries: Sequence[tuple[float, bytes]]) -> None:
    """Add the lines, each with when they were read."""
    db.executemany("INSERT INTO backlog (read_ts, lines) VALUES (?, ?)", entries)


def size(db: sqlite3.Connection) -> int:
    (number,) = db.execute("SELECT count(*) FROM backlog").fetchone()
    return int(number)


def write_oldest(db: sqlite3.Connection, requests_max: int) -> None:
    """Make rows of the oldest entry.

    A row that is removed again because newer ones are kept must have all of its events by then.
    """
    found = db.execute("SELECT read_ts, lines FROM backlog ORDER BY id LIMIT 1").fetchone()
    if found is None:
        return
    read_ts, lines = found
    if requests_max:
        requests.write(db, read_batch(zstd.decompress(lines)).records, read_ts)
        requests.evict(db, requests_max)
    drop_oldest(db)
    if not size(db):
        requests.close_ended(db)
        requests.evict(db, requests_max)


def drop_oldest(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM backlog WHERE id = (SELECT min(id) FROM backlog)")
