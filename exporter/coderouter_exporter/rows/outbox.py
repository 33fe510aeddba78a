"""The requests that have ended and are still to be exported, numbered in the order in which they ended.

Triggers fill it in the transaction that ends a request, whatever does that; a request that is removed before it was
exported is counted as lost. Without an exporter the triggers do not exist.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from coderouter_exporter.families.kinds import Counter
from coderouter_exporter.rows.tables import OPEN, REQUEST_COLUMNS

_TABLES = (
    "CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, request INTEGER NOT NULL UNIQUE)",
    "CREATE TABLE outbox_lost (number INTEGER NOT NULL)",
    "INSERT INTO outbox_lost VALUES (0)",
)
_ADD = (
    f"WHEN NEW.outcome != '{OPEN}' BEGIN DELETE FROM outbox WHERE request = NEW.id; "
    "INSERT INTO outbox (request) VALUES (NEW.id); END"
)
_TRIGGERS = {
    "outbox_inserted": f"AFTER INSERT ON request {_ADD}",
    # An event that is read late changes the story of a request that has ended: it is exported again.
    "outbox_updated": f"AFTER UPDATE OF outcome, steps ON request {_ADD}",
    "outbox_removed": "AFTER DELETE ON request WHEN EXISTS (SELECT 1 FROM outbox WHERE request = OLD.id) "
    "BEGIN UPDATE outbox_lost SET number = number + 1; DELETE FROM outbox WHERE request = OLD.id; END",
}

_NAMES = tuple(REQUEST_COLUMNS)
_SELECT = (
    f"SELECT outbox.id, {', '.join(f'request.{name}' for name in _NAMES)} FROM outbox "
    "JOIN request ON request.id = outbox.request WHERE outbox.id > ? ORDER BY outbox.id LIMIT ?"
)
_STEPS = _NAMES.index("steps") + 1


class Row(NamedTuple):
    """A request of the outbox, as its table has it."""

    position: int
    values: dict[str, Any]


class Unsent(NamedTuple):
    """What is still to be exported."""

    number: int = 0
    oldest_ts: float = 0.0
    """When the one that has waited longest ended; 0 if there is none."""
    lost: int = 0
    """How many were removed before they were exported, and are not reported yet."""


class Delivery(NamedTuple):
    """What an export has achieved: to be committed."""

    counts: Sequence[tuple[Counter, tuple[str, ...], int]]
    position: int = 0
    """Every request of the outbox up to this number is exported."""


def is_on(db: sqlite3.Connection) -> bool:
    """Return whether requests that end are collected."""
    query = "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name = 'outbox_inserted'"
    (triggers,) = db.execute(query).fetchone()
    return bool(triggers)


def keep(db: sqlite3.Connection, *, on: bool, after: int = 0) -> None:
    """Collect requests that end from now on, numbered from `after`; or stop that and forget what was collected."""
    if is_on(db) == on:
        return
    for name in _TRIGGERS:
        db.execute(f"DROP TRIGGER IF EXISTS {name}")
    for table in ("outbox", "outbox_lost"):
        db.execute(f"DROP TABLE IF EXISTS {table}")
    if on:
        for statement in _TABLES:
            db.execute(statement)
        db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('outbox', ?)", (after,))
        for name, what in _TRIGGERS.items():
            db.execute(f"CREATE TRIGGER {name} {what}")


def unsent(db: sqlite3.Connection) -> Unsent:
    """Return what waits, of an outbox that is on."""
    (number,) = db.execute("SELECT count(*) FROM outbox").fetchone()
    oldest = db.execute(
        "SELECT request.at FROM outbox JOIN request ON request.id = outbox.request ORDER BY outbox.id LIMIT 1"
    ).fetchone()
    (lost,) = db.execute("SELECT number FROM outbox_lost").fetchone()
    return Unsent(number, oldest[0] if oldest else 0.0, lost)


def advance(db: sqlite3.Connection, position: int) -> None:
    """Remove all up to the position."""
    db.execute("DELETE FROM outbox WHERE id <= ?", (position,))


def add_lost(db: sqlite3.Connection, number: int) -> None:
    """Count requests as lost that never become rows, or, with a negative number, as reported."""
    db.execute("UPDATE outbox_lost SET number = max(0, number + ?)", (number,))


def read(db: sqlite3.Connection, after: int, number: int, steps_bytes_max: int) -> list[Row]:
    """Return the next rows after a position: so many at most, and so many bytes of steps unless one has more."""
    rows: list[Row] = []
    total = 0
    for found in db.execute(_SELECT, (after, number)):
        total += len(found[_STEPS])
        if rows and total > steps_bytes_max:
            break
        rows.append(Row(found[0], dict(zip(_NAMES, found[1:], strict=True))))
    return rows
