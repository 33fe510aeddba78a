"""The tables of the rows, in the state file."""

import sqlite3
from collections.abc import Iterable

NUMBERS: tuple[str, ...] = (
    "requests",
    "ok",
    "exhausted",
    "midstream",
    "blocked",
    "client_error",
    "client_gone",
    "other",
    "fallbacks",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
    "micro_usd",
    "unknown_cost",
)
"""What is added up of finished requests; `fallbacks` have several tries, `unknown_cost` are answers without a cost."""
TRY_NUMBERS: tuple[str, ...] = ("tries", "tries_ok", "tries_failed", "tries_midstream", "tries_skipped")
GENERATION_NUMBERS: tuple[str, ...] = ("generated_tokens", "generated_us")
"""Output tokens after the first one, of streams, and the time they took."""
SLOT_NUMBERS: tuple[str, ...] = (*NUMBERS, *TRY_NUMBERS, *GENERATION_NUMBERS)
DAY_KEY: tuple[str, ...] = ("date", "zone", "provider", "model", "agent", "profile")
SLOT_KEY: tuple[str, ...] = ("start", "minutes", "provider")
OPEN, LOST = "open", "lost"

REQUEST_COLUMNS = {
    "request_id": "TEXT NOT NULL",
    "writer": "TEXT NOT NULL",
    "at": "REAL NOT NULL",
    "start": "REAL NOT NULL",
    "ended": "REAL",
    "outcome": "TEXT NOT NULL",
    "status": "INTEGER",
    "error_type": "TEXT",
    "error": "TEXT",
    "agent": "TEXT",
    "session": "TEXT",
    "request_class": "TEXT",
    "ingress": "TEXT",
    "profile": "TEXT",
    "requested_model": "TEXT",
    "provider": "TEXT",
    "model": "TEXT",
    "attempts": "INTEGER",
    "key_index": "INTEGER",
    "waited_s": "REAL",
    "ttft_s": "REAL",
    "duration_s": "REAL",
    "input_tokens": "INTEGER",
    "output_tokens": "INTEGER",
    "cache_read_tokens": "INTEGER",
    "cache_creation_tokens": "INTEGER",
    "micro_usd": "INTEGER",
    "stop_reason": "TEXT",
    "stream": "INTEGER",
    "tool_calls": "INTEGER",
    "had_tools": "INTEGER",
    "traceparent": "TEXT",
    "steps": "BLOB NOT NULL",
}
"""`at` is when the request ended, or began if it has not; `start` and `ended` are Unix times, too."""


def _create(name: str, columns: dict[str, str], *more: str) -> str:
    declared = (f"{column} {kind}" for column, kind in columns.items())
    return f"CREATE TABLE IF NOT EXISTS {name} ({', '.join((*declared, *more))})"


def _all(names: Iterable[str], kind: str) -> dict[str, str]:
    return dict.fromkeys(names, kind)


_TEXT = "TEXT NOT NULL"
_NUMBER = "INTEGER NOT NULL DEFAULT 0"
STATEMENTS = (
    _create("request", {"id": "INTEGER PRIMARY KEY", **REQUEST_COLUMNS}),
    "CREATE UNIQUE INDEX IF NOT EXISTS request_named ON request (request_id, writer)",
    "CREATE INDEX IF NOT EXISTS request_at ON request (at)",
    f"CREATE INDEX IF NOT EXISTS request_open ON request (writer, at) WHERE outcome = '{OPEN}'",
    "CREATE INDEX IF NOT EXISTS request_session ON request (session, at) WHERE session IS NOT NULL",
    _create(
        "day",
        _all(DAY_KEY, _TEXT) | _all(NUMBERS, _NUMBER),
        f"PRIMARY KEY ({', '.join(DAY_KEY)})",
    )
    + " WITHOUT ROWID",
    _create(
        "slot",
        {"start": "INTEGER NOT NULL", "minutes": "INTEGER NOT NULL", "provider": _TEXT}
        | _all(SLOT_NUMBERS, _NUMBER)
        | {"duration": "BLOB NOT NULL", "first_token": "BLOB NOT NULL"},
        f"PRIMARY KEY ({', '.join(SLOT_KEY)})",
    )
    + " WITHOUT ROWID",
    _create(
        "backlog",
        {"id": "INTEGER PRIMARY KEY", "read_ts": "REAL NOT NULL", "lines": "BLOB NOT NULL"},
    ),
    _create("ended", {"id": "INTEGER PRIMARY KEY", "writer": "TEXT NOT NULL UNIQUE"}),
    _create("undo", {"generation": "INTEGER PRIMARY KEY", "usage": "BLOB NOT NULL"}),
)


def create(db: sqlite3.Connection) -> None:
    """Create the tables that are not there."""
    for statement in STATEMENTS:
        db.execute(statement)


def create_again(db: sqlite3.Connection) -> None:
    """Create all tables, empty."""
    drop(db)
    create(db)


def drop(db: sqlite3.Connection) -> None:
    for name in ("request", "day", "slot", "backlog", "ended", "undo"):
        db.execute(f"DROP TABLE IF EXISTS {name}")
