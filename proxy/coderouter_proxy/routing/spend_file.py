"""The SQLite file that keeps what was spent, by month and provider."""

import os
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from coderouter_events import private
from coderouter_events.reasons import reason_of

if TYPE_CHECKING:
    import sqlite3

Entry = tuple[str, str]
"""Month, as in 2026-07, and name of the provider."""

LOCKED_S = 1.0
TOTAL_MAX = 10**18
"""A trillion dollars in micro-dollars, which fits into SQLite's integers; a larger total is invalid."""

_IS_TOTAL = f"typeof(spent.micro_usd) = 'integer' AND spent.micro_usd BETWEEN 0 AND {TOTAL_MAX}"
_ADD = (
    "INSERT INTO spent VALUES (?, ?, ?) ON CONFLICT (month, provider) DO UPDATE SET micro_usd = "
    f"CASE WHEN {_IS_TOTAL} THEN min({TOTAL_MAX}, spent.micro_usd + excluded.micro_usd) ELSE excluded.micro_usd END"
)
_TOTALS = (
    f"SELECT provider, micro_usd FROM spent WHERE month = ? AND typeof(provider) = 'text' AND {_IS_TOTAL}"
)


class SpendFileError(Exception):
    """The file cannot be used, or another process has locked it for longer than `LOCKED_S`."""


class SpendFile:
    """Used by one thread at a time. Amounts are in micro-dollars.

    A row that holds no amount does not count, and the next amount replaces it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database: sqlite3.Connection | None = None
        self._inode: tuple[int, int] | None = None

    def read(self, month: str) -> dict[Entry, int]:
        """Return the totals of the month; none if there is no file, which is not created.

        Raises:
            SpendFileError
        """
        import sqlite3  # noqa: PLC0415 - memory that only those pay who have budgets

        try:
            if not self.path.exists():
                return {}
            with closing(_connect(self.path)) as database:
                return _totals(database, month)
        except (sqlite3.Error, OSError) as error:
            raise SpendFileError(reason_of(error)) from error

    def add(self, amounts: Mapping[Entry, int], month: str) -> dict[Entry, int]:
        """Add the amounts in one transaction and return the totals of the month, including those of other processes.

        Raises:
            SpendFileError: nothing was added.
        """
        import sqlite3  # noqa: PLC0415

        try:
            database = self._connected()
            with database:
                database.executemany(_ADD, [(*entry, amount) for entry, amount in amounts.items()])
                return _totals(database, month)
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise SpendFileError(reason_of(error)) from error

    def close(self) -> None:
        if self._database:
            self._database.close()
        self._database = None

    def _connected(self) -> "sqlite3.Connection":
        """Return the connection that stays open, or a new one if the file was removed or replaced."""
        import sqlite3  # noqa: PLC0415

        if self._database and self._inode == _inode(self.path):
            return self._database
        self.close()
        private.make_folder(self.path.parent)
        with suppress(FileExistsError):
            os.close(private.create(self.path, 0o644))  # SQLite's own mode; its other files get the same
        self._database = _connect(self.path)
        # A commit is then one write without fsync(2): a tenth of the CPU time. Another process may be changing the
        # mode right now; then this connection works in whatever mode there is.
        with suppress(sqlite3.OperationalError):
            self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._inode = _inode(self.path)
        return self._database


def _connect(path: Path) -> "sqlite3.Connection":
    import sqlite3  # noqa: PLC0415

    database = sqlite3.connect(path, timeout=LOCKED_S, check_same_thread=False)
    database.text_factory = lambda raw: raw.decode(errors="replace")
    try:
        database.execute(
            "CREATE TABLE IF NOT EXISTS spent "
            "(month TEXT, provider TEXT, micro_usd INTEGER, PRIMARY KEY (month, provider))"
        )
    except sqlite3.Error:
        database.close()
        raise
    return database


def _totals(database: "sqlite3.Connection", month: str) -> dict[Entry, int]:
    rows = database.execute(_TOTALS, (month,))
    return {(month, provider): micro_usd for provider, micro_usd in rows}


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
