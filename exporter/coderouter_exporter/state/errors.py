"""Errors that keep the state file from being used, and whether they may pass."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coderouter_exporter.names import shown

DAMAGE = (sqlite3.Error, UnicodeDecodeError)
"""The exceptions that SQLite raises for a damaged file; decoding its message may fail as well."""
_PASSING = frozenset(
    (
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    )
)
"""Errors of the disk, of permissions or of a lock. All others mean that the file is damaged."""
_DAMAGED = frozenset((sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))
"""Errors of tables that are damaged, or not as they were created."""


_UNREADABLE = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))


class StateError(Exception):
    """The state file cannot be used; the message names it and says what to do."""


class StateUnavailable(Exception):
    """The state file cannot be used now, for example because the disk is full: to be tried again."""


class TablesDamaged(Exception):
    """The tables beside the document cannot be changed; nothing was written."""


class Busy(Exception):
    """The tables cannot be read now."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Raise `StateUnavailable` for what may pass, and `StateError` for what a person has to repair."""
    try:
        yield
    except OSError as error:
        raise StateUnavailable(unwritable(path, error.strerror)) from error
    except DAMAGE as error:
        if is_passing(error):
            raise StateUnavailable(unwritable(path, error)) from error
        raise StateError(unusable(path, error)) from error


def are_tables_damaged(error: sqlite3.Error) -> bool:
    """Return whether a change of the tables failed in a way that trying again does not help."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


def are_rows_unreadable(error: sqlite3.Error) -> bool:
    """Return whether a query met damage of the file."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _UNREADABLE


def is_passing(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _PASSING


def unwritable(path: Path, reason: object) -> str:
    return (
        f"cannot write the state file {shown(path)} ({reason}); make it writable, or choose another path with "
        "--state"
    )


def unusable(path: Path, reason: object) -> str:
    return (
        f"cannot use the state file {shown(path)} ({reason}); its totals are not reset to zero: restore a good copy, "
        "or start once with --state-reset to set it aside and count the event files again from their beginning"
    )
